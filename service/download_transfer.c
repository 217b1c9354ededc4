// One HTTP transfer of a download: its request, the judgement of its answer, its bytes, and what its end means.
//
// In: an extent to fill; out: bytes in the file, the extent's pos, facts about the server, or the sentence of a
// failure. Source: RFC 9110 (ranges, If-Range, Content-Range).
#include "download_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "download_page.h"
#include "trust.h"

enum { PAGE_MAX = 65536 };
static const int64_t PROGRESS_BYTES = 65536; // a transfer that got this far was worth its try

void tl_download_fail_locked(TlDownload *d, int code, const char *text)
{
    if (d->done)
        return; // the first failure explains the others
    tl_fail(&d->diag, code, "%s", text);
    d->done = 1;
    pthread_cond_broadcast(&d->changed);
}

static int fail(TlDownload *d, int code, const char *text)
{
    pthread_mutex_lock(&d->mutex);
    tl_download_fail_locked(d, code, text);
    pthread_mutex_unlock(&d->mutex);
    return -1;
}

// --- libcurl callbacks

static curl_socket_t open_socket(void *opaque, curlsocktype purpose, struct curl_sockaddr *address)
{
    TlExtent *e = opaque;
    (void)purpose;
    if (!tl_guard_permits(&e->download->owner->guard, &address->addr)) {
        e->refused = 1;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int is_first(const TlExtent *e)
{
    return e->begin == 0 && e->pos == 0;
}

// A new answer begins: what a redirect said about itself is not about the file.
static void forget_answer(TlExtent *e)
{
    TlDownload *d = e->download;
    e->range_begin = e->range_total = -1;
    if (!is_first(e))
        return;
    d->etag[0] = 0;
    pthread_mutex_lock(&d->mutex);
    d->ranges = 0;
    pthread_mutex_unlock(&d->mutex);
}

static size_t header_line(char *data, size_t size, size_t count, void *opaque)
{
    TlExtent *e = opaque;
    TlDownload *d = e->download;
    size_t n = size * count;
    char line[TL_ETAG_SIZE];
    e->heard_us = tl_now_us();
    if (n >= sizeof line)
        return n;
    memcpy(line, data, n);
    line[n] = 0;
    line[strcspn(line, "\r\n")] = 0;
    if (strncasecmp(line, "HTTP/", 5) == 0) {
        forget_answer(e);
    } else if (strncasecmp(line, "accept-ranges:", 14) == 0 && strstr(line, "bytes")) {
        pthread_mutex_lock(&d->mutex);
        d->ranges = 1;
        pthread_mutex_unlock(&d->mutex);
    } else if (strncasecmp(line, "etag:", 5) == 0 && is_first(e)) {
        const char *value = line + 5 + strspn(line + 5, " \t");
        if (value[0] == '"') // a weak one cannot vouch for bytes
            (void)tl_strcpy(d->etag, sizeof d->etag, value);
    } else if (strncasecmp(line, "content-range:", 14) == 0) {
        long long begin = -1, end = -1, total = -1;
        if (sscanf(line + 14, " bytes %lld-%lld/%lld", &begin, &end, &total) >= 2) {
            e->range_begin = begin;
            e->range_total = total;
        }
    }
    return n;
}

// A range was asked for: is this what comes? 0, or -1 when the download has failed.
static int check_range(TlExtent *e, long status, int64_t content_length)
{
    TlDownload *d = e->download;
    int64_t total = status == 206 ? e->range_total : content_length;
    e->skip = status == 206 ? 0 : e->pos; // the range was ignored: the file comes again from its beginning
    pthread_mutex_lock(&d->mutex);
    d->ranges = status == 206;
    int changed = total >= 0 && d->length >= 0 && total != d->length;
    pthread_mutex_unlock(&d->mutex);
    if (changed)
        return fail(d, TL_ENET, "the file changed while it was downloaded");
    if (status == 206 && e->range_begin != e->pos)
        return fail(d, TL_ENET, "the server sent another part of the file than was asked for");
    return 0;
}

static void set_length_locked(TlDownload *d, int64_t length)
{
    d->length = d->stats.length = length;
    for (int i = 0; i < d->extent_count; i++)
        if (d->extent[i]->end == TL_NO_END)
            d->extent[i]->end = length;
    if (length > d->owner->params.max_bytes)
        tl_download_fail_locked(d, TL_ELIMIT, "the video is larger than this service takes");
}

// First bytes of a transfer: what kind of answer is it? 0 to go on, -1 to end the transfer.
static int check_head(TlExtent *e, const char *data, size_t n)
{
    TlDownload *d = e->download;
    long status = 0;
    curl_off_t length = -1;
    char *type = NULL;
    double connect_s = 0;
    curl_easy_getinfo(e->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(e->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    curl_easy_getinfo(e->easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(e->easy, CURLINFO_CONNECT_TIME, &connect_s);
    if (status >= 300)
        return -1; // judged when the transfer is done
    if (is_first(e) && tl_page_is_html(type, data, n)) {
        e->is_page = 1;
        tl_strbuf_clear(&d->page);
        return 0;
    }
    if (e->pos > 0 && check_range(e, status, length) < 0)
        return -1;
    pthread_mutex_lock(&d->mutex);
    d->stats.status = status;
    if (is_first(e) && length >= 0 && d->length < 0)
        set_length_locked(d, length);
    if (!d->head) {
        d->head = 1;
        d->stats.connect_s = connect_s;
        d->stats.first_byte_s = tl_us_to_s(tl_now_us() - d->start_us);
    }
    int stop = d->done;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
    return stop ? -1 : 0;
}

// What an answer that is no video took: without a first byte of one, this is what a failure cost.
static void note_times(TlDownload *d, const TlExtent *e)
{
    double connect_s = 0, first_s = 0, spent_s = 0;
    curl_easy_getinfo(e->easy, CURLINFO_CONNECT_TIME, &connect_s);
    curl_easy_getinfo(e->easy, CURLINFO_STARTTRANSFER_TIME, &first_s);
    curl_easy_getinfo(e->easy, CURLINFO_TOTAL_TIME, &spent_s);
    pthread_mutex_lock(&d->mutex);
    if (!d->head && connect_s > 0)
        d->stats.connect_s = connect_s;
    if (!d->head && first_s > 0)
        d->stats.first_byte_s = tl_us_to_s(tl_now_us() - d->start_us) - (spent_s > first_s ? spent_s - first_s : 0);
    pthread_mutex_unlock(&d->mutex);
}

static int take_page(TlDownload *d, const char *data, size_t n)
{
    if (d->page.length + n > PAGE_MAX)
        return fail(d, TL_EFORMAT, "the address answers with a web page instead of a video");
    tl_strbuf_mem(&d->page, data, n);
    return d->page.failed ? fail(d, TL_ENOMEM, "out of memory for a download") : 0;
}

static int write_file(TlDownload *d, const char *data, size_t n, int64_t at)
{
    while (n > 0) {
        ssize_t w = pwrite(d->fd, data, n, at);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return fail(d, errno == ENOSPC ? TL_ENOSPC : TL_EIO, "the temporary file cannot be written");
        data += w;
        n -= (size_t)w;
        at += w;
    }
    return 0;
}

static size_t receive(char *data, size_t size, size_t count, void *opaque)
{
    TlExtent *e = opaque;
    TlDownload *d = e->download;
    size_t n = size * count, offset = 0;
    e->heard_us = tl_now_us();
    if (!e->head_seen) {
        e->head_seen = 1;
        if (check_head(e, data, n) < 0)
            return 0;
    }
    if (e->is_page)
        return take_page(d, data, n) < 0 ? 0 : n;
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
    if (stop)
        return 0;
    if (pos + (int64_t)take > d->owner->params.max_bytes)
        return fail(d, TL_ELIMIT, "the video is larger than this service takes") < 0 ? 0 : n;
    if (write_file(d, data + offset, take, pos) < 0)
        return 0;
    pthread_mutex_lock(&d->mutex);
    e->pos = pos + (int64_t)take;
    d->stats.bytes += (int64_t)take;
    int full = e->pos == e->end;
    if (full && tl_download_complete(d))
        d->stats.total_s = tl_us_to_s(tl_now_us() - d->start_us);
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
    return full && offset + take < n ? 0 : n;
}

// --- begin and end

static void set_common(TlDownload *d, TlExtent *e)
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
    tl_trust(c);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(c, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L); // of redirects, too: no credentials are sent
    curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);               // a name server that is silent must not hold the end
    curl_easy_setopt(c, CURLOPT_USERAGENT, "touchline");
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 262144L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(p->connect_timeout_s * 1000));
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, e);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, header_line);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, e);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, e);
}

// Only the same version of the file may be continued.
static void set_if_range(TlDownload *d, TlExtent *e)
{
    char line[TL_ETAG_SIZE + 16];
    if (d->etag[0] && !d->if_range) {
        snprintf(line, sizeof line, "If-Range: %s", d->etag);
        d->if_range = curl_slist_append(NULL, line);
    }
    if (d->if_range)
        curl_easy_setopt(e->easy, CURLOPT_HTTPHEADER, d->if_range);
}

int tl_transfer_start(TlDownload *d, TlExtent *e, int64_t pos, int64_t end)
{
    char range[64];
    e->easy = curl_easy_init();
    if (!e->easy)
        return TL_ENOMEM;
    e->head_seen = e->refused = e->is_page = e->stalled = 0;
    e->heard_us = tl_now_us();
    e->range_begin = e->range_total = -1;
    e->retry_at_us = e->skip = 0;
    e->error[0] = 0;
    set_common(d, e);
    if (pos > 0) {
        if (end == TL_NO_END)
            snprintf(range, sizeof range, "%lld-", (long long)pos);
        else
            snprintf(range, sizeof range, "%lld-%lld", (long long)pos, (long long)end - 1);
        curl_easy_setopt(e->easy, CURLOPT_RANGE, range);
        set_if_range(d, e);
    }
    pthread_mutex_lock(&d->mutex);
    d->stats.connections++;
    pthread_mutex_unlock(&d->mutex);
    return curl_multi_add_handle(d->owner->multi, e->easy) == CURLM_OK ? TL_OK : TL_ENOMEM;
}

void tl_transfer_end(TlDownload *d, TlExtent *e)
{
    if (!e->easy)
        return;
    curl_multi_remove_handle(d->owner->multi, e->easy);
    curl_easy_cleanup(e->easy);
    e->easy = NULL;
}

// libcurl's own low-speed limit averages over several seconds; this one is exact.
void tl_transfer_check_stall(TlDownload *d, TlExtent *e, int64_t now_us)
{
    if (!e->easy || tl_us_to_s(now_us - e->heard_us) < d->owner->params.stall_timeout_s)
        return;
    e->stalled = 1;
    tl_transfer_finished(d, e, CURLE_OPERATION_TIMEDOUT);
}

static int code_of(CURLcode result, long status)
{
    if (status == 401 || status == 403)
        return TL_EDENIED;
    if (status == 404 || status == 410 || result == CURLE_COULDNT_RESOLVE_HOST)
        return TL_ENOENT;
    return result == CURLE_OPERATION_TIMEDOUT ? TL_ETIMEOUT : TL_ENET;
}

static int worth_retrying(const TlExtent *e, CURLcode result, long status)
{
    if (e->refused && !e->head_seen)
        return 0;
    if (status >= 300)
        return status == 408 || status == 429 || status >= 500;
    // An odd answer may be what an earlier one left on a kept connection: a new connection settles that.
    return result != CURLE_URL_MALFORMAT;
}

static void describe_failure_locked(TlDownload *d, const TlExtent *e, CURLcode result, long status)
{
    char text[TL_DIAG_SIZE];
    int code = code_of(result, status);
    if (e->refused && !e->head_seen) {
        code = TL_EDENIED;
        snprintf(text, sizeof text, "the address leads to a private network, which is refused");
    } else if ((result == CURLE_OK && status < 300) || result == CURLE_PARTIAL_FILE || status == 416) {
        code = TL_ETRUNCATED;
        snprintf(text, sizeof text, "the server ended the download too early");
    } else if (status >= 400) {
        snprintf(text, sizeof text, "the server answered %ld", status);
    } else if (e->stalled) {
        snprintf(text, sizeof text, "the server sent nothing for %.0f s", d->owner->params.stall_timeout_s);
    } else {
        snprintf(text, sizeof text, "the download failed: %.160s", e->error[0] ? e->error : curl_easy_strerror(result));
    }
    tl_download_fail_locked(d, code, text);
}

// A whole web page came: Drive's confirm form is followed once, any other page ends the download.
static void judge_page_locked(TlDownload *d)
{
    char url[TL_DOWNLOAD_URL_SIZE];
    TlDiag why = {0};
    if (d->confirmed || tl_page_confirm_url(d->page.data, url, sizeof url) < 0)
        tl_download_fail_locked(d, TL_EFORMAT, "the address answers with a web page instead of a video");
    else if (tl_guard_check_url(url, &why) < 0)
        tl_download_fail_locked(d, why.code, why.text);
    else
        (void)tl_strcpy(d->url, sizeof d->url, url);
    d->confirmed = 1;
}

void tl_transfer_finished(TlDownload *d, TlExtent *e, CURLcode result)
{
    long status = 0;
    curl_easy_getinfo(e->easy, CURLINFO_RESPONSE_CODE, &status);
    note_times(d, e);
    tl_transfer_end(d, e);
    pthread_mutex_lock(&d->mutex);
    int ended = result == CURLE_OK && status < 300;
    if (e->pos - e->tried_pos >= PROGRESS_BYTES)
        e->tries = 0;
    if (ended && e->end == TL_NO_END && !e->is_page) // no length was told: the end of the answer is the file's
        e->end = d->length = d->stats.length = e->pos;
    if (d->done || d->cancelled || e->pos == e->end) {
        // nothing more to do for this extent
    } else if (ended && e->is_page) {
        judge_page_locked(d);
    } else if (e->tries + 1 < d->owner->params.tries && worth_retrying(e, result, status)) {
        e->tried_pos = e->pos;
        e->retry_at_us = tl_now_us() + (250000ll << (2 * e->tries++));
        d->stats.retries++;
    } else {
        describe_failure_locked(d, e, result, status);
    }
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
}
