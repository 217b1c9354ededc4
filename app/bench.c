// touchline bench: which settings are fastest on this machine, told by running them.
//
// Each configuration opens a session, runs the clip once to warm up and then `repeats` times; the median counts. FPS
// means source frames answered per second, so a larger stride cannot look slower than it is.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/session.h>

#include "bench_report.h"
#include "command.h"
#include "fetch.h"
#include "interrupt.h"
#include "presets.h"
#include "progress.h"
#include "same_file.h"

enum { CONFIG_MAX = 32, REPEATS_MAX = 21 };

typedef struct BenchValues {
    char video[TL_PATH_SIZE], url[TL_PATH_SIZE], json[TL_PATH_SIZE], csv[TL_PATH_SIZE], env[TL_PATH_SIZE];
    int quick, repeats;
} BenchValues;

static BenchValues g_values;

#define STRING(field)                                                                                                  \
    .type = TL_OPTION_STRING, .max = sizeof(((BenchValues *)0)->field) - 1, .offset = offsetof(BenchValues, field),    \
    .deflt = ""

static const TlCommandOption g_options[] = {
    {.def = {.flag = "video-path", .group = "Clip", .value = "FILE", .help = "clip to run", STRING(video)}, .file = 1},
    {.def = {.flag = "video-url", .group = "Clip", .value = "URL", .help = "clip to fetch and run", STRING(url)}},
    {.def = {.flag = "quick",
             .group = "Sweep",
             .help = "five configurations and the baseline, one run each",
             .type = TL_OPTION_BOOL,
             .max = 1,
             .offset = offsetof(BenchValues, quick),
             .deflt = "0"}},
    {.def = {.flag = "repeats",
             .group = "Sweep",
             .value = "N",
             .help = "runs of each configuration after the one that warms up; the median counts",
             .type = TL_OPTION_INT,
             .min = 1,
             .max = REPEATS_MAX,
             .offset = offsetof(BenchValues, repeats),
             .deflt = "3"}},
    {.def = {.flag = "json",
             .group = "Output",
             .value = "FILE",
             .help = "results as JSON, 0 = auto; interrupted, those that are finished",
             STRING(json)},
     .file = 1,
     .output = 1},
    {.def = {.flag = "csv", .group = "Output", .value = "FILE", .help = "the same results as CSV", STRING(csv)},
     .file = 1,
     .output = 1},
    {.def = {.flag = "write-env",
             .group = "Output",
             .value = "FILE",
             .help = "the fastest configuration as settings, for --config and serve",
             STRING(env)},
     .file = 1,
     .output = 1},
    {.def = {.flag = NULL}},
};

// The seed's sweep and its baseline (batch 4, every frame, 1024 px), with what a processor likes beside it. The first
// one is what serve does without settings: only what is faster than that is worth a setting.
static const TlBenchConfig g_baseline = {4, 1, 1024, 32, 0};
static const TlBenchConfig g_full[] = {
    {0, 0, 0, 64, 0},   {0, 0, 0, 16, 0},    {0, 2, 0, 64, 0},    {0, 1, 0, 64, 0},    {0, 3, 0, 64, 0},
    {0, 4, 0, 64, 0},   {4, 2, 0, 64, 0},    {0, 2, 512, 64, 0},  {0, 3, 512, 64, 0},  {0, 2, 800, 64, 0},
    {8, 2, 640, 64, 0}, {32, 2, 640, 64, 0}, {32, 1, 640, 64, 0}, {64, 2, 640, 128, 0}};
static const TlBenchConfig g_quick[] = {
    {0, 0, 0, 64, 0}, {0, 2, 0, 64, 0}, {0, 1, 0, 64, 0}, {0, 4, 0, 64, 0}, {4, 2, 0, 64, 0}};

// Peak resident memory since the last reset, in MB.
static double peak_memory_mb(void)
{
    char line[256];
    double kb = 0;
    FILE *status = fopen("/proc/self/status", "re");

    while (status && fgets(line, sizeof line, status))
        if (!strncmp(line, "VmHWM:", 6))
            kb = strtod(line + 6, NULL);
    if (status)
        fclose(status);
    return kb / 1024;
}

static void reset_peak_memory(void)
{
    FILE *refs = fopen("/proc/self/clear_refs", "we");

    if (!refs)
        return; // the figure then is the peak of the whole process
    fputs("5", refs);
    fclose(refs);
}

static int run_once(TlSession *session, const char *clip, double *seconds, int64_t *frames, TlDiag *diag)
{
    static TlRecord record;
    double begin = tl_seconds();

    *frames = 0;
    int ret = tl_session_start(session, clip, diag);
    while (ret == TL_OK && (ret = tl_session_next(session, &record, NULL, diag)) == TL_OK)
        ++*frames;
    *seconds = tl_seconds() - begin;
    if (tl_interrupted()) // also a signal that came while no clip ran and that a start would have forgotten
        return tl_fail(diag, TL_EINTERRUPTED, "interrupted");
    return ret == TL_EOF ? TL_OK : ret;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Whatever was set elsewhere: all frames of the clip count, through networks that nothing stops or makes smaller.
static TlOptions sweep_options(const TlOptions *set)
{
    TlOptions options = *set;

    options.frames[0] = 0;
    options.time_budget_s = 0;
    options.fast_mode = 0;
    return options;
}

static int run_config(const TlOptions *base, const char *clip, int repeats, TlBenchOutcome *outcome, TlDiag *diag)
{
    TlOptions options = sweep_options(base);
    TlSession *session = NULL;
    TlStats stats = {0};
    double seconds[REPEATS_MAX + 1];

    options.batch_size = outcome->config.batch;
    options.frame_stride = outcome->config.stride;
    options.key_rate = outcome->config.key_rate;
    options.img_size = outcome->config.img_size;
    options.prefetch_frames = outcome->config.prefetch;
    reset_peak_memory();
    int ret = tl_session_open(&session, &options, diag);
    tl_interrupt_watch(session);
    for (int i = 0; i <= repeats && ret == TL_OK; i++)
        ret = run_once(session, clip, &seconds[i], &outcome->frames, diag);
    tl_interrupt_watch(NULL);
    if (session)
        tl_session_stats(session, &stats);
    tl_session_close(&session);
    if (ret < 0)
        return ret;
    qsort(seconds + 1, (size_t)repeats, sizeof *seconds, ascending); // the first one warmed up
    outcome->key_frames = stats.key_frames;
    outcome->seconds = seconds[1 + repeats / 2];
    outcome->fps = outcome->seconds > 0 ? (double)outcome->frames / outcome->seconds : 0;
    outcome->memory_mb = peak_memory_mb();
    return TL_OK;
}

static int by_fps(const void *a, const void *b)
{
    const TlBenchOutcome *x = a, *y = b;
    return (x->fps < y->fps) - (x->fps > y->fps);
}

// Runs all configurations; *done receives how many came to an end.
static int sweep(const TlCommandLine *line, const char *clip, TlBenchOutcome *outcomes, int count, int *done,
                 TlDiag *diag)
{
    int repeats = g_values.quick ? 1 : g_values.repeats, good = 0;

    for (int i = 0; i < count; i++) {
        TlDiag why = {0};
        *done = i;
        if (!line->quiet) {
            fprintf(stderr, "%d/%d: ", i + 1, count);
            tl_bench_put_config(stderr, &outcomes[i].config);
            fputc('\n', stderr);
        }
        int ret = run_config(&line->options, clip, repeats, &outcomes[i], &why);
        if (ret == TL_EINTERRUPTED)
            return tl_fail(diag, ret, "interrupted after %d of %d configuration%s%s", i, count, count == 1 ? "" : "s",
                           i && (g_values.json[0] || g_values.csv[0]) ? ", those are written" : "");
        if (ret < 0)
            snprintf(outcomes[i].error, sizeof outcomes[i].error, "%s", why.text);
        good += ret == TL_OK;
        if (ret < 0 && i == 0 && ret != TL_EMODEL && ret != TL_EBACKEND)
            return tl_fail(diag, ret, "%s", why.text); // the clip itself is at fault
    }
    *done = count;
    return good ? TL_OK : tl_fail(diag, TL_EBACKEND, "no configuration ran: %s", outcomes[0].error);
}

static int write_tables(const TlBenchOutcome *outcomes, int count, const TlBenchOutcome *baseline, TlDiag *diag)
{
    int ret = TL_OK;

    if (g_values.json[0])
        ret = tl_bench_write_json(g_values.json, outcomes, count, baseline, diag);
    if (ret == TL_OK && g_values.csv[0])
        ret = tl_bench_write_csv(g_values.csv, outcomes, count, diag);
    return ret;
}

// The files are begun anew without asking: none may be the clip or another of them.
static int check_outputs(const char *clip, TlDiag *diag)
{
    static const char *const options[] = {"--json", "--csv", "--write-env"};
    const char *const path[] = {g_values.json, g_values.csv, g_values.env};
    int ret = TL_OK;

    for (int i = 0; i < 3 && ret == TL_OK; i++) {
        for (int k = 0; k < i && path[i][0]; k++)
            if (path[k][0] && tl_same_file(path[i], path[k]))
                return tl_fail(diag, TL_EUSAGE, "%s and %s are the same file '%s'", options[k], options[i], path[i]);
        if (path[i][0])
            ret = tl_keep_input(path[i], clip, options[i], diag);
    }
    return ret;
}

// The clip of an address, fetched once: the way to it is no part of what is compared. Whoever names the address may
// fetch from it, so its host is allowed whatever it is.
static int fetch(TlFetched *fetched, TlDiag *diag)
{
    TlGuard guard = {0};
    const TlDownloaderParams params = {.guard = &guard};
    char host[256] = "";
    const char *at = strstr(g_values.url, "://");

    at = at ? at + 3 : g_values.url;
    int bracketed = *at == '[';
    snprintf(host, sizeof host, "%.*s", (int)strcspn(at + bracketed, bracketed ? "]" : ":/?#"), at + bracketed);
    int ret = at[0] ? tl_guard_allow(&guard, host, diag) : TL_OK;
    return ret < 0 ? ret : tl_fetch(fetched, g_values.url, &params, tl_interrupt_flag(), diag);
}

// The configurations of the sweep, the baseline last; returns how many. An automatic stride is that of serve.
static int list_configs(const TlOptions *set, TlBenchOutcome *outcomes)
{
    const TlBenchConfig *list = g_values.quick ? g_quick : g_full;
    int count = (int)(g_values.quick ? sizeof g_quick / sizeof *g_quick : sizeof g_full / sizeof *g_full);
    TlOptions service = *set;

    service.frame_stride = 0;
    tl_service_defaults(&service);
    for (int i = 0; i < count; i++) {
        outcomes[i].config = list[i];
        if (list[i].stride)
            continue;
        outcomes[i].config.stride = service.frame_stride; // 1 without tracking
        outcomes[i].config.key_rate = service.frame_stride ? 0 : service.key_rate;
    }
    outcomes[count++].config = g_baseline;
    return count;
}

static int run_clip(const TlCommandLine *line, const char *clip, TlDiag *diag)
{
    static TlBenchOutcome outcomes[CONFIG_MAX];
    int count = list_configs(&line->options, outcomes);

    int done = 0, ret = check_outputs(clip, diag);
    if (ret < 0)
        return ret;
    ret = sweep(line, clip, outcomes, count, &done, diag);
    if (ret == TL_EINTERRUPTED && done)
        (void)!write_tables(outcomes, done, NULL, diag); // the interruption stays the reason in diag
    if (ret < 0)
        return ret;
    const TlBenchOutcome baseline = outcomes[count - 1];
    qsort(outcomes, (size_t)count, sizeof *outcomes, by_fps); // failed ones have 0 fps and come last
    tl_bench_print_table(outcomes, count);
    tl_bench_print_recommendation(&outcomes[0], &baseline);
    ret = write_tables(outcomes, count, &baseline, diag);
    return ret == TL_OK && g_values.env[0] ? tl_bench_write_env(g_values.env, &outcomes[0], diag) : ret;
}

static int run(const TlCommandLine *line, TlDiag *diag)
{
    TlFetched fetched = {.fd = -1};

    if (!g_values.video[0] == !g_values.url[0])
        return tl_fail(diag, TL_EUSAGE, "bench needs one of --video-path and --video-url");
    int ret = g_values.url[0] ? fetch(&fetched, diag) : TL_OK;
    if (ret == TL_OK)
        ret = run_clip(line, g_values.url[0] ? fetched.path : g_values.video, diag);
    tl_fetched_close(&fetched);
    return ret;
}

static const TlExample g_examples[] = {
    {"touchline bench --video-path clip.mp4 --quick", "a first look: six configurations, one run each"},
    {"touchline bench --video-path clip.mp4 --write-env fast.env", "all configurations, the best one kept"},
    {"touchline serve --config fast.env", "and used"},
    {NULL, NULL},
};

const TlCommand tl_command_bench = {
    .name = "bench",
    .arguments = "",
    .summary = "which settings are fastest on this machine",
    .description =
        "Runs a clip with several batch sizes, strides, image sizes and prefetches and ranks them by source frames "
        "answered "
        "per second; stride auto is that of `touchline serve`. All of them take many times as long as the clip does "
        "once. The fastest is recommended, for clips of this frame rate. It is not the most accurate: look at an "
        "overlay before you take a large stride.\nBatch size, stride, image size and prefetch are those of "
        "each configuration, whatever is set elsewhere. All frames of the clip count, without a time budget and "
        "without the fast mode.",
    .options = g_options,
    .values = &g_values,
    .groups = "Networks|Detection|Pitch|Machine",
    .sets = "batch-size|img-size|fast-mode|fast-img-size|frames|frame-stride|time-budget|prefetch-frames",
    .examples = g_examples,
    .min_arguments = 0,
    .max_arguments = 0,
    .run = run,
};
