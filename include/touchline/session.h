// A session: loaded networks plus the pipeline that answers every frame of one clip after another.
//
//     TlSession *s = NULL;
//     if (tl_session_open(&s, &options, &diag) < 0) ...
//     if (tl_session_start(s, "match.mp4", &diag) < 0) ...
//     while ((ret = tl_session_next(s, &record, NULL, &diag)) == 0) use(&record);
//     // ret == TL_EOF: every frame was answered. Another tl_session_start() may follow.
//     tl_session_close(&s);
//
// Thread-safety: one thread calls a session, except tl_session_cancel and tl_session_push, which may come from another.
#ifndef TOUCHLINE_SESSION_H
#define TOUCHLINE_SESSION_H

#include <touchline/options.h>
#include <touchline/result.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct TlSession TlSession;

// A picture of planar YUV 4:2:0, 8 bit. Strides in bytes.
typedef struct TlPicture {
    int width, height;       ///< luma pixels
    const uint8_t *plane[3]; ///< Y [height,stride0], U and V [(height+1)/2,stride1]
    int stride[3];
} TlPicture;

// Seconds of one clip by stage, and counts. Sums over threads, so they may exceed the wall time.
typedef struct TlStats {
    int64_t frames, key_frames, pitch_frames;
    double wall_s, first_record_s;
    double decode_s, pre_s, wait_infer_s, post_s, track_s, pitch_s, fill_s;
    double player_infer_s, pitch_infer_s;
    uint8_t time_budget_hit;
} TlStats;

// Loads and warms up the networks. options may be NULL (defaults, not the environment). On failure *out is NULL.
// Errors: TL_EMODEL, TL_EBACKEND, TL_ENOMEM, TL_EUSAGE.
TL_API TL_NODISCARD int tl_session_open(TlSession **out, const TlOptions *options, TlDiag *diag);

// Begins a clip from a file, a folder of pictures, "-" (standard input) or an http(s) URL.
TL_API TL_NODISCARD int tl_session_start(TlSession *session, const char *input, TlDiag *diag);

// Begins a clip whose pictures the caller pushes.
TL_API TL_NODISCARD int tl_session_start_push(TlSession *session, const TlStreamInfo *info, TlDiag *diag);
// Hands in the next picture, copied before return; blocks while the queue is full. time_s from the first picture.
// TL_EINTERRUPTED once the clip has ended (cancelled or failed). May be called from another thread than next; that
// thread must have ended before stop, start or close.
TL_API TL_NODISCARD int tl_session_push(TlSession *session, const TlPicture *picture, double time_s, TlDiag *diag);
// No more pictures will come.
TL_API TL_NODISCARD int tl_session_finish(TlSession *session, TlDiag *diag);

// Source facts and settings; valid after a start until the next start or close. Never NULL.
TL_API const TlStreamInfo *tl_session_info(const TlSession *session);

// Keep decoded pictures until their record is fetched (for overlays). Set before a start. Costs memory.
TL_API void tl_session_keep_pictures(TlSession *session, int keep);

// The record of the next frame, in frame order, every frame exactly once. picture (may be NULL) points into memory of
// the session until the next call. Returns 0, TL_EOF after the last frame, or an error after which only close or start
// are legal. An input that breaks off (TL_ETRUNCATED, TL_ENET, TL_EIO, TL_ETIMEOUT) is reported after the records of
// all frames that could be read.
TL_API TL_NODISCARD int tl_session_next(TlSession *session, TlRecord *record, TlPicture *picture, TlDiag *diag);

// Makes a running clip end with TL_EINTERRUPTED soon; the next start forgets it. Safe from any thread and from a signal
// handler.
TL_API void tl_session_cancel(TlSession *session);

// Ends the running clip and frees what belongs to it; the networks stay loaded. Nothing to do when none runs. The byte
// source and the last picture are no longer used afterwards.
TL_API void tl_session_stop(TlSession *session);

TL_API void tl_session_stats(const TlSession *session, TlStats *stats);

// Stops the clip, frees everything, nulls *session. Accepts NULL inside.
TL_API void tl_session_close(TlSession **session);

// Single pictures, no tracking: detections and points of one picture file. `detect` of the command. Where a pitch is
// seen, scores of what stands where it does not belong are lowered (docs/formats.md).
// width and height receive the picture's size.
TL_API TL_NODISCARD int tl_session_detect(TlSession *session, const char *path, TlRecord *record, int *width,
                                          int *height, TlDiag *diag);

// Hands every picture of a folder to take, in the order in which it is read as a video (natural: "2.png" before
// "10.png"). Ends early with the first negative value that take returns. Errors: TL_EEMPTY when there is none,
// TL_ENOENT, TL_EDENIED, TL_EIO, TL_ENOMEM.
TL_API TL_NODISCARD int tl_list_pictures(const char *folder, int (*take)(void *opaque, const char *path, TlDiag *diag),
                                         void *opaque, TlDiag *diag);

// Version text "0.1.0" and its build: compiler, backends.
TL_API const char *tl_version(void);

#ifdef __cplusplus
}
#endif
#endif
