// The inside of a session, shared by session.c (life, API), stages.c (the two threads of a clip) and picture.c (single
// pictures).
//
//   decode thread: reader or push queue -> scene, pre-processing into both networks -> `items` queue
//   result thread: items -> wait for answers, pitch, track, fill -> `records` queue
//   caller:        records
//
// End of stream is an item that passes each queue exactly once and carries the code the clip ends with.
#ifndef TL_PIPE_SESSION_INTERNAL_H
#define TL_PIPE_SESSION_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include <touchline/session.h>

#include "base/queue.h"
#include "fill/fill.h"
#include "media/media.h"
#include "pipe/network.h"
#include "pipe/scene.h"
#include "pipe/settings.h"

// One source frame on its way from the decoder to the results.
typedef struct TlItem {
    int64_t frame;
    double time_s;
    TlFrame *picture; ///< owned; NULL unless pictures are kept or the line refinement needs the luma
    uint8_t player_key, pitch_key, cut, last;
    uint8_t blind; ///< the networks see no frame any more
    int code;      ///< of the end-of-stream item: TL_EOF or the error
    TlTicket player, pitch;
} TlItem;

typedef struct TlAnswer {
    TlRecord record;
    TlFrame *picture; ///< owned; when pictures are kept
    uint8_t last;
    int code;
} TlAnswer;

struct TlSession {
    TlOptions options;
    int threads;
    TlNetwork *player, *pitch; ///< pitch NULL with SKIP_PITCH
    TlPostParams player_post, pitch_post;
    TlPostParams track_post; ///< player_post with lower scores, which continue a track but begin none
    TlPitchModel pitch_model;

    // the clip
    TlStreamInfo info;
    TlPlan plan;
    TlReader *reader; ///< NULL in push mode
    TlQueue *pushed;  ///< TlFrame*, push mode
    TlFramePool *push_pool;
    int64_t pushed_count;
    TlQueue *items, *records;
    TlTracker *tracker;
    TlFill *fill;
    pthread_t decode_thread, result_thread;
    int decode_running, result_running, ended, end_code;
    int keep_pictures;
    int must_fill; ///< frames that the container promises and the source does not bring are filled by motion
    atomic_int cancel;
    _Atomic int64_t wait_until_us; ///< for bytes of a source; 0 = for ever
    int timed_out;                 ///< the caller's thread found the clip to take too long
    int64_t start_us;
    TlFrame *shown; ///< picture lent to the caller until the next call

    // decode thread
    TlScene scene;
    int64_t next_look; ///< frames before it are not looked at for a cut unless they are key frames
    TlDiag decode_diag;
    double decode_s, pre_s;
    atomic_int time_budget_hit;
    int64_t keys_seen, keys_run; ///< key frames of the plan; those that the budget let through
    int64_t keys_pitch;          ///< keys_seen when the pitch network was last due, -1 = never

    // result thread
    TlDiag result_diag;
    int cut_pending; ///< a scene change since the last player key frame
    TlDetections detections;
    TlTrackedFrame tracked;
    TlPoint points[TL_POINT_COUNT];
    TlPitchFit fit, last_fit;
    TlFrame *last_picture; ///< stands in for a frame without pixels; NULL before the first one
    TlFrame **kept;        ///< ring of pictures that wait for their record
    size_t kept_capacity, kept_first, kept_count;
    TlAnswer answer;
    double post_s, track_s, pitch_s, fill_s, first_record_s;
    int64_t frames, key_frames, pitch_frames;
    double wall_s;
};

// Of the time budget, for the networks in any case: waiting for bytes does not use it up.
#define TL_BUDGET_LEAST 0.25
// Budgets until the first picture, without which there is no answer at all, and until frames are no longer counted by
// decoding them.
#define TL_BUDGET_MOST 1.5

// Stops the threads of the running clip and frees all that belongs to it. The networks stay.
void tl_session_end_clip(TlSession *session);
// Counters, errors and times as before the first frame.
void tl_session_reset_clip(TlSession *session);

// Thread bodies; the argument is the session.
void *tl_session_decode_main(void *session);
void *tl_session_result_main(void *session);

#endif
