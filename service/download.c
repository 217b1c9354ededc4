// Progressive download over libcurl's multi interface.
//
// In: a URL of a stranger; out: a seekable byte source that blocks until the wanted bytes are there. One thread drives
// all transfers of the file; the reader talks to it through the mutex below and curl_multi_wakeup.
//
// The file is covered by `extents`, sorted pieces [begin, pos, end): each was or is filled by one transfer from begin
// on; pos is how far it got. The first extent begins as [0, unknown end). A seek ahead or a split cuts an extent in
// two.
//
// Lock order: the download's mutex is a leaf; libcurl is never called while it is held (but for wakeup).
#include "download.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { EXTENT_MAX = 32, URL_SIZE = 2304, ETAG_SIZE = 256, HTML_SNIFF = 512, CONFIRM_PAGE_MAX = 65536 };
static const int64_t AHEAD_BYTES = 256 << 10; // a seek this far past the frontier is worth a request of its own
static const int64_t SPLIT_BYTES = 512 << 10; // smallest piece for one more connection
static const int64_t SPLIT_AFTER_US = 250000; // how long the first connection is watched before splitting
static const double SPLIT_REMAINING_S = 0.5;  // and how much must be left to make it pay
static const int64_t NO_END = INT64_MAX;

typedef struct Extent {
    int64_t begin, pos, end;
    CURL *easy; ///< NULL when no transfer runs
    int tries;
    int64_t retry_at_us; ///< when a failed transfer is started again, 0 = now
    int64_t skip;        ///< bytes to drop because the server ignored the range
    int head_seen;
    struct TlDownload *download;
    char error[CURL_ERROR_SIZE];
} Extent;

struct TlDownloader {
    TlDownloaderParams params;
    TlGuard guard;
    CURLM *multi;
    CURLSH *share;
    TlDownload *running;
};

struct TlDownload {
    TlDownloader *owner;
    char url[URL_SIZE], etag[ETAG_SIZE];
    int fd;
    pthread_t thread;
    struct TlByteSource source;
    int64_t read_pos; // reader's thread only

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    // under mutex
    Extent *extent[EXTENT_MAX];
    int extent_count;
    int64_t length; ///< of the file, -1 unknown
    int ranges;     ///< the server serves ranges
    int head, done, cancelled;
    int64_t wanted; ///< the reader waits for this byte, -1 none
    TlDiag diag;
    TlDownloadStats stats;

    // download thread only
    int64_t start_us;
    int split, confirmed, refused;
    struct curl_slist *if_range;
    char confirm_url[URL_SIZE];
};

// --- state helpers, called with the mutex held

static void fail_locked(TlDownload *d, int code, const char *text)
{
    tl_fail(&d->diag, code, "%s", text);
    d->done = 1;
    pthread_cond_broadcast(&d->changed);
}

static Extent *extent_at(TlDownload *d, int64_t offset)
{
    for (int i = 0; i < d->extent_count; i++)
        if (offset >= d->extent[i]->begin && offset < d->extent[i]->end)
            return d->extent[i];
    return NULL;
}

static int64_t available(TlDownload *d, int64_t offset)
{
    const Extent *e = extent_at(d, offset);
    return e && e->pos > offset ? e->pos - offset : 0;
}

static int complete(const TlDownload *d)
{
    for (int i = 0; i < d->extent_count; i++)
        if (d->extent[i]->pos < d->extent[i]->end)
            return 0;
    return 1;
}

// Cuts e at `at`; the new second part has no transfer yet. NULL when the table is full or memory is out.
static Extent *cut_extent(TlDownload *d, Extent *e, int64_t at)
{
    if (d->extent_count == EXTENT_MAX)
        return NULL;
    Extent *rest = tl_calloc(1, sizeof *rest);
    if (!rest)
        return NULL;
    *rest = (Extent){.begin = at, .pos = at, .end = e->end, .download = d};
    e->end = at;
    int i = d->extent_count++;
    for (; i > 0 && d->extent[i - 1]->begin > at; i--)
        d->extent[i] = d->extent[i - 1];
    d->extent[i] = rest;
    return rest;
}

// --- libcurl callbacks, in the download thread

static curl_socket_t open_socket(void *opaque, curlsocktype purpose, struct curl_sockaddr *address)
{
    TlDownload *d = opaque;
    (void)purpose;
    if (!tl_guard_permits(&d->owner->guard, &address->addr)) {
        d->refused = 1;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t header_line(char *data, size_t size, size_t count, void *opaque)
{
    Extent *e = opaque;
    TlDownload *d = e->download;
    size_t n = size * count;
    char line[ETAG_SIZE];
    if (n >= sizeof line)
        return n;
    memcpy(line, data, n);
    line[n] = 0;
    line[strcspn(line, "\r\n")] = 0;
    if (strncasecmp(line, "accept-ranges:", 14) == 0 && strstr(line, "bytes")) {
        pthread_mutex_lock(&d->mutex);
        d->ranges = 1;
        pthread_mutex_unlock(&d->mutex);
    } else if (strncasecmp(line, "etag:", 5) == 0 && !d->etag[0]) {
        const char *value = line + 5 + strspn(line + 5, " \t");
        if (strncmp(value, "W/", 2) != 0)
            (void)tl_strcpy(d->etag, sizeof d->etag, value);
    }
    return n;
}

static int is_html(const char *type, const char *data, size_t n)
{
    size_t blank = strnlen(data, n) == 0 ? 0 : strspn(data, " \t\r\n");
    return (type && strncasecmp(type, "text/html", 9) == 0) ||
           (n > blank + 5 &&
            (strncasecmp(data + blank, "<html", 5) == 0 || strncasecmp(data + blank, "<!doc", 5) == 0));
}

// Value of attribute `name` in the tag that begins at `tag`.
static int attribute(const char *tag, const char *name, char *out, size_t size)
{
    char key[32];
    const char *end = strchr(tag, '>');
    snprintf(key, sizeof key, " %s=\"", name);
    const char *at = strstr(tag, key);
    if (!end || !at || at > end)
        return -1;
    at += strlen(key);
    size_t n = strcspn(at, "\"");
    if (n >= size)
        return -1;
    memcpy(out, at, n);
    out[n] = 0;
    return 0;
}

// Google Drive asks "download anyway?" for large files: the form's action and hidden fields make the real address.
static int confirm_address(const char *page, char *url, size_t size)
{
    const char *form = strstr(page, "id=\"download-form\"");
    while (form && form > page && *form != '<')
        form--;
    if (!form || attribute(form, "action", url, size) < 0)
        return -1;
    size_t used = strlen(url);
    char separator = strchr(url, '?') ? '&' : '?';
    for (const char *input = strstr(form, "<input"); input; input = strstr(input + 6, "<input")) {
        char name[64], value[256];
        if (attribute(input, "name", name, sizeof name) < 0 || attribute(input, "value", value, sizeof value) < 0)
            continue;
        int n = snprintf(url + used, size - used, "%c%s=%s", separator, name, value);
        if (n < 0 || (size_t)n >= size - used)
            return -1;
        used += (size_t)n;
        separator = '&';
    }
    return 0;
}

// First bytes of a transfer: what kind of answer is it? Returns 0 to go on, -1 to end the transfer.
static int check_head(Extent *e, const char *data, size_t n)
{
    TlDownload *d = e->download;
    long status = 0;
    curl_off_t length = -1;
    char *type = NULL;
    curl_easy_getinfo(e->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(e->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    curl_easy_getinfo(e->easy, CURLINFO_CONTENT_TYPE, &type);
    if (status >= 300)
        return -1; // judged when the transfer is done
    if (e->begin == 0 && e->pos == 0 && is_html(type, data, n)) {
        char page[CONFIRM_PAGE_MAX];
        size_t m = n < sizeof page - 1 ? n : sizeof page - 1;
        memcpy(page, data, m);
        page[m] = 0;
        if (!d->confirmed && confirm_address(page, d->confirm_url, sizeof d->confirm_url) == 0)
            return -1;
        d->confirm_url[0] = 0;
        pthread_mutex_lock(&d->mutex);
        fail_locked(d, TL_EFORMAT, "the address answers with a web page instead of a video");
        pthread_mutex_unlock(&d->mutex);
        return -1;
    }
    if (status == 206)
        e->skip = 0;
    else if (e->pos > 0)
        e->skip = e->pos; // the range was ignored: the file comes again from its beginning
    pthread_mutex_lock(&d->mutex);
    d->stats.status = status;
    d->ranges |= status == 206;
    if (e->begin == 0 && e->pos == 0 && length >= 0 && d->length < 0) {
        d->length = d->stats.length = length;
        for (int i = 0; i < d->extent_count; i++)
            if (d->extent[i]->end == NO_END)
                d->extent[i]->end = length;
        if (length > d->owner->params.max_bytes)
            fail_locked(d, TL_ELIMIT, "the video is larger than this service takes");
    }
    if (!d->head) {
        d->head = 1;
        d->stats.first_byte_s = tl_us_to_s(tl_now_us() - d->start_us);
    }
    int stop = d->done;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
    return stop ? -1 : 0;
}

static size_t receive(char *data, size_t size, size_t count, void *opaque)
{
    Extent *e = opaque;
    TlDownload *d = e->download;
    size_t n = size * count, offset = 0;
    if (!e->head_seen) {
        e->head_seen = 1;
        if (check_head(e, data, n) < 0)
            return 0;
    }
    if (e->skip > 0) {
        offset = (int64_t)n < e->skip ? n : (size_t)e->skip;
        e->skip -= (int64_t)offset;
    }
    pthread_mutex_lock(&d->mutex);
    int64_t pos = e->pos, room = e->end - e->pos;
    int stop = d->cancelled || d->done;
    pthread_mutex_unlock(&d->mutex);
    size_t take = n - offset;
    if ((int64_t)take > room)
        take = (size_t)room; // another extent has the rest
    if (!stop && pos + (int64_t)take > d->owner->params.max_bytes) {
        pthread_mutex_lock(&d->mutex);
        fail_locked(d, TL_ELIMIT, "the video is larger than this service takes");
        pthread_mutex_unlock(&d->mutex);
        stop = 1;
    }
    if (stop)
        return 0;
    for (size_t done = 0; done < take;) {
        ssize_t w = pwrite(d->fd, data + offset + done, take - done, pos + (int64_t)done);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0) {
            pthread_mutex_lock(&d->mutex);
            fail_locked(d, errno == ENOSPC ? TL_ENOSPC : TL_EIO, "the temporary file cannot be written");
            pthread_mutex_unlock(&d->mutex);
            return 0;
        }
        done += (size_t)w;
    }
    pthread_mutex_lock(&d->mutex);
    e->pos = pos + (int64_t)take;
    d->stats.bytes += (int64_t)take;
    int full = e->pos == e->end;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
    return full && offset + take < n ? 0 : n;
}

// --- transfers

static void set_common(TlDownload *d, Extent *e)
{
    const TlDownloaderParams *p = &d->owner->params;
    CURL *c = e->easy;
    curl_easy_setopt(c, CURLOPT_URL, d->url);
    curl_easy_setopt(c, CURLOPT_SHARE, d->owner->share);
    curl_easy_setopt(c, CURLOPT_PRIVATE, e);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, e->error);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROXY, ""); // a proxy of the environment would get past the guard
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "touchline");
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 262144L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(p->connect_timeout_s * 1000));
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)(p->stall_timeout_s < 1 ? 1 : p->stall_timeout_s));
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, d);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, header_line);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, e);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, e);
}

static int start_transfer(TlDownload *d, Extent *e, int64_t pos, int64_t end)
{
    char range[64];
    e->easy = curl_easy_init();
    if (!e->easy)
        return -1;
    e->head_seen = 0;
    e->retry_at_us = 0;
    set_common(d, e);
    if (pos > 0) {
        if (end == NO_END)
            snprintf(range, sizeof range, "%lld-", (long long)pos);
        else
            snprintf(range, sizeof range, "%lld-%lld", (long long)pos, (long long)end - 1);
        curl_easy_setopt(e->easy, CURLOPT_RANGE, range);
        if (d->etag[0] && !d->if_range) {
            char line[ETAG_SIZE + 16];
            snprintf(line, sizeof line, "If-Range: %s", d->etag);
            d->if_range = curl_slist_append(NULL, line);
        }
        if (d->if_range)
            curl_easy_setopt(e->easy, CURLOPT_HTTPHEADER, d->if_range);
    }
    pthread_mutex_lock(&d->mutex);
    d->stats.connections++;
    pthread_mutex_unlock(&d->mutex);
    return curl_multi_add_handle(d->owner->multi, e->easy) == CURLM_OK ? 0 : -1;
}

static void end_transfer(TlDownload *d, Extent *e)
{
    if (!e->easy)
        return;
    curl_multi_remove_handle(d->owner->multi, e->easy);
    curl_easy_cleanup(e->easy);
    e->easy = NULL;
}

static int code_of(CURLcode result, long status)
{
    if (status == 401 || status == 403)
        return TL_EDENIED;
    if (status == 404 || status == 410 || result == CURLE_COULDNT_RESOLVE_HOST)
        return TL_ENOENT;
    return result == CURLE_OPERATION_TIMEDOUT ? TL_ETIMEOUT : TL_ENET;
}

static int worth_retrying(CURLcode result, long status)
{
    if (status >= 400)
        return status == 408 || status == 429 || status >= 500;
    return result != CURLE_TOO_MANY_REDIRECTS && result != CURLE_UNSUPPORTED_PROTOCOL && result != CURLE_URL_MALFORMAT;
}

static void describe_failure(TlDownload *d, Extent *e, CURLcode result, long status)
{
    char text[TL_DIAG_SIZE];
    int code = code_of(result, status);
    if (d->refused) {
        code = TL_EDENIED;
        snprintf(text, sizeof text, "the address leads to a private network, which is refused");
    } else if (status >= 400) {
        snprintf(text, sizeof text, "the server answered %ld", status);
    } else {
        snprintf(text, sizeof text, "the download failed: %s", e->error[0] ? e->error : curl_easy_strerror(result));
    }
    fail_locked(d, code, text);
}

// A transfer ended: fine, to be tried again, or the end of the download. 206 and length mistakes are told apart here.
static void finished(TlDownload *d, Extent *e, CURLcode result)
{
    long status = 0;
    double connect = 0;
    curl_easy_getinfo(e->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(e->easy, CURLINFO_CONNECT_TIME, &connect);
    end_transfer(d, e);
    pthread_mutex_lock(&d->mutex);
    if (d->stats.connect_s == 0)
        d->stats.connect_s = connect;
    int ended = result == CURLE_OK && status < 300;
    if (ended && e->end == NO_END) // no length was told: the end of the answer is the end of the file
        e->end = d->length = d->stats.length = e->pos;
    if (d->done || d->cancelled || e->pos == e->end) {
        // nothing more to do for this extent
    } else if (d->confirm_url[0] && !d->confirmed) {
        d->confirmed = 1;
        (void)tl_strcpy(d->url, sizeof d->url, d->confirm_url);
        TlDiag why = {0};
        if (tl_guard_check_url(d->url, &why) < 0)
            fail_locked(d, why.code, why.text);
    } else if (!d->refused && e->tries + 1 < d->owner->params.tries &&
               (status < 300 || status == 416 || worth_retrying(result, status))) {
        e->tries++;
        d->stats.retries++;
        e->retry_at_us = tl_now_us() + (250000ll << (2 * (e->tries - 1)));
    } else if (ended) {
        fail_locked(d, TL_ETRUNCATED, "the server ended the download too early");
    } else {
        describe_failure(d, e, result, status);
    }
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
}

// The reader waits for a byte that no transfer will reach soon: cut there, so that a request of its own begins.
static void serve_wanted(TlDownload *d)
{
    if (d->wanted < 0 || !d->ranges || (d->length >= 0 && d->wanted >= d->length))
        return;
    Extent *e = extent_at(d, d->wanted);
    if (e && d->wanted > e->pos + AHEAD_BYTES)
        cut_extent(d, e, d->wanted);
}

// One connection was watched for a while and much is left: share the rest between several.
static void split_rest(TlDownload *d, int64_t now_us)
{
    if (d->split || !d->ranges || d->length < 0 || !d->head || now_us - d->start_us < SPLIT_AFTER_US)
        return;
    d->split = 1;
    double seconds = tl_us_to_s(now_us - d->start_us) - d->stats.first_byte_s;
    double rate = (double)d->stats.bytes / (seconds > 0.01 ? seconds : 0.01);
    Extent *e = NULL;
    for (int i = 0; i < d->extent_count; i++)
        if (!e || d->extent[i]->end - d->extent[i]->pos > e->end - e->pos)
            e = d->extent[i];
    int64_t rest = e->end - e->pos;
    int pieces = d->owner->params.workers;
    if (pieces > rest / SPLIT_BYTES)
        pieces = (int)(rest / SPLIT_BYTES);
    if ((double)rest < rate * SPLIT_REMAINING_S)
        return;
    for (int64_t step = pieces > 1 ? rest / pieces : 0, i = 1; i < pieces && e; i++)
        e = cut_extent(d, e, e->pos + step);
}

// Starts what has to run; returns the microseconds until something is due.
static int64_t schedule(TlDownload *d, int64_t now_us)
{
    Extent *due[EXTENT_MAX];
    int64_t pos[EXTENT_MAX], end[EXTENT_MAX], wait_us = 200000;
    int n = 0;
    pthread_mutex_lock(&d->mutex);
    if (!d->done) {
        serve_wanted(d);
        split_rest(d, now_us);
    }
    for (int i = 0; i < d->extent_count && !d->done; i++) {
        Extent *e = d->extent[i];
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
    if (!d->split && d->head && wait_us > 50000)
        wait_us = 50000;
    pthread_mutex_unlock(&d->mutex);
    for (int i = 0; i < n; i++) {
        if (start_transfer(d, due[i], pos[i], end[i]) == 0)
            continue;
        pthread_mutex_lock(&d->mutex);
        fail_locked(d, TL_ENOMEM, "a transfer could not be started");
        pthread_mutex_unlock(&d->mutex);
    }
    return wait_us;
}

static void collect_finished(TlDownload *d)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(d->owner->multi, &left))) {
        Extent *e = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&e);
        finished(d, e, result);
    }
}

static int still_running(TlDownload *d, int64_t now_us)
{
    pthread_mutex_lock(&d->mutex);
    if (!d->done && tl_us_to_s(now_us - d->start_us) > d->owner->params.total_timeout_s)
        fail_locked(d, TL_ETIMEOUT, "the download took too long");
    if (!d->done && complete(d)) {
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
        curl_multi_poll(d->owner->multi, NULL, 0, (int)(wait_us / 1000) + 1, NULL);
    }
    for (int i = 0; i < d->extent_count; i++)
        end_transfer(d, d->extent[i]);
    return NULL;
}

// --- the reader's side

static int source_read(void *opaque, uint8_t *data, int size)
{
    TlDownload *d = opaque;
    int ret = 0;
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
        pthread_cond_wait(&d->changed, &d->mutex);
    }
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
    int seekable = d->ranges;
    int64_t near = available(d, 0);
    pthread_mutex_unlock(&d->mutex);
    if (whence == 0x10000)
        return length >= 0 ? length : TL_EAGAIN;
    int64_t target = whence == SEEK_SET ? offset : whence == SEEK_CUR ? d->read_pos + offset : length + offset;
    if (target < 0 || (whence == SEEK_END && length < 0) || (length >= 0 && target > length))
        return TL_EUSAGE;
    // Without ranges one can still wait for the place: slower, but the answer is right.
    (void)seekable, (void)near;
    d->read_pos = target;
    return target;
}

int tl_download_wait_head(TlDownload *d, TlDiag *diag)
{
    pthread_mutex_lock(&d->mutex);
    while (!d->head && !d->done && !d->cancelled)
        pthread_cond_wait(&d->changed, &d->mutex);
    int ret = d->diag.code                ? tl_fail(diag, d->diag.code, "%s", d->diag.text)
              : d->cancelled              ? tl_fail(diag, TL_EINTERRUPTED, "interrupted")
              : d->done && d->length == 0 ? tl_fail(diag, TL_EEMPTY, "the address answers with an empty file")
                                          : TL_OK;
    pthread_mutex_unlock(&d->mutex);
    return ret;
}

struct TlByteSource *tl_download_source(TlDownload *d)
{
    return &d->source;
}

int tl_download_error(TlDownload *d, TlDiag *diag)
{
    pthread_mutex_lock(&d->mutex);
    int ret = d->diag.code ? tl_fail(diag, d->diag.code, "%s", d->diag.text) : TL_OK;
    pthread_mutex_unlock(&d->mutex);
    return ret;
}

void tl_download_stats(TlDownload *d, TlDownloadStats *stats)
{
    pthread_mutex_lock(&d->mutex);
    *stats = d->stats;
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

// A file without a name: it is gone whatever happens to the process.
static int open_nameless(TlDiag *diag)
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
    if (fd >= 0)
        unlink(path);
    else
        tl_fail(diag, TL_EIO, "no temporary file can be made in %s", folder);
    return fd;
}

static void free_download(TlDownload *d)
{
    for (int i = 0; i < d->extent_count; i++)
        tl_free(&d->extent[i]);
    curl_slist_free_all(d->if_range);
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
    pthread_cond_init(&d->changed, NULL);
    d->owner = owner;
    d->length = d->stats.length = -1;
    d->wanted = -1;
    d->source = (struct TlByteSource){.opaque = d, .read = source_read, .seek = source_seek};
    d->start_us = tl_now_us();
    d->fd = open_nameless(diag);
    d->extent[0] = tl_calloc(1, sizeof *d->extent[0]);
    d->extent_count = d->extent[0] != NULL;
    if (d->fd < 0 || !d->extent[0] || tl_guard_rewrite_url(url, d->url, sizeof d->url) < 0) {
        free_download(d);
        return tl_fail(diag, TL_ENOMEM, "out of memory for a download");
    }
    *d->extent[0] = (Extent){.end = NO_END, .download = d};
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
    p->connect_timeout_s = p->connect_timeout_s > 0 ? p->connect_timeout_s : 5;
    p->stall_timeout_s = p->stall_timeout_s > 0 ? p->stall_timeout_s : 10;
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
