// Length and size of a clip, found by going through it: what an answer is checked against.
#ifndef TL_SERVICE_VIDEO_FACTS_H
#define TL_SERVICE_VIDEO_FACTS_H

#include <stdint.h>

#include <touchline/error.h>

typedef struct TlVideoFacts {
    int64_t frames;
    int width, height;
    double fps; ///< 0 unknown
} TlVideoFacts;

// Counts the frames as the session numbers them; pictures are decoded only where the decoder needs them. Errors of
// tl_reader_open.
TL_NODISCARD int tl_video_facts(const char *path, TlVideoFacts *facts, TlDiag *diag);

#endif
