// Pictures of the answer: overlay video, pitch map (PNG or video), and the synthetic match.
#ifndef TOUCHLINE_RENDER_H
#define TOUCHLINE_RENDER_H

#include <touchline/options.h>
#include <touchline/result.h>
#include <touchline/session.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct TlOverlay TlOverlay;
typedef struct TlMap TlMap;

typedef struct TlRenderParams {
    const char *path;      ///< overlay: .mp4; map: .png or .mp4
    int overwrite;         ///< 0: an existing file gives TL_EEXIST
    double pitch_length_m; ///< 0 = 105
    double pitch_width_m;  ///< 0 = 68
    int threads;           ///< encoder threads, 0 = cores
} TlRenderParams;

// Overlay video: ellipses at the feet with id, in the measured kit colours (keepers and referees in colours of their
// class), triangle above the ball, the pitch lines and points re-projected
// through the homography, dashed marks on filled frames. H.264 yuv420p MP4, source frame rate, faststart. The encoder
// decides on its threads itself.
TL_API TL_NODISCARD int tl_overlay_open(TlOverlay **out, const TlRenderParams *params, const TlStreamInfo *info,
                                        TlDiag *diag);
TL_API TL_NODISCARD int tl_overlay_write(TlOverlay *overlay, const TlRecord *record, const TlPicture *picture,
                                         TlDiag *diag);
TL_API TL_NODISCARD int tl_overlay_commit(TlOverlay **overlay, TlDiag *diag);
TL_API void tl_overlay_abort(TlOverlay **overlay);

// Pitch map seen from above. PNG: paths of the whole clip with last positions; MP4: a radar film.
TL_API TL_NODISCARD int tl_map_open(TlMap **out, const TlRenderParams *params, const TlStreamInfo *info, TlDiag *diag);
TL_API TL_NODISCARD int tl_map_write(TlMap *map, const TlRecord *record, TlDiag *diag);
TL_API TL_NODISCARD int tl_map_commit(TlMap **map, TlDiag *diag);
TL_API void tl_map_abort(TlMap **map);

// The synthetic match.
enum TlCamera { TL_CAMERA_PAN = 0, TL_CAMERA_STATIC, TL_CAMERA_CUT, TL_CAMERA_BEHIND, TL_CAMERA_COUNT };

typedef struct TlSynthParams {
    double seconds;    ///< length, 0 = 10
    double fps;        ///< 0 = 25
    int width, height; ///< 0 = 1280x720
    unsigned seed;     ///< same seed, same picture
    int camera;        ///< enum TlCamera
    int players;       ///< outfield players of both teams together, 0 = 20
} TlSynthParams;

typedef struct TlSynth TlSynth;
TL_API TL_NODISCARD int tl_synth_open(TlSynth **out, const TlSynthParams *params, TlDiag *diag);
// The next frame and its truth. picture points into memory of the generator until the next call. TL_EOF at the end.
TL_API TL_NODISCARD int tl_synth_next(TlSynth *synth, TlPicture *picture, TlRecord *truth, TlDiag *diag);
TL_API void tl_synth_info(const TlSynth *synth, TlStreamInfo *info);
TL_API void tl_synth_close(TlSynth **synth);

// Plain video file out of pictures (what `touchline synth -o` uses). Written whole or not at all.
typedef struct TlVideoWriter TlVideoWriter;
TL_API TL_NODISCARD int tl_video_writer_open(TlVideoWriter **out, const TlRenderParams *params,
                                             const TlStreamInfo *info, TlDiag *diag);
TL_API TL_NODISCARD int tl_video_writer_write(TlVideoWriter *writer, const TlPicture *picture, TlDiag *diag);
TL_API TL_NODISCARD int tl_video_writer_commit(TlVideoWriter **writer, TlDiag *diag);
TL_API void tl_video_writer_abort(TlVideoWriter **writer);

#ifdef __cplusplus
}
#endif
#endif
