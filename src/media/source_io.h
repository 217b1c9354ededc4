// Where the bytes come from: a file, standard input, http(s), or the caller's own source; libav sees an AVIOContext.
#ifndef TL_MEDIA_SOURCE_IO_H
#define TL_MEDIA_SOURCE_IO_H

#include <libavformat/avio.h>

#include "media/media.h"

enum { TL_NAME_SIZE = 256 };

// Legal as {0} to tl_source_close. Must not move in memory while open: libav holds its address.
typedef struct TlSource {
    AVIOContext *pb;
    AVIOInterruptCB interrupt; ///< for libav: is the reader cancelled?
    const atomic_int *cancel;
    struct TlByteSource bytes;
    const _Atomic int64_t *wait_until_us; ///< for bytes; may be NULL
    int64_t waited_us;                    ///< for bytes that had not come yet
    int fd;                               ///< -1 when not a descriptor
    int owns_fd;
    int is_custom; ///< pb was made here and not by libav's http
    int is_network;
    int has_length; ///< of a network answer
    int is_mp4;     ///< by its first bytes
    int can_seek;
    int error;               ///< TL_E code of the first failed read, 0 none
    char name[TL_NAME_SIZE]; ///< how messages call it: 'path' in quotes, or "standard input"
} TlSource;

// Opens path ("-": standard input; http(s)://; anything else a file that is not a folder) or, when bytes is not NULL,
// the caller's source, path then only being its name. Errors: TL_ENOENT, TL_EDENIED, TL_EEMPTY (a file of 0 bytes),
// TL_EIO, TL_ENET, TL_ENOMEM, TL_EINTERRUPTED.
TL_NODISCARD int tl_source_open(TlSource *source, const char *path, const struct TlByteSource *bytes,
                                const atomic_int *cancel, TlDiag *diag);
void tl_source_close(TlSource *source);

// Looks at the first bytes without taking them: TL_EEMPTY when there is none, sets is_mp4.
TL_NODISCARD int tl_source_peek(TlSource *source, TlDiag *diag);

// The TL_E code of a read that failed for good, 0 when all is well.
int tl_source_error(const TlSource *source);

// 1 when libav's error number of a read means no more than the end of the input.
int tl_source_at_end(const TlSource *source, int error);

int tl_source_is_cancelled(const TlSource *source);

#endif
