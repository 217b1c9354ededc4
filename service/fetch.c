// Fetching a clip into a file without a name: nothing is left behind, however the process ends.
#include "fetch.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { CHUNK = 1 << 16 };

static int is_cancelled(const atomic_int *cancel)
{
    return cancel && atomic_load(cancel);
}

static int save(TlDownload *download, int fd, const atomic_int *cancel, TlDiag *diag)
{
    struct TlByteSource *source = tl_download_source(download);
    uint8_t *chunk = tl_calloc(CHUNK, 1);
    int n = chunk ? 1 : TL_ENOMEM;
    while (n > 0) {
        while ((n = source->read(source->opaque, chunk, CHUNK)) == TL_EAGAIN && !is_cancelled(cancel))
            ;
        if (n > 0 && write(fd, chunk, (size_t)n) != n)
            n = TL_ENOSPC;
    }
    tl_free(&chunk);
    if (is_cancelled(cancel))
        return tl_fail(diag, TL_EINTERRUPTED, "interrupted");
    if (n == TL_ENOSPC || n == TL_ENOMEM)
        return tl_fail(diag, n, "the clip cannot be kept for a moment");
    int ret = tl_download_error(download, diag);
    return ret < 0 || n == 0 ? ret : tl_fail(diag, n, "the download broke off");
}

int tl_fetch(TlFetched *fetched, const char *url, const TlDownloaderParams *params, const atomic_int *cancel,
             TlDiag *diag)
{
    TlDownloader *downloader = NULL;
    TlDownload *download = NULL;
    *fetched = (TlFetched){.fd = tl_download_temporary(diag)};
    if (fetched->fd < 0)
        return fetched->fd;
    snprintf(fetched->path, sizeof fetched->path, "/proc/self/fd/%d", fetched->fd);
    int ret = tl_downloader_open(&downloader, params, diag);
    if (ret == TL_OK)
        ret = tl_download_start(&download, downloader, url, diag);
    if (ret == TL_OK)
        ret = save(download, fetched->fd, cancel, diag);
    if (download)
        tl_download_stats(download, &fetched->stats);
    tl_download_stop(&download);
    tl_downloader_close(&downloader);
    if (ret < 0)
        tl_fetched_close(fetched);
    return ret;
}

void tl_fetched_close(TlFetched *fetched)
{
    if (fetched->fd > 0)
        close(fetched->fd);
    *fetched = (TlFetched){.fd = -1};
}
