// STROBE-128 and Merlin transcripts: the part that schnorrkel signatures need.
//
// Sources: STROBE protocol framework 1.0.2 (strobe.sourceforge.io/specs), merlin.cool, FIPS 202 for Keccak-f[1600].
#ifndef TL_SERVICE_STROBE_H
#define TL_SERVICE_STROBE_H

#include <stddef.h>
#include <stdint.h>

// A running transcript. Plain data: copying it forks the transcript.
typedef struct TlTranscript {
    union {
        uint8_t byte[200];
        uint64_t lane[25]; ///< little-endian lanes
    } state;
    uint8_t pos, pos_begin, flags;
} TlTranscript;

// Begins a Merlin transcript: STROBE with "Merlin v1.0", then ("dom-sep", label).
void tl_transcript_init(TlTranscript *transcript, const char *label);
void tl_transcript_append(TlTranscript *transcript, const char *label, const void *data, size_t length);
void tl_transcript_challenge(TlTranscript *transcript, const char *label, uint8_t *out, size_t length);

void tl_keccak_f1600(uint64_t lane[25]);

#endif
