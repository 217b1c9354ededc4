// Bittensor wallet files. In: folder, wallet and hotkey names; out: the hotkey's address.
#include "wallet.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <touchline/log.h>

enum { FILE_MAX = 65536, PATH_SIZE = 1200 };

// Path of the hotkey file, with `suffix` behind it.
static int hotkey_path(const TlWalletParams *p, const char *suffix, char *path, size_t size)
{
    const char *name = p->name && p->name[0] ? p->name : "default";
    const char *hotkey = p->hotkey && p->hotkey[0] ? p->hotkey : "default";
    const char *home = getenv("HOME");
    struct stat info;
    int n;
    if (p->path && p->path[0] && stat(p->path, &info) == 0 && S_ISREG(info.st_mode))
        n = snprintf(path, size, "%s%s", p->path, suffix);
    else if (p->path && p->path[0] == '~' && p->path[1] == '/' && home)
        n = snprintf(path, size, "%s%s/%s/hotkeys/%s%s", home, p->path + 1, name, hotkey, suffix);
    else if (p->path && p->path[0])
        n = snprintf(path, size, "%s/%s/hotkeys/%s%s", p->path, name, hotkey, suffix);
    else
        n = snprintf(path, size, "%s/.bittensor/wallets/%s/hotkeys/%s%s", home ? home : "", name, hotkey, suffix);
    return n > 0 && (size_t)n < size ? 0 : -1;
}

// Bytes of a small file into buffer (size FILE_MAX + 1). Length, or -1.
static long read_small(const char *path, char *buffer)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        return -1;
    size_t n = fread(buffer, 1, FILE_MAX + 1, file);
    fclose(file);
    if (n > FILE_MAX)
        return -1;
    buffer[n] = 0;
    return (long)n;
}

static int address_of(const char *text, size_t length, char address[TL_SS58_SIZE])
{
    json_error_t error;
    uint8_t key[32];
    json_t *root = json_loadb(text, length, 0, &error);
    const char *ss58 = json_string_value(json_object_get(root, "ss58Address"));
    const char *public_key = json_string_value(json_object_get(root, "publicKey"));
    if (!public_key)
        public_key = json_string_value(json_object_get(root, "accountId"));
    int ret = TL_EFORMAT;
    if (ss58)
        ret = tl_ss58_decode(ss58, key);
    else if (public_key)
        ret = tl_hex_decode(public_key, key, sizeof key);
    if (ret == TL_OK)
        tl_ss58_encode(key, address);
    json_decref(root);
    return ret;
}

static void warn_if_readable(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0 && (info.st_mode & 0077))
        tl_log(TL_LOG_WARNING, "'%s' can be read by others; chmod 600 it", path);
}

int tl_wallet_address(const TlWalletParams *params, char address[TL_SS58_SIZE], TlDiag *diag)
{
    char path[PATH_SIZE], text[FILE_MAX + 2];
    if (hotkey_path(params, "pub.txt", path, sizeof path) < 0)
        return tl_fail(diag, TL_EUSAGE, "the path of the wallet is too long");
    long n = read_small(path, text);
    if (n > 0 && address_of(text, (size_t)n, address) == TL_OK)
        return TL_OK;
    (void)hotkey_path(params, "", path, sizeof path);
    n = read_small(path, text);
    if (n < 0)
        return tl_fail(diag, TL_ENOENT, "no hotkey at '%s'; give --wallet.path, --wallet.name and --wallet.hotkey",
                       path);
    warn_if_readable(path);
    int ret;
    if (text[0] == '$' || strncmp(text, "gAAAA", 5) == 0)
        ret = tl_fail(diag, TL_EDENIED, "'%s' is encrypted and has no public half beside it", path);
    else if ((ret = address_of(text, (size_t)n, address)) < 0)
        ret = tl_fail(diag, TL_EFORMAT, "'%s' is not a Bittensor key file", path);
    sodium_memzero(text, sizeof text);
    return ret;
}
