// Reads our JSON Lines back: head line, then records. For evaluation, conversion and tests.
#ifndef TL_RESULT_READER_JSONL_H
#define TL_RESULT_READER_JSONL_H

#include <touchline/result.h>

typedef struct TlJsonlReader TlJsonlReader;

// Opens a file ("-" = standard input) and reads the head line into info (may be NULL). Unknown keys are ignored.
// Errors: TL_ENOENT, TL_EIO, TL_EFORMAT (not our format, or a newer one), TL_ENOMEM. On failure *out is NULL.
TL_NODISCARD int tl_jsonl_open(TlJsonlReader **out, const char *path, TlStreamInfo *info, TlDiag *diag);

// The next record. TL_EOF after the last one; TL_EFORMAT with the number of the line when it is not a record (wrong
// type, missing key, not 32 keypoints, a number that is no float), TL_ELIMIT for more than TL_OBJECT_MAX objects or a
// line of more than 16 MiB. Blank lines are skipped. A last line without its line break is a record like any other.
TL_NODISCARD int tl_jsonl_next(TlJsonlReader *reader, TlRecord *record, TlDiag *diag);

void tl_jsonl_close(TlJsonlReader **reader);

#endif
