// Decrypting key files. In: their bytes and a password; out: the JSON inside.
//
// Methods as in the wallet's own tool (opentensor/btwallet, src/keyfile.rs): "$NACL" + nonce + secretbox under Argon2i
// (libsodium's "sensitive" limits, a fixed salt); Ansible Vault 1.1 (docs.ansible.com, "Ansible Vault payload format");
// a Fernet token (the cryptography project's Fernet specification) under PBKDF2 of ten million rounds and a fixed salt.
#include "wallet_secret.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <string.h>

#include "base/mem.h"

enum { ANSIBLE_ROUNDS = 10000, FERNET_ROUNDS = 10000000, FERNET_HEAD = 1 + 8 + 16, MAC = 32, BLOCK = 16 };

static const unsigned char NACL_SALT[crypto_pwhash_SALTBYTES] = {0x13, 0x71, 0x83, 0xdf, 0xf1, 0x5a, 0x09, 0xbc,
                                                                 0x9c, 0x90, 0xb5, 0x51, 0x87, 0x39, 0xe9, 0xb1};
static const char FERNET_SALT[] = "Iguesscyborgslikemyselfhaveatendencytobeparanoidaboutourorigins";
static const char VAULT_HEAD[] = "$ANSIBLE_VAULT";

typedef struct Job {
    const char *data;
    size_t length;
    const char *password;
    unsigned char *plain; ///< at least length bytes
    size_t plain_length;
    TlDiag *diag;
} Job;

int tl_keyfile_form(const char *data, size_t length)
{
    if (length >= 5 && memcmp(data, "$NACL", 5) == 0)
        return TL_KEYFILE_NACL;
    if (length >= sizeof VAULT_HEAD - 1 && memcmp(data, VAULT_HEAD, sizeof VAULT_HEAD - 1) == 0)
        return TL_KEYFILE_ANSIBLE;
    return length >= 6 && memcmp(data, "gAAAAA", 6) == 0 ? TL_KEYFILE_FERNET : TL_KEYFILE_PLAIN;
}

static int wrong_password(const Job *job)
{
    return tl_fail(job->diag, TL_EDENIED, "wrong password for the key file");
}

static int damaged(const Job *job)
{
    return tl_fail(job->diag, TL_EFORMAT, "the encrypted key file is damaged");
}

static int decrypt_nacl(Job *job)
{
    unsigned char key[crypto_secretbox_KEYBYTES];
    const unsigned char *box = (const unsigned char *)job->data + 5;
    size_t length = job->length - 5;
    if (length < crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES)
        return damaged(job);
    if (crypto_pwhash(key, sizeof key, job->password, strlen(job->password), NACL_SALT,
                      crypto_pwhash_argon2i_OPSLIMIT_SENSITIVE, crypto_pwhash_argon2i_MEMLIMIT_SENSITIVE,
                      crypto_pwhash_ALG_ARGON2I13) != 0)
        return tl_fail(job->diag, TL_ENOMEM, "no %d MiB of memory to unlock the key file",
                       (int)(crypto_pwhash_argon2i_MEMLIMIT_SENSITIVE >> 20));
    length -= crypto_secretbox_NONCEBYTES;
    int bad = crypto_secretbox_open_easy(job->plain, box + crypto_secretbox_NONCEBYTES, length, box, key);
    sodium_memzero(key, sizeof key);
    job->plain_length = length - crypto_secretbox_MACBYTES;
    return bad ? wrong_password(job) : TL_OK;
}

static int pbkdf2(const Job *job, const unsigned char *salt, size_t salt_length, int rounds, unsigned char *out,
                  int length)
{
    return PKCS5_PBKDF2_HMAC(job->password, (int)strlen(job->password), salt, (int)salt_length, rounds, EVP_sha256(),
                             length, out) == 1
               ? TL_OK
               : tl_fail(job->diag, TL_EINTERNAL, "the key of the key file cannot be derived");
}

static int mac_is(const unsigned char *key, int key_length, const unsigned char *text, size_t length,
                  const unsigned char expected[MAC])
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    return HMAC(EVP_sha256(), key, key_length, text, length, mac, &n) && n == MAC &&
           sodium_memcmp(mac, expected, MAC) == 0;
}

typedef struct Cipher {
    const EVP_CIPHER *kind;
    const unsigned char *key, *iv;
} Cipher;

// Decrypts into job->plain and drops the padding (PKCS 7).
static int decrypt(Job *job, const Cipher *cipher, const unsigned char *text, size_t length)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int n = 0, last = 0, ok = context && length > 0 && length % BLOCK == 0;
    ok = ok && EVP_DecryptInit_ex(context, cipher->kind, NULL, cipher->key, cipher->iv) == 1;
    ok = ok && EVP_CIPHER_CTX_set_padding(context, 0) == 1;
    ok = ok && EVP_DecryptUpdate(context, job->plain, &n, text, (int)length) == 1;
    ok = ok && EVP_DecryptFinal_ex(context, job->plain + n, &last) == 1;
    EVP_CIPHER_CTX_free(context);
    if (!ok || (size_t)(n + last) != length)
        return damaged(job);
    unsigned padding = job->plain[length - 1];
    if (padding < 1 || padding > BLOCK)
        return damaged(job);
    job->plain_length = length - padding;
    return TL_OK;
}

// --- Ansible Vault

// Hex digits up to a newline or the end; blanks between them are skipped. Bytes written, or -1.
static long hex_line(const unsigned char **at, const unsigned char *end, unsigned char *out, size_t size)
{
    size_t n = 0;
    int high = -1;
    for (; *at < end && **at != '\n'; ++*at) {
        if (**at == '\r')
            continue;
        int c = tolower(**at), digit = isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return -1;
        if (high < 0) {
            high = digit;
        } else {
            if (n == size)
                return -1;
            out[n++] = (unsigned char)(high << 4 | digit);
            high = -1;
        }
    }
    *at += *at < end;
    return high < 0 ? (long)n : -1;
}

typedef struct Vault {
    unsigned char salt[64], mac[MAC];
    long salt_length, mac_length, length;
    unsigned char *text;
} Vault;

// The payload is hex of three lines of hex: salt, MAC, encrypted text.
static int read_vault(const Job *job, Vault *vault, unsigned char *outer)
{
    const unsigned char *at = (const unsigned char *)job->data, *end = at + job->length;
    size_t n = 0;
    while (at < end && *at++ != '\n')
        ; // $ANSIBLE_VAULT;1.1;AES256
    while (at < end) {
        long got = hex_line(&at, end, outer + n, job->length - n);
        if (got < 0)
            return -1;
        n += (size_t)got;
    }
    at = outer;
    end = outer + n;
    vault->salt_length = hex_line(&at, end, vault->salt, sizeof vault->salt);
    vault->mac_length = hex_line(&at, end, vault->mac, sizeof vault->mac);
    vault->length = hex_line(&at, end, vault->text, job->length);
    return vault->salt_length > 0 && vault->mac_length == MAC && vault->length > 0 ? 0 : -1;
}

static int open_vault(Job *job, const Vault *vault)
{
    unsigned char keys[32 + 32 + BLOCK]; // cipher key, MAC key, counter
    int ret = pbkdf2(job, vault->salt, (size_t)vault->salt_length, ANSIBLE_ROUNDS, keys, sizeof keys);
    const Cipher cipher = {EVP_aes_256_ctr(), keys, keys + 64};
    if (ret == TL_OK && !mac_is(keys + 32, 32, vault->text, (size_t)vault->length, vault->mac))
        ret = wrong_password(job);
    if (ret == TL_OK)
        ret = decrypt(job, &cipher, vault->text, (size_t)vault->length);
    sodium_memzero(keys, sizeof keys);
    return ret;
}

static int decrypt_ansible(Job *job)
{
    Vault vault = {.text = tl_calloc(job->length, 1)};
    unsigned char *outer = tl_calloc(job->length, 1);
    int ret;
    if (!vault.text || !outer)
        ret = tl_fail(job->diag, TL_ENOMEM, "out of memory for the key file");
    else if (read_vault(job, &vault, outer) < 0)
        ret = damaged(job);
    else
        ret = open_vault(job, &vault);
    tl_free(&outer);
    tl_free(&vault.text);
    return ret;
}

// --- Fernet

static int open_token(Job *job, const unsigned char *token, size_t length)
{
    unsigned char keys[32]; // MAC key, cipher key
    if (length < FERNET_HEAD + BLOCK + MAC || token[0] != 0x80)
        return damaged(job);
    int ret = pbkdf2(job, (const unsigned char *)FERNET_SALT, sizeof FERNET_SALT - 1, FERNET_ROUNDS, keys, sizeof keys);
    const Cipher cipher = {EVP_aes_128_cbc(), keys + 16, token + 9};
    if (ret == TL_OK && !mac_is(keys, 16, token, length - MAC, token + length - MAC))
        ret = wrong_password(job);
    if (ret == TL_OK)
        ret = decrypt(job, &cipher, token + FERNET_HEAD, length - FERNET_HEAD - MAC);
    sodium_memzero(keys, sizeof keys);
    return ret;
}

static int decrypt_fernet(Job *job)
{
    unsigned char *token = tl_calloc(job->length, 1);
    size_t length = 0;
    int ret;
    if (!token)
        ret = tl_fail(job->diag, TL_ENOMEM, "out of memory for the key file");
    else if (sodium_base642bin(token, job->length, job->data, job->length, "\r\n ", &length, NULL,
                               sodium_base64_VARIANT_URLSAFE) != 0)
        ret = damaged(job);
    else
        ret = open_token(job, token, length);
    tl_free(&token);
    return ret;
}

int tl_keyfile_decrypt(const char *data, size_t length, const char *password, char *plain, size_t *plain_length,
                       TlDiag *diag)
{
    Job job = {data, length, password, (unsigned char *)plain, 0, diag};
    int ret;
    *plain_length = 0;
    switch (tl_keyfile_form(data, length)) {
    case TL_KEYFILE_NACL:
        ret = decrypt_nacl(&job);
        break;
    case TL_KEYFILE_ANSIBLE:
        ret = decrypt_ansible(&job);
        break;
    case TL_KEYFILE_FERNET:
        ret = decrypt_fernet(&job);
        break;
    default:
        return tl_fail(diag, TL_EFORMAT, "the key file is not encrypted in a known way");
    }
    if (ret < 0) {
        sodium_memzero(plain, length);
        return ret;
    }
    plain[job.plain_length] = 0;
    *plain_length = job.plain_length;
    return TL_OK;
}
