// The secret of a hotkey, for registering an axon and for signing test challenges. Serving never needs it.
//
// Key files come in four forms: plain JSON, `$NACL` (secretbox under Argon2i), `$ANSIBLE_VAULT` (AES-256-CTR under
// PBKDF2) and the oldest, a Fernet token. All memory that held a password or a secret is wiped before return.
#ifndef TL_SERVICE_WALLET_SECRET_H
#define TL_SERVICE_WALLET_SECRET_H

#include "wallet.h"

enum { TL_PASSWORD_SIZE = 512 };
enum TlKeyfileForm { TL_KEYFILE_PLAIN = 0, TL_KEYFILE_NACL, TL_KEYFILE_ANSIBLE, TL_KEYFILE_FERNET };

int tl_keyfile_form(const char *data, size_t length); ///< enum TlKeyfileForm, by the first bytes

// Decrypts a key file into plain (at least length + 1 bytes, NUL-terminated afterwards). TL_EDENIED for a wrong
// password, TL_EFORMAT for a damaged file, TL_ENOMEM (Argon2i takes 512 MiB, as the wallet's own tool does).
TL_NODISCARD int tl_keyfile_decrypt(const char *data, size_t length, const char *password, char *plain,
                                    size_t *plain_length, TlDiag *diag);

// Key pair of a plain key file: privateKey, else secretSeed. The public key in the file must agree. TL_EFORMAT; also
// for keys that are not sr25519.
TL_NODISCARD int tl_keyfile_key(const char *json, size_t length, TlSr25519Key *key, TlDiag *diag);

// Key pair of a 64-digit hex seed, 0x allowed. TL_EUSAGE.
TL_NODISCARD int tl_secret_from_hex(const char *text, TlSr25519Key *key, TlDiag *diag);

// Reads and, when needed, decrypts a wallet's hotkey. The password comes from BT_WALLET_PASSWORD or WALLET_PASSWORD
// (the first that is set), else from the terminal, unseen. TL_ENOENT, TL_EDENIED, TL_EFORMAT,
// TL_ENOMEM.
TL_NODISCARD int tl_wallet_secret(const TlWalletParams *params, TlSr25519Key *key, TlDiag *diag);

#endif
