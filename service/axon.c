// The chain's side of a registration over JSON-RPC. In: a hotkey and an address; out: state, validity, a transaction.
#include "axon.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "guard.h"
#include "rpc.h"

enum { AXON_INFO = 34, HEX_MAX = 2 + 2 * (TL_EXTRINSIC_MAX + 64) + 1 };

// twox128 of "SubtensorModule", then of "Uids" and "Axons": maps of netuid (u16 as it is) and hotkey (BLAKE2b-128 and
// the key itself).
static const char PALLET_KEY[] = "658faa385070e074c85bf6b568cf0555";
static const char UIDS_KEY[] = "aab1b4e78e1ea8305462ee53b3686dc8";
static const char AXONS_KEY[] = "b4e0c7b1d5f74994fcd58c28ab601fec";

int tl_axon_parse_ip(const char *text, int any_address, uint8_t ip[4], TlDiag *diag)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    static const TlGuard nothing_private;
    if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
        return tl_fail(diag, TL_EUSAGE, "'%s' is no IPv4 address; validators reach miners by IPv4 only", text);
    if (!any_address && !tl_guard_permits(&nothing_private, (const struct sockaddr *)&address))
        return tl_fail(diag, TL_EUSAGE, "%s cannot be reached from the internet; give the public address", text);
    memcpy(ip, &address.sin_addr, 4);
    return TL_OK;
}

// --- calls

// The "result" of a call, as a new reference. null is a result, too.
static int call_chain(const TlAxonChain *chain, const char *method, const char *params, json_t **result, TlDiag *diag)
{
    TlRpcCall call = {
        .url = chain->url, .method = method, .params = params, .timeout_s = chain->timeout_s, .cancel = chain->cancel};
    TlStrbuf reply = {0};
    json_error_t error;
    *result = NULL;
    int ret = tl_rpc_call(&call, &reply, diag);
    json_t *root = ret == TL_OK ? json_loadb(reply.data, reply.length, 0, &error) : NULL;
    const json_t *fault = json_object_get(root, "error");
    const char *message = json_string_value(json_object_get(fault, "message"));
    const char *data = json_string_value(json_object_get(fault, "data"));
    if (ret == TL_OK && fault)
        ret = tl_fail(diag, TL_EDENIED, "the chain answered to %s: %.200s%s%.200s", method, message ? message : "error",
                      data ? ": " : "", data ? data : "");
    else if (ret == TL_OK && !(*result = json_incref(json_object_get(root, "result"))))
        ret = tl_fail(diag, TL_EFORMAT, "the chain's reply to %s cannot be understood", method);
    json_decref(root);
    tl_strbuf_deinit(&reply);
    return ret;
}

static int no_sense(const char *method, TlDiag *diag)
{
    return tl_fail(diag, TL_EFORMAT, "the chain's reply to %s cannot be understood", method);
}

static int call_hash(const TlAxonChain *chain, const char *method, const char *params, uint8_t hash[32], TlDiag *diag)
{
    json_t *result;
    int ret = call_chain(chain, method, params, &result, diag);
    const char *text = json_string_value(result);
    if (ret == TL_OK && (!text || tl_hex_decode(text, hash, 32) < 0))
        ret = no_sense(method, diag);
    json_decref(result);
    return ret;
}

static int fetch_block_number(const TlAxonChain *chain, const uint8_t hash[32], uint64_t *number, TlDiag *diag)
{
    char params[80], hex[65];
    json_t *result;
    snprintf(params, sizeof params, "[\"0x%s\"]", sodium_bin2hex(hex, sizeof hex, hash, 32));
    int ret = call_chain(chain, "chain_getHeader", params, &result, diag);
    const char *text = json_string_value(json_object_get(result, "number"));
    char *end = NULL;
    *number = text ? strtoull(text, &end, 16) : 0;
    if (ret == TL_OK && (!text || !end || *end || end == text))
        ret = no_sense("chain_getHeader", diag);
    json_decref(result);
    return ret;
}

static int fetch_versions(const TlAxonChain *chain, TlSigningContext *context, TlDiag *diag)
{
    json_t *result;
    int ret = call_chain(chain, "state_getRuntimeVersion", "[]", &result, diag);
    const json_t *spec = json_object_get(result, "specVersion");
    const json_t *transaction = json_object_get(result, "transactionVersion");
    if (ret == TL_OK && (!json_is_integer(spec) || !json_is_integer(transaction)))
        ret = no_sense("state_getRuntimeVersion", diag);
    context->spec_version = (uint32_t)json_integer_value(spec);
    context->transaction_version = (uint32_t)json_integer_value(transaction);
    json_decref(result);
    return ret;
}

static int fetch_nonce(const TlAxonChain *chain, const uint8_t hotkey[32], uint64_t *nonce, TlDiag *diag)
{
    char params[80], address[TL_SS58_SIZE];
    json_t *result;
    tl_ss58_encode(hotkey, address);
    snprintf(params, sizeof params, "[\"%s\"]", address);
    int ret = call_chain(chain, "system_accountNextIndex", params, &result, diag);
    if (ret == TL_OK && (!json_is_integer(result) || json_integer_value(result) < 0))
        ret = no_sense("system_accountNextIndex", diag);
    *nonce = (uint64_t)json_integer_value(result);
    json_decref(result);
    return ret;
}

int tl_axon_fetch_context(const TlAxonChain *chain, const uint8_t hotkey[32], TlSigningContext *context, TlDiag *diag)
{
    int ret = call_hash(chain, "chain_getBlockHash", "[0]", context->genesis, diag);
    if (ret == TL_OK)
        ret = call_hash(chain, "chain_getFinalizedHead", "[]", context->checkpoint, diag);
    if (ret == TL_OK)
        ret = fetch_block_number(chain, context->checkpoint, &context->checkpoint_number, diag);
    if (ret == TL_OK)
        ret = fetch_versions(chain, context, diag);
    return ret < 0 ? ret : fetch_nonce(chain, hotkey, &context->nonce, diag);
}

// --- storage

// Value of a (netuid, hotkey) map; *length 0 when there is none.
static int fetch_storage(const TlAxonChain *chain, const char *item, int netuid, const uint8_t hotkey[32],
                         uint8_t *value, size_t size, size_t *length, TlDiag *diag)
{
    char params[256], digest[33], key[65];
    uint8_t hash[16];
    json_t *result;
    crypto_generichash(hash, sizeof hash, hotkey, 32, NULL, 0);
    snprintf(params, sizeof params, "[\"0x%s%s%02x%02x%s%s\"]", PALLET_KEY, item, netuid & 255, netuid >> 8,
             sodium_bin2hex(digest, sizeof digest, hash, sizeof hash), sodium_bin2hex(key, sizeof key, hotkey, 32));
    *length = 0;
    int ret = call_chain(chain, "state_getStorage", params, &result, diag);
    const char *text = json_string_value(result);
    if (ret == TL_OK && text) {
        *length = strlen(text) > 2 ? (strlen(text) - 2) / 2 : 0;
        if (*length == 0 || *length > size || tl_hex_decode(text, value, *length) < 0)
            ret = no_sense("state_getStorage", diag);
    } else if (ret == TL_OK && !json_is_null(result)) {
        ret = no_sense("state_getStorage", diag);
    }
    json_decref(result);
    return ret;
}

static uint64_t little(const uint8_t *bytes, int n)
{
    uint64_t value = 0;
    for (int i = n - 1; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

// AxonInfo: block u64, version u32, ip u128, port u16, ip_type u8, protocol u8, two u8.
static void read_axon(const uint8_t info[AXON_INFO], TlAxonState *state)
{
    uint64_t ip = little(info + 12, 8);
    state->served = 1;
    state->block = little(info, 8);
    state->axon.version = (uint32_t)little(info + 8, 4);
    for (int i = 0; i < 4; i++)
        state->axon.ip[i] = (uint8_t)(ip >> (24 - 8 * i));
    state->axon.port = (int)little(info + 28, 2);
    state->is_v4 = info[30] == 4;
    state->axon.protocol = info[31];
}

int tl_axon_fetch_state(const TlAxonChain *chain, int netuid, const uint8_t hotkey[32], TlAxonState *state,
                        TlDiag *diag)
{
    uint8_t uid[2], info[AXON_INFO];
    size_t length;
    *state = (TlAxonState){.axon.netuid = netuid};
    int ret = fetch_storage(chain, UIDS_KEY, netuid, hotkey, uid, sizeof uid, &length, diag);
    state->registered = ret == TL_OK && length == sizeof uid;
    state->uid = state->registered ? (int)little(uid, 2) : -1;
    if (ret == TL_OK)
        ret = fetch_storage(chain, AXONS_KEY, netuid, hotkey, info, sizeof info, &length, diag);
    if (ret == TL_OK && length == AXON_INFO)
        read_axon(info, state);
    return ret;
}

// --- the transaction

// Custom codes of the runtime's CustomTransactionError that a registration can meet.
static const char *custom_text(int code)
{
    switch (code) {
    case 3:
        return "there is no such subnet";
    case 6:
    case 12:
        return "an axon was announced a short while ago; the subnet allows one in about 50 blocks (10 minutes)";
    case 10:
        return "the hotkey is not registered on this subnet; register it with btcli first";
    case 11:
        return "the chain refuses this IP address";
    case 13:
        return "the chain refuses this port";
    default:
        return "the runtime refuses it by a rule of its own";
    }
}

const char *tl_axon_validity_text(const uint8_t *bytes, size_t length)
{
    static const char *const invalid[] = {"the call is not understood by this runtime",
                                          "the hotkey cannot pay the fee",
                                          "the account nonce is ahead of the chain's",
                                          "the account nonce was used already",
                                          "the signature or what it signs is wrong",
                                          "the block of the era is too old",
                                          "the block has no room left"};
    if (length > 0 && bytes[0] == 0)
        return NULL;
    if (length < 3 || bytes[0] != 1)
        return "the node's answer cannot be understood";
    if (bytes[1] != 0)
        return "the node cannot tell";
    if (bytes[2] == 7 && length > 3)
        return custom_text(bytes[3]);
    return bytes[2] < sizeof invalid / sizeof *invalid ? invalid[bytes[2]] : "the runtime refuses it";
}

int tl_axon_validate(const TlAxonChain *chain, const uint8_t *extrinsic, size_t length, TlDiag *diag)
{
    enum { EXTERNAL = 2 };
    char params[HEX_MAX + 96], hex[HEX_MAX], block[65];
    uint8_t head[32], answer[256];
    json_t *result;
    int ret = call_hash(chain, "chain_getBlockHash", "[]", head, diag);
    if (ret < 0)
        return ret;
    snprintf(params, sizeof params, "[\"TaggedTransactionQueue_validate_transaction\",\"0x%02x%s%s\"]", EXTERNAL,
             sodium_bin2hex(hex, sizeof hex, extrinsic, length), sodium_bin2hex(block, sizeof block, head, 32));
    ret = call_chain(chain, "state_call", params, &result, diag);
    const char *text = json_string_value(result);
    size_t n = text && strlen(text) > 2 ? (strlen(text) - 2) / 2 : 0;
    if (ret == TL_OK && (n == 0 || n > sizeof answer || tl_hex_decode(text, answer, n) < 0))
        ret = no_sense("state_call", diag);
    const char *why = ret == TL_OK ? tl_axon_validity_text(answer, n) : NULL;
    if (why)
        ret = tl_fail(diag, TL_EDENIED, "the chain would refuse the transaction: %s", why);
    json_decref(result);
    return ret;
}

int tl_axon_submit(const TlAxonChain *chain, const uint8_t *extrinsic, size_t length, char hash[67], TlDiag *diag)
{
    char params[HEX_MAX + 8], hex[HEX_MAX];
    json_t *result;
    snprintf(params, sizeof params, "[\"0x%s\"]", sodium_bin2hex(hex, sizeof hex, extrinsic, length));
    int ret = call_chain(chain, "author_submitExtrinsic", params, &result, diag);
    const char *text = json_string_value(result);
    if (ret == TL_OK && (!text || strlen(text) != 66))
        ret = no_sense("author_submitExtrinsic", diag);
    snprintf(hash, 67, "%s", ret == TL_OK ? text : "");
    json_decref(result);
    return ret;
}
