// A file that appears whole or not at all: written as a temporary neighbour, renamed on commit, unlinked on abort
// and (for SIGINT) by tl_outfile_unlink_all. "-" is standard output and is passed through.
#ifndef TL_BASE_OUTFILE_H
#define TL_BASE_OUTFILE_H

#include <stdio.h>

#include <touchline/error.h>

typedef struct TlOutfile TlOutfile;

// TL_EEXIST when the file is there and overwrite is 0, TL_EDENIED/TL_EIO/TL_ENOENT (no such folder) otherwise.
TL_NODISCARD int tl_outfile_open(TlOutfile **out, const char *path, int overwrite, TlDiag *diag);
FILE *tl_outfile_stream(TlOutfile *file);                // owned by the file
const char *tl_outfile_temp_path(const TlOutfile *file); // for libraries that open by name (keeps the suffix)
TL_NODISCARD int tl_outfile_commit(TlOutfile **file,
                                   TlDiag *diag); // flush, fsync-free close, rename; TL_ENOSPC, TL_EIO
void tl_outfile_abort(TlOutfile **file);

// Unlinks the temporaries of all open files; they can no longer be committed. Async-signal-safe: for a process that
// ends here and now. Declared in touchline/writer.h for front ends.
TL_API void tl_outfile_unlink_all(void);

// The code for an errno value: ENOSPC -> TL_ENOSPC, EACCES -> TL_EDENIED, ..., TL_EIO for the rest.
int tl_errno_code(int error);

#endif
