// touchline serve: the miner service of Bittensor subnet 44.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <touchline/log.h>

#include "chain_options.h"
#include "serve.h"
#include "service_options.h"

typedef struct ServeValues {
    TlServeSettings settings;
    TlTextList hotkeys, hosts;
    char log_format[16], preset[16];
} ServeValues;

static ServeValues g_values;

#define WALLET (offsetof(ServeValues, settings) + offsetof(TlServeSettings, wallet))
#define TEXT(field)                                                                                                    \
    .type = TL_OPTION_STRING, .max = sizeof(((TlServeSettings *)0)->field) - 1,                                        \
    .offset = offsetof(ServeValues, settings) + offsetof(TlServeSettings, field)
#define NUMBER(kind, field, low, high)                                                                                 \
    .type = kind, .min = low, .max = high, .offset = offsetof(ServeValues, settings) + offsetof(TlServeSettings, field)

static const TlCommandOption g_options[] = {
    {.def = {.flag = "listen",
             .env = "TOUCHLINE_LISTEN",
             .group = "Service",
             .value = "ADDRESS:PORT",
             .help = "where to listen; numeric address, [::]:7999 for IPv6 and IPv4",
             .deflt = "0.0.0.0:7999",
             TEXT(listen)}},
    TL_WALLET_PATH_ROW(WALLET, "Wallet"),
    TL_WALLET_NAME_ROW(WALLET, "Wallet", "WALLET_NAME", "default", "wallet"),
    TL_WALLET_HOTKEY_ROW(WALLET, "Wallet", "HOTKEY_NAME", "hotkey of the wallet; only its address is read"),
    {.def = {.flag = "hotkey",
             .env = "TOUCHLINE_HOTKEY",
             .group = "Wallet",
             .value = "SS58",
             .help = "the miner's own address, for a host without any wallet file",
             .deflt = "",
             TEXT(hotkey)}},
    TL_CHAIN_ROWS(offsetof(ServeValues, settings) + offsetof(TlServeSettings, chain)),
    {.def = {.flag = "min-stake",
             .alias = "blacklist.validator_min_stake",
             .env = "MIN_STAKE_THRESHOLD",
             .group = "Chain",
             .value = "TAO",
             .help = "stake a validator needs",
             .deflt = "1000",
             NUMBER(TL_OPTION_DOUBLE, min_stake_tao, 0, 1e9)}},
    {.def = {.flag = "stake-refresh",
             .env = "TOUCHLINE_STAKE_REFRESH_S",
             .group = "Chain",
             .value = "SECONDS",
             .help = "how often the stake table is read from the chain",
             .deflt = "300",
             NUMBER(TL_OPTION_DOUBLE, refresh_s, 1, 86400)}},
    {.def = {.flag = "stake-max-age",
             .env = "TOUCHLINE_STAKE_MAX_AGE_S",
             .group = "Chain",
             .value = "SECONDS",
             .help = "/readyz fails when the stake table is older; 0 = never",
             .deflt = "21600",
             NUMBER(TL_OPTION_DOUBLE, stake_age_limit_s, 0, 1e9)}},
    {.def = {.flag = "stake-file",
             .env = "TOUCHLINE_STAKE_FILE",
             .group = "Chain",
             .value = "FILE",
             .help = "where the stake table is kept between runs; the cache folder when empty",
             .deflt = "",
             TEXT(stake_file)},
     .file = 1},
    {.def = {.flag = "no-chain",
             .env = "TOUCHLINE_NO_CHAIN",
             .group = "Private use and tests",
             .help = "no stake table: only --allow-hotkey counts, and without one every signed request is served",
             .deflt = "0",
             NUMBER(TL_OPTION_BOOL, no_chain, 0, 1)}},
    {.def = {.flag = "allow-hotkey",
             .group = "Private use and tests",
             .value = "SS58",
             .help = "a validator that is served whatever its stake, may be repeated",
             .type = TL_OPTION_STRING,
             .offset = offsetof(ServeValues, hotkeys)},
     .many = 1},
    {.def = {.flag = "allow-host",
             .group = "Private use and tests",
             .value = "HOST",
             .help = "a host that videos may come from although its address is private, may be repeated",
             .type = TL_OPTION_STRING,
             .offset = offsetof(ServeValues, hosts)},
     .many = 1},
    TL_PRESET_ROW(0, ServeValues, preset),
    {.def = {.flag = "queue",
             .env = "TOUCHLINE_QUEUE",
             .group = "Service",
             .value = "N",
             .help = "challenges that may wait while one is worked on",
             .deflt = "4",
             NUMBER(TL_OPTION_INT, queue, 1, 64)}},
    {.def = {.flag = "refusals",
             .env = "TOUCHLINE_REFUSALS",
             .group = "Service",
             .value = "N",
             .help = "refused or broken requests of one address in 10 s; with more its new connections are closed for "
                     "10 s; 0 = no limit, for a service behind a proxy",
             .deflt = "50",
             NUMBER(TL_OPTION_INT, refusals, 0, 1000000)}},
    TL_DOWNLOAD_WORKERS_ROW(offsetof(ServeValues, settings), TlServeSettings, download_workers),
    {.def = {.flag = "log-format",
             .env = "TOUCHLINE_LOG_FORMAT",
             .group = "Service",
             .value = "FORMAT",
             .help = "log lines as text or as JSON objects",
             .deflt = "text",
             .choices = "text|json",
             .type = TL_OPTION_STRING,
             .max = sizeof g_values.log_format - 1,
             .offset = offsetof(ServeValues, log_format)}},
    {.def = {.flag = NULL}},
};

static void take_list(const TlTextList *list, const char *out[TL_SERVE_LIST_MAX])
{
    for (int i = 0; i < list->count && i < TL_SERVE_LIST_MAX; i++)
        out[i] = list->item[i];
}

// An answer that comes late is worth nothing: a service without a budget of its own takes the seed's.
static int service_options(const TlCommandLine *line, TlOptions *options, TlDiag *diag)
{
    *options = line->options;
    if (options->frames[0])
        return tl_fail(diag, TL_EUSAGE, "serve answers every frame: take --frames (TOUCHLINE_FRAMES) out");
    if (options->time_budget_s < 0)
        options->time_budget_s = TL_SERVICE_BUDGET_S;
    tl_service_defaults(options);
    return tl_preset_apply(g_values.preset, options, diag);
}

static ServeValues g_started; // what the service runs with: parsing again must not change it

// 1 when the setting was changed since the start. Repeated ones are on the command line only, which stays as it is.
static int has_changed(const TlCommandOption *option)
{
    const char *now = (const char *)&g_values + option->def.offset,
               *then = (const char *)&g_started + option->def.offset;
    if (option->many || !strcmp(option->def.flag, "preset")) // read anew
        return 0;
    switch (option->def.type) {
    case TL_OPTION_STRING:
        return strcmp(now, then) != 0;
    case TL_OPTION_DOUBLE:
        return memcmp(now, then, sizeof(double)) != 0;
    default:
        return memcmp(now, then, sizeof(int)) != 0;
    }
}

static void warn_of_changes(void)
{
    char names[1024] = "";
    size_t length = 0;
    for (const TlCommandOption *option = g_options; option->def.flag; option++)
        if (has_changed(option) && length < sizeof names)
            length +=
                (size_t)snprintf(names + length, sizeof names - length, "%s%s", length ? ", " : "", option->def.env);
    if (length)
        tl_log(TL_LOG_WARNING, "Changed, but taken only by a restart: %s", names);
}

// SIGHUP: the same command line over the config file as it is now.
static int reload(void *opaque, TlOptions *options, TlDiag *diag)
{
    static TlCommandLine fresh;
    const TlCommandLine *line = opaque;
    g_values.hotkeys.count = g_values.hosts.count = 0;
    int ret = tl_parse(&fresh, line->command, line->argc, line->argv, diag);
    if (ret == TL_OK)
        ret = service_options(&fresh, options, diag);
    if (ret == TL_OK)
        warn_of_changes();
    return ret;
}

static int run(const TlCommandLine *line, TlDiag *diag)
{
    TlServeSettings *settings = &g_values.settings;
    TlOptions options;
    int ret = service_options(line, &options, diag);
    if (ret < 0)
        return ret;
    if (g_values.hotkeys.count > TL_SERVE_LIST_MAX || g_values.hosts.count > TL_SERVE_LIST_MAX)
        return tl_fail(diag, TL_EUSAGE, "at most %d hotkeys and hosts can be allowed", TL_SERVE_LIST_MAX);
    take_list(&g_values.hotkeys, settings->allow_hotkey);
    take_list(&g_values.hosts, settings->allow_host);
    settings->log_json = strcmp(g_values.log_format, "json") == 0;
    settings->log_level = line->quiet ? TL_LOG_ERROR : line->verbose ? TL_LOG_DEBUG : TL_LOG_INFO;
    g_started = g_values;
    return tl_serve(&g_started.settings, &options, reload, (void *)(uintptr_t)line, diag);
}

static const TlExample g_examples[] = {
    {"touchline serve --wallet.name miner --wallet.hotkey default", "the miner of subnet 44 on port 7999"},
    {"touchline serve --netuid 261 --subtensor.network test", "on the test network"},
    {"touchline serve --no-chain --hotkey 5F… --allow-hotkey 5G…", "private use: one known client, no chain"},
    {NULL, NULL},
};

const TlCommand tl_command_serve = {
    .name = "serve",
    .arguments = "",
    .summary = "the miner service of Bittensor subnet 44",
    .description = "Answers signed challenges: downloads the clip, decodes while it arrives, answers every frame.\n"
                   "GET /availability, /healthz, /readyz, /metrics and /version tell how it is. SIGTERM finishes the "
                   "running challenge first; SIGHUP reads the settings of networks, detection, frames, pitch and "
                   "machine anew from the config file, without dropping a challenge.",
    .options = g_options,
    .values = &g_values,
    .groups = "Networks|Detection|Frames|Pitch|Machine",
    .sets = "frames",
    .examples = g_examples,
    .min_arguments = 0,
    .max_arguments = 0,
    .run = run,
};
