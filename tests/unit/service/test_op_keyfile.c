// Key files in all their forms: made by the wallet's own tool (bittensor-wallet 4.1.1) and by hand, for //Alice with
// the password "secret-Pass1"; wrong passwords, damage, keys that do not fit together.
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

#include "wallet_secret.h"

static const char PASSWORD[] = "secret-Pass1";
static const char PUBLIC_KEY[] = "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
#define ALICE_SEED "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a"
#define ALICE_PRIVATE                                                                                                  \
    "0x33a6f3093f158a7109f679410bef1a0c54168145e0cecb4df006c1c2fffb1f09"                                               \
    "925a225d97aa00682d6a59b95b18780c10d7032336e88f3442b42361f4a66011"
#define ALICE_PUBLIC "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
#define BOB_PUBLIC   "0x8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48"

// keyfile.legacy_encrypt_keyfile_data of the wallet's tool.
static const char ANSIBLE[] = "$ANSIBLE_VAULT;1.1;AES256\n"
                              "32346236613935366636323138363063626262346666666631303739613535663464313766303163\n"
                              "3165383739316436356633383035626330336462613233660a356431366261663632653533333261\n"
                              "65386532653964623938326561626463363531323562663863653833336565393538366666303662\n"
                              "3632326331383432330a316532663464393139626230346233396332613964636465396632343138\n"
                              "33326666323839633865353131643539336634393239646336353862383538636363393032323331\n"
                              "35326235663031396435313336633233323231343734643363643131636130623465633534653333\n"
                              "34653235346266376433636638663664306263373261353037343136393863316231653461353936\n"
                              "36386530303138316665323231633334633563613565666234333363383063653364666363636237\n"
                              "66336438353935303238323464356632323366643937303165633838633333623330646536356466\n"
                              "36663861633731323433393764346465366165343765623336393136383062353238383765643466\n"
                              "61356235303262393165326562353866646535613934326131636165623538346536353864383432\n"
                              "63346164663136663766363136636235343536626335313032376330386330663963623535363437\n"
                              "61383039653837303736306366656163356437623339303166383130613264353835343638366563\n"
                              "64353062356630623863373563313230313563623232616130326365393765663564333933303932\n"
                              "33323432306562343033306136636266376532626238316135393832663539343066343737616236\n"
                              "33616231396564646234373838396538363261656138353961323333623835626537663261326636\n"
                              "32313632323261373864316462393262343536356438373534633361633738643666303130636337\n"
                              "62313539616237663763343166616237323533303535626333666562656232303064373066653863\n"
                              "33323738666563666438613665356633366139333734383035616138643236306233646430623131\n"
                              "64626539646465646462623932653730383031643431333264343036386238643432323364313730\n"
                              "64663666636232316634366465343539393936653034653162616430633833616664333966643365\n"
                              "34393230313065393732376637653263643362376664623530353938653330313538636661376236\n"
                              "37323235633732616639323239336534396535633262383732613364363663636532376639666338\n"
                              "61366131363163363464\n";

// Fernet (cryptography 50) under PBKDF2 of ten million rounds.
static const char FERNET[] =
    "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD3P7UDuG3P8OuPRgc2x111U7RoZARL3RWRcoi6NqXlDFAeaqChUhybF7iNVsbVmWo4sP"
    "Q4sQ3J60JW8MCmbakNnA9A1hWTAeLmKsjW5mIAcFtCa8srF4LVZHswTwXPVXLns0V69cKkrex-lt92xhejKdVS8gXQNy5K7psZD7"
    "BqqHurKfBJxlJk4ZVaV-xFfojJimVkr-qXn5TzDHVS0NXlwIboQTCnbmjLLvfA_sn2pKtZv5sUyl2SqVgTW6xtrtBi0F_2hpM0Db"
    "u_l1esTvyeI=";

// keyfile.encrypt_keyfile_data of the wallet's tool, hex.
static const char NACL_HEX[] =
    "244e41434cada991bd1cdd089a5125fb419206e21a7d138dbefc1e012a7ca598bed05c61d30e2d18ecb50a63d509fbed7973"
    "47ce220eb9c7821fe8c71738c64e75395b9f7110495e11bd23e98521deaf52523245692209fe88970eb3a1feb343a4a59d48"
    "139a48de50f577e829b0579e7a43faed9a1ff10ed7c89b13d3b7437a687e6aff498f1768be2c5fcd1f8bf8d25ba24705c764"
    "e948314ccb99ebc429d587b5cefdc7f4826cc69125c15981bdf798ce34f13514a5729b98e7b8d9f04a91e665a5b4d85f8c0f"
    "f25c2e5946d37b07ccf1efca329181a2c4b0c739f4d2c8a7e9e32d51a4e147e0a22abfc1b1661591ad6b62bd7054240109f9"
    "72393107486e7acf2b802e3c48484497b11e95fbc4b5b11973f16a692694a00df7f24834f21c154d7076a973930e9bdf0591"
    "1f80b3eafb6f0cbf51169f2df449718d512ff69a265381715569dfe25cac3d7c5fae204b8b420d1d6d970fad4821d98e57ae"
    "1f932601ac384f9605aa4044291480ecffed4c7c232f3c949d1ebc2e19a0b894ecf80fac5a8cb6b578a7f43260159f0525e9"
    "9d0fdddaf706b29f025ab31e51047e9eda7c325ff609bcd11ba2054940cb06d58c27";

static void is_alice(const TlSr25519Key *key)
{
    uint8_t expected[32], signature[64];
    assert_int_equal(tl_hex_decode(PUBLIC_KEY, expected, 32), TL_OK);
    assert_memory_equal(key->public_key, expected, 32);
    tl_sr25519_sign(key, "x", 1, signature);
    assert_true(tl_sr25519_verify(expected, "x", 1, signature));
}

static int open_with(const char *data, size_t length, const char *password, TlSr25519Key *key)
{
    char plain[4096];
    size_t n = 0;
    assert_true(length < sizeof plain);
    int ret = tl_keyfile_decrypt(data, length, password, plain, &n, NULL);
    return ret < 0 ? ret : tl_keyfile_key(plain, n, key, NULL);
}

static void plain_files(void **state)
{
    (void)state;
    static const char *const good[] = {"{\"secretSeed\":\"" ALICE_SEED "\"}",
                                       "{\"privateKey\":\"" ALICE_PRIVATE "\",\"publicKey\":\"" ALICE_PUBLIC
                                       "\",\"accountId\":\"" ALICE_PUBLIC "\",\"cryptoType\":1}",
                                       "{\"privateKey\":null,\"secretSeed\":\"" ALICE_SEED "\",\"ss58Address\":"
                                       "\"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY\"}"};
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"secretSeed\":\"0x12\"}",
        "{\"secretSeed\":5}",
        "{\"secretSeed\":\"" ALICE_SEED "\",\"publicKey\":\"0x00\"}",
        "{\"secretSeed\":\"" ALICE_SEED "\",\"publicKey\":\"" ALICE_PUBLIC "\",\"accountId\":\"" BOB_PUBLIC "\"}",
        "{\"secretSeed\":\"" ALICE_SEED "\",\"ss58Address\":\"5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty\"}",
        "{\"secretSeed\":\"" ALICE_SEED "\",\"cryptoType\":0}",
        "{\"secretPhrase\":\"bottom drive obey lake curtain smoke basket hold race lonely fit walk\"}"};
    TlSr25519Key key;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(tl_keyfile_key(good[i], strlen(good[i]), &key, NULL), TL_OK);
        is_alice(&key);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tl_keyfile_key(bad[i], strlen(bad[i]), &key, NULL), TL_EFORMAT);
}

static void ansible_vault(void **state)
{
    (void)state;
    TlSr25519Key key;
    char broken[sizeof ANSIBLE];
    size_t n = sizeof ANSIBLE - 1;
    assert_int_equal(tl_keyfile_form(ANSIBLE, n), TL_KEYFILE_ANSIBLE);
    assert_int_equal(open_with(ANSIBLE, n, PASSWORD, &key), TL_OK);
    is_alice(&key);
    assert_int_equal(open_with(ANSIBLE, n, "secret-Pass2", &key), TL_EDENIED);
    for (size_t cut = 14; cut < n; cut += 37)
        assert_true(open_with(ANSIBLE, cut, PASSWORD, &key) < 0);
    memcpy(broken, ANSIBLE, sizeof ANSIBLE);
    broken[n / 2] = 'z';
    assert_int_equal(open_with(broken, n, PASSWORD, &key), TL_EFORMAT);
}

static void fernet_token(void **state)
{
    (void)state;
    TlSr25519Key key;
    size_t n = sizeof FERNET - 1;
    assert_int_equal(tl_keyfile_form(FERNET, n), TL_KEYFILE_FERNET);
    assert_int_equal(open_with(FERNET, n, PASSWORD, &key), TL_OK);
    is_alice(&key);
    assert_int_equal(open_with(FERNET, 60, PASSWORD, &key), TL_EFORMAT);
}

static void nacl_box(void **state)
{
    (void)state;
    TlSr25519Key key;
    char data[sizeof NACL_HEX / 2];
    assert_int_equal(tl_hex_decode(NACL_HEX, (uint8_t *)data, sizeof NACL_HEX / 2), TL_OK);
    assert_int_equal(tl_keyfile_form(data, sizeof data), TL_KEYFILE_NACL);
    assert_int_equal(open_with(data, 30, PASSWORD, &key), TL_EFORMAT);
    int ret = open_with(data, sizeof data, PASSWORD, &key);
    if (ret == TL_ENOMEM)
        skip();
    assert_int_equal(ret, TL_OK);
    is_alice(&key);
}

static void write_file(const char *path, const char *text, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    fclose(file);
    chmod(path, 0600);
}

// Through the file system, the password from the environment; without one and without a terminal it is refused.
static void wallets(void **state)
{
    (void)state;
    char folder[] = "/tmp/tl-wallet-XXXXXX", path[256];
    static const char *const parts[] = {"", "/me", "/me/hotkeys"};
    TlSr25519Key key;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 1; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", folder, parts[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    const TlWalletParams params = {folder, "me", "key"};
    assert_int_equal(tl_wallet_secret(&params, &key, NULL), TL_ENOENT);
    snprintf(path, sizeof path, "%s/me/hotkeys/key", folder);
    write_file(path, ANSIBLE, sizeof ANSIBLE - 1);
    setenv("BT_WALLET_PASSWORD", PASSWORD, 1);
    assert_int_equal(tl_wallet_secret(&params, &key, NULL), TL_OK);
    is_alice(&key);
    const TlWalletParams file = {path, NULL, NULL}; // the path may be the file itself
    assert_int_equal(tl_wallet_secret(&file, &key, NULL), TL_OK);
    setenv("BT_WALLET_PASSWORD", "no", 1);
    assert_int_equal(tl_wallet_secret(&params, &key, NULL), TL_EDENIED);
    unsetenv("BT_WALLET_PASSWORD");
    write_file(path, "", 0);
    assert_int_equal(tl_wallet_secret(&params, &key, NULL), TL_EFORMAT);
    unlink(path);
    for (int i = 2; i >= 0; i--) {
        snprintf(path, sizeof path, "%s%s", folder, parts[i]);
        rmdir(path);
    }
}

// No input of a stranger does more than fail.
static void rubbish(void **state)
{
    (void)state;
    static const char *const heads[] = {"$ANSIBLE_VAULT;1.1;AES256\n", "$NACL", "{\"secretSeed\":"};
    char data[512], plain[513];
    size_t n;
    TlSr25519Key key;
    for (unsigned i = 0; i < 3000; i++) {
        const char *head = heads[i % 3];
        size_t at = strlen(head), length = at + randombytes_uniform(i % 3 == 1 ? 30 : 400);
        memcpy(data, head, at);
        for (; at < length; at++)
            data[at] = i & 4 ? (char)randombytes_uniform(256) : "0123456789abcdef\n"[randombytes_uniform(17)];
        assert_true(tl_keyfile_decrypt(data, length, "p", plain, &n, NULL) < 0);
        assert_true(tl_keyfile_key(data, length, &key, NULL) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_files), cmocka_unit_test(ansible_vault), cmocka_unit_test(fernet_token),
        cmocka_unit_test(nacl_box),    cmocka_unit_test(wallets),       cmocka_unit_test(rubbish),
    };
    return tl_sr25519_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
