// The miner as a process: opens the parts in order, waits for signals, takes everything down in reverse.
#include "serve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <touchline/log.h>
#include <touchline/session.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "pipe/settings.h"
#include "server.h"

enum { NONCES = 65536 };
static const int64_t NONCE_WINDOW_NS = 120000000000ll;
static const double CHAIN_TIMEOUT_S = 20, SEND_TIMEOUT_S = 30, RETRY_S = 30;

typedef struct Service {
    const TlServeSettings *settings;
    TlGuard guard;
    TlGate gate;
    TlMetrics *metrics;
    TlMiner *miner;
    TlServer *server;
    char stake_file[TL_SERVE_TEXT + 64];
    // refresher
    pthread_t thread;
    pthread_mutex_t mutex; // of changed; a leaf
    pthread_cond_t changed;
    atomic_int stopping;
    int refreshing;
} Service;

// --- the stake table in the background

static int refresh(Service *v, TlStake *stakes)
{
    TlDiag diag = {0};
    TlChainParams chain = {.url = tl_chain_url(&v->settings->chain, &diag),
                           .netuid = v->settings->chain.netuid,
                           .timeout_s = CHAIN_TIMEOUT_S,
                           .cancel = &v->stopping};
    int count = 0, ret = tl_chain_fetch_stakes(&chain, stakes, &count, &diag);
    if (ret == TL_OK)
        ret = tl_stake_table_set(v->gate.stakes, stakes, count, (int64_t)time(NULL));
    if (ret == TL_OK) {
        tl_log(TL_LOG_INFO, "Stake table of subnet %d read: %d hotkey%s", v->settings->chain.netuid, count,
               count == 1 ? "" : "s");
        if (v->stake_file[0] &&
            tl_stake_table_save(v->gate.stakes, v->stake_file, v->settings->chain.netuid, &diag) < 0)
            tl_log(TL_LOG_WARNING, "%s", diag.text);
        return TL_OK;
    }
    int64_t at = tl_stake_table_time_s(v->gate.stakes);
    if (ret == TL_EINTERRUPTED)
        return ret;
    if (at)
        tl_log(TL_LOG_WARNING, "The stake table was not refreshed: %s; the one in use is %lld s old", diag.text,
               (long long)(time(NULL) - at));
    else
        tl_log(TL_LOG_WARNING, "The stake table was not read: %s; no validator is known yet", diag.text);
    return ret;
}

static void wait_for(Service *v, double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until); // a clock that is set must not hold the refresh
    until.tv_sec += (time_t)seconds;
    while (!atomic_load(&v->stopping) && pthread_cond_timedwait(&v->changed, &v->mutex, &until) != ETIMEDOUT)
        ;
}

static void *refresh_main(void *opaque)
{
    Service *v = opaque;
    TlStake *stakes = tl_calloc(TL_STAKE_MAX, sizeof *stakes);
    pthread_mutex_lock(&v->mutex);
    while (stakes && !atomic_load(&v->stopping)) {
        pthread_mutex_unlock(&v->mutex);
        int ret = refresh(v, stakes);
        pthread_mutex_lock(&v->mutex);
        wait_for(v, ret == TL_OK || v->settings->refresh_s < RETRY_S ? v->settings->refresh_s : RETRY_S);
    }
    pthread_mutex_unlock(&v->mutex);
    tl_free(&stakes);
    return NULL;
}

// A file below the user's cache folder. Without one nothing is kept: a folder that all users share is no place for what
// says whom to trust.
static int cache_file(char *path, size_t size, const char *name)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    const int has_cache = cache && cache[0] == '/', has_home = home && home[0] == '/';
    char folder[TL_SERVE_TEXT];
    if (!has_cache && !has_home)
        return -1;
    snprintf(folder, sizeof folder, "%s%s", has_cache ? cache : home, has_cache ? "" : "/.cache");
    (void)mkdir(folder, 0755);
    snprintf(path, size, "%s/touchline", folder);
    (void)mkdir(path, 0755);
    return (size_t)snprintf(path, size, "%s/touchline/%s", folder, name) < size ? 0 : -1;
}

static void choose_stake_file(Service *v)
{
    char name[64];
    snprintf(name, sizeof name, "stakes-%d.json", v->settings->chain.netuid);
    if (v->settings->stake_file[0])
        snprintf(v->stake_file, sizeof v->stake_file, "%s", v->settings->stake_file);
    else if (cache_file(v->stake_file, sizeof v->stake_file, name) < 0) {
        v->stake_file[0] = 0;
        tl_log(TL_LOG_WARNING, "The stake table is not kept between runs: neither XDG_CACHE_HOME nor HOME is set");
    }
}

static void keep_nonces(Service *v, const char *address)
{
    char path[TL_SERVE_TEXT + 64], name[TL_SS58_SIZE + 16];
    TlDiag why = {0};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(name, sizeof name, "nonces-%s", address);
    if (cache_file(path, sizeof path, name) == 0 &&
        tl_nonce_store_keep(v->gate.nonces, path, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec, &why) < 0)
        tl_log(TL_LOG_WARNING, "Nonces are not kept over a restart: %s", why.text);
}

// --- opening

static int open_gate(Service *v, TlDiag *diag)
{
    const TlServeSettings *s = v->settings;
    const TlWalletParams wallet = tl_wallet_params(&s->wallet);
    char address[TL_SS58_SIZE];
    int ret = TL_OK, hotkeys = 0;
    v->gate.nonces = tl_nonce_store_create(NONCES, NONCE_WINDOW_NS);
    v->gate.stakes = tl_stake_table_create();
    v->gate.min_stake_tao = s->min_stake_tao;
    if (!v->gate.nonces || !v->gate.stakes)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the service");
    if (s->hotkey[0])
        snprintf(address, sizeof address, "%s", s->hotkey);
    else if ((ret = tl_wallet_address(&wallet, address, diag)) < 0)
        return ret;
    if (tl_ss58_decode(address, v->gate.own_key) < 0)
        return tl_fail(diag, TL_EUSAGE, "'%s' is no hotkey address", address);
    keep_nonces(v, address);
    for (; hotkeys < TL_SERVE_LIST_MAX && s->allow_hotkey[hotkeys]; hotkeys++) {
        uint8_t key[32];
        if (tl_ss58_decode(s->allow_hotkey[hotkeys], key) < 0 || tl_stake_table_allow(v->gate.stakes, key) < 0)
            return tl_fail(diag, TL_EUSAGE, "--allow-hotkey: '%s' is no hotkey address", s->allow_hotkey[hotkeys]);
    }
    for (int i = 0; i < TL_SERVE_LIST_MAX && s->allow_host[i]; i++)
        if ((ret = tl_guard_allow(&v->guard, s->allow_host[i], diag)) < 0)
            return ret;
    v->gate.any_hotkey = s->no_chain && hotkeys == 0;
    tl_log(TL_LOG_INFO, "Hotkey %s, subnet %d, minimum stake %g TAO", address, s->chain.netuid, s->min_stake_tao);
    if (v->gate.any_hotkey)
        tl_log(TL_LOG_WARNING, "--no-chain without --allow-hotkey: every signed request is served");
    return TL_OK;
}

static int open_stakes(Service *v, TlDiag *diag)
{
    TlDiag why = {0};
    if (v->settings->no_chain)
        return TL_OK;
    if (!tl_chain_url(&v->settings->chain, diag))
        return TL_EUSAGE;
    choose_stake_file(v);
    if (v->stake_file[0] &&
        tl_stake_table_load(v->gate.stakes, v->stake_file, v->settings->chain.netuid, &why) == TL_OK)
        tl_log(TL_LOG_INFO, "Stake table of the last run: %d hotkey%s", tl_stake_table_count(v->gate.stakes),
               tl_stake_table_count(v->gate.stakes) == 1 ? "" : "s");
    if (pthread_create(&v->thread, NULL, refresh_main, v) != 0)
        return tl_fail(diag, TL_ENOMEM, "no thread could be started");
    v->refreshing = 1;
    return TL_OK;
}

// The lines that watchers of the Python miner's log know.
static void log_settings(const TlOptions *options)
{
    static const TlStreamInfo usual = {.fps = 25}; // of the subnet's clips
    TlPlan plan = {0};
    tl_plan_resolve(&plan, options, &usual);
    int threads = options->threads > 0 ? options->threads : tl_cpu_count();
    const char *device = strcmp(options->device, "auto") != 0 ? options->device : "cpu";
    if (strcmp(device, "cpu") != 0)
        tl_log(TL_LOG_INFO, "GPU optimizations applied successfully (CPU threads: %d)", threads);
    else
        tl_log(TL_LOG_INFO, "CPU optimizations applied successfully (CPU threads: %d)", threads);
    tl_log(TL_LOG_INFO, "Using batch processing with batch_size=%d", options->batch_size > 0 ? options->batch_size : 1);
    tl_log(TL_LOG_INFO, "Video processor initialized with %s device, timeout: %.1fs, prefetch=%d, frame_stride=%d",
           device, options->processing_timeout_s, options->prefetch_frames, plan.stride);
}

static int open_service(Service *v, const TlOptions *options, TlDiag *diag)
{
    int ret = open_gate(v, diag);
    if (ret < 0)
        return ret;
    v->metrics = tl_metrics_create();
    if (!v->metrics)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the service");
    TlMinerParams miner = {.options = options,
                           .guard = &v->guard,
                           .metrics = v->metrics,
                           .queue = v->settings->queue,
                           .download_workers = v->settings->download_workers};
    if ((ret = tl_miner_open(&v->miner, &miner, diag)) < 0 || (ret = open_stakes(v, diag)) < 0)
        return ret;
    TlServerParams server = {.listen = v->settings->listen,
                             .gate = &v->gate,
                             .miner = v->miner,
                             .metrics = v->metrics,
                             .refusals = v->settings->refusals,
                             .stake_age_limit_s = v->settings->stake_age_limit_s};
    if ((ret = tl_server_open(&v->server, &server, diag)) < 0)
        return ret;
    log_settings(options);
    tl_log(TL_LOG_INFO, "Listening on %s (port %d)", v->settings->listen, tl_server_port(v->server));
    return TL_OK;
}

static void close_service(Service *v)
{
    if (v->server)
        tl_server_quiesce(v->server);
    if (v->refreshing) {
        pthread_mutex_lock(&v->mutex);
        atomic_store(&v->stopping, 1);
        pthread_cond_broadcast(&v->changed);
        pthread_mutex_unlock(&v->mutex);
    }
    if (v->miner)
        tl_miner_stop(v->miner); // finishes what runs and what waits
    if (v->server)
        tl_server_drain(v->server, SEND_TIMEOUT_S);
    tl_server_close(&v->server);
    tl_miner_close(&v->miner); // not before the last request that could ask it
    if (v->refreshing)
        pthread_join(v->thread, NULL);
    tl_metrics_destroy(&v->metrics);
    tl_stake_table_destroy(&v->gate.stakes);
    tl_nonce_store_destroy(&v->gate.nonces);
    pthread_cond_destroy(&v->changed);
    pthread_mutex_destroy(&v->mutex);
}

// --- logs and signals

// A challenge's line ends with pairs name=number that are ours whatever strangers name; they and the challenge's id
// become members of their own: "Completed challenge ID in S seconds: frames=N connect=S ...", or "Failed challenge
// ...".
static void add_fields(TlStrbuf *text, const char *line)
{
    static const char *const heads[] = {"Completed challenge ", "Failed challenge "};
    static const char gone[] = ": the client was gone"; // behind them, of a reply that could not be sent
    const char *end = line + strlen(line), *at, *id = NULL, *id_end = NULL;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (strncmp(line, heads[i], strlen(heads[i])) == 0)
            id = line + strlen(heads[i]);
    if (!id)
        return;
    if ((size_t)(end - id) >= sizeof gone && strcmp(end - (sizeof gone - 1), gone) == 0)
        end -= sizeof gone - 1;
    for (;;) {
        for (at = end; at > line && at[-1] != ' ';)
            at--;
        size_t name = strspn(at, "abcdefghijklmnopqrstuvwxyz_"), value = name + 1;
        size_t number = at[name] == '=' ? strspn(at + value, "0123456789.") : 0;
        if (number == 0 || at + value + number != end)
            break;
        tl_strbuf_printf(text, ",\"%.*s\":%.*s", (int)name, at, (int)number, at + value);
        end = at - 1;
    }
    for (const char *in = strstr(line, " in "); in && in < end; in = strstr(in + 1, " in "))
        id_end = in;
    char name[256];
    long length = id_end ? id_end - id : 0;
    if (length <= 0 || length >= (long)sizeof name)
        return;
    snprintf(name, sizeof name, "%.*s", (int)length, id);
    tl_strbuf_str(text, ",\"challenge\":");
    tl_strbuf_json(text, name);
}

static void log_json(void *opaque, int level, const char *line)
{
    static const char *names[TL_LOG_COUNT] = {"error", "warning", "info", "debug"};
    struct timespec now;
    struct tm utc;
    char stamp[40];
    TlStrbuf text = {0};
    (void)opaque;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(stamp + n, sizeof stamp - n, ".%03ldZ", now.tv_nsec / 1000000);
    tl_strbuf_printf(&text, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", stamp, names[level]);
    tl_strbuf_json(&text, line);
    add_fields(&text, line);
    tl_strbuf_str(&text, "}\n");
    if (!text.failed)
        fwrite(text.data, 1, text.length, stderr);
    tl_strbuf_deinit(&text);
}

// What strangers name (ids, addresses, errors) cannot forge lines or colours: control characters (C0, C1, DEL) and what
// is no UTF-8 become '?'.
static void clean(const char *line, char *text, size_t size)
{
    size_t n = 0;
    while (*line && n + 4 < size) {
        int length = tl_utf8_length(line);
        const unsigned char *c = (const unsigned char *)line;
        int control = c[0] < ' ' || c[0] == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0);
        if (length == 0 || control)
            text[n++] = '?';
        else
            memcpy(text + n, line, (size_t)length), n += (size_t)length;
        line += length > 0 ? length : 1;
    }
    text[n] = 0;
}

static void log_plain(void *opaque, int level, const char *line)
{
    char text[1024];
    clean(line, text, sizeof text);
    static const char *names[TL_LOG_COUNT] = {"ERROR", "WARNING", "INFO", "DEBUG"};
    struct timespec now;
    struct tm local;
    char stamp[32];
    (void)opaque;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &local);
    fprintf(stderr, "%s.%03ld | %-8s | %s\n", stamp, now.tv_nsec / 1000000, names[level], text);
}

// Blocks the signals for all threads made later; they are taken by sigtimedwait. A signal that was ignored when the
// program was started (a shell does so with SIGINT for `&`, nohup with SIGHUP) would be dropped before anybody can wait
// for it.
static void block_signals(sigset_t *set)
{
    static const int taken[] = {SIGTERM, SIGINT, SIGHUP};
    sigemptyset(set);
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        sigaddset(set, taken[i]);
        signal(taken[i], SIG_DFL);
    }
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void reload_settings(Service *v, TlServeReload *reload, void *opaque)
{
    TlOptions options;
    TlDiag diag = {0};
    if (reload && reload(opaque, &options, &diag) == TL_OK)
        tl_miner_reload(v->miner, &options);
    else
        tl_log(TL_LOG_ERROR, "Settings were not reloaded: %s", diag.text);
}

// Waits for a signal; meanwhile the server is swept once a second.
static int next_signal(Service *v, const sigset_t *signals)
{
    const struct timespec second = {.tv_sec = 1};
    int which;
    while ((which = sigtimedwait(signals, NULL, &second)) < 0)
        tl_server_sweep(v->server);
    return which;
}

int tl_serve(const TlServeSettings *settings, const TlOptions *options, TlServeReload *reload, void *opaque,
             TlDiag *diag)
{
    Service service = {.settings = settings};
    pthread_condattr_t monotonic;
    sigset_t signals;
    int ret = tl_sr25519_init();
    if (ret < 0)
        return tl_fail(diag, ret, "libsodium cannot be started");
    tl_log_set(settings->log_json ? log_json : log_plain, NULL, settings->log_level);
    block_signals(&signals);
    pthread_mutex_init(&service.mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&service.changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    ret = open_service(&service, options, diag);
    while (ret == TL_OK && next_signal(&service, &signals) == SIGHUP)
        reload_settings(&service, reload, opaque);
    if (ret == TL_OK) {
        tl_log(TL_LOG_INFO, "Stopping: the running challenge is finished first");
        sigdelset(&signals, SIGHUP); // stays blocked: a reload, or a terminal that closes, is no second stop
        signal(SIGINT, SIG_DFL);     // a second one ends the process, also when it is waiting already
        signal(SIGTERM, SIG_DFL);
        pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    }
    close_service(&service);
    return ret;
}
