// The checks of a challenge: statuses and texts, their order, and what each leaves behind.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "request.h"
#include "sr25519.h"
#include "ss58.h"

#define SECOND_NS 1000000000ll
static const int64_t NOW = 1755187091123456789ll;
static const char GOOD_BODY[] =
    "{\"challenge_id\": \"12345\", \"type\": \"gsr\", \"video_url\": \"https://example.org/a.mp4\", "
    "\"created_at\": \"2025-08-14T15:58:11.123456+00:00\"}";

typedef struct World {
    TlSr25519Key validator, miner;
    char validator_text[TL_SS58_SIZE], miner_text[TL_SS58_SIZE];
    TlGate gate;
    char nonce[64], signature[2 + 128 + 1];
    TlRequestHead head;
} World;

static int set_up(void **state)
{
    static World w;
    uint8_t seed[32] = {1};
    TlStake stakes[1] = {{.tao = 1000}};
    memset(&w, 0, sizeof w);
    tl_sr25519_from_seed(&w.validator, seed);
    seed[0] = 2;
    tl_sr25519_from_seed(&w.miner, seed);
    tl_ss58_encode(w.validator.public_key, w.validator_text);
    tl_ss58_encode(w.miner.public_key, w.miner_text);
    memcpy(w.gate.own_key, w.miner.public_key, 32);
    memcpy(stakes[0].key, w.validator.public_key, 32);
    w.gate.nonces = tl_nonce_store_create(100, 120 * SECOND_NS);
    w.gate.stakes = tl_stake_table_create();
    w.gate.min_stake_tao = 1000;
    *state = &w;
    return tl_stake_table_set(w.gate.stakes, stakes, 1, 1);
}

static int tear_down(void **state)
{
    World *w = *state;
    tl_nonce_store_destroy(&w->gate.nonces);
    tl_stake_table_destroy(&w->gate.stakes);
    return 0;
}

static void sign(World *w, const char *body)
{
    tl_request_sign(&w->validator, w->miner_text, body, strlen(body), NOW, w->nonce, w->signature);
    w->head = (TlRequestHead){w->validator_text, w->miner_text, w->nonce, w->signature};
}

static int check(World *w, const char *body, TlChallenge *challenge, TlRefusal *refusal)
{
    memset(refusal, 0, sizeof *refusal);
    return tl_request_check(&w->gate, &w->head, body, strlen(body), NOW, challenge, refusal);
}

static void refused(World *w, const char *body, int status, const char *reason, const char *detail)
{
    TlChallenge challenge;
    TlRefusal refusal;
    assert_int_equal(check(w, body, &challenge, &refusal), -1);
    assert_int_equal(refusal.status, status);
    assert_string_equal(refusal.reason, reason);
    json_t *root = json_loads(refusal.body, 0, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "detail")), detail);
    json_decref(root);
}

static void accepted(void **state)
{
    World *w = *state;
    TlChallenge challenge;
    TlRefusal refusal;
    sign(w, GOOD_BODY);
    assert_int_equal(check(w, GOOD_BODY, &challenge, &refusal), 0);
    assert_string_equal(challenge.id, "12345");
    assert_string_equal(challenge.video_url, "https://example.org/a.mp4");
    assert_string_equal(challenge.validator, w->validator_text);
    refused(w, GOOD_BODY, 401, "nonce", "Oi, that nonce is not valid!"); // once only
}

// Each with the type it came with.
static void ids(void **state)
{
    World *w = *state;
    static const struct {
        const char *json, *id;
        TlIdType type;
    } rows[] = {{",\"challenge_id\":7", "7", TL_ID_NUMBER},
                {",\"challenge_id\":0", "0", TL_ID_NUMBER},
                {",\"challenge_id\":-9223372036854775808", "-9223372036854775808", TL_ID_NUMBER},
                {",\"challenge_id\":2.5", "2.5", TL_ID_NUMBER},
                {",\"challenge_id\":\"7\"", "7", TL_ID_TEXT},
                {",\"challenge_id\":\"\"", "", TL_ID_TEXT},
                {",\"challenge_id\":\"\\u00fc\"", "\xc3\xbc", TL_ID_TEXT},
                {",\"challenge_id\":null", "", TL_ID_NULL},
                {",\"other\":\"a\\u0000b\"", "", TL_ID_NULL},
                {"", "", TL_ID_NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        TlChallenge challenge;
        TlRefusal refusal;
        char body[128];
        snprintf(body, sizeof body, "{\"video_url\":\"http://a\"%s}", rows[i].json);
        sign(w, body);
        assert_int_equal(check(w, body, &challenge, &refusal), 0);
        assert_string_equal(challenge.id, rows[i].id);
        assert_int_equal(challenge.id_type, rows[i].type);
    }
}

static void missing_headers(void **state)
{
    World *w = *state;
    static const char *names[] = {"validator-hotkey", "miner-hotkey", "nonce", "signature"};
    for (int i = 0; i < 4; i++) {
        TlChallenge challenge;
        TlRefusal refusal;
        char expected[256];
        sign(w, GOOD_BODY);
        const char **field[] = {&w->head.validator_hotkey, &w->head.miner_hotkey, &w->head.nonce, &w->head.signature};
        *field[i] = NULL;
        assert_int_equal(check(w, GOOD_BODY, &challenge, &refusal), -1);
        assert_int_equal(refusal.status, 422);
        snprintf(expected, sizeof expected,
                 "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"header\",\"%s\"],\"msg\":\"Field required\","
                 "\"input\":null}]}",
                 names[i]);
        assert_string_equal(refusal.body, expected);
    }
    TlChallenge challenge;
    TlRefusal refusal;
    w->head = (TlRequestHead){0};
    assert_int_equal(check(w, GOOD_BODY, &challenge, &refusal), -1);
    json_t *root = json_loads(refusal.body, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(root, "detail")), 4);
    json_decref(root);
}

// In the log only: the answer is the reference's.
static void nonces_are_explained(World *w)
{
    static const struct {
        const char *nonce, *note;
    } rows[] = {{"1755187091123456789x", ", it holds no time"},
                {"99999999999999999999_a", ", it holds no time"},
                {"1755186970923456788_a", ", skew=-120.2 s: its time is behind our clock"},
                {"1755187091123_ms", ", skew=-1755185335.9 s: its time is behind our clock"},
                {"0_a", ", skew=-1755187091.1 s: its time is behind our clock"},
                {"1755190691623456789_a", ", skew=+3600.5 s: its time is ahead of our clock"},
                {"9223372036854775799", ", skew=+7468184945.7 s: its time is ahead of our clock"}};
    TlChallenge challenge;
    TlRefusal refusal;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sign(w, GOOD_BODY);
        w->head.nonce = rows[i].nonce;
        refused(w, GOOD_BODY, 401, "nonce", "Oi, that nonce is not valid!");
        assert_int_equal(check(w, GOOD_BODY, &challenge, &refusal), -1);
        assert_string_equal(refusal.note, rows[i].note);
    }
    w->head.miner_hotkey = "nobody";
    assert_int_equal(check(w, GOOD_BODY, &challenge, &refusal), -1);
    assert_string_equal(refusal.note, "");
}

static void who_and_when(void **state)
{
    World *w = *state;
    static const char nonce[] = "Oi, that nonce is not valid!";
    static const char signature[] = "Oi, invalid signature, you're not who you said you were!";
    char changed[256];
    sign(w, GOOD_BODY);
    w->head.miner_hotkey = w->validator_text;
    refused(w, GOOD_BODY, 401, "miner", "Oi, invalid miner hotkey - that's not me!");
    sign(w, GOOD_BODY);
    w->head.nonce = "1755187091123456789x";
    refused(w, GOOD_BODY, 401, "nonce", nonce);
    nonces_are_explained(w);
    sign(w, GOOD_BODY);
    snprintf(changed, sizeof changed, "%s1", w->nonce); // signed for another nonce
    w->head.nonce = changed;
    refused(w, GOOD_BODY, 401, "signature", signature);
    sign(w, GOOD_BODY);
    refused(w, "{}", 401, "signature", signature); // another body
    w->head.signature = w->signature + 2;          // no 0x
    refused(w, GOOD_BODY, 401, "signature", signature);
    w->head.signature = w->signature;
    w->head.validator_hotkey = w->miner_text; // somebody else's name
    refused(w, GOOD_BODY, 401, "signature", signature);
    w->head.validator_hotkey = "not an address";
    refused(w, GOOD_BODY, 401, "signature", signature);
    TlChallenge challenge;
    TlRefusal refusal;
    w->head.validator_hotkey = w->validator_text;
    assert_int_equal(check(w, GOOD_BODY, &challenge, &refusal), 0); // none of that has burned the nonce
}

static void stakes(void **state)
{
    World *w = *state;
    TlChallenge challenge;
    TlRefusal refusal;
    TlStake stake = {.tao = 999.999999999};
    memcpy(stake.key, w->validator.public_key, 32);
    assert_int_equal(tl_stake_table_set(w->gate.stakes, &stake, 1, 1), TL_OK);
    sign(w, GOOD_BODY);
    refused(w, GOOD_BODY, 403, "stake", "Insufficient stake of 999.999999999 - minimum is 1000");
    w->gate.min_stake_tao = 2500000.5;
    refused(w, GOOD_BODY, 403, "stake", "Insufficient stake of 999.999999999 - minimum is 2500000.5");
    stake.key[0] ^= 1;
    assert_int_equal(tl_stake_table_set(w->gate.stakes, &stake, 1, 1), TL_OK);
    refused(w, GOOD_BODY, 403, "hotkey", "Hotkey not found in metagraph");
    w->gate.any_hotkey = 1;
    assert_int_equal(check(w, GOOD_BODY, &challenge, &refusal), 0);
}

static void bodies(void **state)
{
    World *w = *state;
    static const char *rows[][3] = {
        {"", "body", "The body is not a challenge in JSON"},
        {"null", "body", "The body is not a challenge in JSON"},
        {"{\"video_url\":\"http://a\",\"challenge_id\":[]}", "body", "The body is not a challenge in JSON"},
        {"{\"video_url\":\"http://a\",\"challenge_id\":true}", "body", "The body is not a challenge in JSON"},
        {"{\"video_url\":\"http://a\",\"challenge_id\":1e999}", "body", "The body is not a challenge in JSON"},
        {"{}", "body", "No video URL provided"},
        {"{\"video_url\":\"\"}", "body", "No video URL provided"},
        {"{\"video_url\":[]}", "body", "No video URL provided"},
        {"{\"video_url\":\"ftp://a\"}", "url", "The video URL is refused: only http and https addresses are fetched"},
        {"{\"video_url\":\"http://\"}", "url", "The video URL is refused: the address names no host"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sign(w, rows[i][0]);
        refused(w, rows[i][0], 400, rows[i][1], rows[i][2]);
    }
    static char large[TL_REQUEST_BODY_MAX + 2];
    memset(large, ' ', sizeof large - 1);
    sign(w, GOOD_BODY);
    refused(w, large, 413, "size", "The body is larger than 16384 bytes");
}

// The cheapest check comes first: with everything wrong, the first of the list is told.
static void order(void **state)
{
    World *w = *state;
    TlRequestHead wrong = {"x", w->validator_text, "x", "x"};
    w->head = wrong;
    refused(w, "x", 401, "miner", "Oi, invalid miner hotkey - that's not me!");
    w->head.miner_hotkey = w->miner_text;
    refused(w, "x", 401, "nonce", "Oi, that nonce is not valid!");
    sign(w, "x");
    w->gate.min_stake_tao = 1e6;
    refused(w, "x", 403, "stake", "Insufficient stake of 1000 - minimum is 1000000");
}

static void refusal_texts_are_json(void **state)
{
    (void)state;
    TlRefusal refusal;
    tl_refuse(&refusal, 400, "url", "a \"quoted\" %s", "\\ and \n");
    assert_string_equal(refusal.body, "{\"detail\":\"a \\\"quoted\\\" \\\\ and \\n\"}");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(accepted), TEST(ids),    TEST(missing_headers), TEST(who_and_when),
        TEST(stakes),   TEST(bodies), TEST(order),           cmocka_unit_test(refusal_texts_are_json)};
    if (tl_sr25519_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
