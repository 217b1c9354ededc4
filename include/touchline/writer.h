// Result writers: records in, a file out. Formats: jsonl, sn44, csv, mot, gsr.
// A file appears under its name only when it is complete: everything goes to a temporary neighbour first.
#ifndef TOUCHLINE_WRITER_H
#define TOUCHLINE_WRITER_H

#include <touchline/result.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct TlWriter TlWriter;

typedef struct TlWriterParams {
    const char *path;      ///< file, or "-" for standard output
    const char *format;    ///< name, or NULL = by the ending of path
    int overwrite;         ///< 0: an existing file gives TL_EEXIST
    double pitch_length_m; ///< 0 = 105
    double pitch_width_m;  ///< 0 = 68
} TlWriterParams;

typedef struct TlWriterFormat {
    const char *name, *suffixes, *help; ///< suffixes blank separated, ".jsonl .ndjson"
} TlWriterFormat;

// Row i of the list of formats, NULL behind the last.
TL_API const TlWriterFormat *tl_writer_format(int i);

// Opens a writer and writes the head. info is copied.
TL_API TL_NODISCARD int tl_writer_open(TlWriter **out, const TlWriterParams *params, const TlStreamInfo *info,
                                       TlDiag *diag);
TL_API TL_NODISCARD int tl_writer_write(TlWriter *writer, const TlRecord *record, TlDiag *diag);
// Writes the tail and renames the file into place. The writer is gone afterwards, also on failure.
TL_API TL_NODISCARD int tl_writer_commit(TlWriter **writer, TlDiag *diag);
// Throws the temporary file away. Accepts NULL inside.
TL_API void tl_writer_abort(TlWriter **writer);

// Answers for single pictures (`touchline detect`), one JSON object a line:
// {"image","width","height","objects":[{"class_id","class","bbox","score","pitch"}],"keypoints":[[x,y,confidence] x32],
// "homography"}; "pitch" in metres, only where there is a homography.
typedef struct TlPictureWriter TlPictureWriter;
TL_API TL_NODISCARD int tl_picture_writer_open(TlPictureWriter **out, const char *path, int overwrite, TlDiag *diag);
TL_API TL_NODISCARD int tl_picture_writer_write(TlPictureWriter *writer, const char *image, int width, int height,
                                                const TlRecord *record, TlDiag *diag);
TL_API TL_NODISCARD int tl_picture_writer_commit(TlPictureWriter **writer, TlDiag *diag);
TL_API void tl_picture_writer_abort(TlPictureWriter **writer);

// Removes the temporary files of all outputs (writers, overlay, map, video) that are still open; they can no longer be
// committed. Async-signal-safe: for a second Ctrl-C that ends the process at once.
TL_API void tl_outfile_unlink_all(void);

#ifdef __cplusplus
}
#endif
#endif
