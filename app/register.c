// touchline register: tells the chain where this miner listens (the subnet's serve_axon transaction).
//
// Order: read the key, ask the chain what it needs, show everything, let the node judge the signed transaction without
// sending it, ask, send, look whether it arrived.
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "axon.h"
#include "chain_options.h"
#include "interrupt.h"
#include "wallet_secret.h"

enum { ERA_BLOCKS = 64, ARRIVAL_TRIES = 10, BLOCK_S = 12, PROTOCOL = 4 };

typedef struct RegisterValues {
    TlWalletNames wallet;
    TlChainNames chain;
    char ip[64], seed[80], genesis[80];
    int port, dry_run, yes, nonce, spec_version, transaction_version;
} RegisterValues;

static RegisterValues g_values;

#define WALLET                   offsetof(RegisterValues, wallet)
#define TEXT(field)              TL_TEXT_AT(0, RegisterValues, field)
#define NUMBER(field, low, high) TL_INT_AT(0, RegisterValues, field, low, high)
#define SWITCH(field)            .type = TL_OPTION_BOOL, .max = 1, .deflt = "0", .offset = offsetof(RegisterValues, field)

static const TlCommandOption g_options[] = {
    {.def = {.flag = "external-ip",
             .alias = "axon.external_ip",
             .group = "Axon",
             .value = "A.B.C.D",
             .deflt = "",
             .help = "public IPv4 address of this machine",
             TEXT(ip)}},
    {.def = {.flag = "port",
             .alias = "axon.port",
             .env = "BT_AXON_PORT",
             .group = "Axon",
             .value = "N",
             .deflt = "7999",
             .help = "port that validators connect to",
             NUMBER(port, 1, 65535)}},
    TL_WALLET_PATH_ROW(WALLET, "Wallet"),
    TL_WALLET_NAME_ROW(WALLET, "Wallet", "WALLET_NAME", "default", "wallet"),
    TL_WALLET_HOTKEY_ROW(WALLET, "Wallet", "HOTKEY_NAME",
                         "hotkey that signs; a password is taken from BT_WALLET_PASSWORD or asked for"),
    TL_CHAIN_ROWS(offsetof(RegisterValues, chain)),
    {.def = {.flag = "dry-run", .group = "Sending", .help = "show the bytes, send nothing", SWITCH(dry_run)}},
    {.def = {.flag = "yes", .group = "Sending", .help = "send without asking", SWITCH(yes)}, .letter = 'y'},
    {.def = {.flag = "genesis",
             .group = "Without a chain (with --dry-run)",
             .value = "HEX",
             .deflt = "",
             .help = "genesis hash; the chain is not asked then, and the transaction is valid for ever",
             TEXT(genesis)}},
    {.def = {.flag = "nonce",
             .group = "Without a chain (with --dry-run)",
             .value = "N",
             .deflt = "0",
             .help = "transactions that the hotkey has sent so far",
             NUMBER(nonce, 0, 2147483647)}},
    {.def = {.flag = "spec-version",
             .group = "Without a chain (with --dry-run)",
             .value = "N",
             .deflt = "0",
             .help = "version of the runtime",
             NUMBER(spec_version, 0, 2147483647)}},
    {.def = {.flag = "transaction-version",
             .group = "Without a chain (with --dry-run)",
             .value = "N",
             .deflt = "1",
             .help = "version of the transaction format",
             NUMBER(transaction_version, 0, 2147483647)}},
    {.def = {.flag = "seed",
             .group = "Without a chain (with --dry-run)",
             .value = "HEX",
             .deflt = "",
             .help = "sign with this seed instead of a wallet's key; for tests",
             TEXT(seed)}},
    {.def = {.flag = NULL}},
};

static void print_hex(const char *name, const uint8_t *bytes, size_t length)
{
    char hex[2 * TL_EXTRINSIC_MAX + 1];
    printf("%-12s 0x%s\n", name, sodium_bin2hex(hex, sizeof hex, bytes, length));
}

static int read_key(TlSr25519Key *key, TlDiag *diag)
{
    const TlWalletParams wallet = tl_wallet_params(&g_values.wallet);
    if (!g_values.seed[0])
        return tl_wallet_secret(&wallet, key, diag);
    if (!g_values.dry_run)
        return tl_fail(diag, TL_EUSAGE, "--seed is for --dry-run only: others see the command line");
    return tl_secret_from_hex(g_values.seed, key, diag);
}

static int offline_context(TlSigningContext *context, TlDiag *diag)
{
    if (!g_values.dry_run)
        return tl_fail(diag, TL_EUSAGE, "--genesis is for --dry-run only");
    if (tl_hex_decode(g_values.genesis, context->genesis, 32) < 0)
        return tl_fail(diag, TL_EUSAGE, "--genesis is 64 hex digits");
    context->nonce = (uint64_t)g_values.nonce;
    context->spec_version = (uint32_t)g_values.spec_version;
    context->transaction_version = (uint32_t)g_values.transaction_version;
    return TL_OK;
}

static int open_chain(TlAxonChain *chain, TlDiag *diag)
{
    const char *url = tl_chain_url(&g_values.chain, diag);
    if (!url)
        return TL_EUSAGE;
    *chain = (TlAxonChain){.url = url, .timeout_s = 20, .cancel = tl_interrupt_flag()};
    return TL_OK;
}

static void print_state(const TlAxonState *state)
{
    const uint8_t *ip = state->axon.ip;
    if (!state->registered)
        printf("registered   no: the chain will refuse this; register the hotkey first (btcli subnet register)\n");
    else
        printf("registered   yes, uid %d\n", state->uid);
    if (state->served && state->is_v4)
        printf("now          %d.%d.%d.%d:%d, announced in block %llu\n", ip[0], ip[1], ip[2], ip[3], state->axon.port,
               (unsigned long long)state->block);
    else
        printf("now          %s\n", state->served ? "an IPv6 address, which validators cannot reach" : "nothing");
}

static void print_plan(const TlAxon *axon, const TlSr25519Key *key, const TlSigningContext *context, const char *url)
{
    char address[TL_SS58_SIZE];
    tl_ss58_encode(key->public_key, address);
    printf("call         SubtensorModule.serve_axon\n"
           "subnet       %d at %s\n"
           "hotkey       %s\n"
           "axon         %d.%d.%d.%d:%d (protocol %d)\n"
           "runtime      spec %u, transactions %u, account nonce %llu\n"
           "valid for    ",
           axon->netuid, url ? url : "no chain (--genesis)", address, axon->ip[0], axon->ip[1], axon->ip[2],
           axon->ip[3], axon->port, axon->protocol, context->spec_version, context->transaction_version,
           (unsigned long long)context->nonce);
    if (context->period)
        printf("%d blocks from %llu\n", context->period, (unsigned long long)context->checkpoint_number);
    else
        printf("ever\n");
    printf("fee          none (the call is free)\n");
}

static int confirmed(TlDiag *diag)
{
    char answer[16] = "";
    if (g_values.yes)
        return TL_OK;
    if (!isatty(STDIN_FILENO))
        return tl_fail(diag, TL_EUSAGE, "nobody is there to ask; give --yes to send or --dry-run to look");
    fprintf(stderr, "Send this? [y/N] ");
    if (!fgets(answer, sizeof answer, stdin) || (answer[0] != 'y' && answer[0] != 'Y') || tl_interrupted())
        return tl_fail(diag, TL_EINTERRUPTED, "nothing was sent");
    return TL_OK;
}

// Looks at every block until the chain shows the axon.
static int wait_arrival(const TlAxonChain *chain, const TlAxon *axon, const uint8_t hotkey[32], TlDiag *diag)
{
    TlAxonState state;
    for (int i = 0; i < ARRIVAL_TRIES && !tl_interrupted(); i++) {
        const struct timespec block = {.tv_sec = i ? BLOCK_S : 1};
        TlDiag why = {0};
        nanosleep(&block, NULL);
        if (tl_axon_fetch_state(chain, axon->netuid, hotkey, &state, &why) == TL_OK && state.served && state.is_v4 &&
            memcmp(state.axon.ip, axon->ip, 4) == 0 && state.axon.port == axon->port) {
            printf("arrived      in block %llu\n", (unsigned long long)state.block);
            return TL_OK;
        }
    }
    return tl_fail(diag, TL_ETIMEOUT, "the transaction was taken but is not on the chain yet; look again later");
}

static int send(const TlAxonChain *chain, const TlAxon *axon, const TlSr25519Key *key, const uint8_t *extrinsic,
                size_t length, TlDiag *diag)
{
    char hash[67];
    int ret = tl_axon_validate(chain, extrinsic, length, diag);
    if (ret < 0)
        return ret;
    printf("node         would take it\n");
    fflush(stdout);
    if (g_values.dry_run)
        return TL_OK;
    if ((ret = confirmed(diag)) == TL_OK)
        ret = tl_axon_submit(chain, extrinsic, length, hash, diag);
    if (ret < 0)
        return ret;
    printf("sent         %s\n", hash);
    fflush(stdout);
    return wait_arrival(chain, axon, key->public_key, diag);
}

static int prepare(const TlAxonChain *chain, const TlSr25519Key *key, TlSigningContext *context, TlDiag *diag)
{
    TlAxonState state;
    int ret = tl_axon_fetch_context(chain, key->public_key, context, diag);
    if (ret == TL_OK)
        ret = tl_axon_fetch_state(chain, g_values.chain.netuid, key->public_key, &state, diag);
    if (ret == TL_OK)
        print_state(&state);
    return ret;
}

static int announce(const TlAxon *axon, const TlSr25519Key *key, TlDiag *diag)
{
    const int offline = g_values.genesis[0] != 0;
    TlAxonChain chain = {0};
    TlSigningContext context = {.period = offline ? 0 : ERA_BLOCKS};
    uint8_t call[TL_CALL_SERVE_AXON], payload[TL_EXTRINSIC_MAX], extrinsic[TL_EXTRINSIC_MAX];
    int ret = offline ? offline_context(&context, diag) : open_chain(&chain, diag);
    if (ret == TL_OK && !offline)
        ret = prepare(&chain, key, &context, diag);
    if (ret < 0)
        return ret;
    tl_call_serve_axon(axon, call);
    size_t payload_length = tl_extrinsic_payload(call, sizeof call, &context, payload);
    size_t length = tl_extrinsic_sign(call, sizeof call, &context, key, extrinsic);
    print_plan(axon, key, &context, chain.url);
    print_hex("call bytes", call, sizeof call);
    print_hex("signed text", payload, payload_length);
    print_hex("extrinsic", extrinsic, length);
    fflush(stdout);
    return offline ? TL_OK : send(&chain, axon, key, extrinsic, length, diag);
}

static int run(const TlCommandLine *line, TlDiag *diag)
{
    TlAxon axon = {.netuid = g_values.chain.netuid, .port = g_values.port, .protocol = PROTOCOL, .version = 1};
    TlSr25519Key key;
    (void)line;
    if (!g_values.ip[0])
        return tl_fail(diag, TL_EUSAGE, "register needs --external-ip A.B.C.D, the address that validators connect to");
    int ret = tl_axon_parse_ip(g_values.ip, strcmp(g_values.chain.network, "local") == 0, axon.ip, diag);
    if (ret == TL_OK && (ret = tl_sr25519_init()) < 0)
        return tl_fail(diag, ret, "libsodium cannot be started");
    if (ret < 0 || (ret = read_key(&key, diag)) < 0)
        return ret;
    ret = announce(&axon, &key, diag);
    sodium_memzero(&key, sizeof key);
    return ret;
}

static const TlExample g_examples[] = {
    {"touchline register --external-ip A.B.C.D --port 7999 --wallet.name miner --dry-run",
     "show what would be sent and whether the chain would take it"},
    {"touchline register --external-ip A.B.C.D --port 7999 --wallet.name miner", "show, ask, send"},
    {NULL, NULL},
};

const TlCommand tl_command_register = {
    .name = "register",
    .arguments = "",
    .summary = "tell the chain where this miner listens",
    .description =
        "Sends serve_axon, signed by the hotkey. The hotkey must be registered on the subnet (btcli does that, it "
        "costs "
        "TAO); announcing the axon is free.\nEverything is shown first; --dry-run also asks the node whether it would "
        "take the transaction, and sends nothing.",
    .options = g_options,
    .values = &g_values,
    .groups = "",
    .examples = g_examples,
    .run = run,
};
