// Progressive download over libcurl's multi interface.
//
// In: a URL of a stranger; out: a seekable byte source that blocks until the wanted bytes are there. One thread drives
// all transfers of the file (download_transfer.c); the reader talks to it through the mutex and curl_multi_wakeup.
#include "download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "download_internal.h"

static const int64_t AHEAD_BYTES = 256 << 10; // a seek this far past the frontier is worth a request of its own
static const int64_t SPLIT_BYTES = 512 << 10; // smallest piece for one more connection
static const long WAIT_NS = 100000000;        // a read that waits looks up so often
static const int64_t JUDGE_US = 250000;       // how often one connection's speed is looked at
// Three tries and the pauses between them end before the 15 s after which an answer's speed counts nothing.
static const double CONNECT_S = 4, STALL_S = 4;
static const double SPLIT_REMAINING_S = 0.5; // how much must be left to make more of them pay

// --- extents, called with the mutex held

static TlExtent *extent_at(TlDownload *d, int64_t offset)
{
    for (int i = 0; i < d->extent_count; i++)
        if (offset >= d->extent[i]->begin && offset < d->extent[i]->end)
            return d->extent[i];
    return NULL;
}

static int64_t available(TlDownload *d, int64_t offset)
{
    const TlExtent *e = extent_at(d, offset);
    return e && e->pos > offset ? e->pos - offset : 0;
}

int tl_download_complete(const TlDownload *d)
{
    for (int i = 0; i < d->extent_count; i++)
        if (d->extent[i]->pos < d->extent[i]->end)
            return 0;
    return 1;
}

// Cuts e at `at`; the new second part has no transfer yet. NULL when the table is full or memory is out.
static TlExtent *cut_extent(TlDownload *d, TlExtent *e, int64_t at)
{
    if (d->extent_count == TL_EXTENT_MAX)
        return NULL;
    TlExtent *rest = tl_calloc(1, sizeof *rest);
    if (!rest)
        return NULL;
    *rest = (TlExtent){.begin = at, .pos = at, .end = e->end, .download = d};
    e->end = at;
    int i = d->extent_count++;
    for (; i > 0 && d->extent[i - 1]->begin > at; i--)
        d->extent[i] = d->extent[i - 1];
    d->extent[i] = rest;
    return rest;
}

// --- the download thread

// The reader waits for a byte that no transfer will reach soon: cut there, so that a request of its own begins.
static void serve_wanted(TlDownload *d)
{
    if (d->wanted < 0 || !d->ranges || (d->length >= 0 && d->wanted >= d->length))
        return;
    TlExtent *e = extent_at(d, d->wanted);
    if (e && d->wanted > e->pos + AHEAD_BYTES)
        cut_extent(d, e, d->wanted);
}

// One connection was watched for a while and much is left: share the rest between several.
static void split_rest(TlDownload *d, int64_t now_us)
{
    if (d->split || !d->ranges || d->length < 0 || !d->head || now_us < d->judge_us)
        return;
    d->judge_us = now_us + JUDGE_US;
    double seconds = tl_us_to_s(now_us - d->start_us) - d->stats.first_byte_s;
    double rate = (double)d->stats.bytes / (seconds > 0.01 ? seconds : 0.01);
    TlExtent *e = NULL;
    for (int i = 0; i < d->extent_count; i++)
        if (!e || d->extent[i]->end - d->extent[i]->pos > e->end - e->pos)
            e = d->extent[i];
    if (!e)
        return;
    int64_t rest = e->end - e->pos;
    int64_t pieces = rest / SPLIT_BYTES;
    if (pieces > d->owner->params.workers)
        pieces = d->owner->params.workers;
    if (pieces < 2 || (double)rest < rate * SPLIT_REMAINING_S)
        return;
    d->split = 1;
    for (int64_t step = rest / pieces, i = 1; i < pieces && e; i++)
        e = cut_extent(d, e, e->pos + step);
}

// Starts what has to run; returns the microseconds until something is due.
static int64_t schedule(TlDownload *d, int64_t now_us)
{
    TlExtent *due[TL_EXTENT_MAX];
    int64_t pos[TL_EXTENT_MAX], end[TL_EXTENT_MAX], wait_us = 200000;
    int n = 0;
    pthread_mutex_lock(&d->mutex);
    if (!d->done) {
        serve_wanted(d);
        split_rest(d, now_us);
    }
    for (int i = 0; i < d->extent_count && !d->done; i++) {
        TlExtent *e = d->extent[i];
        if (e->easy || e->pos >= e->end)
            continue;
        if (e->retry_at_us > now_us) {
            wait_us = e->retry_at_us - now_us < wait_us ? e->retry_at_us - now_us : wait_us;
            continue;
        }
        due[n] = e;
        pos[n] = e->pos;
        end[n++] = e->end;
    }
    if (!d->split && d->ranges && wait_us > JUDGE_US / 4)
        wait_us = JUDGE_US / 4;
    pthread_mutex_unlock(&d->mutex);
    for (int i = 0; i < n; i++) {
        if (tl_transfer_start(d, due[i], pos[i], end[i]) == 0)
            continue;
        pthread_mutex_lock(&d->mutex);
        tl_download_fail_locked(d, TL_ENOMEM, "a transfer could not be started");
        pthread_mutex_unlock(&d->mutex);
    }
    return wait_us;
}

static void collect_finished(TlDownload *d)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(d->owner->multi, &left))) {
        TlExtent *e = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&e);
        tl_transfer_finished(d, e, result);
    }
}

static int still_running(TlDownload *d, int64_t now_us)
{
    pthread_mutex_lock(&d->mutex);
    if (!d->done && tl_us_to_s(now_us - d->start_us) > d->owner->params.total_timeout_s)
        tl_download_fail_locked(d, TL_ETIMEOUT, "the download took too long");
    if (!d->done && tl_download_complete(d)) {
        d->done = 1;
        pthread_cond_broadcast(&d->changed);
    }
    int running = !d->done && !d->cancelled;
    if (!running)
        d->stats.total_s = tl_us_to_s(now_us - d->start_us);
    pthread_mutex_unlock(&d->mutex);
    return running;
}

static void *download_main(void *opaque)
{
    TlDownload *d = opaque;
    int busy = 0;
    while (still_running(d, tl_now_us())) {
        int64_t wait_us = schedule(d, tl_now_us());
        curl_multi_perform(d->owner->multi, &busy);
        collect_finished(d);
        for (int i = 0; i < d->extent_count; i++)
            tl_transfer_check_stall(d, d->extent[i], tl_now_us());
        curl_multi_poll(d->owner->multi, NULL, 0, (int)(wait_us / 1000) + 1, NULL);
    }
    for (int i = 0; i < d->extent_count; i++)
        tl_transfer_end(d, d->extent[i]);
    return NULL;
}

// --- the reader's side

static int source_read(void *opaque, uint8_t *data, int size)
{
    TlDownload *d = opaque;
    struct timespec until;
    int ret = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WAIT_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&d->mutex);
    for (;;) {
        int64_t n = available(d, d->read_pos);
        if (n > 0) {
            ret = (int)(n < size ? n : size);
            break;
        }
        if (d->length >= 0 && d->read_pos >= d->length)
            break;
        if (d->cancelled || d->done) {
            ret = d->cancelled ? TL_EINTERRUPTED : d->diag.code ? d->diag.code : 0;
            break;
        }
        d->wanted = d->read_pos;
        curl_multi_wakeup(d->owner->multi);
        if (pthread_cond_timedwait(&d->changed, &d->mutex, &until) == ETIMEDOUT) {
            ret = TL_EAGAIN; // the reader looks whether it still wants to wait
            break;
        }
    }
    if (ret != TL_EAGAIN)
        d->wanted = -1;
    pthread_mutex_unlock(&d->mutex);
    if (ret <= 0)
        return ret;
    ssize_t r = pread(d->fd, data, (size_t)ret, d->read_pos);
    if (r <= 0)
        return TL_EIO;
    d->read_pos += r;
    return (int)r;
}

static int64_t source_seek(void *opaque, int64_t offset, int whence)
{
    TlDownload *d = opaque;
    pthread_mutex_lock(&d->mutex);
    int64_t length = d->length;
    pthread_mutex_unlock(&d->mutex);
    if (whence == 0x10000)
        return length >= 0 ? length : TL_EAGAIN;
    int64_t target = whence == SEEK_SET ? offset : whence == SEEK_CUR ? d->read_pos + offset : length + offset;
    if (target < 0 || (whence == SEEK_END && length < 0) || (length >= 0 && target > length))
        return TL_EUSAGE;
    d->read_pos = target; // without ranges the next read waits for the place: slower, but the answer is right
    return target;
}

int tl_download_wait_head(TlDownload *d, TlDiag *diag)
{
    pthread_mutex_lock(&d->mutex);
    while (!d->head && !d->done && !d->cancelled)
        pthread_cond_wait(&d->changed, &d->mutex);
    int interrupted = d->cancelled && !d->diag.code;
    pthread_mutex_unlock(&d->mutex);
    return interrupted ? tl_fail(diag, TL_EINTERRUPTED, "interrupted") : tl_download_error(d, diag);
}

struct TlByteSource *tl_download_source(TlDownload *d)
{
    return &d->source;
}

int tl_download_error(TlDownload *d, TlDiag *diag)
{
    pthread_mutex_lock(&d->mutex);
    int ret = d->diag.code     ? tl_fail(diag, d->diag.code, "%s", d->diag.text)
              : d->length == 0 ? tl_fail(diag, TL_EEMPTY, "the address answers with an empty file")
                               : TL_OK;
    pthread_mutex_unlock(&d->mutex);
    return ret;
}

void tl_download_stats(TlDownload *d, TlDownloadStats *stats)
{
    pthread_mutex_lock(&d->mutex);
    *stats = d->stats;
    if (stats->total_s <= 0)
        stats->total_s = tl_us_to_s(tl_now_us() - d->start_us);
    pthread_mutex_unlock(&d->mutex);
}

void tl_download_cancel(TlDownload *d)
{
    pthread_mutex_lock(&d->mutex);
    d->cancelled = 1;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
    curl_multi_wakeup(d->owner->multi);
}

// --- life

int tl_download_temporary(TlDiag *diag)
{
    const char *folder = getenv("TMPDIR");
    char path[1024];
    if (!folder || !folder[0])
        folder = "/tmp";
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    snprintf(path, sizeof path, "%s/touchline-XXXXXX", folder);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return tl_fail(diag, TL_EIO, "no temporary file can be made in %s", folder);
    unlink(path);
    return fd;
}

static void free_download(TlDownload *d)
{
    for (int i = 0; i < d->extent_count; i++)
        tl_free(&d->extent[i]);
    curl_slist_free_all(d->if_range);
    tl_strbuf_deinit(&d->page);
    if (d->fd >= 0)
        close(d->fd);
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->mutex);
    tl_free(&d);
}

int tl_download_start(TlDownload **out, TlDownloader *owner, const char *url, TlDiag *diag)
{
    *out = NULL;
    if (owner->running)
        return tl_fail(diag, TL_EAGAIN, "a download is running already");
    int ret = tl_guard_check_url(url, diag);
    if (ret < 0)
        return ret;
    TlDownload *d = tl_calloc(1, sizeof *d);
    if (!d)
        return tl_fail(diag, TL_ENOMEM, "out of memory for a download");
    pthread_mutex_init(&d->mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&d->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    d->owner = owner;
    d->length = d->stats.length = -1;
    d->wanted = -1;
    d->source = (struct TlByteSource){.opaque = d, .read = source_read, .seek = source_seek};
    d->start_us = tl_now_us();
    d->judge_us = d->start_us + JUDGE_US;
    d->fd = tl_download_temporary(diag);
    d->extent[0] = tl_calloc(1, sizeof *d->extent[0]);
    d->extent_count = d->extent[0] != NULL;
    if (d->fd < 0) {
        ret = TL_EIO; // diag is filled
    } else if (!d->extent[0]) {
        ret = tl_fail(diag, TL_ENOMEM, "out of memory for a download");
    } else if (tl_guard_rewrite_url(url, d->url, sizeof d->url) < 0) {
        ret = tl_fail(diag, TL_ELIMIT, "the address is too long");
    }
    if (ret < 0 || !d->extent[0]) {
        free_download(d);
        return ret;
    }
    *d->extent[0] = (TlExtent){.end = TL_NO_END, .range_begin = -1, .range_total = -1, .download = d};
    if (pthread_create(&d->thread, NULL, download_main, d) != 0) {
        free_download(d);
        return tl_fail(diag, TL_ENOMEM, "no thread could be started");
    }
    pthread_setname_np(d->thread, "tl-download");
    owner->running = d;
    *out = d;
    return TL_OK;
}

void tl_download_stop(TlDownload **download)
{
    TlDownload *d = *download;
    if (!d)
        return;
    tl_download_cancel(d);
    pthread_join(d->thread, NULL);
    d->owner->running = NULL;
    free_download(d);
    *download = NULL;
}

int tl_downloader_open(TlDownloader **out, const TlDownloaderParams *params, TlDiag *diag)
{
    *out = NULL;
    TlDownloader *owner = tl_calloc(1, sizeof *owner);
    if (!owner)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the downloader");
    TlDownloaderParams *p = &owner->params;
    if (params)
        *p = *params;
    if (p->guard)
        owner->guard = *p->guard;
    p->workers = p->workers > 0 ? p->workers : 8;
    p->max_bytes = p->max_bytes > 0 ? p->max_bytes : 1ll << 30;
    p->connect_timeout_s = p->connect_timeout_s > 0 ? p->connect_timeout_s : CONNECT_S;
    p->stall_timeout_s = p->stall_timeout_s > 0 ? p->stall_timeout_s : STALL_S;
    p->total_timeout_s = p->total_timeout_s > 0 ? p->total_timeout_s : 60;
    p->tries = p->tries > 0 ? p->tries : 3;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        owner->multi = curl_multi_init();
        owner->share = curl_share_init();
    }
    if (!owner->multi || !owner->share) {
        tl_downloader_close(&owner);
        return tl_fail(diag, TL_ENET, "libcurl cannot be started");
    }
    curl_share_setopt(owner->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    curl_share_setopt(owner->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    *out = owner;
    return TL_OK;
}

void tl_downloader_close(TlDownloader **downloader)
{
    TlDownloader *owner = *downloader;
    if (!owner)
        return;
    tl_download_stop(&owner->running);
    if (owner->multi)
        curl_multi_cleanup(owner->multi);
    if (owner->share)
        curl_share_cleanup(owner->share);
    tl_free(downloader);
}
