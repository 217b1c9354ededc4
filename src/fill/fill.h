// Filling: key frames -> a record for every frame.
//
// Holds a window of frames. Boxes between two key frames run along their track (from both sides), the camera between
// two fitted frames moves along the path of its four picture corners on the pitch; points follow the camera. A frame
// leaves when its window is complete. Allocates nothing after create.
#ifndef TL_FILL_FILL_H
#define TL_FILL_FILL_H

#include "pitch/pitch.h"
#include "track/track.h"

typedef struct TlFillParams {
    int width, height; ///< picture px
    double fps;
    double window_s; ///< how long a record waits at most, 0 = 1.2 s
    int gap_frames;  ///< tracks are bridged over at most this many source frames without detection, 0 = 1 s
    int tracking;    ///< 0: boxes on key frames only
    const TlPitchModel *pitch;
    const TlTracker *tracker; ///< asked for confirmed ids and final classes; may be NULL
    float min_score[TL_CLASS_COUNT];
    int max_objects;
} TlFillParams;

// What the networks and the tracker say of one source frame.
typedef struct TlFillInput {
    int64_t frame;
    double time_s;
    uint8_t player_key, pitch_key; ///< networks ran on it
    uint8_t cut;                   ///< scene change before this frame: nothing is bridged over it
    uint8_t blind; ///< the networks see nothing from here on: what was seen last is carried on to the end
    const TlTrackedFrame *tracked; ///< when player_key
    const TlPitchFit *fit;         ///< when pitch_key; fit->valid may be 0: pitch not seen
    const TlPoint *points;         ///< [32] as seen, when pitch_key
} TlFillInput;

typedef struct TlFill TlFill;
TlFill *tl_fill_create(const TlFillParams *params);
void tl_fill_reset(TlFill *fill);
// Frames in order, none missing. TL_ELIMIT when the window is full (take records first).
TL_NODISCARD int tl_fill_push(TlFill *fill, const TlFillInput *input);
void tl_fill_finish(TlFill *fill); // no more frames: everything left may leave
// Next finished record; TL_EAGAIN when more frames are needed, TL_EOF after finish when empty.
TL_NODISCARD int tl_fill_next(TlFill *fill, TlRecord *record);
void tl_fill_destroy(TlFill **fill);

#endif
