// Tracking: detections of key frames in order -> detections with stable ids.
//
// ByteTrack-class two-stage association (Zhang et al. 2022) with camera-motion compensation and class votes.
#ifndef TL_TRACK_TRACK_H
#define TL_TRACK_TRACK_H

#include "post/post.h"

enum { TL_TRACK_MAX = 256 };

typedef struct TlTracked {
    int32_t id;    ///< from 1, never reused within a clip
    int class_id;  ///< voted over the track's life
    float bbox[4]; ///< source px: of the detection (lightly smoothed), not of the prediction
    float score;
    uint8_t confirmed; ///< 0 while tentative: shown only if the id is confirmed later (see tl_tracker_confirmed)
} TlTracked;

typedef struct TlTrackedFrame {
    int count;
    TlTracked item[TL_OBJECT_MAX];
} TlTrackedFrame;

typedef struct TlTrackerParams {
    int width, height;          ///< picture px
    double fps;                 ///< source frames per second, 0 = 25
    float high[TL_CLASS_COUNT]; ///< scores that begin a track and take part in the first association
    float low;                  ///< scores that may only continue a track
    double keep_s;              ///< a lost track is kept this long, 0 = 2 s
} TlTrackerParams;

typedef struct TlTracker TlTracker;

// Memory is taken here once; update allocates nothing. Deterministic.
TlTracker *tl_tracker_create(const TlTrackerParams *params);
void tl_tracker_reset(TlTracker *tracker); // new clip: ids begin at 1 again
// frame_index: source index of this key frame (ascending, gaps allowed). camera: motion of the picture since the
// previous key frame, a homography previous px -> current px (9 numbers), or NULL when unknown (then it is estimated
// from the detections themselves). cut != 0: a scene change, all tracks end.
void tl_tracker_update(TlTracker *tracker, int64_t frame_index, const TlDetections *detections, const double *camera,
                       int cut, TlTrackedFrame *out);
// The clip has ended: tracks that were too young to be confirmed but were seen on the last key frame count. A cut does
// the same.
void tl_tracker_finish(TlTracker *tracker);
// 1 when the track was ever confirmed (so tentative boxes that were emitted earlier may be shown), 0 not (yet).
int tl_tracker_confirmed(const TlTracker *tracker, int32_t id);
// Class that the whole life of the track voted for so far; class_id of earlier frames can be corrected while they wait.
int tl_tracker_class(const TlTracker *tracker, int32_t id);
// Whose kit the track wears: 1 or 2, the same for the whole clip; 0 while that is not sure, and for good once the id
// went to somebody in the other kit. Of players; what others wear says nothing.
int tl_tracker_team(const TlTracker *tracker, int32_t id);
void tl_tracker_destroy(TlTracker **tracker);

#endif
