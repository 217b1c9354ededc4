// Bittensor wallet files: the hotkey's address for serving, its secret for registration.
//
//   <path>/<name>/hotkeys/<hotkey>           plain JSON (or encrypted: wallet_secret.c)
//   <path>/<name>/hotkeys/<hotkey>pub.txt    public half, newer wallets
#ifndef TL_SERVICE_WALLET_H
#define TL_SERVICE_WALLET_H

#include "sr25519.h"
#include "ss58.h"

typedef struct TlWalletParams {
    const char *path;   ///< folder of wallets, NULL or "" = ~/.bittensor/wallets; may also be the hotkey file itself
    const char *name;   ///< "default"
    const char *hotkey; ///< "default"
} TlWalletParams;

// The same with room for the texts, for options.
typedef struct TlWalletNames {
    char path[1024], name[256], hotkey[256];
} TlWalletNames;

static inline TlWalletParams tl_wallet_params(const TlWalletNames *names)
{
    return (TlWalletParams){names->path, names->name, names->hotkey};
}

enum { TL_KEYFILE_MAX = 65536 };

// A file of a wallet as it is; may hold a secret, to be wiped.
typedef struct TlWalletFile {
    char path[1600], data[TL_KEYFILE_MAX + 1]; ///< NUL-terminated
    size_t length;
} TlWalletFile;

// Reads the hotkey's file ("" behind its name) or its public half ("pub.txt"). TL_ENOENT with the path tried,
// TL_EFORMAT when it is empty or too large. Warns when others may read the former.
TL_NODISCARD int tl_wallet_read(const TlWalletParams *params, const char *suffix, TlWalletFile *file, TlDiag *diag);

// The hotkey's address, from the public half when there is one, else from a plain key file. No secret is read into
// memory longer than needed. TL_ENOENT with the path tried, TL_EFORMAT, TL_ECONFIG when the file names different keys,
// TL_EDENIED when only an encrypted file is there.
TL_NODISCARD int tl_wallet_address(const TlWalletParams *params, char address[TL_SS58_SIZE], TlDiag *diag);

#endif
