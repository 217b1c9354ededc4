// Transactions against published ones: payloads that were signed and accepted on the main network, era and compact
// numbers of Substrate's own descriptions, and the call bytes of the subnet's registration.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "axon.h"
#include "extrinsic.h"
#include "ss58.h"

static const char GENESIS[] = "2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03";
static const char CHECKPOINT[] = "16607230c1cda9eb3cdf260af117944514143ad894c36e8451e61184986c981c";

// A transfer of block 9168516 of the main network (spec 470): call, signed text, Ed25519 signature, signer.
static const char CALL[] = "05030016c05a97cf96fd5272e37f2a4fa74925254383aa87790bb97a85d54e60ad471de2f3c72c";
static const char PAYLOAD[] = "05030016c05a97cf96fd5272e37f2a4fa74925254383aa87790bb97a85d54e60ad471de2f3c72c"
                              "0928ba8602000000d601000001000000"
                              "2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03"
                              "16607230c1cda9eb3cdf260af117944514143ad894c36e8451e61184986c981c00";
static const char SIGNATURE[] = "f1bf77e89657a673c42be4ed73effb45ab6035ba87e705a1b96a742823cddf66"
                                "6cacbe445d4d5799b404e433fba38e8cd1130e9de0243c33cf5d3da16fe9f004";
static const char SIGNER[] = "51a9f3ebc7c5cd9c551769ccf1530dccb6b8e6565d3335662ae4ea42ee6e5e3b";

static size_t hex(const char *text, uint8_t *bytes)
{
    size_t n = strlen(text) / 2;
    assert_int_equal(tl_hex_decode(text, bytes, n), TL_OK);
    return n;
}

static TlSigningContext context_of(uint64_t nonce, int period, uint64_t number, const char *checkpoint)
{
    TlSigningContext c = {
        .spec_version = 470, .transaction_version = 1, .nonce = nonce, .period = period, .checkpoint_number = number};
    hex(GENESIS, c.genesis);
    hex(checkpoint, c.checkpoint);
    return c;
}

// The payload we build is the one that was signed: its published signature holds for our bytes.
static void payload_of_the_main_network(void **state)
{
    (void)state;
    uint8_t call[64], expected[256], signature[64], signer[32], payload[TL_EXTRINSIC_MAX];
    const TlSigningContext c = context_of(41390, 1024, 9168512, CHECKPOINT);
    size_t n = tl_extrinsic_payload(call, hex(CALL, call), &c, payload);
    assert_int_equal(n, hex(PAYLOAD, expected));
    assert_memory_equal(payload, expected, n);
    hex(SIGNATURE, signature);
    hex(SIGNER, signer);
    assert_int_equal(crypto_sign_verify_detached(signature, payload, n, signer), 0);
}

static void eras(void **state)
{
    (void)state;
    static const struct {
        int period;
        uint64_t number;
        uint8_t era[2];
    } cases[] = {{64, 9168516, {0x45, 0x00}},
                 {64, 9168527, {0xf5, 0x00}},
                 {1024, 9168512, {0x09, 0x28}},
                 {4, 3, {0x31, 0x00}},
                 {65536, 65535, {0xff, 0xff}}};
    uint8_t call[64], payload[TL_EXTRINSIC_MAX];
    size_t length = hex(CALL, call);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const TlSigningContext c = context_of(0, cases[i].period, cases[i].number, CHECKPOINT);
        assert_int_equal(tl_extrinsic_payload(call, length, &c, payload), length + 2 + 3 + 8 + 64 + 1);
        assert_memory_equal(payload + length, cases[i].era, 2);
    }
    const TlSigningContext immortal = context_of(0, 0, 0, CHECKPOINT);
    uint8_t genesis[32];
    size_t n = tl_extrinsic_payload(call, length, &immortal, payload);
    hex(GENESIS, genesis);
    assert_int_equal(payload[length], 0);
    assert_memory_equal(payload + n - 33, genesis, 32); // an immortal one is bound to the genesis block
}

static void compact_numbers(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        const char *text;
    } cases[] = {{0, "00"},
                 {44, "b0"},
                 {63, "fc"},
                 {64, "0101"},
                 {16383, "fdff"},
                 {16384, "02000100"},
                 {(1u << 30) - 1, "feffffff"},
                 {1u << 30, "0300000040"},
                 {1000500000000ull, "07007572f2e8"},
                 {UINT64_MAX, "13ffffffffffffffff"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t out[9], expected[9];
        size_t n = tl_scale_put_compact(out, cases[i].value);
        assert_int_equal(n, hex(cases[i].text, expected));
        assert_memory_equal(out, expected, n);
    }
}

static void call_and_envelope(void **state)
{
    (void)state;
    const TlAxon axon = {.netuid = 44, .version = 1, .ip = {1, 2, 3, 4}, .port = 7999, .protocol = 4};
    const TlSigningContext c = context_of(7, 64, 9168527, CHECKPOINT);
    uint8_t call[TL_CALL_SERVE_AXON], expected[TL_CALL_SERVE_AXON], payload[TL_EXTRINSIC_MAX], seed[32];
    uint8_t extrinsic[TL_EXTRINSIC_MAX];
    TlSr25519Key alice;
    tl_call_serve_axon(&axon, call);
    hex("0704"
        "2c00"
        "01000000"
        "04030201000000000000000000000000"
        "3f1f"
        "04"
        "04"
        "0000",
        expected);
    assert_memory_equal(call, expected, sizeof call);

    hex("e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a", seed);
    tl_sr25519_from_seed(&alice, seed);
    size_t n = tl_extrinsic_sign(call, sizeof call, &c, &alice, extrinsic);
    size_t payload_length = tl_extrinsic_payload(call, sizeof call, &c, payload);
    assert_int_equal(n, 2 + 2 + 32 + 1 + 64 + 2 + 1 + 1 + 1 + sizeof call);
    assert_int_equal((extrinsic[0] | extrinsic[1] << 8) >> 2, n - 2);
    assert_int_equal(extrinsic[0] & 3, 1);
    assert_int_equal(extrinsic[2], 0x84);
    assert_int_equal(extrinsic[3], 0);
    assert_memory_equal(extrinsic + 4, alice.public_key, 32);
    assert_int_equal(extrinsic[36], 1);
    assert_true(tl_sr25519_verify(alice.public_key, payload, payload_length, extrinsic + 37));
    const uint8_t extensions[] = {0xf5, 0x00, 7 << 2, 0, 0};
    assert_memory_equal(extrinsic + 101, extensions, sizeof extensions);
    assert_memory_equal(extrinsic + 106, call, sizeof call);
}

// A long call is signed by its hash.
static void long_payloads(void **state)
{
    (void)state;
    uint8_t call[128] = {1}, payload[TL_EXTRINSIC_MAX];
    const TlSigningContext c = context_of(UINT64_MAX, 64, 1, CHECKPOINT);
    assert_int_equal(tl_extrinsic_payload(call, 128, &c, payload), 128 + 2 + 9 + 2 + 8 + 64 + 1);
    uint8_t longer[200] = {1}, buffer[TL_EXTRINSIC_MAX];
    assert_int_equal(tl_extrinsic_payload(longer, 200, &c, buffer), 32);
}

static void addresses(void **state)
{
    (void)state;
    static const char *const refused[] = {"",           "localhost",   "127.0.0.1",   "10.0.0.1",  "192.168.1.1",
                                          "0.0.0.0",    "224.0.0.1",   "1.2.3",       "1.2.3.4.5", "256.1.1.1",
                                          "100.64.0.1", "169.254.1.1", "2001:db8::1", "1.2.3.4 "};
    uint8_t ip[4];
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_int_equal(tl_axon_parse_ip(refused[i], 0, ip, NULL), TL_EUSAGE);
    assert_int_equal(tl_axon_parse_ip("8.8.4.4", 0, ip, NULL), TL_OK);
    assert_memory_equal(ip, ((const uint8_t[]){8, 8, 4, 4}), 4);
    assert_int_equal(tl_axon_parse_ip("10.0.0.1", 1, ip, NULL), TL_OK);
}

static void verdicts_of_a_node(void **state)
{
    (void)state;
    const uint8_t valid[] = {0, 1, 0}, proof[] = {1, 0, 4}, limit[] = {1, 0, 7, 12}, unknown[] = {1, 1, 0},
                  odd[] = {1, 0, 99};
    assert_null(tl_axon_validity_text(valid, sizeof valid));
    assert_non_null(strstr(tl_axon_validity_text(proof, sizeof proof), "signature"));
    assert_non_null(strstr(tl_axon_validity_text(limit, sizeof limit), "50 blocks"));
    assert_non_null(tl_axon_validity_text(unknown, sizeof unknown));
    assert_non_null(tl_axon_validity_text(odd, sizeof odd));
    assert_non_null(tl_axon_validity_text(proof, 2));
    assert_non_null(tl_axon_validity_text(proof, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payload_of_the_main_network),
        cmocka_unit_test(eras),
        cmocka_unit_test(compact_numbers),
        cmocka_unit_test(call_and_envelope),
        cmocka_unit_test(long_payloads),
        cmocka_unit_test(addresses),
        cmocka_unit_test(verdicts_of_a_node),
    };
    return tl_sr25519_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
