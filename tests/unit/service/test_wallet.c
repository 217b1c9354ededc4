// Wallet files: the hotkey's address from whatever is there, and one clear sentence when it is not.
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

#include "sr25519.h"
#include "wallet.h"

#define ALICE     "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
#define ALICE_HEX "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
#define BOB       "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
#define BOB_HEX   "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48"

typedef struct Folder {
    char root[64], wallet[96], hotkeys[128], file[160], public_file[176];
} Folder;

static int set_up(void **state)
{
    static Folder f;
    snprintf(f.root, sizeof f.root, "/tmp/tl-wallet-XXXXXX");
    if (!mkdtemp(f.root))
        return -1;
    snprintf(f.wallet, sizeof f.wallet, "%s/miner", f.root);
    snprintf(f.hotkeys, sizeof f.hotkeys, "%s/hotkeys", f.wallet);
    snprintf(f.file, sizeof f.file, "%s/hot", f.hotkeys);
    snprintf(f.public_file, sizeof f.public_file, "%spub.txt", f.file);
    *state = &f;
    return mkdir(f.wallet, 0700) || mkdir(f.hotkeys, 0700);
}

static int tear_down(void **state)
{
    Folder *f = *state;
    unlink(f->file);
    unlink(f->public_file);
    rmdir(f->hotkeys);
    rmdir(f->wallet);
    return rmdir(f->root);
}

static void put(const char *path, const void *data, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, n, file), n);
    fclose(file);
    chmod(path, 0600);
}

static int address(const Folder *f, char text[TL_SS58_SIZE], TlDiag *diag)
{
    TlWalletParams params = {.path = f->root, .name = "miner", .hotkey = "hot"};
    memset(text, 0, TL_SS58_SIZE);
    tl_diag_clear(diag);
    return tl_wallet_address(&params, text, diag);
}

static void plain_forms(void **state)
{
    Folder *f = *state;
    static const char *forms[] = {
        "{\"accountId\": \"0x" ALICE_HEX "\", \"publicKey\": \"0x" ALICE_HEX "\", \"privateKey\": \"0x00\", "
        "\"secretPhrase\": \"bottom drive obey lake\", \"secretSeed\": \"0x00\", \"ss58Address\": \"" ALICE "\"}",
        "{\"ss58Address\":\"" ALICE "\"}", "{\"publicKey\":\"0x" ALICE_HEX "\"}", "{\"accountId\":\"" ALICE_HEX "\"}",
        "\n {\"x\": [1, {}], \"ss58Address\": \"" ALICE "\"}\n"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char text[TL_SS58_SIZE];
        TlDiag diag;
        put(f->file, forms[i], strlen(forms[i]));
        assert_int_equal(address(f, text, &diag), TL_OK);
        assert_string_equal(text, ALICE);
    }
    TlWalletParams itself = {.path = f->file};
    char text[TL_SS58_SIZE];
    TlDiag diag = {0};
    assert_int_equal(tl_wallet_address(&itself, text, &diag), TL_OK);
    assert_string_equal(text, ALICE);
}

static void public_half_first(void **state)
{
    Folder *f = *state;
    static const char secret[] = "$NACL\x01\x02\x03", public[] = "{\"ss58Address\":\"" BOB "\"}";
    char text[TL_SS58_SIZE];
    TlDiag diag;
    put(f->file, secret, sizeof secret - 1);
    assert_int_equal(address(f, text, &diag), TL_EDENIED);
    put(f->public_file, public, sizeof public - 1);
    assert_int_equal(address(f, text, &diag), TL_OK);
    assert_string_equal(text, BOB);
    unlink(f->file);
    assert_int_equal(address(f, text, &diag), TL_OK);
    put(f->public_file, "broken", 6); // then the key file itself is asked
    put(f->file, "{\"ss58Address\":\"" ALICE "\"}", strlen("{\"ss58Address\":\"" ALICE "\"}"));
    assert_int_equal(address(f, text, &diag), TL_OK);
    assert_string_equal(text, ALICE);
}

// A file that names two hotkeys is refused whichever comes first, and so is the public half; the other file is not
// asked instead.
static void two_keys(void **state)
{
    Folder *f = *state;
    static const struct {
        const char *json, *first, *second;
    } rows[] = {{"{\"ss58Address\":\"" BOB "\",\"publicKey\":\"0x" ALICE_HEX "\"}", "ss58Address", "publicKey"},
                {"{\"accountId\":\"0x" ALICE_HEX "\",\"ss58Address\":\"" BOB "\"}", "ss58Address", "accountId"},
                {"{\"accountId\":\"0x" ALICE_HEX "\",\"publicKey\":\"0x" BOB_HEX "\"}", "publicKey", "accountId"},
                {"{\"ss58Address\":\"" ALICE "\",\"publicKey\":\"0x" ALICE_HEX "\",\"accountId\":\"0x" BOB_HEX "\"}",
                 "ss58Address", "accountId"},
                {"{\"ss58Address\":\"" ALICE "\",\"publicKey\":\"0x12\"}", "ss58Address", "publicKey"}};
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        const char *path = i % 2 ? f->public_file : f->file, *json = rows[i / 2].json;
        char text[TL_SS58_SIZE], expected[512];
        TlDiag diag;
        put(f->file, "{\"ss58Address\":\"" ALICE "\"}", strlen("{\"ss58Address\":\"" ALICE "\"}"));
        put(path, json, strlen(json));
        assert_int_equal(address(f, text, &diag), TL_ECONFIG);
        snprintf(expected, sizeof expected, "%s and %s in '%s' are not the same key", rows[i / 2].first,
                 rows[i / 2].second, path);
        assert_string_equal(diag.text, expected);
        assert_string_equal(text, "");
        unlink(f->public_file);
    }
}

static void encrypted_forms(void **state)
{
    Folder *f = *state;
    static const char *forms[] = {"$NACL....", "$ANSIBLE_VAULT;1.1;AES256", "gAAAAABk"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char text[TL_SS58_SIZE];
        TlDiag diag;
        put(f->file, forms[i], strlen(forms[i]));
        assert_int_equal(address(f, text, &diag), TL_EDENIED);
        assert_non_null(strstr(diag.text, "is encrypted and has no public half beside it"));
    }
}

static void no_wallet(void **state)
{
    Folder *f = *state;
    char text[TL_SS58_SIZE];
    TlDiag diag;
    assert_int_equal(address(f, text, &diag), TL_ENOENT);
    assert_non_null(strstr(diag.text, f->file));
    static const struct {
        const char *data;
        size_t n;
    } bad[] = {{"", 0},
               {"{", 1},
               {"[]", 2},
               {"{}", 2},
               {"null", 4},
               {"\0\0\0\0", 4},
               {"{\"ss58Address\":7}", 17},
               {"{\"ss58Address\":\"5nonsense\"}", 27},
               {"{\"publicKey\":\"0x12\"}", 20}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put(f->file, bad[i].data, bad[i].n);
        assert_int_equal(address(f, text, &diag), TL_EFORMAT);
        assert_non_null(strstr(diag.text, "is not a Bittensor key file"));
    }
    static char large[70000];
    memset(large, ' ', sizeof large);
    put(f->file, large, sizeof large);
    assert_true(address(f, text, &diag) < 0);
    static char name[3000];
    memset(name, 'n', sizeof name - 1);
    TlWalletParams params = {.path = f->root, .name = name};
    assert_int_equal(tl_wallet_address(&params, text, &diag), TL_EUSAGE);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(plain_forms), TEST(public_half_first), TEST(two_keys),
                                       TEST(encrypted_forms), TEST(no_wallet)};
    if (tl_sr25519_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
