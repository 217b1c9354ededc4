// Whose certificates are believed.
#ifndef TL_SERVICE_TRUST_H
#define TL_SERVICE_TRUST_H

#include <curl/curl.h>

// The machine's certificate authorities, or those that SSL_CERT_FILE and SSL_CERT_DIR name (as for OpenSSL's and curl's
// own commands; libcurl itself does not look at them). The name and the dates of a certificate are always checked.
void tl_trust(CURL *easy);

#endif
