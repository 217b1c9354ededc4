// The miner's thread: download, session and encoder side by side, one challenge at a time.
//
// In: challenges; out: replies. The session reads the download's bytes as they arrive, records are written into the
// body as they come out, so the answer is ready a moment after the last frame.
#include "miner.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <touchline/log.h>
#include <touchline/session.h>

#include "base/clock.h"
#include "base/mem.h"
#include "pipe/session_bytes.h"
#include "result/sn44_json.h"

enum { QUEUE_MAX = 64, LOG_EVERY = 100, MAX_FRAMES = 30000, LIBAV_ALLOCATION = 96 << 20 };

typedef struct Job {
    TlChallenge challenge;
    int encoding;
    int64_t received_us;
    TlMinerClient client;
} Job;

struct TlMiner {
    TlOptions options;
    TlMetrics *metrics;
    TlSession *session;
    TlDownloader *downloader;
    TlRecord record;
    TlStrbuf text;
    int64_t max_frames;
    pthread_t thread;

    pthread_mutex_t mutex; // a leaf
    pthread_cond_t changed;
    Job queue[QUEUE_MAX];
    int first, count, limit, busy, stopping, joined;
    TlOptions next_options;
    int reload;
};

// --- one challenge

typedef struct Run {
    TlMiner *miner;
    const Job *job;
    TlDownload *download;
    TlBodyEncoder *encoder;
    int64_t frames;
    int is_video; ///< its first picture was there; only then the session's times are this clip's
    double encode_s;
} Run;

static int flush_text(Run *run)
{
    int64_t begin = tl_now_us();
    TlStrbuf *text = &run->miner->text;
    int ret = text->failed ? TL_ENOMEM : tl_body_encoder_write(run->encoder, text->data, text->length);
    tl_strbuf_clear(text);
    run->encode_s += tl_us_to_s(tl_now_us() - begin);
    return ret;
}

static int too_many_frames(const TlMiner *m, TlDiag *diag)
{
    return tl_fail(diag, TL_ELIMIT, "the video has more than %lld frames", (long long)m->max_frames);
}

static int answer_frames(Run *run, TlDiag *diag)
{
    TlMiner *m = run->miner;
    int64_t start_us = tl_now_us();
    int ret;
    if (tl_session_info(m->session)->frame_count_estimate > m->max_frames) // told by the index, before any work
        return too_many_frames(m, diag);
    while ((ret = tl_session_next(m->session, &m->record, NULL, diag)) == TL_OK) {
        int64_t begin = tl_now_us();
        if (run->frames == m->max_frames)
            return too_many_frames(m, diag);
        tl_sn44_frame(&m->text, &m->record, run->frames++ == 0);
        run->encode_s += tl_us_to_s(tl_now_us() - begin);
        if ((ret = flush_text(run)) < 0)
            return tl_fail(diag, ret, "out of memory for the answer");
        if (run->frames % LOG_EVERY == 0) {
            double s = tl_us_to_s(tl_now_us() - start_us);
            tl_log(TL_LOG_INFO, "Processed %lld frames in %.1fs (%.2f fps)", (long long)run->frames, s,
                   s > 0 ? (double)run->frames / s : 0.0);
        }
    }
    return ret;
}

// A clip that breaks off is still answered as far as it goes: its frames count, an error would count nothing. One that
// is too large for the service is not.
static int worth_answering(const Run *run, int code)
{
    return run->frames > 0 && code != TL_ENOMEM && code != TL_EBACKEND && code != TL_ELIMIT;
}

static void begin_body(TlStrbuf *text, const TlChallenge *challenge)
{
    tl_strbuf_clear(text);
    if (challenge->id_type == TL_ID_NUMBER)
        tl_sn44_head_number(text, challenge->id);
    else
        tl_sn44_head(text, challenge->id_type == TL_ID_TEXT ? challenge->id : NULL);
}

static int run_clip(Run *run, TlDiag *diag)
{
    TlMiner *m = run->miner;
    int ret = tl_download_start(&run->download, m->downloader, run->job->challenge.video_url, diag);
    if (ret < 0)
        return ret;
    begin_body(&m->text, &run->job->challenge);
    TlDiag why = {0};
    ret = tl_session_start_bytes(m->session, run->job->challenge.video_url, tl_download_source(run->download), &why);
    run->is_video = ret == TL_OK;
    if (ret == TL_OK)
        ret = answer_frames(run, &why);
    if (ret == TL_EOF)
        return TL_OK;
    // What broke the bytes explains more than what the demuxer made of it.
    int cause = tl_download_error(run->download, diag);
    if (worth_answering(run, ret) && worth_answering(run, cause)) {
        tl_log(TL_LOG_WARNING, "Challenge %s: %s; answering %lld frame%s, by motion those that did not arrive",
               run->job->challenge.id, cause < 0 ? diag->text : why.text, (long long)run->frames,
               run->frames == 1 ? "" : "s");
        tl_diag_clear(diag);
        return TL_OK;
    }
    return cause < 0 ? cause : tl_fail(diag, ret, "%s", why.text);
}

static int finish_body(Run *run, TlReply *reply)
{
    TlStrbuf *text = &run->miner->text;
    tl_strbuf_clear(text);
    tl_sn44_tail(text, tl_us_to_s(tl_now_us() - run->job->received_us));
    int ret = flush_text(run);
    if (ret == TL_OK)
        ret = tl_body_encoder_finish(&run->encoder, &reply->body);
    return ret;
}

// A video that cannot be read is the request's fault, also when its server took too long; all else is ours.
static int status_of(const Run *run, int code)
{
    switch (code) {
    case TL_OK:
        return 200;
    case TL_ENOMEM:
    case TL_ENOSPC:
    case TL_EBACKEND:
    case TL_EMODEL:
    case TL_EINTERNAL:
    case TL_EIO:
    case TL_EINTERRUPTED:
        return 500;
    case TL_ETIMEOUT:
        return run->is_video ? 500 : 400;
    default:
        return 400;
    }
}

static void error_body(const Run *run, TlReply *reply, int code, const char *text)
{
    reply->status = status_of(run, code);
    reply->encoding = TL_ENCODING_PLAIN;
    tl_strbuf_str(&reply->body, "{\"detail\":");
    tl_strbuf_json(&reply->body, text);
    tl_strbuf_char(&reply->body, '}');
}

// One line with what was spent, whatever came of it; the server adds the seconds of sending.
static void account(const Run *run, int ok, double seconds, TlReply *reply)
{
    TlMiner *m = run->miner;
    TlStats stats = {0};
    TlDownloadStats net = {0};
    char status[32] = "";
    if (run->is_video)
        tl_session_stats(m->session, &stats);
    if (run->download)
        tl_download_stats(run->download, &net);
    tl_metrics_challenge(m->metrics, ok, seconds);
    tl_metrics_frames(m->metrics, ok ? stats.key_frames : 0, ok ? stats.frames - stats.key_frames : 0, net.bytes);
    const double stage[] = {
        [TL_STAGE_CONNECT] = net.connect_s,       [TL_STAGE_FIRST_BYTE] = net.first_byte_s,
        [TL_STAGE_DOWNLOAD] = net.total_s,        [TL_STAGE_DECODE] = stats.decode_s,
        [TL_STAGE_NETWORKS] = stats.wait_infer_s, [TL_STAGE_TRACK] = stats.track_s + stats.pitch_s + stats.fill_s,
        [TL_STAGE_ENCODE] = run->encode_s};
    for (int i = 0; ok && i < TL_STAGE_SEND; i++)
        tl_metrics_stage(m->metrics, i, stage[i]);
    long long keys = stats.key_frames > 0 ? stats.key_frames : 1;
    if (ok)
        tl_log(TL_LOG_INFO, "Completed processing %lld frames (stride=%lld) in %.1fs (%.2f fps)",
               (long long)run->frames, (run->frames + keys / 2) / keys, stats.wall_s,
               stats.wall_s > 0 ? (double)run->frames / stats.wall_s : 0.0);
    else
        snprintf(status, sizeof status, "status=%d ", reply->status);
    snprintf(reply->summary, sizeof reply->summary,
             "%s challenge %s in %.2f seconds: %stotal=%.3f frames=%lld connect=%.3f first_byte=%.3f download=%.3f "
             "decode=%.3f networks=%.3f track=%.3f encode=%.3f bytes=%lld retries=%d budget_hit=%d",
             ok ? "Completed" : "Failed", run->job->challenge.id, seconds, status, seconds, (long long)run->frames,
             net.connect_s, net.first_byte_s, net.total_s, stats.decode_s, stats.wait_infer_s, stage[TL_STAGE_TRACK],
             run->encode_s, (long long)net.bytes, net.retries, stats.time_budget_hit);
}

static void set_busy(TlMiner *m, int busy)
{
    pthread_mutex_lock(&m->mutex);
    m->busy = busy;
    tl_metrics_queue(m->metrics, m->count, busy);
    pthread_mutex_unlock(&m->mutex);
}

// The session reads from the download until its clip is ended; a blocked read must not hold it.
static void stop_clip(const Run *run)
{
    if (run->download)
        tl_download_cancel(run->download);
    tl_session_stop(run->miner->session);
}

static void run_job(TlMiner *m, const Job *job)
{
    Run run = {.miner = m, .job = job, .encoder = tl_body_encoder_create(job->encoding)};
    TlReply reply = {.status = 200, .encoding = job->encoding};
    TlDiag diag = {0};
    tl_log(TL_LOG_INFO, "Processing challenge %s from %s with video %s", job->challenge.id, job->challenge.validator,
           job->challenge.video_url);
    int ret = run.encoder ? run_clip(&run, &diag) : tl_fail(&diag, TL_ENOMEM, "out of memory for the answer");
    if (ret == TL_OK && (ret = finish_body(&run, &reply)) < 0)
        tl_fail(&diag, ret, "out of memory for the answer");
    if (ret < 0) {
        tl_log(TL_LOG_ERROR, "Challenge %s failed: %s", job->challenge.id, diag.text);
        error_body(&run, &reply, ret, diag.text);
        stop_clip(&run); // its threads may still be at work, and count
    }
    account(&run, ret == TL_OK, tl_us_to_s(tl_now_us() - job->received_us), &reply);
    set_busy(m, 0);
    job->client.done(job->client.opaque, &reply); // tidying up does not hold the answer back
    tl_body_encoder_destroy(&run.encoder);
    stop_clip(&run);
    tl_download_stop(&run.download);
}

// A validator that hung up counts nothing; whoever waits behind it is served the sooner.
static void drop_job(TlMiner *m, const Job *job)
{
    static const char why[] = "The client hung up while its challenge waited";
    TlReply reply = {.status = 400};
    tl_log(TL_LOG_WARNING, "Challenge %s was dropped after %.2f seconds: its client hung up while it waited",
           job->challenge.id, tl_us_to_s(tl_now_us() - job->received_us));
    tl_strbuf_printf(&reply.body, "{\"detail\":\"%s\"}", why);
    tl_metrics_dropped(m->metrics);
    set_busy(m, 0);
    job->client.done(job->client.opaque, &reply);
}

// --- the thread

static void reload(TlMiner *m, const TlOptions *options)
{
    TlSession *fresh = NULL;
    TlDiag diag = {0};
    if (tl_session_open(&fresh, options, &diag) < 0) {
        tl_log(TL_LOG_ERROR, "Settings were not reloaded: %s", diag.text);
        return;
    }
    tl_session_close(&m->session);
    m->session = fresh;
    m->options = *options;
    tl_log(TL_LOG_INFO, "Settings reloaded");
}

static void *miner_main(void *opaque)
{
    TlMiner *m = opaque;
    Job job;
    TlOptions options;
    pthread_mutex_lock(&m->mutex);
    for (;;) {
        while (m->count == 0 && !m->stopping && !m->reload)
            pthread_cond_wait(&m->changed, &m->mutex);
        if (m->reload) {
            options = m->next_options;
            m->reload = 0;
            pthread_mutex_unlock(&m->mutex);
            reload(m, &options);
            pthread_mutex_lock(&m->mutex);
            continue;
        }
        if (m->count == 0)
            break; // stopping, and nothing waits
        job = m->queue[m->first];
        m->first = (m->first + 1) % QUEUE_MAX;
        m->count--;
        m->busy = 1;
        tl_metrics_queue(m->metrics, m->count, 1);
        pthread_mutex_unlock(&m->mutex);
        if (job.client.is_gone && job.client.is_gone(job.client.opaque))
            drop_job(m, &job);
        else
            run_job(m, &job);
        pthread_mutex_lock(&m->mutex);
    }
    pthread_mutex_unlock(&m->mutex);
    return NULL;
}

int tl_miner_open(TlMiner **out, const TlMinerParams *params, TlDiag *diag)
{
    *out = NULL;
    TlMiner *m = tl_calloc(1, sizeof *m);
    if (!m)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the miner");
    pthread_mutex_init(&m->mutex, NULL);
    pthread_cond_init(&m->changed, NULL);
    m->options = *params->options;
    m->metrics = params->metrics;
    m->limit = params->queue > 0 && params->queue <= QUEUE_MAX ? params->queue : 4;
    m->max_frames = params->max_frames > 0 ? params->max_frames : MAX_FRAMES;
    tl_media_limit_allocation(LIBAV_ALLOCATION);
    TlDownloaderParams download = {.guard = params->guard, .workers = params->download_workers};
    int ret = tl_session_open(&m->session, &m->options, diag);
    if (ret == TL_OK)
        ret = tl_downloader_open(&m->downloader, &download, diag);
    if (ret == TL_OK && pthread_create(&m->thread, NULL, miner_main, m) != 0)
        ret = tl_fail(diag, TL_ENOMEM, "no thread could be started");
    if (ret < 0) {
        tl_session_close(&m->session);
        tl_downloader_close(&m->downloader);
        tl_free(&m);
        return ret;
    }
    pthread_setname_np(m->thread, "tl-miner");
    *out = m;
    return TL_OK;
}

int tl_miner_submit(TlMiner *m, const TlChallenge *challenge, int encoding, int64_t received_us,
                    const TlMinerClient *client)
{
    int ret = TL_OK;
    pthread_mutex_lock(&m->mutex);
    if (m->stopping) {
        ret = TL_EINTERRUPTED;
    } else if (m->count >= m->limit) {
        ret = TL_ELIMIT;
    } else {
        m->queue[(m->first + m->count++) % QUEUE_MAX] =
            (Job){.challenge = *challenge, .encoding = encoding, .received_us = received_us, .client = *client};
        tl_metrics_queue(m->metrics, m->count, m->busy);
        pthread_cond_signal(&m->changed);
    }
    pthread_mutex_unlock(&m->mutex);
    return ret;
}

int tl_miner_busy(TlMiner *m)
{
    pthread_mutex_lock(&m->mutex);
    int busy = m->busy || m->count > 0;
    pthread_mutex_unlock(&m->mutex);
    return busy;
}

void tl_miner_reload(TlMiner *m, const TlOptions *options)
{
    pthread_mutex_lock(&m->mutex);
    m->next_options = *options;
    m->reload = 1;
    pthread_cond_signal(&m->changed);
    pthread_mutex_unlock(&m->mutex);
}

void tl_miner_stop(TlMiner *m)
{
    if (m->joined)
        return;
    pthread_mutex_lock(&m->mutex);
    m->stopping = 1;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->mutex);
    pthread_join(m->thread, NULL);
    m->joined = 1;
}

void tl_miner_close(TlMiner **miner)
{
    TlMiner *m = *miner;
    if (!m)
        return;
    tl_miner_stop(m);
    tl_session_close(&m->session);
    tl_downloader_close(&m->downloader);
    tl_strbuf_deinit(&m->text);
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->mutex);
    tl_free(miner);
}
