// Progressive download: bytes are handed to the demuxer as they arrive.
//
// One transfer streams the file from its beginning. When the reader seeks far ahead (an MP4 with its index at the end),
// a range request fetches that place at once. When one connection is slow and the server serves ranges, the rest is
// split over several. A transfer that breaks resumes where it stopped. All bytes land in one unlinked temporary file.
#ifndef TL_SERVICE_DOWNLOAD_H
#define TL_SERVICE_DOWNLOAD_H

#include <stdatomic.h>
#include <stdint.h>

#include "guard.h"
#include "media/media.h"

typedef struct TlDownloader TlDownloader; ///< pool of connections, DNS and TLS sessions; lives as long as the service
typedef struct TlDownload TlDownload;     ///< one file

typedef struct TlDownloaderParams {
    const TlGuard *guard;     ///< must outlive the downloader
    int workers;              ///< PARALLEL_DOWNLOAD_WORKERS: most connections of one file, 0 = 8
    int64_t max_bytes;        ///< 0 = 1 GiB
    double connect_timeout_s; ///< 0 = 4
    double stall_timeout_s;   ///< no byte for so long, 0 = 4
    double total_timeout_s;   ///< 0 = 60
    int tries;                ///< per transfer, 0 = 3
} TlDownloaderParams;

typedef struct TlDownloadStats {
    double connect_s, first_byte_s, total_s; ///< from the start of the download; total: so far while it runs
    int64_t bytes, length;                   ///< received; of the file, -1 unknown
    int connections, retries;
    long status; ///< last HTTP status
} TlDownloadStats;

// NULL params = defaults with a guard that allows nothing private. TL_ENOMEM, TL_ENET.
TL_NODISCARD int tl_downloader_open(TlDownloader **out, const TlDownloaderParams *params, TlDiag *diag);
void tl_downloader_close(TlDownloader **downloader); // ends running downloads first

// Begins a download and returns at once; errors of the URL's text are told here, all others by read. At most one
// download at a time per downloader (TL_EAGAIN).
TL_NODISCARD int tl_download_start(TlDownload **out, TlDownloader *downloader, const char *url, TlDiag *diag);
// Waits for the head of the answer. TL_OK when bytes flow; else the error, with its sentence.
TL_NODISCARD int tl_download_wait_head(TlDownload *download, TlDiag *diag);
// The bytes as a source for tl_session_start_bytes; valid until stop. A read waits up to 0.1 s, then gives TL_EAGAIN.
struct TlByteSource *tl_download_source(TlDownload *download);
// The sentence behind a failed read.
int tl_download_error(TlDownload *download, TlDiag *diag);
void tl_download_stats(TlDownload *download, TlDownloadStats *stats);
// Wakes a blocked read with TL_EINTERRUPTED. Safe from any thread.
void tl_download_cancel(TlDownload *download);
void tl_download_stop(TlDownload **download); // the reader must be done; keeps the connections for the next one

// An empty file without a name (in TMPDIR): it is gone whatever happens to the process. Descriptor, or TL_EIO.
TL_NODISCARD int tl_download_temporary(TlDiag *diag);

#endif
