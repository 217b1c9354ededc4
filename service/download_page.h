// Web pages where a video was expected: told apart, and Google Drive's "download anyway?" page is followed.
#ifndef TL_SERVICE_DOWNLOAD_PAGE_H
#define TL_SERVICE_DOWNLOAD_PAGE_H

#include <stddef.h>

// 1 when the first bytes are a web page. type: Content-Type or NULL. A video that is called text/html is still a video.
int tl_page_is_html(const char *type, const char *data, size_t n);

// The address behind the confirm form of a Google Drive page (NUL-terminated): the form's action with its hidden
// fields. 0, or -1 when there is no such form or the address does not fit.
int tl_page_confirm_url(const char *page, char *url, size_t size);

#endif
