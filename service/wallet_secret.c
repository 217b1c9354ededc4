// Bittensor key files with their secrets. In: a wallet's hotkey file and a password; out: an sr25519 key pair.
#include "wallet_secret.h"

#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"

enum { CRYPTO_SR25519 = 1 };

static const char *const PASSWORD_NAMES[] = {"BT_WALLET_PASSWORD", "WALLET_PASSWORD"};

// --- plain key files

static int same_public_key(const json_t *root, const TlSr25519Key *key)
{
    static const char *const names[] = {"publicKey", "accountId"};
    const char *ss58 = json_string_value(json_object_get(root, "ss58Address"));
    uint8_t public_key[32];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *hex = json_string_value(json_object_get(root, names[i]));
        if (hex && (tl_hex_decode(hex, public_key, 32) < 0 || memcmp(public_key, key->public_key, 32) != 0))
            return 0;
    }
    return !ss58 || (tl_ss58_decode(ss58, public_key) == TL_OK && memcmp(public_key, key->public_key, 32) == 0);
}

static int read_key(const json_t *root, TlSr25519Key *key, TlDiag *diag)
{
    const json_t *type = json_object_get(root, "cryptoType");
    const char *private_key = json_string_value(json_object_get(root, "privateKey"));
    const char *seed = json_string_value(json_object_get(root, "secretSeed"));
    uint8_t bytes[64];
    int ret = TL_OK;
    if (json_is_integer(type) && json_integer_value(type) != CRYPTO_SR25519)
        return tl_fail(diag, TL_EFORMAT, "the key is not of type sr25519, which the subnet asks for");
    if (private_key && strlen(private_key) >= 128)
        ret = tl_hex_decode(private_key, bytes, 64) < 0 ? TL_EFORMAT : tl_sr25519_from_private(key, bytes);
    else if (seed && tl_hex_decode(seed, bytes, 32) == TL_OK)
        tl_sr25519_from_seed(key, bytes);
    else
        ret = TL_EFORMAT;
    sodium_memzero(bytes, sizeof bytes);
    if (ret < 0)
        return tl_fail(diag, ret, "the key file has no usable privateKey or secretSeed");
    if (!same_public_key(root, key))
        return tl_fail(diag, TL_EFORMAT, "secret and public key of the key file do not belong together");
    return TL_OK;
}

int tl_keyfile_key(const char *json, size_t length, TlSr25519Key *key, TlDiag *diag)
{
    json_error_t error;
    json_t *root = json_loadb(json, length, 0, &error);
    int ret = json_is_object(root) ? read_key(root, key, diag)
                                   : tl_fail(diag, TL_EFORMAT, "the key file is not a JSON object");
    json_decref(root);
    if (ret < 0)
        sodium_memzero(key, sizeof *key);
    return ret;
}

int tl_secret_from_hex(const char *text, TlSr25519Key *key, TlDiag *diag)
{
    uint8_t seed[32];
    if (tl_hex_decode(text, seed, sizeof seed) < 0)
        return tl_fail(diag, TL_EUSAGE, "a seed is 64 hex digits");
    tl_sr25519_from_seed(key, seed);
    sodium_memzero(seed, sizeof seed);
    return TL_OK;
}

// --- passwords

// One line without showing it. The terminal's own line editing and signals are off meanwhile: a Ctrl-C that ended the
// process here would leave the terminal blind.
static int read_hidden(int terminal, char *password)
{
    enum { INTERRUPT = 3, END = 4, BACKSPACE = 8, CLEAR = 21, QUIT = 28, DELETE = 127 };
    size_t n = 0;
    char c;
    while (read(terminal, &c, 1) == 1 && c != END && c != INTERRUPT && c != QUIT) {
        if (c == '\n' || c == '\r') {
            password[n] = 0;
            return n > 0 ? 0 : -1;
        }
        if (c == BACKSPACE || c == DELETE)
            n -= n > 0;
        else if (c == CLEAR)
            n = 0;
        else if (n < TL_PASSWORD_SIZE - 1)
            password[n++] = c;
        else
            break; // a password cut short would only be wrong
    }
    return -1;
}

static int ask(int terminal, const char *prompt, char *password, TlDiag *diag)
{
    struct termios shown, hidden;
    if (tcgetattr(terminal, &shown) < 0)
        return tl_fail(diag, TL_EDENIED, "the terminal cannot hide a password; set %s", PASSWORD_NAMES[0]);
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    hidden.c_cc[VMIN] = 1;
    hidden.c_cc[VTIME] = 0;
    tcsetattr(terminal, TCSAFLUSH, &hidden); // before the prompt: what answers it must not be thrown away
    (void)!write(terminal, prompt, strlen(prompt));
    int bad = read_hidden(terminal, password);
    tcsetattr(terminal, TCSAFLUSH, &shown);
    (void)!write(terminal, "\n", 1);
    return bad == 0 ? TL_OK : tl_fail(diag, TL_EDENIED, "no password was given");
}

static int get_password(const char *path, char *password, TlDiag *diag)
{
    char prompt[sizeof(((TlWalletFile *)0)->path) + 32];
    for (size_t i = 0; i < sizeof PASSWORD_NAMES / sizeof *PASSWORD_NAMES; i++) {
        const char *value = getenv(PASSWORD_NAMES[i]);
        if (value && value[0])
            return tl_strcpy(password, TL_PASSWORD_SIZE, value) == 0
                       ? TL_OK
                       : tl_fail(diag, TL_ELIMIT, "the password in %s is too long", PASSWORD_NAMES[i]);
    }
    int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0)
        return tl_fail(diag, TL_EDENIED, "'%s' is encrypted and there is no terminal to ask for its password; set %s",
                       path, PASSWORD_NAMES[0]);
    snprintf(prompt, sizeof prompt, "Password of %s: ", path);
    int ret = ask(terminal, prompt, password, diag);
    close(terminal);
    return ret;
}

// --- files

typedef struct Scratch {
    TlWalletFile file;
    char plain[TL_KEYFILE_MAX + 1], password[TL_PASSWORD_SIZE];
} Scratch;

static int read_secret(Scratch *s, const TlWalletParams *params, TlSr25519Key *key, TlDiag *diag)
{
    const TlWalletFile *file = &s->file;
    size_t plain_length = 0;
    int ret = tl_wallet_read(params, "", &s->file, diag);
    if (ret < 0)
        return ret;
    if (tl_keyfile_form(file->data, file->length) == TL_KEYFILE_PLAIN)
        return tl_keyfile_key(file->data, file->length, key, diag);
    if ((ret = get_password(file->path, s->password, diag)) == TL_OK)
        ret = tl_keyfile_decrypt(file->data, file->length, s->password, s->plain, &plain_length, diag);
    return ret < 0 ? ret : tl_keyfile_key(s->plain, plain_length, key, diag);
}

int tl_wallet_secret(const TlWalletParams *params, TlSr25519Key *key, TlDiag *diag)
{
    Scratch *s = tl_calloc(1, sizeof *s);
    if (!s)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the key file");
    int ret = read_secret(s, params, key, diag);
    sodium_memzero(s, sizeof *s);
    tl_free(&s);
    return ret;
}
