// The checks of a challenge request, cheapest first. In: headers and body bytes; out: a challenge or a refusal.
// Statuses and texts are the reference miner's where it has one (docs/subnet.md lists them and where it errs).
#include "request.h"

#include <jansson.h>
#include <math.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "guard.h"
#include "sr25519.h"
#include "ss58.h"

enum { MESSAGE_SIZE = TL_NONCE_TEXT_MAX + TL_SS58_SIZE + 70 };

void tl_refuse(TlRefusal *refusal, int status, const char *reason, const char *fmt, ...)
{
    char text[256];
    TlStrbuf json = {0};
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    refusal->status = status;
    refusal->reason = reason;
    refusal->note[0] = 0;
    tl_strbuf_str(&json, "{\"detail\":");
    tl_strbuf_json(&json, text);
    tl_strbuf_char(&json, '}');
    snprintf(refusal->body, sizeof refusal->body, "%s", json.failed || !json.data ? "{\"detail\":\"\"}" : json.data);
    tl_strbuf_deinit(&json);
}

// All that are missing in one list, as FastAPI does.
static int check_head(const TlRequestHead *head, TlRefusal *refusal)
{
    const struct {
        const char *name, *value;
    } header[] = {{"validator-hotkey", head->validator_hotkey},
                  {"miner-hotkey", head->miner_hotkey},
                  {"nonce", head->nonce},
                  {"signature", head->signature}};
    TlStrbuf list = {0};
    for (size_t i = 0; i < sizeof header / sizeof *header; i++)
        if (!header[i].value)
            tl_strbuf_printf(&list,
                             "%s{\"type\":\"missing\",\"loc\":[\"header\",\"%s\"],\"msg\":\"Field "
                             "required\",\"input\":null}",
                             list.length ? "," : "", header[i].name);
    if (!list.length && !list.failed)
        return 0;
    refusal->status = 422;
    refusal->reason = "header";
    refusal->note[0] = 0;
    snprintf(refusal->body, sizeof refusal->body, "{\"detail\":[%s]}", list.failed ? "" : list.data);
    tl_strbuf_deinit(&list);
    return -1;
}

// The signed text: nonce:miner-hotkey:sha256 of the body, from the header values as they came.
static size_t signed_message(char message[MESSAGE_SIZE], const char *nonce, const char *miner, const void *body,
                             size_t length)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    char text[2 * sizeof digest + 1];
    crypto_hash_sha256(digest, body, length);
    sodium_bin2hex(text, sizeof text, digest, sizeof digest);
    int n = snprintf(message, MESSAGE_SIZE, "%s:%s:%s", nonce, miner, text);
    return n > 0 && n < MESSAGE_SIZE ? (size_t)n : 0;
}

static int check_signature(const TlRequestHead *head, const uint8_t key[32], const void *body, size_t length)
{
    char message[MESSAGE_SIZE];
    uint8_t signature[TL_SR25519_SIGNATURE];
    if (strncmp(head->signature, "0x", 2) != 0 || tl_hex_decode(head->signature, signature, sizeof signature) < 0)
        return -1;
    size_t n = signed_message(message, head->nonce, head->miner_hotkey, body, length);
    return n && tl_sr25519_verify_or_wrapped(key, message, n, signature) ? 0 : -1;
}

static int check_stake(const TlGate *gate, const uint8_t key[32], TlRefusal *refusal)
{
    double tao = 0;
    if (gate->any_hotkey)
        return 0;
    if (tl_stake_table_find(gate->stakes, key, &tao) < 0) {
        tl_refuse(refusal, 403, "hotkey", "Hotkey not found in metagraph");
        return -1;
    }
    if (tao >= gate->min_stake_tao)
        return 0;
    TlStrbuf text = {0};
    tl_strbuf_str(&text, "Insufficient stake of ");
    tl_strbuf_fixed(&text, tao, 9);
    tl_strbuf_str(&text, " - minimum is ");
    tl_strbuf_fixed(&text, gate->min_stake_tao, 9);
    tl_refuse(refusal, 403, "stake", "%s", text.failed ? "Insufficient stake" : text.data);
    tl_strbuf_deinit(&text);
    return -1;
}

// The validator is told what the reference tells it; the log says why, above all how far the clocks are apart. Nobody
// has looked at the signature yet, so a stranger may have made the nonce.
static int refuse_nonce(TlRefusal *refusal, const char *nonce, int code, int64_t now_ns)
{
    int64_t skew_ns = 0;
    tl_refuse(refusal, 401, "nonce", "Oi, that nonce is not valid!");
    if (code == TL_EEXIST)
        snprintf(refusal->note, sizeof refusal->note, ", seen before");
    else if (code == TL_ELIMIT)
        snprintf(refusal->note, sizeof refusal->note, ", the table of nonces is full");
    else if (code == TL_ETIMEOUT && tl_nonce_skew(nonce, now_ns, &skew_ns) == TL_OK)
        snprintf(refusal->note, sizeof refusal->note, ", skew=%+.1f s: its time is %s our clock",
                 (double)skew_ns * 1e-9, skew_ns < 0 ? "behind" : "ahead of");
    else
        snprintf(refusal->note, sizeof refusal->note, ", it holds no time");
    return -1;
}

// challenge_id comes as text; a number is taken too. Seventeen digits, jansson's default, give any double back.
static int read_id(const json_t *value, TlChallenge *challenge)
{
    if (json_is_string(value) && json_string_length(value) < sizeof challenge->id &&
        strlen(json_string_value(value)) == json_string_length(value)) {
        challenge->id_type = TL_ID_TEXT;
        snprintf(challenge->id, sizeof challenge->id, "%s", json_string_value(value));
    } else if (json_is_number(value)) {
        size_t n = json_dumpb(value, challenge->id, sizeof challenge->id - 1, JSON_ENCODE_ANY);
        if (n == 0 || n >= sizeof challenge->id)
            return -1;
        challenge->id[n] = 0;
        challenge->id_type = TL_ID_NUMBER;
    } else if (value && !json_is_null(value)) {
        return -1;
    }
    return 0;
}

static int read_body(const void *body, size_t length, TlChallenge *challenge, TlRefusal *refusal)
{
    json_error_t error;
    json_t *root = json_loadb(body, length, JSON_ALLOW_NUL, &error);
    const json_t *url = json_object_get(root, "video_url");
    int ret = -1;
    TlDiag why = {0};
    if (!json_is_object(root) || read_id(json_object_get(root, "challenge_id"), challenge) < 0)
        tl_refuse(refusal, 400, "body", "The body is not a challenge in JSON");
    else if (!json_is_string(url) || json_string_length(url) == 0)
        tl_refuse(refusal, 400, "body", "No video URL provided");
    else if (json_string_length(url) >= sizeof challenge->video_url ||
             strlen(json_string_value(url)) != json_string_length(url))
        tl_refuse(refusal, 400, "url", "The video URL is too long or not text");
    else if (tl_guard_check_url(json_string_value(url), &why) < 0)
        tl_refuse(refusal, 400, "url", "The video URL is refused: %s", why.text);
    else
        ret = 0;
    if (ret == 0)
        snprintf(challenge->video_url, sizeof challenge->video_url, "%s", json_string_value(url));
    json_decref(root);
    return ret;
}

int tl_request_check(const TlGate *gate, const TlRequestHead *head, const void *body, size_t length, int64_t now_ns,
                     TlChallenge *challenge, TlRefusal *refusal)
{
    static const char bad_signature[] = "Oi, invalid signature, you're not who you said you were!";
    uint8_t key[32], miner[32];
    memset(challenge, 0, sizeof *challenge);
    if (length > TL_REQUEST_BODY_MAX) {
        tl_refuse(refusal, 413, "size", "The body is larger than %d bytes", TL_REQUEST_BODY_MAX);
        return -1;
    }
    if (check_head(head, refusal) < 0)
        return -1;
    if (tl_ss58_decode(head->miner_hotkey, miner) < 0 || memcmp(miner, gate->own_key, 32) != 0) {
        tl_refuse(refusal, 401, "miner", "Oi, invalid miner hotkey - that's not me!");
        return -1;
    }
    int ret = tl_nonce_check(gate->nonces, head->nonce, now_ns);
    if (ret < 0)
        return refuse_nonce(refusal, head->nonce, ret, now_ns);
    if (tl_ss58_decode(head->validator_hotkey, key) < 0 || check_signature(head, key, body, length) < 0) {
        tl_refuse(refusal, 401, "signature", "%s", bad_signature);
        return -1;
    }
    if (check_stake(gate, key, refusal) < 0)
        return -1;
    ret = tl_nonce_accept(gate->nonces, head->nonce, now_ns); // of two equal requests at once only one wins
    if (ret < 0)
        return refuse_nonce(refusal, head->nonce, ret, now_ns);
    tl_ss58_encode(key, challenge->validator);
    return read_body(body, length, challenge, refusal);
}

void tl_request_sign(const struct TlSr25519Key *key, const char *miner_hotkey, const void *body, size_t length,
                     int64_t now_ns, char nonce[64], char signature[2 + 128 + 1])
{
    char message[MESSAGE_SIZE];
    uint8_t bytes[TL_SR25519_SIGNATURE];
    tl_nonce_make(nonce, 64, now_ns);
    size_t n = signed_message(message, nonce, miner_hotkey, body, length);
    tl_sr25519_sign(key, message, n, bytes);
    signature[0] = '0';
    signature[1] = 'x';
    sodium_bin2hex(signature + 2, 129, bytes, sizeof bytes);
}
