// Keeps outputs from replacing what they are made from.
#ifndef TL_APP_SAME_FILE_H
#define TL_APP_SAME_FILE_H

#include "command.h"

// Do two names stand for one file? By device and inode where both exist (links of either kind), else by the resolved
// folder and the name. Two names of one device or pipe are one only when they are spelled alike.
int tl_same_file(const char *a, const char *b);

// TL_EUSAGE when the output `path` is the input, or a picture of the input when that is a folder. `input` may be "-"
// (standard input) or an address; `option` names the output in the sentence: "--overlay".
TL_NODISCARD int tl_keep_input(const char *path, const char *input, const char *option, TlDiag *diag);

#endif
