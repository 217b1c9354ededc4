// A whole clip in a file, for tools that run it more than once.
#ifndef TL_SERVICE_FETCH_H
#define TL_SERVICE_FETCH_H

#include "download.h"

enum { TL_FETCH_PATH = 32 };

typedef struct TlFetched {
    int fd;                   ///< of a file without a name
    char path[TL_FETCH_PATH]; ///< to open it again, within this process and while fd is open
    TlDownloadStats stats;
} TlFetched;

// Downloads the clip by the service's downloader, opened with params. cancel: not 0 = give up with TL_EINTERRUPTED, may
// be NULL. Errors of the download, TL_EIO, TL_ENOSPC. After success tl_fetched_close.
TL_NODISCARD int tl_fetch(TlFetched *fetched, const char *url, const TlDownloaderParams *params,
                          const atomic_int *cancel, TlDiag *diag);
void tl_fetched_close(TlFetched *fetched);

#endif
