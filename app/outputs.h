// Everything one run of `process` writes: any number of result files, overlay videos and pitch maps.
#ifndef TL_APP_OUTPUTS_H
#define TL_APP_OUTPUTS_H

#include <touchline/render.h>
#include <touchline/writer.h>

#include "command.h"

enum { TL_OUTPUT_MAX = 16 };
enum TlOutputKind { TL_OUTPUT_RECORDS = 0, TL_OUTPUT_OVERLAY, TL_OUTPUT_MAP };

typedef struct TlOutput {
    int kind; ///< enum TlOutputKind
    char path[TL_PATH_SIZE];
    const char *format; ///< of records, NULL = by the ending
    TlWriter *writer;
    TlOverlay *overlay;
    TlMap *map;
} TlOutput;

typedef struct TlOutputs {
    const char *input; ///< is never replaced
    int count, overwrite;
    double pitch_length_m, pitch_width_m;
    int threads;
    TlOutput item[TL_OUTPUT_MAX];
} TlOutputs;

typedef struct TlOutputRequest {
    const char *input;                 ///< names outputs that have no name of their own
    const TlTextList *outputs;         ///< -o: .mp4 is an overlay, .png a map, a folder gets <stem>.<ending>
    const char *format;                ///< of -o, "" = by the ending
    const TlTextList *overlays, *maps; ///< --overlay, --map; "" = none; a folder gets <stem>.mp4, <stem>.png
    int overwrite;
} TlOutputRequest;

// Decides names, kinds and formats and refuses what is known to fail, before any network is loaded.
TL_NODISCARD int tl_outputs_plan(TlOutputs *outputs, const TlOutputRequest *request, TlDiag *diag);
int tl_outputs_want_pictures(const TlOutputs *outputs);
int tl_outputs_want_pitch(const TlOutputs *outputs); // is there a map?
int tl_outputs_use_stdout(const TlOutputs *outputs);
TL_NODISCARD int tl_outputs_open(TlOutputs *outputs, const TlStreamInfo *info, TlDiag *diag);
TL_NODISCARD int tl_outputs_write(TlOutputs *outputs, const TlRecord *record, const TlPicture *picture, TlDiag *diag);
TL_NODISCARD int tl_outputs_commit(TlOutputs *outputs, TlDiag *diag); // on failure the rest is aborted
void tl_outputs_abort(TlOutputs *outputs);

// "match.jsonl" for ".../match.mp4", "-" gives "stdin": the stem of an input plus an ending.
void tl_output_name(const char *input, const char *ending, char *path, size_t size);
// The writer's format that the ending of path tells, NULL when it tells none.
const TlWriterFormat *tl_output_format(const char *path);
int tl_output_has_ending(const char *path, const char *ending); // ignores case
// TL_EEXIST when path is a file that may not be replaced.
TL_NODISCARD int tl_output_check(const char *path, int overwrite, TlDiag *diag);

#endif
