// Reading video: bytes (file, folder of pictures, pipe, http) -> ref-counted YUV 4:2:0 frames, and encoding.
//
// Every frame that leaves here is planar 4:2:0, 8 bit, upright (rotation of the container applied) and of the size of
// the first frame. For the ordinary case (H.264 8-bit 4:2:0) the planes are the decoder's own: nothing is copied.
// Everything else (10 bit, RGB, 4:2:2, NV12, rotated, another size in the middle of the stream) is converted once,
// here.
#ifndef TL_MEDIA_MEDIA_H
#define TL_MEDIA_MEDIA_H

#include <stdatomic.h>
#include <stdint.h>

#include <touchline/result.h>
#include <touchline/session.h>

// A decoded picture. Shared between threads by reference; the pixels are read-only.
// Thread-safety: ref and unref safe.
typedef struct TlFrame {
    int64_t index;     ///< source frame index, from 0, presentation order
    double time_s;     ///< from the first frame
    TlPicture picture; ///< picture.width/height 0 when the frame was counted but not decoded (see TlReaderParams.want)
    uint8_t is_spare;  ///< came with pixels only because it was wanted
    atomic_int refs;
    void *opaque; ///< owner of the pixels (AVFrame)
    struct TlFramePool *pool;
} TlFrame;

TlFrame *tl_frame_ref(TlFrame *frame);
void tl_frame_unref(TlFrame **frame); // last one returns the frame to its pool; accepts NULL inside

// Most bytes of a single allocation inside libav, for the whole process: for programs that open files of strangers. An
// index of 40 kB can name 85 million frames, which libav writes out as 2 GB. A plane of 8192x4320 at 16 bits needs 72
// MB.
void tl_media_limit_allocation(size_t bytes);

typedef struct TlReader TlReader;

typedef struct TlReaderParams {
    const char *input;        ///< path, folder, "-", http(s) URL, or NULL with `bytes`
    int threads;              ///< decoder threads, 0 = cores
    int64_t first, end;       ///< frames [first,end) are delivered (index stays the source's); end 0 = to the end
    const atomic_int *cancel; ///< may be NULL; not 0 = give up with TL_EINTERRUPTED (checked inside blocking I/O)
    // Byte source of the caller instead of `input` (progressive download). read returns bytes (> 0), 0 at the end or a
    // negative TL_E code; TL_EAGAIN when none came within about 0.1 s: it is then called again unless the reader is
    // cancelled or wait_until_us is over. seek (optional) takes SEEK_SET/SEEK_CUR/SEEK_END or 0x10000 (size query) like
    // AVIO.
    struct TlByteSource {
        void *opaque;
        int (*read)(void *opaque, uint8_t *data, int size);
        int64_t (*seek)(void *opaque, int64_t offset, int whence);
    } * bytes;
    // Time (tl_now_us) from which on a read of `bytes` waits no longer: the input then ends with TL_ETIMEOUT, after all
    // frames that could be read. May be moved while the reader works. NULL or 0 inside = waits for ever.
    const _Atomic int64_t *wait_until_us;
    // optional: asks whether the pixels of frame `index` are needed at all. When it answers 0 and the decoder can drop
    // the frame cheaply (H.264 and HEVC pictures that no other picture refers to), a TlFrame with picture.width == 0 is
    // delivered in its place; other unwanted frames come with their pixels. Called within tl_reader_open and _next, at
    // most once per frame, some frames ahead and not in the order of the indices; not called for frames that are
    // decoded anyway. Which frames are dropped depends on the answers only, not on threads (but for damaged streams,
    // where an index that was asked about may move by the frames lost before it: be ready for a wanted frame without
    // pixels). Frame 0 of a video and the first frame of a folder always have pixels. NULL = all are needed.
    int (*want)(void *opaque, int64_t index);
    void *want_opaque;
} TlReaderParams;

// Opens the input far enough to know the size of its pictures (the first frame is decoded). On failure *out is NULL. A
// folder of pictures counts as a video of 25 fps in the natural order of its names; a picture in it that cannot be read
// is a frame without pixels, and those before the first that can be read are left out: frames keep their numbers.
// Errors: TL_ENOENT, TL_EDENIED (may not be read), TL_EFORMAT, TL_ENOVIDEO, TL_EEMPTY, TL_ETRUNCATED, TL_ELIMIT (side
// > 16384 or < 16 or more than 67 megapixels), TL_ENET, TL_EIO, TL_ENOMEM, TL_EINTERRUPTED.
TL_NODISCARD int tl_reader_open(TlReader **out, const TlReaderParams *params, TlDiag *diag);
void tl_reader_info(const TlReader *reader, TlStreamInfo *info); // size, fps, estimate, source
// Next frame in presentation order; the caller owns one reference. TL_EOF after the last one; TL_ETRUNCATED when the
// file ends too early or is damaged beyond repair (after all frames that could be read), as do TL_ENET, TL_EIO and the
// codes of a byte source that failed on the way; TL_EINTERRUPTED.
TL_NODISCARD int tl_reader_next(TlReader *reader, TlFrame **frame, TlDiag *diag);
double tl_reader_waited_s(const TlReader *reader); // for bytes that had not come yet, of a byte source
void tl_reader_close(TlReader **reader);

// Frames outside a reader (push mode, tests): pooled 4:2:0 buffers.
typedef struct TlFramePool TlFramePool;
TlFramePool *tl_frame_pool_create(int width, int height);
TlFrame *tl_frame_pool_acquire(TlFramePool *pool,
                               TlPicture *writable); // planes of *writable may be written before sharing
void tl_frame_pool_destroy(TlFramePool **pool);      // frames still referenced stay valid

// H.264 MP4 writer (yuv420p, faststart, source frame rate as a fraction). Rate and shape of the pixels as in info;
// picture size must be constant, odd sizes are padded by one replicated column/row. Written to a temporary file,
// renamed on commit. The encoder uses the same number of threads everywhere, so that the bytes of the file do not
// depend on the machine's cores or on
// --threads.
typedef struct TlEncoder TlEncoder;

typedef struct TlEncoderParams {
    const char *path; ///< a file; an MP4 cannot go to a pipe (TL_EUSAGE)
    int overwrite;    ///< 0: an existing file gives TL_EEXIST
    int crf;          ///< constant quality of x264, 1..51, lower is better; 0 = 21; 8 is nearly lossless
} TlEncoderParams;

// Errors: TL_EEXIST, TL_EDENIED, TL_ENOENT (no such folder), TL_EUSAGE, TL_ELIMIT (picture size), TL_ENOMEM.
TL_NODISCARD int tl_encoder_open(TlEncoder **out, const TlEncoderParams *params, const TlStreamInfo *info,
                                 TlDiag *diag);
// The next picture, copied before return, shown at time_s (the first one's counts as 0). Times near a multiple of the
// frame duration become that multiple; one that is NaN, does not grow or is more than an hour after the last becomes
// one frame after the last. TL_ENOSPC, TL_EIO, TL_EUSAGE (another size). After an error only abort is legal.
TL_NODISCARD int tl_encoder_write(TlEncoder *encoder, const TlPicture *picture, double time_s, TlDiag *diag);
// Finishes the file and renames it into place. The encoder is gone afterwards, also on failure (then with its file).
TL_NODISCARD int tl_encoder_commit(TlEncoder **encoder, TlDiag *diag);
void tl_encoder_abort(TlEncoder **encoder); // throws the file away; accepts NULL inside

#endif
