// One download by the service's downloader, for tests: reads the whole source and prints one JSON line.
//
//   fetch_tool URL [name=value ...]   allow=HOST workers=N max=BYTES connect=S stall=S total=S tries=N
//                                     tail=1 (reads the last 1000 bytes before the rest, as a demuxer with the index
//                                     at the end does), again=1 (a second download with the same pool)
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "download.h"

typedef struct Settings {
    TlDownloaderParams params;
    TlGuard guard;
    int tail, again;
} Settings;

static int take(Settings *s, const char *word)
{
    const char *value = strchr(word, '=');
    TlDiag diag = {0};
    if (!value)
        return -1;
    double number = strtod(++value, NULL);
    if (strncmp(word, "allow=", 6) == 0)
        return tl_guard_allow(&s->guard, value, &diag);
    if (strncmp(word, "workers=", 8) == 0)
        s->params.workers = (int)number;
    else if (strncmp(word, "max=", 4) == 0)
        s->params.max_bytes = (int64_t)number;
    else if (strncmp(word, "connect=", 8) == 0)
        s->params.connect_timeout_s = number;
    else if (strncmp(word, "stall=", 6) == 0)
        s->params.stall_timeout_s = number;
    else if (strncmp(word, "total=", 6) == 0)
        s->params.total_timeout_s = number;
    else if (strncmp(word, "tries=", 6) == 0)
        s->params.tries = (int)number;
    else if (strncmp(word, "tail=", 5) == 0)
        s->tail = (int)number;
    else if (strncmp(word, "again=", 6) == 0)
        s->again = (int)number;
    else
        return -1;
    return 0;
}

static int read_some(const struct TlByteSource *source, uint8_t *data, int size)
{
    int n;
    while ((n = source->read(source->opaque, data, size)) == TL_EAGAIN)
        ;
    return n;
}

// Reads everything; the seconds until the tail was there go to *tail_s.
static int read_all(TlDownload *download, const Settings *s, char sum[65], int64_t *bytes, double *tail_s)
{
    struct TlByteSource *source = tl_download_source(download);
    static uint8_t buffer[65536];
    uint8_t digest[32];
    crypto_hash_sha256_state state;
    int n;
    int64_t begin = tl_now_us();
    if (s->tail) {
        int64_t length = source->seek(source->opaque, 0, 0x10000);
        if (length < 1000 || source->seek(source->opaque, length - 1000, SEEK_SET) < 0)
            return TL_EUSAGE;
        if ((n = read_some(source, buffer, 1000)) < 0)
            return n;
        *tail_s = tl_us_to_s(tl_now_us() - begin);
        if (source->seek(source->opaque, 0, SEEK_SET) != 0)
            return TL_EUSAGE;
    }
    crypto_hash_sha256_init(&state);
    while ((n = read_some(source, buffer, sizeof buffer)) > 0) {
        crypto_hash_sha256_update(&state, buffer, (size_t)n);
        *bytes += n;
    }
    crypto_hash_sha256_final(&state, digest);
    sodium_bin2hex(sum, 65, digest, sizeof digest);
    return n;
}

static void fetch(TlDownloader *downloader, const char *url, const Settings *s)
{
    TlDownload *download = NULL;
    TlDownloadStats stats = {0};
    TlDiag diag = {0};
    TlStrbuf text = {0};
    char sum[65] = "";
    int64_t bytes = 0, begin = tl_now_us();
    double tail_s = 0;
    int ret = tl_download_start(&download, downloader, url, &diag);
    if (ret == TL_OK)
        ret = tl_download_wait_head(download, &diag);
    if (ret == TL_OK && (ret = read_all(download, s, sum, &bytes, &tail_s)) < 0)
        (void)!tl_download_error(download, &diag);
    double seconds = tl_us_to_s(tl_now_us() - begin);
    if (download)
        tl_download_stats(download, &stats);
    tl_download_stop(&download);
    tl_strbuf_printf(&text, "{\"code\":\"%s\",\"text\":", tl_error_name(ret));
    tl_strbuf_json(&text, diag.text);
    tl_strbuf_printf(&text,
                     ",\"bytes\":%lld,\"sha256\":\"%s\",\"seconds\":%.3f,\"tail_s\":%.3f,\"connections\":%d,"
                     "\"retries\":%d,\"received\":%lld,\"total_s\":%.3f}",
                     (long long)bytes, sum, seconds, tail_s, stats.connections, stats.retries, (long long)stats.bytes,
                     stats.total_s);
    puts(text.data);
    tl_strbuf_deinit(&text);
}

int main(int argc, char **argv)
{
    Settings s = {0};
    TlDownloader *downloader = NULL;
    TlDiag diag = {0};
    for (int i = 2; i < argc; i++)
        if (take(&s, argv[i]) < 0)
            return 2;
    s.params.guard = &s.guard;
    if (argc < 2 || tl_downloader_open(&downloader, &s.params, &diag) < 0)
        return 2;
    for (int i = 0; i <= s.again; i++)
        fetch(downloader, argv[1], &s);
    tl_downloader_close(&downloader);
    return 0;
}
