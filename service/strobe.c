// STROBE-128 in the subset of Merlin (meta-AD, AD, PRF). In: labels and data; out: challenge bytes.
// Everything here handles public data; it is not written to be constant-time.
#include "strobe.h"

#include <string.h>

enum { RATE = 166 };
enum { FLAG_I = 1, FLAG_A = 2, FLAG_C = 4, FLAG_M = 16, FLAG_K = 32 };

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the lanes are kept in host order, which must be little-endian"
#endif

static uint64_t rotate(uint64_t x, int n)
{
    return n ? x << n | x >> (64 - n) : x;
}

// The round constants come from the LFSR of FIPS 202, section 3.2.5: x^8 + x^6 + x^5 + x^4 + 1.
static uint64_t round_constant(uint8_t *lfsr)
{
    uint64_t constant = 0;
    for (int j = 0; j < 7; j++) {
        if (*lfsr & 1)
            constant |= 1ull << ((1 << j) - 1);
        *lfsr = (uint8_t)(*lfsr << 1 ^ (*lfsr >> 7 ? 0x71 : 0));
    }
    return constant;
}

static void theta(uint64_t a[25])
{
    uint64_t column[5];
    for (int x = 0; x < 5; x++)
        column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    for (int x = 0; x < 5; x++) {
        uint64_t d = column[(x + 4) % 5] ^ rotate(column[(x + 1) % 5], 1);
        for (int y = 0; y < 25; y += 5)
            a[x + y] ^= d;
    }
}

// rho and pi together: each lane moves along one orbit and turns by the triangular numbers.
static void rho_pi(uint64_t a[25])
{
    uint64_t moving = a[1];
    int x = 1, y = 0;
    for (int t = 0; t < 24; t++) {
        int next_y = (2 * x + 3 * y) % 5;
        x = y;
        y = next_y;
        uint64_t here = a[x + 5 * y];
        a[x + 5 * y] = rotate(moving, (t + 1) * (t + 2) / 2 % 64);
        moving = here;
    }
}

static void chi(uint64_t a[25])
{
    for (int y = 0; y < 25; y += 5) {
        uint64_t row[5];
        memcpy(row, a + y, sizeof row);
        for (int x = 0; x < 5; x++)
            a[x + y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
    }
}

void tl_keccak_f1600(uint64_t lane[25])
{
    uint8_t lfsr = 1;
    for (int round = 0; round < 24; round++) {
        theta(lane);
        rho_pi(lane);
        chi(lane);
        lane[0] ^= round_constant(&lfsr);
    }
}

static void run_f(TlTranscript *t)
{
    t->state.byte[t->pos] ^= t->pos_begin;
    t->state.byte[t->pos + 1] ^= 0x04;
    t->state.byte[RATE + 1] ^= 0x80;
    tl_keccak_f1600(t->state.lane);
    t->pos = t->pos_begin = 0;
}

static void absorb(TlTranscript *t, const uint8_t *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        t->state.byte[t->pos++] ^= data[i];
        if (t->pos == RATE)
            run_f(t);
    }
}

static void begin(TlTranscript *t, uint8_t flags, int more)
{
    if (more)
        return; // continues the operation that is open, which has the same flags by construction
    uint8_t head[2] = {t->pos_begin, flags};
    t->pos_begin = (uint8_t)(t->pos + 1);
    t->flags = flags;
    absorb(t, head, sizeof head);
    if ((flags & (FLAG_C | FLAG_K)) && t->pos != 0)
        run_f(t);
}

static void meta_ad(TlTranscript *t, const void *data, size_t length, int more)
{
    begin(t, FLAG_M | FLAG_A, more);
    absorb(t, data, length);
}

static void label_and_length(TlTranscript *t, const char *label, size_t length)
{
    uint8_t le[4] = {(uint8_t)length, (uint8_t)(length >> 8), (uint8_t)(length >> 16), (uint8_t)(length >> 24)};
    meta_ad(t, label, strlen(label), 0);
    meta_ad(t, le, sizeof le, 1);
}

void tl_transcript_init(TlTranscript *t, const char *label)
{
    static const uint8_t head[18] = {1,   RATE + 2, 1,   0,   1,   96,  'S', 'T', 'R',
                                     'O', 'B',      'E', 'v', '1', '.', '0', '.', '2'};
    memset(t, 0, sizeof *t);
    memcpy(t->state.byte, head, sizeof head);
    tl_keccak_f1600(t->state.lane);
    meta_ad(t, "Merlin v1.0", 11, 0);
    tl_transcript_append(t, "dom-sep", label, strlen(label));
}

void tl_transcript_append(TlTranscript *t, const char *label, const void *data, size_t length)
{
    label_and_length(t, label, length);
    begin(t, FLAG_A, 0);
    absorb(t, data, length);
}

void tl_transcript_challenge(TlTranscript *t, const char *label, uint8_t *out, size_t length)
{
    label_and_length(t, label, length);
    begin(t, FLAG_I | FLAG_A | FLAG_C, 0);
    for (size_t i = 0; i < length; i++) {
        out[i] = t->state.byte[t->pos];
        t->state.byte[t->pos++] = 0;
        if (t->pos == RATE)
            run_f(t);
    }
}
