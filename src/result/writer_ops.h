// What a result format is made of. Registering a format = one file and one line in writer.c.
#ifndef TL_RESULT_WRITER_OPS_H
#define TL_RESULT_WRITER_OPS_H

#include <touchline/writer.h>

#include "base/strbuf.h"

typedef struct TlWriterContext {
    const char *path; ///< as given
    int overwrite;    ///< as given
    int is_file;      ///< 0: standard output or a device, so nothing may be put beside it
    TlStreamInfo info;
    double pitch_length_m, pitch_width_m;
} TlWriterContext;

// A format appends text to a buffer; writer.c owns the file and empties the buffer into it after every call.
typedef struct TlWriterOps {
    TlWriterFormat format;
    size_t priv_bytes; ///< zeroed before begin
    // Head of the file. On failure nothing is left behind. May be NULL.
    int (*begin)(void *priv, const TlWriterContext *context, TlStrbuf *buf, TlDiag *diag);
    // One record. Fails only for want of memory.
    int (*record)(void *priv, const TlWriterContext *context, const TlRecord *record, TlStrbuf *buf);
    // Tail of the file. May be NULL.
    int (*end)(void *priv, const TlWriterContext *context, TlStrbuf *buf, TlDiag *diag);
    // Puts further files into place, called when the main file is complete and about to appear. May be NULL.
    int (*publish)(void *priv, TlDiag *diag);
    // Frees what begin took and throws unpublished files away. Called exactly once. May be NULL.
    void (*release)(void *priv);
} TlWriterOps;

extern const TlWriterOps tl_writer_jsonl;
extern const TlWriterOps tl_writer_sn44;
extern const TlWriterOps tl_writer_csv;
extern const TlWriterOps tl_writer_mot;
extern const TlWriterOps tl_writer_gsr;

#endif
