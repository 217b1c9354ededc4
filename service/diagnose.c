// Measuring a challenge step by step. In: an address; out: seconds.
//
// The clip is fetched once on its own, decoded on its own, run from disk, and at last run as the miner does it, bytes
// going into the decoder while they arrive. Networks are loaded twice with a cache folder of our own, so that the first
// time is cold whatever ran on this machine before.
#include "diagnose.h"

#include <ftw.h>
#include <math.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <touchline/session.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "fetch.h"
#include "media/media.h"
#include "pipe/session_bytes.h"

enum { PATH_SIZE = 512 };

typedef struct Job {
    const TlDiagnoseParams *params;
    TlDiagnosis *out;
    TlDiag *diag;
    char cache[PATH_SIZE]; ///< temporary; empty when not made
    TlFetched clip;        ///< fd 0 when not fetched
    const char *file;      ///< the clip on disk
    TlOptions options;
    TlSession *session;
    TlRecord record;
} Job;

static const char *const NAMES[TL_DIAGNOSE_STEP_COUNT] = {
    "resolve",        "connect",         "first byte", "download", "open and first picture",
    "decode alone",   "load cold",       "load warm",  "networks", "the rest, busier thread",
    "clip from disk", "challenge in all"};

const char *tl_diagnose_name(int step)
{
    return NAMES[step];
}

static void note(Job *job, int step, double seconds)
{
    job->out->seconds[step] = seconds;
    if (job->params->step)
        job->params->step(job->params->opaque, step, seconds);
}

static double since(int64_t begin_us)
{
    return tl_us_to_s(tl_now_us() - begin_us);
}

static int cancelled(const Job *job)
{
    return job->params->cancel && atomic_load(job->params->cancel);
}

static int interrupted(const Job *job)
{
    return tl_fail(job->diag, TL_EINTERRUPTED, "interrupted");
}

static void watch(const Job *job, TlSession *session)
{
    if (job->params->watch)
        job->params->watch(session);
}

static void temporary_name(char path[PATH_SIZE], const char *what)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, PATH_SIZE, "%s/touchline-%s-XXXXXX", folder && folder[0] ? folder : "/tmp", what);
}

static int is_url(const char *text)
{
    return strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
}

// --- the network

static void resolve(Job *job)
{
    const char *host = strstr(job->params->input, "://") + 3;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    char name[256];
    size_t n = strcspn(host, ":/?#");
    int64_t begin = tl_now_us();
    if (host[0] == '[')
        n = strcspn(++host, "]");
    snprintf(name, sizeof name, "%.*s", (int)n, host);
    int bad = getaddrinfo(name, NULL, &hints, &list); // a failure is told by the download
    if (!bad) {
        freeaddrinfo(list);
        note(job, TL_DIAGNOSE_RESOLVE, since(begin));
    }
}

static TlDownloaderParams downloader_params(const Job *job)
{
    return (TlDownloaderParams){.guard = job->params->guard, .workers = job->params->download_workers};
}

static int fetch(Job *job)
{
    const TlDownloaderParams params = downloader_params(job);
    resolve(job);
    int ret = tl_fetch(&job->clip, job->params->input, &params, job->params->cancel, job->diag);
    if (ret < 0)
        return ret;
    const TlDownloadStats *stats = &job->clip.stats;
    job->out->bytes = stats->bytes;
    job->out->connections = stats->connections;
    note(job, TL_DIAGNOSE_CONNECT, stats->connect_s);
    note(job, TL_DIAGNOSE_FIRST_BYTE, stats->first_byte_s - stats->connect_s);
    note(job, TL_DIAGNOSE_DOWNLOAD, stats->total_s - stats->first_byte_s);
    job->file = job->clip.path;
    return TL_OK;
}

// --- the clip

static int decode(Job *job)
{
    const TlReaderParams params = {.input = job->file, .threads = job->options.threads, .cancel = job->params->cancel};
    TlReader *reader = NULL;
    TlFrame *frame = NULL;
    TlStreamInfo info;
    int64_t begin = tl_now_us();
    int ret = tl_reader_open(&reader, &params, job->diag);
    if (ret < 0)
        return ret;
    note(job, TL_DIAGNOSE_OPEN, since(begin));
    tl_reader_info(reader, &info);
    job->out->width = info.width;
    job->out->height = info.height;
    job->out->fps = info.fps;
    TlDiag why = {0};
    while (!cancelled(job) && (ret = tl_reader_next(reader, &frame, &why)) == TL_OK) {
        job->out->frames = frame->index + 1;
        tl_frame_unref(&frame);
    }
    tl_reader_close(&reader);
    if (cancelled(job))
        return interrupted(job);
    if (ret != TL_EOF && ret != TL_ETRUNCATED)
        return tl_fail(job->diag, ret, "%s", why.text);
    note(job, TL_DIAGNOSE_DECODE, since(begin));
    return TL_OK;
}

static int load(Job *job)
{
    temporary_name(job->cache, "cache");
    if (!mkdtemp(job->cache)) {
        job->cache[0] = 0;
        return tl_fail(job->diag, TL_EIO, "no temporary folder can be made; set TMPDIR");
    }
    snprintf(job->options.cache_dir, sizeof job->options.cache_dir, "%s", job->cache);
    for (int step = TL_DIAGNOSE_LOAD_COLD; step <= TL_DIAGNOSE_LOAD_WARM; step++) {
        int64_t begin = tl_now_us();
        tl_session_close(&job->session);
        if (cancelled(job))
            return interrupted(job);
        int ret = tl_session_open(&job->session, &job->options, job->diag);
        if (ret < 0)
            return ret;
        note(job, step, since(begin));
    }
    return TL_OK;
}

static int take_records(Job *job)
{
    int ret;
    while ((ret = tl_session_next(job->session, &job->record, NULL, job->diag)) == TL_OK)
        ;
    return ret == TL_EOF ? TL_OK : ret;
}

static int run_from_disk(Job *job)
{
    TlStats s;
    int64_t begin = tl_now_us();
    watch(job, job->session);
    int ret = tl_session_start(job->session, job->file, job->diag);
    watch(job, job->session); // a start forgets what was cancelled before it
    if (ret == TL_OK)
        ret = take_records(job);
    watch(job, NULL);
    double seconds = since(begin);
    tl_session_stats(job->session, &s);
    tl_session_stop(job->session);
    if (ret < 0)
        return ret;
    job->out->key_frames = s.key_frames;
    note(job, TL_DIAGNOSE_NETWORKS, s.wait_infer_s);
    // Two threads side by side: the busier one can be compared with the other steps.
    note(job, TL_DIAGNOSE_REST, fmax(s.pre_s, s.post_s + s.track_s + s.pitch_s + s.fill_s));
    note(job, TL_DIAGNOSE_CLIP, seconds);
    return TL_OK;
}

// As the miner does it: decoding begins with the first bytes.
static int run_challenge(Job *job)
{
    const TlDownloaderParams params = downloader_params(job);
    TlDownloader *downloader = NULL;
    TlDownload *download = NULL;
    int64_t begin = tl_now_us();
    int ret = tl_downloader_open(&downloader, &params, job->diag);
    if (ret == TL_OK)
        ret = tl_download_start(&download, downloader, job->params->input, job->diag);
    watch(job, job->session);
    if (ret == TL_OK)
        ret = tl_session_start_bytes(job->session, job->params->input, tl_download_source(download), job->diag);
    watch(job, job->session);
    if (ret == TL_OK)
        ret = take_records(job);
    watch(job, NULL);
    if (ret == TL_OK)
        note(job, TL_DIAGNOSE_TOTAL, since(begin));
    if (download)
        tl_download_cancel(download);
    tl_session_stop(job->session);
    tl_download_stop(&download);
    tl_downloader_close(&downloader);
    return ret;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

static int run_steps(Job *job)
{
    const int from_net = is_url(job->params->input);
    int ret = from_net ? fetch(job) : TL_OK;
    if (ret == TL_OK)
        ret = decode(job);
    if (ret == TL_OK)
        ret = load(job);
    if (ret == TL_OK)
        ret = run_from_disk(job);
    return ret == TL_OK && from_net ? run_challenge(job) : ret;
}

int tl_diagnose(const TlDiagnoseParams *params, TlDiagnosis *diagnosis, TlDiag *diag)
{
    Job *job = tl_calloc(1, sizeof *job);
    if (!job)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the diagnosis");
    *job = (Job){.params = params, .out = diagnosis, .diag = diag, .file = params->input, .options = *params->options};
    *diagnosis = (TlDiagnosis){0};
    for (int i = 0; i < TL_DIAGNOSE_STEP_COUNT; i++)
        diagnosis->seconds[i] = -1;
    int ret = run_steps(job);
    tl_session_close(&job->session);
    tl_fetched_close(&job->clip);
    if (job->cache[0])
        nftw(job->cache, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    tl_free(&job);
    return ret;
}

const char *tl_diagnose_advice(const TlDiagnosis *d, int *step)
{
    static const struct {
        int step;
        const char *text;
    } causes[] = {
        {TL_DIAGNOSE_RESOLVE, "name service: use a resolver near this machine (systemd-resolved, unbound) that caches"},
        {TL_DIAGNOSE_CONNECT,
         "connecting: the clip's host is far away or its TLS is slow; a machine nearer to it helps"},
        {TL_DIAGNOSE_FIRST_BYTE, "the clip's host answers slowly: nothing here to mend, rivals meet the same"},
        {TL_DIAGNOSE_DOWNLOAD, "download: bandwidth; raise --download-workers, check the line with another host"},
        {TL_DIAGNOSE_DECODE, "decoding: more or faster cores; other programs on this machine take their share"},
        {TL_DIAGNOSE_NETWORKS,
         "networks: a larger --stride or smaller --img-size (touchline bench finds the best), more cores"},
        {TL_DIAGNOSE_REST,
         "preparing, tracking, pitch and filling: a larger --stride, faster cores; other programs take their share"},
    };
    int worst = 0;
    for (size_t i = 1; i < sizeof causes / sizeof *causes; i++)
        if (d->seconds[causes[i].step] > d->seconds[causes[worst].step])
            worst = (int)i;
    *step = causes[worst].step;
    return causes[worst].text;
}
