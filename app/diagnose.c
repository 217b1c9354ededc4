// touchline diagnose: what each step of a challenge costs here, and what to do about the largest.
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "diagnose.h"
#include "interrupt.h"
#include "service_options.h"

typedef struct DiagnoseValues {
    TlTextList hosts;
    char preset[16];
    int download_workers;
} DiagnoseValues;

static DiagnoseValues g_values;

static const TlCommandOption g_options[] = {
    {.def = {.flag = "allow-host",
             .group = "Download",
             .value = "HOST",
             .help = "a host that the clip may come from although its address is private, may be repeated",
             .type = TL_OPTION_STRING,
             .offset = offsetof(DiagnoseValues, hosts)},
     .many = 1},
    TL_PRESET_ROW(0, DiagnoseValues, preset),
    TL_DOWNLOAD_WORKERS_ROW(0, DiagnoseValues, download_workers),
    {.def = {.flag = NULL}},
};

static void print_step(void *opaque, int step, double seconds)
{
    (void)opaque;
    printf("%-24s %8.3f s\n", tl_diagnose_name(step), seconds);
    fflush(stdout);
}

static const char *tier(double seconds)
{
    return seconds < 2 ? "top" : seconds < 5 ? "excellent" : seconds < 10 ? "average" : "not competitive";
}

static void print_summary(const TlDiagnosis *d, int has_budget)
{
    int worst;
    double total = d->seconds[TL_DIAGNOSE_TOTAL] >= 0 ? d->seconds[TL_DIAGNOSE_TOTAL] : d->seconds[TL_DIAGNOSE_CLIP];
    const char *advice = tl_diagnose_advice(d, &worst);
    printf("\n%lld frame%s of %dx%d, %lld of them seen by the networks", (long long)d->frames,
           d->frames == 1 ? "" : "s", d->width, d->height, (long long)d->key_frames);
    if (d->bytes)
        printf("; %lld bytes over %d connection%s, %.1f MB/s", (long long)d->bytes, d->connections,
               d->connections == 1 ? "" : "s",
               (double)d->bytes / 1e6 /
                   (d->seconds[TL_DIAGNOSE_DOWNLOAD] > 1e-6 ? d->seconds[TL_DIAGNOSE_DOWNLOAD] : 1e-6));
    printf("\n%.2f s in all, %.1f frames a second; tier: %s\n", total, total > 0 ? (double)d->frames / total : 0.0,
           tier(total));
    if (total > TL_SERVICE_BUDGET_S && !has_budget)
        printf("touchline serve would stop its networks after %d s (TIME_BUDGET_S) and fill the rest by motion\n",
               TL_SERVICE_BUDGET_S);
    printf("largest: %s, %.2f s -> %s\n", tl_diagnose_name(worst), d->seconds[worst], advice);
}

static int run(const TlCommandLine *line, TlDiag *diag)
{
    TlGuard guard = {0};
    TlDiagnosis diagnosis;
    TlOptions options = line->options;
    tl_service_defaults(&options); // but no budget: it would hide what the steps cost
    int ret = tl_preset_apply(g_values.preset, &options, diag);
    for (int i = 0; i < g_values.hosts.count && ret == TL_OK; i++)
        ret = tl_guard_allow(&guard, g_values.hosts.item[i], diag);
    const TlDiagnoseParams params = {.cancel = tl_interrupt_flag(),
                                     .watch = tl_interrupt_watch,
                                     .input = line->arguments.item[0],
                                     .options = &options,
                                     .guard = &guard,
                                     .download_workers = g_values.download_workers,
                                     .step = print_step};
    if (ret == TL_OK)
        ret = tl_diagnose(&params, &diagnosis, diag);
    if (ret == TL_OK)
        print_summary(&diagnosis, options.time_budget_s > 0);
    return ret;
}

static const TlExample g_examples[] = {
    {"touchline diagnose https://HOST/clip.mp4", "every step of a challenge with this clip"},
    {"touchline diagnose clip.mp4 --stride 3", "a file: everything but the download"},
    {NULL, NULL},
};

const TlCommand tl_command_diagnose = {
    .name = "diagnose",
    .arguments = "URL",
    .summary = "what each step of a challenge costs here, and what to do about it",
    .description =
        "Fetches a clip, decodes it, loads the networks with an empty and with a filled cache, runs the clip from disk "
        "and at last as the miner does it, download and work side by side. Settings are those of `touchline serve`, "
        "but for its time budget.\nThe last line names the step that costs most and what helps.",
    .options = g_options,
    .values = &g_values,
    .groups = "Networks|Detection|Frames|Pitch|Machine",
    .examples = g_examples,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
