// What the files of this folder share about libav: its log goes to ours, its error numbers become our codes.
#ifndef TL_MEDIA_LIBAV_H
#define TL_MEDIA_LIBAV_H

#include <stddef.h>
#include <stdint.h>

enum {
    TL_SIDE_MIN = 16,            ///< pictures smaller than this hold nothing to find
    TL_SIDE_MAX = 16384,         ///< longest side of a picture, px
    TL_PIXELS_MAX = 8192 * 8192, ///< most pixels of a picture; 8192x4320 and 16384x4096 fit
    TL_DECODE_THREADS_MAX = 16,  ///< more only cost memory: each holds a picture
};

// Sends libav's messages to tl_log (at debug, whatever libav thinks of them). First call counts. Thread-safety: safe.
void tl_libav_init(void);

// The code for a libav error number; `fallback` when the number says nothing special.
int tl_libav_code(int error, int fallback);

// libav's text for an error number, written into buffer. Returns buffer.
const char *tl_libav_text(char *buffer, size_t size, int error);

#endif
