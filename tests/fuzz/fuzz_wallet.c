// A wallet's key file: the address for serving, the plain form's secret, and the form told by its first bytes.
#include <string.h>

#include "fuzz.h"
#include "wallet.h"
#include "wallet_secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzFile file;
    TlDiag diag = {0};
    TlSr25519Key key;
    char address[TL_SS58_SIZE] = "";
    uint8_t bytes[32];
    FUZZ_CHECK(tl_sr25519_init() == 0);
    if (size > TL_KEYFILE_MAX || fuzz_file(&file, data, size) < 0)
        return 0;
    TlWalletParams params = {.path = file.path};
    if (tl_wallet_address(&params, address, &diag) == TL_OK)
        FUZZ_CHECK(tl_ss58_decode(address, bytes) == TL_OK);
    else
        FUZZ_CHECK(diag.text[0]);
    close(file.fd);
    int form = tl_keyfile_form((const char *)data, size);
    FUZZ_CHECK(form >= TL_KEYFILE_PLAIN && form <= TL_KEYFILE_FERNET);
    (void)!tl_keyfile_key((const char *)data, size, &key, &diag);
    if (form == TL_KEYFILE_ANSIBLE) { // the other forms take half a gigabyte or half a minute a try
        static char plain[TL_KEYFILE_MAX + 1];
        size_t length = 0;
        (void)!tl_keyfile_decrypt((const char *)data, size, "password", plain, &length, &diag);
        FUZZ_CHECK(length <= size);
    }
    return 0;
}
