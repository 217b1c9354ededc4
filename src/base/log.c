// Log lines: formatted once, handed to the one sink that a front end installed.
//
// In: level and printf arguments. Out: a line without newline at the sink. Silent without a sink.
#include <touchline/log.h>

#include <stdarg.h>
#include <stdio.h>

static TlLogSink *g_sink;
static void *g_opaque;
static int g_max_level = -1;

void tl_log_set(TlLogSink *sink, void *opaque, int max_level)
{
    g_sink = sink;
    g_opaque = opaque;
    g_max_level = sink ? max_level : -1;
}

void tl_log_stderr(void *opaque, int level, const char *line)
{
    static const char *const names[TL_LOG_COUNT] = {"error", "warning", "info", "debug"};

    (void)opaque;
    if (level < 0 || level >= TL_LOG_COUNT)
        level = TL_LOG_DEBUG;
    fprintf(stderr, "%s: %s\n", names[level], line);
}

void tl_log(int level, const char *fmt, ...)
{
    char line[1024];
    va_list args;

    if (!g_sink || level > g_max_level)
        return;
    va_start(args, fmt);
    int length = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (length < 0)
        return;
    g_sink(g_opaque, level, line);
}
