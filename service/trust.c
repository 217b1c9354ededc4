// Certificate authorities for libcurl. In: SSL_CERT_FILE, SSL_CERT_DIR; out: options of a transfer.
#include "trust.h"

#include <stdlib.h>

void tl_trust(CURL *easy)
{
    const char *file = getenv("SSL_CERT_FILE"), *folder = getenv("SSL_CERT_DIR");
    if (file && file[0])
        curl_easy_setopt(easy, CURLOPT_CAINFO, file);
    if (folder && folder[0])
        curl_easy_setopt(easy, CURLOPT_CAPATH, folder);
}
