// Progress of a job: one line that rewrites itself on a terminal, a plain line every few seconds elsewhere, and
// key=value blocks for programs (`--progress`), as ffmpeg has them.
#ifndef TL_APP_PROGRESS_H
#define TL_APP_PROGRESS_H

#include <stdint.h>

#include <touchline/error.h>

typedef struct TlProgressParams {
    const char *machine; ///< file for key=value blocks, "-" = standard output, NULL or "" = none
    int quiet;           ///< nothing for people
    int64_t total;       ///< frames, 0 = unknown
} TlProgressParams;

TL_NODISCARD int tl_progress_begin(const TlProgressParams *params, TlDiag *diag);
void tl_progress_note(const char *text, int quiet);              // what is being waited for, on a terminal only
void tl_progress_update(int64_t frames);                         // cheap: prints only when it is time
void tl_progress_end(int64_t frames);                            // last block, and the line on the terminal is wiped
void tl_progress_clear(void);                                    // wipes the line so that something else can be printed
void tl_progress_log(void *opaque, int level, const char *line); // a TlLogSink that respects the line

double tl_seconds(void); // monotonic

#endif
