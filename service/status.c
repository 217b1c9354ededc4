// One function per path, and the table of them. The bodies of /availability are those of the reference miner.
#include "status.h"

#include <string.h>
#include <time.h>
#include <touchline/log.h>
#include <touchline/session.h>

static const char JSON[] = "application/json";

static double stake_age_s(const TlStatus *status)
{
    int64_t at = tl_stake_table_time_s(status->gate->stakes);
    return at > 0 ? (double)(time(NULL) - at) : -1;
}

static int get_availability(const TlStatus *status, int is_stopping, TlStrbuf *body, const char **type)
{
    int is_free = !tl_miner_busy(status->miner) && !is_stopping;
    tl_log(TL_LOG_DEBUG, "Miner availability checked: %s", is_free ? "True" : "False");
    tl_strbuf_str(body, is_free ? "{\"available\": true}" : "{\"available\": false}");
    *type = JSON;
    return 200;
}

static int get_health(const TlStatus *status, int is_stopping, TlStrbuf *body, const char **type)
{
    (void)status, (void)is_stopping;
    tl_strbuf_str(body, "{\"status\":\"ok\"}");
    *type = JSON;
    return 200;
}

static int get_ready(const TlStatus *status, int is_stopping, TlStrbuf *body, const char **type)
{
    const TlGate *gate = status->gate;
    double limit = status->stake_age_limit_s;
    const char *reason = NULL;
    if (is_stopping)
        reason = "stopping";
    else if (!gate->any_hotkey && tl_stake_table_count(gate->stakes) == 0)
        reason = "no stake table yet";
    else if (!gate->any_hotkey && limit > 0 && stake_age_s(status) > limit)
        reason = "the stake table is too old";
    if (reason)
        tl_strbuf_printf(body, "{\"ready\":false,\"reason\":\"%s\"}", reason);
    else
        tl_strbuf_str(body, "{\"ready\":true}");
    *type = JSON;
    return reason ? 503 : 200;
}

static int get_metrics(const TlStatus *status, int is_stopping, TlStrbuf *body, const char **type)
{
    (void)is_stopping;
    tl_metrics_write(status->metrics, stake_age_s(status), tl_stake_table_count(status->gate->stakes), body);
    *type = "text/plain; version=0.0.4; charset=utf-8";
    return 200;
}

static int get_version(const TlStatus *status, int is_stopping, TlStrbuf *body, const char **type)
{
    (void)status, (void)is_stopping;
    tl_strbuf_printf(body, "{\"name\":\"touchline\",\"version\":\"%s\"}", tl_version());
    *type = JSON;
    return 200;
}

static const struct Page {
    const char *path;
    int (*get)(const TlStatus *status, int is_stopping, TlStrbuf *body, const char **type);
} PAGES[] = {{"/availability", get_availability},
             {"/healthz", get_health},
             {"/readyz", get_ready},
             {"/metrics", get_metrics},
             {"/version", get_version}};

static const struct Page *find(const char *path)
{
    for (size_t i = 0; i < sizeof PAGES / sizeof *PAGES; i++)
        if (strcmp(path, PAGES[i].path) == 0)
            return &PAGES[i];
    return NULL;
}

int tl_status_has(const char *path)
{
    return find(path) != NULL;
}

int tl_status_get(const TlStatus *status, const char *path, int is_stopping, TlStrbuf *body, const char **type)
{
    int code = find(path)->get(status, is_stopping, body, type);
    return body->failed ? 500 : code;
}
