// Published and generated vectors of STROBE, Merlin, sr25519 and SS58, and the rules of nonces.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "nonce.h"
#include "sr25519.h"
#include "ss58.h"
#include "strobe.h"

#define SECOND_NS 1000000000ll
static const char ALICE[] = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
static const char BODY[] = "{\"challenge_id\": \"12345\", \"type\": \"gsr\", \"video_url\": "
                           "\"https://scoredata.me/2025_03_14/35ae7a/h1_0f2ca0.mp4\", \"created_at\": "
                           "\"2025-08-14T15:58:11.123456+00:00\"}";
static const char MESSAGE[] = "1755187091123456789_aB3dE6gH9k:5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty:"
                              "a8eefe609ce80f23ee7fa7e43a0dae6a9717cac0b946a523ab1214cf49bd70ee";

static void hex(const char *text, uint8_t *bytes, size_t n)
{
    assert_int_equal(tl_hex_decode(text, bytes, n), TL_OK);
}

static int verify_hex(const char *pk_hex, const char *message, const char *signature_hex)
{
    uint8_t pk[32], signature[64];
    hex(pk_hex, pk, 32);
    hex(signature_hex, signature, 64);
    return tl_sr25519_verify(pk, message, strlen(message), signature);
}

static void merlin_vectors(void **state)
{
    (void)state;
    uint8_t c[32], expected[32], big[1024];
    TlTranscript t;
    tl_transcript_init(&t, "test protocol");
    tl_transcript_append(&t, "some label", "some data", 9);
    tl_transcript_challenge(&t, "challenge", c, 32);
    hex("d5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615", expected, 32);
    assert_memory_equal(c, expected, 32);

    memset(big, 0x63, sizeof big);
    tl_transcript_init(&t, "test protocol");
    tl_transcript_append(&t, "step1", "some data", 9);
    for (int i = 0; i < 32; i++) {
        tl_transcript_challenge(&t, "challenge", c, 32);
        tl_transcript_append(&t, "bigdata", big, sizeof big);
        tl_transcript_append(&t, "challengedata", c, 32);
    }
    hex("a8c933f54fae76e3f9bea93648c1308e7dfa2152dd51674ff3ca438351cf003c", expected, 32);
    assert_memory_equal(c, expected, 32);
}

static void published_signatures(void **state)
{
    (void)state;
    static const char pk1[] = "46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a";
    static const char sig1[] = "4e172314444b8f820bb54c22e95076f220ed25373e5c178234aa6c211d292712"
                               "44b947e3ff3418ff6b45fd1df1140c8cbff69fc58ee6dc96df70936a2bb74b82";
    assert_true(verify_hex(pk1, "this is a message", sig1));
    assert_false(verify_hex(pk1, "this is a massage", sig1));
    assert_true(verify_hex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d",
                           "I hereby verify that I control 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
                           "b83881d3bd7302981ee1c504fe5b7b394682927131fc0846fd616bb40fa14d02"
                           "640fd2aca785b4cb57904765c2e4e75f59a7dd30154c209964369912091f6981"));
    static const char pk3[] = "d6a3105d6768e956e9e5d41050ac29843f98561410d3a47f9dd5b3b227ab8746";
    static const char sig3[] = "22f91b41ba12f8663ddce26bfc90dbfe6a51683fd3782ad679ab2a5fdbe7d44c"
                               "2a119f22c74eea22555e5483eb7f42b828f189a38379d59c3b607d2461f0858e";
    assert_true(verify_hex(pk3, "test message\n", sig3));
    assert_false(verify_hex(pk3, "another message\n", sig3));
}

static void edge_lengths(void **state)
{
    (void)state;
    static const char pk[] = "46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a";
    char long_message[201];
    memset(long_message, 'a', 200);
    long_message[200] = 0;
    assert_true(verify_hex(pk, "",
                           "80fc56540aa9082ee147846beb8148f67b66744d9e598bbe1ffb5fc53b284779"
                           "666c710dfa62e394f515eeab3e17e0ca66b434de0023f188fa104c11c3eb9588"));
    assert_true(verify_hex(pk, long_message,
                           "aadc89d5baf54fcf9441516b482fd363e09b8f3210a1d0c9dcf7a1312404c03d"
                           "f8d09af94b5312558f9f1638eecff67d550eea4fc5e51fc40e125abb0ea16e8f"));
}

static void subnet_request(void **state)
{
    (void)state;
    static const char good[] = "0x20db75a4c8535c4638eae2ba6e5f22b39479a9cfeef4061fe7b0a866c004e16c"
                               "a641cb073feed7ffee3a5a51d1faf7bc3adc2eea64d42f96783d55f08b16ed8d";
    uint8_t alice[32], digest[32], signature[64], wrapped[64];
    char text[65];
    crypto_hash_sha256(digest, (const uint8_t *)BODY, strlen(BODY));
    sodium_bin2hex(text, sizeof text, digest, sizeof digest);
    assert_string_equal(text, MESSAGE + strlen(MESSAGE) - 64);
    assert_int_equal(tl_ss58_decode(ALICE, alice), TL_OK);
    hex(good, signature, 64);
    assert_true(tl_sr25519_verify(alice, MESSAGE, strlen(MESSAGE), signature));
    assert_true(tl_sr25519_verify_or_wrapped(alice, MESSAGE, strlen(MESSAGE), signature));
    hex("0xb2fd529e76cd9a6a05de76ab6f15acd7de35fea02c475e66e4e835986d935b18"
        "3bc5c5a8f57eba629e35a52024d31cdd7578c2d1474ba4186465b9f06ace0d82",
        wrapped, 64);
    assert_false(tl_sr25519_verify(alice, MESSAGE, strlen(MESSAGE), wrapped));
    assert_true(tl_sr25519_verify_or_wrapped(alice, MESSAGE, strlen(MESSAGE), wrapped));

    uint8_t bad[64];
    memcpy(bad, signature, 64);
    bad[63] &= 0x7f; // marker missing
    assert_false(tl_sr25519_verify(alice, MESSAGE, strlen(MESSAGE), bad));
    memcpy(bad, signature, 64);
    bad[0] ^= 1;
    assert_false(tl_sr25519_verify(alice, MESSAGE, strlen(MESSAGE), bad));
    hex("0x20db75a4c8535c4638eae2ba6e5f22b39479a9cfeef4061fe7b0a866c004e16c"
        "9315c1645951ea57c5d751f4aff4d6d13adc2eea64d42f96783d55f08b16ed9d",
        bad, 64); // s + L
    assert_false(tl_sr25519_verify(alice, MESSAGE, strlen(MESSAGE), bad));
    alice[31] |= 0x80; // bit 255
    assert_false(tl_sr25519_verify(alice, MESSAGE, strlen(MESSAGE), signature));
}

static void hostile_keys(void **state)
{
    (void)state;
    uint8_t pk[32] = {0}, signature[64] = {0};
    signature[63] = 0x80;
    assert_false(tl_sr25519_verify(pk, "x", 1, signature)); // identity key, all-zero signature
    memset(pk, 0xff, 32);
    assert_false(tl_sr25519_verify(pk, "x", 1, signature));
    for (int i = 0; i < 2000; i++) {
        randombytes_buf(pk, 32);
        randombytes_buf(signature, 64);
        assert_false(tl_sr25519_verify(pk, "x", 1, signature));
    }
}

static void seeds(void **state)
{
    (void)state;
    static const char *pairs[][2] = {
        {"0000000000000000000000000000000000000000000000000000000000000000",
         "def12e42f3e487e9b14095aa8d5cc16a33491f1b50dadcf8811d1480f3fa8627"},
        {"fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e",
         "46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a"},
        {"f30eb58ad9bde4a702da3c723709cbfaf7030b22d5e4d16bcbf733c9c09bf6bd",
         "0e563c7dcb4446c0ed7e7a9d9f0a3a3d41c8767a87f205bd48fb8ef5db066b6b"},
        {"e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a",
         "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        uint8_t seed[32], pk[32];
        TlSr25519Key key;
        hex(pairs[i][0], seed, 32);
        hex(pairs[i][1], pk, 32);
        tl_sr25519_from_seed(&key, seed);
        assert_memory_equal(key.public_key, pk, 32);
    }
}

static void sign_and_verify(void **state)
{
    (void)state;
    uint8_t seed[32], message[300], signature[64], again[64];
    for (int i = 0; i < 100; i++) {
        TlSr25519Key key, copy;
        uint8_t secret[64];
        size_t length = randombytes_uniform(sizeof message);
        randombytes_buf(seed, sizeof seed);
        randombytes_buf(message, sizeof message);
        tl_sr25519_from_seed(&key, seed);
        memcpy(secret, key.scalar, 32);
        memcpy(secret + 32, key.nonce, 32);
        assert_int_equal(tl_sr25519_from_private(&copy, secret), TL_OK);
        assert_memory_equal(copy.public_key, key.public_key, 32);
        tl_sr25519_sign(&key, message, length, signature);
        tl_sr25519_sign(&key, message, length, again);
        assert_memory_not_equal(signature, again, 64);
        assert_true(tl_sr25519_verify(key.public_key, message, length, signature));
        message[length / 2] ^= 4;
        assert_int_equal(tl_sr25519_verify(key.public_key, message, length, signature), length == 0);
    }
}

static void addresses(void **state)
{
    (void)state;
    static const char *good[][2] = {
        {"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
         "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"},
        {"5EU9mjvZdLRGyDFiBHjxrxvQuaaBpeTZCguhxM3yMX8cpZ2u",
         "6a5a5957ce778c174c02c151e7c4917ac127b33ad8485f579f830fc15d31bc5a"},
        {"5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
         "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint8_t key[32], expected[32];
        char text[TL_SS58_SIZE];
        hex(good[i][1], expected, 32);
        assert_int_equal(tl_ss58_decode(good[i][0], key), TL_OK);
        assert_memory_equal(key, expected, 32);
        tl_ss58_encode(key, text);
        assert_string_equal(text, good[i][0]);
    }
    static const char *bad[] = {"",
                                "5",
                                "5GoKvZWG5ZPYL1WUovuHW3zJBWBP5eT8CbqjdRY4Q6iMaQub",
                                "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQ0",
                                "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQYY",
                                "15GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
                                "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t key[32];
        assert_int_equal(tl_ss58_decode(bad[i], key), TL_EFORMAT);
    }
}

static void nonces(void **state)
{
    (void)state;
    const int64_t now = 1755187091123456789ll, window = 120 * SECOND_NS;
    char text[64];
    TlNonceStore *store = tl_nonce_store_create(8, window);
    assert_non_null(store);
    assert_int_equal(tl_nonce_accept(store, "1755187091123456789_aB3dE6gH9k", now), TL_OK);
    assert_int_equal(tl_nonce_accept(store, "1755187091123456789_aB3dE6gH9k", now), TL_EEXIST);
    assert_int_equal(tl_nonce_check(store, "1755187091123456789_other", now), TL_OK);
    snprintf(text, sizeof text, "%lld_a", (long long)(now - window));
    assert_int_equal(tl_nonce_check(store, text, now), TL_OK); // exactly 120 s is accepted
    snprintf(text, sizeof text, "%lld_a", (long long)(now - window - 1));
    assert_int_equal(tl_nonce_check(store, text, now), TL_ETIMEOUT);
    snprintf(text, sizeof text, "%lld_a", (long long)(now + window + 1));
    assert_int_equal(tl_nonce_check(store, text, now), TL_ETIMEOUT);
    static const char *bad[] = {"",
                                "_a",
                                "abc",
                                " 1755187091123456789_a",
                                "-1_a",
                                "+1_a",
                                "1755187091123456789x",
                                "999999999999999999999_a",
                                "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tl_nonce_check(store, bad[i], now), TL_EFORMAT);
    // A nonce dated ahead stays burned until its own stamp is out of the window.
    snprintf(text, sizeof text, "%lld_ahead", (long long)(now + window));
    assert_int_equal(tl_nonce_accept(store, text, now), TL_OK);
    assert_int_equal(tl_nonce_accept(store, text, now + 2 * window), TL_EEXIST);
    tl_nonce_store_destroy(&store);
    assert_null(store);
}

static void nonce_table_is_bounded(void **state)
{
    (void)state;
    const int64_t window = 120 * SECOND_NS;
    int64_t now = 1755187091123456789ll;
    char text[64];
    TlNonceStore *store = tl_nonce_store_create(100, window);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "%lld_%d", (long long)now, i);
        assert_int_equal(tl_nonce_accept(store, text, now), TL_OK);
    }
    snprintf(text, sizeof text, "%lld_more", (long long)now);
    assert_int_equal(tl_nonce_accept(store, text, now), TL_ELIMIT);
    for (int round = 0; round < 50; round++) { // time goes on: room again, for ever
        now += window + 1;
        for (int i = 0; i < 100; i++) {
            snprintf(text, sizeof text, "%lld_%d", (long long)now, i);
            assert_int_equal(tl_nonce_accept(store, text, now), TL_OK);
            assert_int_equal(tl_nonce_accept(store, text, now), TL_EEXIST);
        }
    }
    tl_nonce_store_destroy(&store);
}

// What was accepted before a restart is refused after it; a damaged file harms nobody; it does not grow for ever.
static void nonces_outlive_a_restart(void **state)
{
    (void)state;
    const int64_t window = 120 * SECOND_NS, now = 1755187091123456789ll;
    char path[] = "/tmp/touchline-nonces-XXXXXX", text[64];
    TlDiag diag = {0};
    struct stat info;
    FILE *file = fdopen(mkstemp(path), "w");
    assert_non_null(file);
    fprintf(file, "rubbish\n%032d 0\n%032d -5\n%032d 99999999999999999999\n%064d\n\n", 1, 2, 3, 4);
    for (int i = 0; i < 2000; i++)
        fprintf(file, "%032d %lld\n", i, (long long)(now - window - 1));
    fclose(file);
    for (int run = 0; run < 3; run++) {
        TlNonceStore *store = tl_nonce_store_create(100, window);
        assert_int_equal(tl_nonce_store_keep(store, path, now + run, &diag), TL_OK);
        assert_int_equal(stat(path, &info), 0);
        assert_true(info.st_size < 1000);
        for (int old = 0; old < run; old++) {
            snprintf(text, sizeof text, "%lld_%d", (long long)(now + old * SECOND_NS), old);
            assert_int_equal(tl_nonce_check(store, text, now + run), TL_EEXIST);
        }
        snprintf(text, sizeof text, "%lld_%d", (long long)(now + run * SECOND_NS), run);
        assert_int_equal(tl_nonce_accept(store, text, now + run), TL_OK);
        tl_nonce_store_destroy(&store);
    }
    TlNonceStore *store = tl_nonce_store_create(100, window);
    assert_int_equal(tl_nonce_store_keep(store, path, now + 200 * SECOND_NS, &diag), TL_OK);
    for (int i = 0; i < 200; i++) { // a full table that time empties: the file follows it
        const int64_t later = now + (200 + (int64_t)i) * 2 * window;
        for (int k = 0; k < 50; k++) {
            snprintf(text, sizeof text, "%lld_%d", (long long)later, k);
            assert_int_equal(tl_nonce_accept(store, text, later), TL_OK);
        }
    }
    assert_int_equal(stat(path, &info), 0);
    assert_true(info.st_size < 100 * 60);
    tl_nonce_store_destroy(&store);
    store = tl_nonce_store_create(100, window);
    assert_true(tl_nonce_store_keep(store, "/nonexistent/folder/nonces", now, &diag) < 0);
    assert_int_equal(tl_nonce_accept(store, "1755187091123456789_a", now), TL_OK);
    tl_nonce_store_destroy(&store);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merlin_vectors),
        cmocka_unit_test(published_signatures),
        cmocka_unit_test(edge_lengths),
        cmocka_unit_test(subnet_request),
        cmocka_unit_test(hostile_keys),
        cmocka_unit_test(seeds),
        cmocka_unit_test(sign_and_verify),
        cmocka_unit_test(addresses),
        cmocka_unit_test(nonces),
        cmocka_unit_test(nonce_table_is_bounded),
        cmocka_unit_test(nonces_outlive_a_restart),
    };
    if (tl_sr25519_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
