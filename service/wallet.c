// Bittensor wallet files. In: folder, wallet and hotkey names; out: the hotkey's address.
#include "wallet.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <touchline/log.h>
#include <unistd.h>

static int set_path(const TlWalletParams *p, const char *suffix, char *path, size_t size)
{
    const char *name = p->name && p->name[0] ? p->name : "default";
    const char *hotkey = p->hotkey && p->hotkey[0] ? p->hotkey : "default";
    const char *folder = p->path && p->path[0] ? p->path : "~/.bittensor/wallets", *home = getenv("HOME");
    struct stat info;
    int n;
    if (stat(folder, &info) == 0 && S_ISREG(info.st_mode))
        n = snprintf(path, size, "%s%s", folder, suffix);
    else if (folder[0] == '~' && folder[1] == '/')
        n = snprintf(path, size, "%s%s/%s/hotkeys/%s%s", home ? home : "", folder + 1, name, hotkey, suffix);
    else
        n = snprintf(path, size, "%s/%s/hotkeys/%s%s", folder, name, hotkey, suffix);
    return n > 0 && (size_t)n < size ? 0 : -1;
}

int tl_wallet_read(const TlWalletParams *params, const char *suffix, TlWalletFile *file, TlDiag *diag)
{
    struct stat info;
    file->length = 0;
    if (set_path(params, suffix, file->path, sizeof file->path) < 0)
        return tl_fail(diag, TL_EUSAGE, "the path of the wallet is too long");
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES)
        return tl_fail(diag, TL_EDENIED, "'%s' may not be read by this user", file->path);
    if (fd < 0)
        return tl_fail(diag, TL_ENOENT, "no hotkey at '%s'; give --wallet.path, --wallet.name and --wallet.hotkey",
                       file->path);
    if (!suffix[0] && fstat(fd, &info) == 0 && (info.st_mode & 0077))
        tl_log(TL_LOG_WARNING, "'%s' can be read by others; chmod 600 it", file->path);
    ssize_t n;
    while (file->length < TL_KEYFILE_MAX &&
           (n = read(fd, file->data + file->length, TL_KEYFILE_MAX - file->length)) > 0)
        file->length += (size_t)n;
    close(fd);
    file->data[file->length] = 0;
    return file->length > 0 && file->length < TL_KEYFILE_MAX
               ? TL_OK
               : tl_fail(diag, TL_EFORMAT, "'%s' is not a Bittensor key file", file->path);
}

static int decode_field(const char *name, const char *value, uint8_t key[32])
{
    return strcmp(name, "ss58Address") == 0 ? tl_ss58_decode(value, key) : tl_hex_decode(value, key, 32);
}

// The key that all fields name. None of them is more right than the others: a file that was edited by hand, or put
// together from two, would serve for a hotkey that nobody meant.
static int read_public_key(const json_t *root, const char *path, uint8_t key[32], TlDiag *diag)
{
    static const char *const names[] = {"ss58Address", "publicKey", "accountId"};
    const char *first = NULL;
    uint8_t other[32];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = json_string_value(json_object_get(root, names[i]));
        if (!value)
            continue;
        if (!first) {
            first = names[i];
            if (decode_field(names[i], value, key) < 0)
                return tl_fail(diag, TL_EFORMAT, "'%s' is not a Bittensor key file", path);
        } else if (decode_field(names[i], value, other) < 0 || memcmp(other, key, 32) != 0) {
            return tl_fail(diag, TL_ECONFIG, "%s and %s in '%s' are not the same key", first, names[i], path);
        }
    }
    return first ? TL_OK : tl_fail(diag, TL_EFORMAT, "'%s' is not a Bittensor key file", path);
}

static int address_of(const TlWalletFile *file, char address[TL_SS58_SIZE], TlDiag *diag)
{
    json_error_t error;
    uint8_t key[32];
    json_t *root = json_loadb(file->data, file->length, 0, &error);
    int ret = read_public_key(root, file->path, key, diag);
    if (ret == TL_OK)
        tl_ss58_encode(key, address);
    json_decref(root);
    return ret;
}

int tl_wallet_address(const TlWalletParams *params, char address[TL_SS58_SIZE], TlDiag *diag)
{
    TlWalletFile file;
    int ret = tl_wallet_read(params, "pub.txt", &file, NULL);
    if (ret == TL_OK && ((ret = address_of(&file, address, diag)) == TL_OK || ret == TL_ECONFIG))
        return ret;
    tl_diag_clear(diag);
    ret = tl_wallet_read(params, "", &file, diag);
    if (ret == TL_OK && (file.data[0] == '$' || strncmp(file.data, "gAAAA", 5) == 0))
        ret = tl_fail(diag, TL_EDENIED, "'%s' is encrypted and has no public half beside it", file.path);
    else if (ret == TL_OK)
        ret = address_of(&file, address, diag);
    sodium_memzero(&file, sizeof file);
    return ret;
}
