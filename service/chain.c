// The subnet's chain. In: address and subnet; out: hotkeys with their stake.
//
// One selective metagraph call asks for three of its 74 fields, so the answer is about 10 kB instead of a whole
// metagraph, and fields that the runtime leaves empty nowadays (trust, rank) do not matter.
#include "chain.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "rpc.h"
#include "scale.h"
#include "ss58.h"

enum { FIELD_HOTKEYS = 52, FIELD_TAO_STAKE = 68, FIELD_COUNT = 74 };
static const double RAO_PER_TAO = 1e9;

const char *tl_chain_url(const TlChainNames *names, TlDiag *diag)
{
    static const char *urls[][2] = {{"finney", "wss://entrypoint-finney.opentensor.ai:443"},
                                    {"test", "wss://test.finney.opentensor.ai:443"},
                                    {"local", "ws://127.0.0.1:9944"}};
    if (names->address[0])
        return names->address;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        if (strcmp(names->network, urls[i][0]) == 0)
            return urls[i][1];
    (void)!tl_fail(diag, TL_EUSAGE, "unknown network '%s'; give finney, test, local or --subtensor.address",
                   names->network);
    return NULL;
}

static int read_hotkeys(TlScaleReader *r, TlStake *stakes)
{
    uint64_t n = tl_scale_compact(r);
    if (r->failed || n > TL_STAKE_MAX)
        return -1;
    for (uint64_t i = 0; i < n; i++) {
        const uint8_t *key = tl_scale_bytes(r, 32);
        if (!key)
            return -1;
        memcpy(stakes[i].key, key, 32);
        stakes[i].tao = 0;
    }
    return (int)n;
}

static int read_stakes(TlScaleReader *r, TlStake *stakes, int hotkeys)
{
    uint64_t n = tl_scale_compact(r);
    if (r->failed || n != (uint64_t)hotkeys)
        return -1;
    for (uint64_t i = 0; i < n; i++)
        stakes[i].tao = (double)tl_scale_compact(r) / RAO_PER_TAO;
    return r->failed ? -1 : 0;
}

int tl_chain_decode_stakes(const uint8_t *bytes, size_t length, int netuid, TlStake *stakes, int *count, TlDiag *diag)
{
    TlScaleReader r = {.at = bytes, .end = bytes + length};
    int hotkeys = -1, complete = 0;
    *count = 0;
    if (tl_scale_u8(&r) == 0 && !r.failed)
        return tl_fail(diag, TL_ENOENT, "there is no subnet %d", netuid);
    if (tl_scale_compact(&r) != (uint64_t)netuid || r.failed)
        return tl_fail(diag, TL_EFORMAT, "the chain answered for another subnet");
    for (int field = 1; field < FIELD_COUNT && !complete; field++) {
        uint8_t present = tl_scale_u8(&r);
        if (r.failed || present > 1 || (present && field != FIELD_HOTKEYS && field != FIELD_TAO_STAKE))
            break; // not a field we asked for: its length is unknown
        if (present && field == FIELD_HOTKEYS)
            hotkeys = read_hotkeys(&r, stakes);
        else if (present)
            complete = hotkeys >= 0 && read_stakes(&r, stakes, hotkeys) == 0;
    }
    if (!complete)
        return tl_fail(diag, TL_EFORMAT, "the chain's metagraph cannot be understood");
    *count = hotkeys;
    return TL_OK;
}

int tl_chain_result_bytes(const char *reply, size_t reply_length, uint8_t **bytes, size_t *length, TlDiag *diag)
{
    json_error_t error;
    json_t *root = json_loadb(reply, reply_length, 0, &error);
    const json_t *id = json_object_get(root, "id");
    const char *hex = json_string_value(json_object_get(root, "result"));
    const char *message = json_string_value(json_object_get(json_object_get(root, "error"), "message"));
    int ret = TL_OK;
    *bytes = NULL;
    *length = hex && strlen(hex) > 2 ? (strlen(hex) - 2) / 2 : 0;
    if (message)
        ret = tl_fail(diag, TL_EFORMAT, "the chain answered: %.200s", message);
    else if (!json_is_integer(id) || json_integer_value(id) != 1 || *length == 0 || strncmp(hex, "0x", 2) != 0)
        ret = tl_fail(diag, TL_EFORMAT, "the chain's reply cannot be understood");
    else if (!(*bytes = tl_calloc(*length, 1)))
        ret = tl_fail(diag, TL_ENOMEM, "out of memory for the chain's reply");
    else if (tl_hex_decode(hex, *bytes, *length) < 0)
        ret = tl_fail(diag, TL_EFORMAT, "the chain's reply cannot be understood");
    json_decref(root);
    if (ret < 0)
        tl_free(bytes);
    return ret;
}

int tl_chain_fetch_stakes(const TlChainParams *p, TlStake *stakes, int *count, TlDiag *diag)
{
    char params[160];
    TlRpcCall call = {
        .url = p->url, .method = "state_call", .params = params, .timeout_s = p->timeout_s, .cancel = p->cancel};
    TlStrbuf reply = {0};
    uint8_t *bytes = NULL;
    size_t length = 0;
    // netuid u16, then Vec<u16> of three field indices: netuid (0), hotkeys (52), tao_stake (68)
    snprintf(params, sizeof params, "[\"SubnetInfoRuntimeApi_get_selective_metagraph\",\"0x%02x%02x0c000034004400\"]",
             p->netuid & 255, p->netuid >> 8);
    *count = 0;
    int ret = tl_rpc_call(&call, &reply, diag);
    if (ret == TL_OK)
        ret = tl_chain_result_bytes(reply.data, reply.length, &bytes, &length, diag);
    if (ret == TL_OK)
        ret = tl_chain_decode_stakes(bytes, length, p->netuid, stakes, count, diag);
    if (ret == TL_OK && *count == 0)
        ret = tl_fail(diag, TL_EFORMAT, "the chain knows no hotkey of subnet %d", p->netuid);
    tl_free(&bytes);
    tl_strbuf_deinit(&reply);
    return ret;
}
