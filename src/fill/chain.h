// Inside the fill folder: boxes of key frames, linked along their tracks.
#ifndef TL_FILL_CHAIN_H
#define TL_FILL_CHAIN_H

#include "track/track.h"

// One box of a key frame and its neighbours along the track.
typedef struct TlSight {
    TlTracked seen;
    int64_t prev, next; ///< packed places of the same id in other key frames, -1 = none
    double smooth[4];   ///< cx, cy, w, h px; valid when smoothed
    uint8_t smoothed;
    uint8_t stands;            ///< the next two are known
    double ground[2], error_m; ///< middle of the lower edge on the pitch, and what it may be off there
} TlSight;

typedef struct TlKeyFrame {
    int64_t frame;
    int32_t shot;
    uint8_t judged;    ///< the owner has looked at where its boxes stand on the pitch
    uint8_t placed;    ///< the owner has put its boxes on the pitch
    int64_t placed_by; ///< what it knew of the camera then
    int count;
    double scale, tx, ty; ///< motion of the picture since the key frame before: x' = scale x + tx
    TlSight item[TL_OBJECT_MAX];
} TlKeyFrame;

typedef struct TlChain {
    TlKeyFrame *key; ///< ring, key number n at n % capacity
    int capacity;
    int64_t first, end; ///< key numbers held
    double fps;
    int gap_frames;  ///< longest bridged gap
    int hold_frames; ///< how far a box is carried on beyond the ends of a shot
    int is_blind;    ///< no key frame will follow: the last one's boxes are carried on to the end
} TlChain;

// A box of any frame.
typedef struct TlChainBox {
    int32_t id;
    int class_id;
    uint8_t confirmed, filled;
    float score;
    double box[4]; ///< x1, y1, x2, y2 px, not yet cut to the picture
    int64_t sight; ///< packed place of a sighting of its track: this one or the nearest before (held: or after) it
} TlChainBox;

// Cleveland's weight of a sample dt away: 1 here, falling to 0 at the reach.
double tl_tricube(double dt, double reach);

// How far something gets in so many frames after it was last seen, in frames at the speed it had: the speed dies away.
double tl_fading_way(double frames, double fps);

int tl_chain_init(TlChain *chain, int capacity, double fps, int gap_frames, int hold_frames); // -1: out of memory
void tl_chain_deinit(TlChain *chain);
void tl_chain_reset(TlChain *chain);
// Adds a key frame; the oldest one leaves when the ring is full.
void tl_chain_push(TlChain *chain, int64_t frame, int32_t shot, const TlTrackedFrame *tracked);
TlKeyFrame *tl_chain_key(TlChain *chain, int64_t number); // number within [first, end)
// The sighting at a packed place and the number of its key frame; NULL when there is none or it has left the ring.
TlSight *tl_chain_sight(TlChain *chain, int64_t place, int64_t *number);
// All boxes of a frame, by key frame and item: detected, interpolated or carried on. Returns their number.
int tl_chain_boxes(TlChain *chain, int64_t frame, int32_t shot, TlChainBox *out, int max);

#endif
