// Inside the fill folder: the camera of every frame out of the fits of some.
#ifndef TL_FILL_PATH_H
#define TL_FILL_PATH_H

#include "pitch/pitch.h"

typedef struct TlPathFit {
    int64_t frame;
    int32_t shot;
    uint8_t valid;            ///< the fit found a pitch
    uint8_t judged, accepted; ///< it lies on the path of its neighbours
    int64_t judged_by;        ///< newest fit when that was found out
    TlPitchView view;
    double weight;
    TlPoint seen[TL_POINT_COUNT];
} TlPathFit;

typedef struct TlPath {
    TlPathFit *fit; ///< ring of pitch-key frames
    int capacity;
    int64_t first, end;
    int64_t newest;    ///< frame of the last fit
    int64_t reversals; ///< verdicts that later fits have reversed: views asked for before may differ now
    double spacing;    ///< frames between the last two pitch-key frames
    int width, height;
    double fps;
    int gap_frames;  ///< longest time without a fit that is bridged
    int hold_frames; ///< how far the camera is carried on where no fit follows
    int is_blind;    ///< no fit will follow: the camera of the last ones is carried on to the end
} TlPath;

int tl_path_init(TlPath *path, int capacity); // -1 when out of memory; the caller sets the rest
void tl_path_deinit(TlPath *path);
void tl_path_reset(TlPath *path);
void tl_path_push(TlPath *path, int64_t frame, int32_t shot, const TlPitchFit *fit, const TlPoint *seen);
// Camera of any frame. -1 when it is not known: nothing is invented.
int tl_path_view(TlPath *path, int64_t frame, int32_t shot, TlPitchView *view);
// The network's points of the nearest fit on the path, moved to their places in the picture of `view`.
void tl_path_seen(TlPath *path, int64_t frame, int32_t shot, const TlPitchView *view, TlPoint out[TL_POINT_COUNT]);

#endif
