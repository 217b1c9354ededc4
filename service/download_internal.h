// What download.c (the file, its thread and its reader) and download_transfer.c (single HTTP transfers) share.
//
// The file is covered by `extents`, sorted pieces [begin, pos, end): each was or is filled by one transfer at a time
// from begin on; pos is how far it got. The first extent begins as [0, unknown end). A seek ahead or a split cuts an
// extent in two.
//
// Lock order: the download's mutex is a leaf; libcurl is never called while it is held (but for wakeup).
#ifndef TL_SERVICE_DOWNLOAD_INTERNAL_H
#define TL_SERVICE_DOWNLOAD_INTERNAL_H

#include <curl/curl.h>
#include <pthread.h>

#include "base/strbuf.h"
#include "download.h"

enum { TL_EXTENT_MAX = 32, TL_DOWNLOAD_URL_SIZE = 2304, TL_ETAG_SIZE = 256 };
#define TL_NO_END INT64_MAX

typedef struct TlExtent {
    int64_t begin, pos, end; ///< under the mutex
    // download thread only
    CURL *easy;                       ///< NULL when no transfer runs
    int tries;                        ///< failures since the last progress
    int64_t tried_pos;                ///< pos at the last failure
    int64_t retry_at_us;              ///< when a failed transfer is started again, 0 = now
    int64_t skip;                     ///< bytes to drop because the server ignored the range
    int64_t range_begin, range_total; ///< of Content-Range, -1 = not told
    int64_t heard_us;                 ///< when the server last sent anything
    int head_seen, refused, is_page, stalled;
    struct TlDownload *download;
    char error[CURL_ERROR_SIZE];
} TlExtent;

struct TlDownloader {
    TlDownloaderParams params;
    TlGuard guard;
    CURLM *multi;
    CURLSH *share;
    struct TlDownload *running;
};

struct TlDownload {
    TlDownloader *owner;
    int fd;
    pthread_t thread;
    struct TlByteSource source;
    int64_t read_pos; // reader's thread only

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    // under mutex
    TlExtent *extent[TL_EXTENT_MAX];
    int extent_count;
    int64_t length; ///< of the file, -1 unknown
    int ranges;     ///< the server serves ranges
    int head, done, cancelled;
    int64_t wanted; ///< the reader waits for this byte, -1 none
    TlDiag diag;
    TlDownloadStats stats;

    // download thread only
    int64_t start_us, judge_us; ///< judge_us: when one connection's speed is looked at next
    int split, confirmed;
    char url[TL_DOWNLOAD_URL_SIZE], etag[TL_ETAG_SIZE];
    struct curl_slist *if_range;
    TlStrbuf page; ///< a web page in place of the video
};

// Ends the download with a sentence. The mutex is held.
void tl_download_fail_locked(TlDownload *download, int code, const char *text);
int tl_download_complete(const TlDownload *download); // every extent full? The mutex is held.

// All in the download thread, without the mutex.
TL_NODISCARD int tl_transfer_start(TlDownload *download, TlExtent *extent, int64_t pos, int64_t end);
void tl_transfer_finished(TlDownload *download, TlExtent *extent, CURLcode result);
void tl_transfer_check_stall(TlDownload *download, TlExtent *extent, int64_t now_us); // ends one that fell silent
void tl_transfer_end(TlDownload *download, TlExtent *extent);

#endif
