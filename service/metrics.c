// Prometheus metrics. Names follow its conventions: base units, _total on counters, bounded label sets.
#include "metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <touchline/session.h>
#include <unistd.h>

#include "base/mem.h"

enum { BUCKETS = 8, REASONS = 24 };
static const double BUCKET_S[BUCKETS] = {0.5, 1, 1.5, 2, 3, 5, 8, 15};
static const char *STAGE[TL_STAGE_COUNT] = {"connect",  "first_byte", "download", "decode",
                                            "networks", "track",      "encode",   "send"};

struct TlMetrics {
    pthread_mutex_t mutex;
    uint64_t ok, failed, gone, bucket[BUCKETS];
    double seconds;
    struct {
        double seconds;
        uint64_t count;
    } stage[TL_STAGE_COUNT];
    struct {
        const char *reason;
        uint64_t count;
    } refused[REASONS];
    uint64_t limits, limited_connections, crowded_out;
    uint64_t key_frames, filled_frames, download_bytes;
    int waiting, busy;
};

TlMetrics *tl_metrics_create(void)
{
    TlMetrics *m = tl_calloc(1, sizeof *m);
    if (m)
        pthread_mutex_init(&m->mutex, NULL);
    return m;
}

void tl_metrics_destroy(TlMetrics **metrics)
{
    if (!*metrics)
        return;
    pthread_mutex_destroy(&(*metrics)->mutex);
    tl_free(metrics);
}

const char *tl_stage_name(int stage)
{
    return STAGE[stage];
}

void tl_metrics_challenge(TlMetrics *m, int ok, double seconds)
{
    pthread_mutex_lock(&m->mutex);
    if (ok)
        m->ok++;
    else
        m->failed++;
    m->seconds += seconds;
    for (int i = 0; i < BUCKETS; i++)
        m->bucket[i] += seconds <= BUCKET_S[i];
    pthread_mutex_unlock(&m->mutex);
}

void tl_metrics_dropped(TlMetrics *m)
{
    pthread_mutex_lock(&m->mutex);
    m->gone++;
    pthread_mutex_unlock(&m->mutex);
}

void tl_metrics_stage(TlMetrics *m, int stage, double seconds)
{
    pthread_mutex_lock(&m->mutex);
    m->stage[stage].seconds += seconds;
    m->stage[stage].count++;
    pthread_mutex_unlock(&m->mutex);
}

void tl_metrics_refused(TlMetrics *m, const char *reason)
{
    pthread_mutex_lock(&m->mutex);
    for (int i = 0; i < REASONS; i++) {
        if (m->refused[i].reason && strcmp(m->refused[i].reason, reason) != 0)
            continue;
        m->refused[i].reason = reason;
        m->refused[i].count++;
        break;
    }
    pthread_mutex_unlock(&m->mutex);
}

void tl_metrics_limit(TlMetrics *m)
{
    pthread_mutex_lock(&m->mutex);
    m->limits++;
    pthread_mutex_unlock(&m->mutex);
}

void tl_metrics_crowded(TlMetrics *m, int connections)
{
    pthread_mutex_lock(&m->mutex);
    m->crowded_out += (uint64_t)connections;
    pthread_mutex_unlock(&m->mutex);
}

void tl_metrics_limited_connection(TlMetrics *m)
{
    pthread_mutex_lock(&m->mutex);
    m->limited_connections++;
    pthread_mutex_unlock(&m->mutex);
}

void tl_metrics_frames(TlMetrics *m, int64_t key, int64_t filled, int64_t download_bytes)
{
    pthread_mutex_lock(&m->mutex);
    m->key_frames += (uint64_t)key;
    m->filled_frames += (uint64_t)filled;
    m->download_bytes += (uint64_t)download_bytes;
    pthread_mutex_unlock(&m->mutex);
}

void tl_metrics_queue(TlMetrics *m, int waiting, int busy)
{
    pthread_mutex_lock(&m->mutex);
    m->waiting = waiting;
    m->busy = busy;
    pthread_mutex_unlock(&m->mutex);
}

static void head(TlStrbuf *out, const char *name, const char *type, const char *help)
{
    tl_strbuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_challenges(const TlMetrics *m, TlStrbuf *out)
{
    head(out, "touchline_challenges_total", "counter", "Challenges by outcome.");
    tl_strbuf_printf(out, "touchline_challenges_total{result=\"ok\"} %llu\n", (unsigned long long)m->ok);
    tl_strbuf_printf(out, "touchline_challenges_total{result=\"failed\"} %llu\n", (unsigned long long)m->failed);
    tl_strbuf_printf(out, "touchline_challenges_total{result=\"gone\"} %llu\n", (unsigned long long)m->gone);
    head(out, "touchline_rejected_total", "counter", "Requests refused before any work, by reason.");
    for (int i = 0; i < REASONS && m->refused[i].reason; i++)
        tl_strbuf_printf(out, "touchline_rejected_total{reason=\"%s\"} %llu\n", m->refused[i].reason,
                         (unsigned long long)m->refused[i].count);
    head(out, "touchline_limits_total", "counter", "Times an address was limited for refused or broken requests.");
    tl_strbuf_printf(out, "touchline_limits_total %llu\n", (unsigned long long)m->limits);
    head(out, "touchline_limited_connections_total", "counter", "Connections of limited addresses, closed unread.");
    tl_strbuf_printf(out, "touchline_limited_connections_total %llu\n", (unsigned long long)m->limited_connections);
    head(out, "touchline_crowded_connections_total", "counter", "Connections ended to make room for other addresses.");
    tl_strbuf_printf(out, "touchline_crowded_connections_total %llu\n", (unsigned long long)m->crowded_out);
    head(out, "touchline_challenge_seconds", "histogram", "From the request to the whole answer.");
    for (int i = 0; i < BUCKETS; i++)
        tl_strbuf_printf(out, "touchline_challenge_seconds_bucket{le=\"%g\"} %llu\n", BUCKET_S[i],
                         (unsigned long long)m->bucket[i]);
    unsigned long long count = m->ok;
    count += m->failed;
    tl_strbuf_printf(out, "touchline_challenge_seconds_bucket{le=\"+Inf\"} %llu\n", count);
    tl_strbuf_printf(out, "touchline_challenge_seconds_sum %.6f\n", m->seconds);
    tl_strbuf_printf(out, "touchline_challenge_seconds_count %llu\n", count);
}

static void write_stages(const TlMetrics *m, TlStrbuf *out)
{
    head(out, "touchline_stage_seconds", "summary", "Seconds by stage; stages overlap.");
    for (int i = 0; i < TL_STAGE_COUNT; i++) {
        tl_strbuf_printf(out, "touchline_stage_seconds_sum{stage=\"%s\"} %.6f\n", STAGE[i], m->stage[i].seconds);
        tl_strbuf_printf(out, "touchline_stage_seconds_count{stage=\"%s\"} %llu\n", STAGE[i],
                         (unsigned long long)m->stage[i].count);
    }
    head(out, "touchline_frames_total", "counter", "Frames answered: seen by the networks, or filled.");
    tl_strbuf_printf(out, "touchline_frames_total{kind=\"key\"} %llu\n", (unsigned long long)m->key_frames);
    tl_strbuf_printf(out, "touchline_frames_total{kind=\"filled\"} %llu\n", (unsigned long long)m->filled_frames);
    head(out, "touchline_download_bytes_total", "counter", "Bytes of video received.");
    tl_strbuf_printf(out, "touchline_download_bytes_total %llu\n", (unsigned long long)m->download_bytes);
    head(out, "touchline_queue_length", "gauge", "Challenges that wait.");
    tl_strbuf_printf(out, "touchline_queue_length %d\n", m->waiting);
    head(out, "touchline_busy", "gauge", "1 while a challenge is worked on.");
    tl_strbuf_printf(out, "touchline_busy %d\n", m->busy);
}

static void write_process(TlStrbuf *out)
{
    long pages = 0, resident = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm && fscanf(statm, "%ld %ld", &pages, &resident) == 2) {
        head(out, "process_resident_memory_bytes", "gauge", "Resident memory.");
        tl_strbuf_printf(out, "process_resident_memory_bytes %lld\n",
                         (long long)resident * (long long)sysconf(_SC_PAGESIZE));
    }
    if (statm)
        fclose(statm);
}

void tl_metrics_write(TlMetrics *m, double stake_age_s, int stake_count, TlStrbuf *out)
{
    head(out, "touchline_build_info", "gauge", "The running version.");
    tl_strbuf_printf(out, "touchline_build_info{version=\"%s\"} 1\n", tl_version());
    pthread_mutex_lock(&m->mutex);
    write_challenges(m, out);
    write_stages(m, out);
    pthread_mutex_unlock(&m->mutex);
    if (stake_age_s >= 0) {
        head(out, "touchline_metagraph_age_seconds", "gauge", "Age of the stake table.");
        tl_strbuf_printf(out, "touchline_metagraph_age_seconds %.0f\n", stake_age_s);
    }
    head(out, "touchline_metagraph_hotkeys", "gauge", "Hotkeys in the stake table.");
    tl_strbuf_printf(out, "touchline_metagraph_hotkeys %d\n", stake_count);
    write_process(out);
}
