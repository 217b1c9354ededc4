// Log lines of the library and its front ends: level, text, one callback. Nothing is printed by the
// library unless a front end installs a sink; tl_log_stderr is the ordinary one.
// Thread-safety: safe once the sink is set; set the sink before the first session.
#ifndef TOUCHLINE_LOG_H
#define TOUCHLINE_LOG_H

#include <touchline/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum TlLogLevel { TL_LOG_ERROR = 0, TL_LOG_WARNING, TL_LOG_INFO, TL_LOG_DEBUG, TL_LOG_COUNT };

typedef void TlLogSink(void *opaque, int level, const char *line);

// Installs a sink (NULL silences the library). Lines above max_level are not formatted at all.
TL_API void tl_log_set(TlLogSink *sink, void *opaque, int max_level);

// A sink that writes "level: line" to standard error.
TL_API void tl_log_stderr(void *opaque, int level, const char *line);

// Formats and hands one line (no newline at the end) to the sink.
TL_API void tl_log(int level, const char *fmt, ...) TL_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif
#endif
