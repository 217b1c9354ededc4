// Progress of the one job of the process. Everything for people goes to standard error.
#include "progress.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <touchline/log.h>

static const double TERMINAL_PERIOD_S = 0.1, PLAIN_PERIOD_S = 5, MACHINE_PERIOD_S = 0.5;

static struct {
    FILE *machine;
    int terminal, plain; // forms for people that are on
    int shown;           // a line stands on the terminal
    int64_t total;
    double start_s, next_s, next_machine_s;
} g_progress;

double tl_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int tl_progress_begin(const TlProgressParams *params, TlDiag *diag)
{
    double now = tl_seconds();

    g_progress.total = params->total;
    g_progress.start_s = now;
    g_progress.terminal = !params->quiet && isatty(STDERR_FILENO);
    g_progress.plain = !params->quiet && !g_progress.terminal;
    g_progress.next_s = now + (g_progress.terminal ? TERMINAL_PERIOD_S : PLAIN_PERIOD_S);
    g_progress.next_machine_s = now;
    g_progress.machine = NULL;
    if (!params->machine || !params->machine[0])
        return TL_OK;
    g_progress.machine = strcmp(params->machine, "-") ? fopen(params->machine, "we") : stdout;
    if (!g_progress.machine)
        return tl_fail(diag, TL_EIO, "cannot write the progress to '%s': %s", params->machine, strerror(errno));
    return TL_OK;
}

// Seconds left at the speed so far, -1 when unknown.
static double seconds_left(int64_t frames, double elapsed)
{
    if (g_progress.total <= 0 || frames <= 0)
        return -1;
    int64_t left = g_progress.total > frames ? g_progress.total - frames : 0;
    return elapsed * (double)left / (double)frames;
}

static double speed(int64_t frames, double elapsed)
{
    return elapsed > 0 ? (double)frames / elapsed : 0;
}

static void print_machine(int64_t frames, double elapsed, const char *state)
{
    double left = seconds_left(frames, elapsed);

    fprintf(g_progress.machine, "frame=%lld\n", (long long)frames);
    if (g_progress.total > 0)
        fprintf(g_progress.machine, "total=%lld\n", (long long)g_progress.total);
    fprintf(g_progress.machine, "fps=%.1f\nelapsed_s=%.2f\n", speed(frames, elapsed), elapsed);
    if (left >= 0)
        fprintf(g_progress.machine, "eta_s=%.1f\n", left);
    fprintf(g_progress.machine, "progress=%s\n", state);
    fflush(g_progress.machine);
}

static void format_time(double seconds, char *text, size_t size)
{
    long whole = (long)(seconds + 0.5);

    if (whole >= 3600)
        snprintf(text, size, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(text, size, "%ld:%02ld", whole / 60, whole % 60);
}

// "375/750 frames, 50 %, 412.3 fps, 0:01 left"
static void format_line(int64_t frames, double elapsed, char *text, size_t size)
{
    char left[32];
    double eta = seconds_left(frames, elapsed);

    if (eta < 0) {
        snprintf(text, size, "%lld frame%s, %.1f fps", (long long)frames, frames == 1 ? "" : "s",
                 speed(frames, elapsed));
        return;
    }
    format_time(eta, left, sizeof left);
    snprintf(text, size, "%lld/%lld frame%s, %d %%, %.1f fps, %s left", (long long)frames, (long long)g_progress.total,
             g_progress.total == 1 ? "" : "s", (int)(100 * (double)frames / (double)g_progress.total),
             speed(frames, elapsed), left);
}

static void print_terminal(int64_t frames, double elapsed)
{
    enum { BAR = 24 };
    char text[128], bar[BAR + 1] = "";
    struct winsize window;
    int columns = !ioctl(STDERR_FILENO, TIOCGWINSZ, &window) && window.ws_col ? window.ws_col : 80;

    format_line(frames, elapsed, text, sizeof text);
    int filled = g_progress.total > 0 ? (int)(BAR * (double)frames / (double)g_progress.total) : 0;
    memset(bar, '.', BAR);
    memset(bar, '#', (size_t)(filled > BAR ? BAR : filled));
    if (g_progress.total > 0 && columns > BAR + 4 + (int)strlen(text))
        fprintf(stderr, "\r[%s] %s\033[K", bar, text);
    else
        fprintf(stderr, "\r%.*s\033[K", columns - 1, text);
    fflush(stderr);
    g_progress.shown = 1;
}

void tl_progress_note(const char *text, int quiet)
{
    if (quiet || !isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r%s...\033[K", text);
    fflush(stderr);
    g_progress.shown = 1;
}

void tl_progress_update(int64_t frames)
{
    char text[128];
    double now = tl_seconds(), elapsed = now - g_progress.start_s;

    if (g_progress.machine && now >= g_progress.next_machine_s) {
        g_progress.next_machine_s = now + MACHINE_PERIOD_S;
        print_machine(frames, elapsed, "continue");
    }
    if (now < g_progress.next_s)
        return;
    if (g_progress.terminal) {
        g_progress.next_s = now + TERMINAL_PERIOD_S;
        print_terminal(frames, elapsed);
    } else if (g_progress.plain) {
        g_progress.next_s = now + PLAIN_PERIOD_S;
        format_line(frames, elapsed, text, sizeof text);
        fprintf(stderr, "%s\n", text);
    }
}

void tl_progress_end(int64_t frames)
{
    tl_progress_clear();
    if (g_progress.machine) {
        g_progress.total = g_progress.total > 0 ? frames : 0;
        print_machine(frames, tl_seconds() - g_progress.start_s, "end");
        if (g_progress.machine != stdout)
            fclose(g_progress.machine);
    }
    g_progress.machine = NULL;
    g_progress.terminal = g_progress.plain = 0;
}

void tl_progress_clear(void)
{
    if (g_progress.shown)
        fputs("\r\033[K", stderr);
    g_progress.shown = 0;
}

void tl_progress_log(void *opaque, int level, const char *line)
{
    tl_progress_clear();
    tl_log_stderr(opaque, level, line);
}
