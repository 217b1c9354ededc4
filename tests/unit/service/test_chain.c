// SCALE and the metagraph's answer: the vectors of docs/subnet.md, every truncation, hostile counts; the stake table.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "chain.h"
#include "scale.h"
#include "sr25519.h"
#include "ss58.h"

static const char ALICE[] = "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
static const char BOB[] = "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48";
enum { VECTOR_SIZE = 153 };

static void key_of(const char *hex, uint8_t key[32])
{
    assert_int_equal(tl_hex_decode(hex, key, 32), TL_OK);
}

// 0x01b0, 51 times 00, 01 08, two keys, 15 times 00, 01 08 and two stakes, 5 times 00
static void make_vector(uint8_t out[VECTOR_SIZE])
{
    memset(out, 0, VECTOR_SIZE);
    out[0] = 0x01;
    out[1] = 0xb0;
    out[53] = 0x01;
    out[54] = 0x08;
    key_of(ALICE, out + 55);
    key_of(BOB, out + 87);
    assert_int_equal(tl_hex_decode("010807007572f2e807007841cb02", out + 134, 14), TL_OK);
}

static void compact_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        uint64_t value;
    } good[] = {{"00", 0},
                {"b0", 44},
                {"fc", 63},
                {"0101", 64},
                {"fdff", 16383},
                {"02000100", 16384},
                {"feffffff", (1ull << 30) - 1},
                {"0300000040", 1ull << 30},
                {"07007572f2e8", 1000500000000ull},
                {"07007841cb02", 12000000000ull},
                {"13ffffffffffffffff", UINT64_MAX}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint8_t bytes[16];
        size_t n = strlen(good[i].hex) / 2;
        assert_int_equal(tl_hex_decode(good[i].hex, bytes, n), TL_OK);
        TlScaleReader r = {.at = bytes, .end = bytes + n};
        assert_true(tl_scale_compact(&r) == good[i].value);
        assert_false(r.failed);
        assert_ptr_equal(r.at, bytes + n);
        for (size_t cut = 0; cut < n; cut++) { // every truncation fails and stays failed
            uint8_t *exact = tl_calloc(cut + 1, 1);
            memcpy(exact, bytes, cut);
            TlScaleReader s = {.at = exact, .end = exact + cut};
            assert_true(tl_scale_compact(&s) == 0 && s.failed);
            assert_true(tl_scale_u8(&s) == 0 && tl_scale_bytes(&s, 0) == NULL);
            tl_free(&exact);
        }
    }
}

static void compact_must_be_canonical(void **state)
{
    (void)state;
    static const char *bad[] = {"0100",
                                "fd00",
                                "02000000",
                                "feff0000",
                                "0300000000",
                                "03ffffff3f",
                                "07ffffffff00",
                                "13ffffffffffffff00",
                                "1700000000000000000100"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t bytes[16];
        size_t n = strlen(bad[i]) / 2;
        assert_int_equal(tl_hex_decode(bad[i], bytes, n), TL_OK);
        TlScaleReader r = {.at = bytes, .end = bytes + n};
        tl_scale_compact(&r);
        if (!r.failed)
            fail_msg("%s is taken", bad[i]);
    }
}

static void metagraph_vector(void **state)
{
    (void)state;
    uint8_t bytes[VECTOR_SIZE], alice[32], bob[32];
    TlStake *stakes = tl_calloc(TL_STAKE_MAX, sizeof *stakes);
    TlDiag diag = {0};
    int count = -1;
    make_vector(bytes);
    key_of(ALICE, alice);
    key_of(BOB, bob);
    assert_int_equal(tl_chain_decode_stakes(bytes, sizeof bytes, 44, stakes, &count, &diag), TL_OK);
    assert_int_equal(count, 2);
    assert_memory_equal(stakes[0].key, alice, 32);
    assert_memory_equal(stakes[1].key, bob, 32);
    assert_true(stakes[0].tao == 1000.5 && stakes[1].tao == 12.0);
    assert_int_equal(tl_chain_decode_stakes(bytes, sizeof bytes, 45, stakes, &count, &diag), TL_EFORMAT);
    assert_int_equal(tl_chain_decode_stakes((const uint8_t *)"", 1, 44, stakes, &count, &diag), TL_ENOENT);
    // fields that a later runtime appends do no harm, nor does the lack of the last five
    uint8_t longer[VECTOR_SIZE + 100] = {0};
    memcpy(longer, bytes, sizeof bytes);
    memset(longer + VECTOR_SIZE, 0xff, 100);
    assert_int_equal(tl_chain_decode_stakes(longer, sizeof longer, 44, stakes, &count, &diag), TL_OK);
    tl_free(&stakes);
}

static void hostile_metagraphs(void **state)
{
    (void)state;
    uint8_t bytes[VECTOR_SIZE];
    TlStake *stakes = tl_calloc(TL_STAKE_MAX, sizeof *stakes);
    TlDiag diag = {0};
    int count;
    for (size_t cut = 0; cut < 148; cut++) { // up to the end of the stakes
        make_vector(bytes);
        uint8_t *exact = tl_calloc(cut + 1, 1);
        memcpy(exact, bytes, cut);
        assert_int_equal(tl_chain_decode_stakes(exact, cut, 44, stakes, &count, &diag), TL_EFORMAT);
        assert_int_equal(count, 0);
        tl_free(&exact);
    }
    static const struct {
        int at, value;
    } changes[] = {{2, 1},     // a field that was not asked for
                   {53, 2},    // neither absent nor there
                   {53, 0},    // no hotkeys
                   {54, 0x0c}, // three keys and two stakes
                   {54, 0x04}, // one key and two stakes
                   {54, 0xfe}, // a billion keys
                   {134, 0},   // no stakes
                   {135, 0x04}, {135, 0x0c}, {0, 0xff}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        make_vector(bytes);
        bytes[changes[i].at] = (uint8_t)changes[i].value;
        int ret = tl_chain_decode_stakes(bytes, sizeof bytes, 44, stakes, &count, &diag);
        if (ret != TL_EFORMAT && changes[i].at != 0)
            fail_msg("byte %d = %d gives %d", changes[i].at, changes[i].value, ret);
    }
    srand(5);
    for (int i = 0; i < 20000; i++) { // random damage: any code, no crash, counts within bounds
        make_vector(bytes);
        for (int k = rand() % 4; k >= 0; k--)
            bytes[rand() % VECTOR_SIZE] = (uint8_t)rand();
        (void)!tl_chain_decode_stakes(bytes, sizeof bytes, 44, stakes, &count, &diag);
        assert_in_range(count, 0, TL_STAKE_MAX);
    }
    tl_free(&stakes);
}

static void replies(void **state)
{
    (void)state;
    static const char *bad[] = {"",
                                "{",
                                "[]",
                                "{}",
                                "{\"id\":1}",
                                "{\"id\":1,\"result\":null}",
                                "{\"id\":1,\"result\":7}",
                                "{\"id\":1,\"result\":\"\"}",
                                "{\"id\":1,\"result\":\"0x\"}",
                                "{\"id\":1,\"result\":\"0x0\"}",
                                "{\"id\":1,\"result\":\"0x012\"}",
                                "{\"id\":1,\"result\":\"0xzz\"}",
                                "{\"id\":1,\"result\":\"01b0\"}",
                                "{\"id\":2,\"result\":\"0x01b0\"}",
                                "{\"id\":\"1\",\"result\":\"0x01b0\"}",
                                "{\"result\":\"0x01b0\"}"};
    uint8_t *bytes = NULL;
    size_t length = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        TlDiag diag = {0};
        assert_int_equal(tl_chain_result_bytes(bad[i], strlen(bad[i]), &bytes, &length, &diag), TL_EFORMAT);
        assert_null(bytes);
    }
    TlDiag diag = {0};
    static const char good[] = "{\"jsonrpc\":\"2.0\",\"result\":\"0x01b0\",\"id\":1}";
    assert_int_equal(tl_chain_result_bytes(good, strlen(good), &bytes, &length, &diag), TL_OK);
    assert_int_equal(length, 2);
    assert_memory_equal(bytes, "\x01\xb0", 2);
    tl_free(&bytes);
    static const char error[] = "{\"id\":1,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}";
    assert_int_equal(tl_chain_result_bytes(error, strlen(error), &bytes, &length, &diag), TL_EFORMAT);
    assert_string_equal(diag.text, "the chain answered: Method not found");
}

static void networks(void **state)
{
    (void)state;
    static const TlChainNames finney = {"finney", "", 44}, test = {"test", "", 261}, local = {"local", "", 44},
                              typo = {"finne", "", 44}, none = {"", "", 44}, own = {"finne", "ws://10.0.0.1:1", 44};
    TlDiag diag = {0};
    assert_string_equal(tl_chain_url(&finney, &diag), "wss://entrypoint-finney.opentensor.ai:443");
    assert_string_equal(tl_chain_url(&test, &diag), "wss://test.finney.opentensor.ai:443");
    assert_string_equal(tl_chain_url(&local, &diag), "ws://127.0.0.1:9944");
    assert_string_equal(tl_chain_url(&own, &diag), "ws://10.0.0.1:1");
    assert_int_equal(diag.code, 0);
    assert_null(tl_chain_url(&none, NULL));
    assert_null(tl_chain_url(&typo, &diag));
    assert_int_equal(diag.code, TL_EUSAGE);
    assert_string_equal(diag.text, "unknown network 'finne'; give finney, test, local or --subtensor.address");
}

// --- the stake table

static void table_find(void **state)
{
    (void)state;
    TlStake stakes[100] = {0};
    TlStakeTable *table = tl_stake_table_create();
    uint8_t stranger[32] = {0xff};
    double tao = -1;
    assert_int_equal(tl_stake_table_find(table, stranger, &tao), TL_ENOENT);
    assert_int_equal(tl_stake_table_count(table), 0);
    assert_int_equal(tl_stake_table_time_s(table), 0);
    for (int i = 0; i < 100; i++) {
        stakes[i].key[0] = (uint8_t)(i * 37);
        stakes[i].key[31] = (uint8_t)i;
        stakes[i].tao = i;
    }
    assert_int_equal(tl_stake_table_set(table, stakes, 100, 1234), TL_OK);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(tl_stake_table_find(table, stakes[i].key, &tao), TL_OK);
        assert_true(tao == i);
    }
    assert_int_equal(tl_stake_table_find(table, stranger, &tao), TL_ENOENT);
    assert_int_equal(tl_stake_table_time_s(table), 1234);
    assert_int_equal(tl_stake_table_allow(table, stranger), TL_OK);
    assert_int_equal(tl_stake_table_find(table, stranger, &tao), TL_OK);
    assert_true(isinf(tao));
    assert_int_equal(tl_stake_table_count(table), 101);
    assert_int_equal(tl_stake_table_set(table, stakes, 1, 1235), TL_OK); // replaced whole; who is allowed stays
    assert_int_equal(tl_stake_table_find(table, stakes[1].key, &tao), TL_ENOENT);
    assert_int_equal(tl_stake_table_find(table, stranger, &tao), TL_OK);
    assert_int_equal(tl_stake_table_set(table, stakes, TL_STAKE_MAX + 1, 1), TL_ELIMIT);
    assert_int_equal(tl_stake_table_set(table, stakes, -1, 1), TL_ELIMIT);
    int ret = TL_OK;
    for (int i = 0; i < 64 && ret == TL_OK; i++)
        ret = tl_stake_table_allow(table, stakes[i].key);
    assert_int_equal(ret, TL_ELIMIT);
    tl_stake_table_destroy(&table);
    assert_null(table);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void table_on_disk(void **state)
{
    (void)state;
    char folder[] = "/tmp/tl-stake-XXXXXX", path[64];
    TlStake stakes[2] = {{.tao = 1000.123456789}, {.tao = 0}};
    TlStakeTable *table = tl_stake_table_create(), *other = tl_stake_table_create();
    TlDiag diag = {0};
    double tao;
    key_of(ALICE, stakes[0].key);
    key_of(BOB, stakes[1].key);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/stakes.json", folder);
    assert_int_equal(tl_stake_table_load(other, path, 44, &diag), TL_ENOENT);
    assert_int_equal(tl_stake_table_set(table, stakes, 2, 1755187091), TL_OK);
    assert_int_equal(tl_stake_table_save(table, path, 44, &diag), TL_OK);
    assert_int_equal(tl_stake_table_load(other, path, 44, &diag), TL_OK);
    assert_int_equal(tl_stake_table_count(other), 2);
    assert_int_equal(tl_stake_table_time_s(other), 1755187091);
    assert_int_equal(tl_stake_table_find(other, stakes[0].key, &tao), TL_OK);
    assert_true(tao == 1000.123456789);
    assert_int_equal(tl_stake_table_load(other, path, 45, &diag), TL_EFORMAT);
    assert_int_equal(tl_stake_table_count(other), 2); // a bad file changes nothing
    static const char *bad[] = {
        "",
        "[]",
        "{\"netuid\":44,\"time\":0,\"nodes\":{}}",
        "{\"netuid\":44,\"time\":1,\"nodes\":[]}",
        "{\"netuid\":44,\"time\":1,\"nodes\":{\"5GoKvZWG5ZPYL1WUovuHW3zJBWBP5eT8CbqjdRY4Q6iMaQub\":{\"tao_stake\":1}}}",
        "{\"netuid\":44,\"time\":1,\"nodes\":{\"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY\":{}}}",
        ("{\"netuid\":44,\"time\":1,\"nodes\":{\"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY\":{\"tao_stake\":"
         "\"1\"}}}")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file(path, bad[i]);
        assert_int_equal(tl_stake_table_load(other, path, 44, &diag), TL_EFORMAT);
        assert_int_equal(tl_stake_table_count(other), 2);
    }
    unlink(path);
    rmdir(folder);
    assert_true(tl_stake_table_save(table, path, 44, &diag) < 0); // no such folder any more
    tl_stake_table_destroy(&table);
    tl_stake_table_destroy(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compact_vectors),  cmocka_unit_test(compact_must_be_canonical),
        cmocka_unit_test(metagraph_vector), cmocka_unit_test(hostile_metagraphs),
        cmocka_unit_test(replies),          cmocka_unit_test(networks),
        cmocka_unit_test(table_find),       cmocka_unit_test(table_on_disk),
    };
    if (tl_sr25519_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
