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

// The hotkey's address, from the public half when there is one, else from a plain key file. No secret is read into
// memory longer than needed. TL_ENOENT with the path tried, TL_EFORMAT, TL_EDENIED when only an encrypted file is
// there.
TL_NODISCARD int tl_wallet_address(const TlWalletParams *params, char address[TL_SS58_SIZE], TlDiag *diag);

#endif
