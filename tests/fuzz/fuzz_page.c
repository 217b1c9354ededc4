// What a stranger's server or message names: web pages in place of a video, addresses, codings.
#include <string.h>

#include "base/mem.h"
#include "download_page.h"
#include "encoder.h"
#include "fuzz.h"
#include "guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char url[300], rewritten[400];
    TlDiag diag = {0};
    char *text = tl_calloc(size + 1, 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    (void)tl_page_is_html(NULL, (const char *)data, size);
    (void)tl_page_is_html("text/html", (const char *)data, size);
    if (tl_page_confirm_url(text, url, sizeof url) == 0)
        FUZZ_CHECK(strlen(url) < sizeof url);
    if (tl_guard_check_url(text, &diag) == TL_OK)
        FUZZ_CHECK(strchr(text, ' ') == NULL && strchr(text, '\n') == NULL);
    if (tl_guard_rewrite_url(text, rewritten, sizeof rewritten) == TL_OK)
        FUZZ_CHECK(strlen(rewritten) < sizeof rewritten);
    FUZZ_CHECK(tl_encoding_choose(text) >= TL_ENCODING_PLAIN && tl_encoding_choose(text) <= TL_ENCODING_ZSTD);
    tl_free(&text);
    return 0;
}
