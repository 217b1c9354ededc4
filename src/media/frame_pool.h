// Pools of TlFrame: shells around libav's pictures, and frames with pixels of their own.
#ifndef TL_MEDIA_FRAME_POOL_H
#define TL_MEDIA_FRAME_POOL_H

#include "media/media.h"

struct AVFrame;

// A pool whose frames borrow their pixels. NULL when out of memory.
TlFramePool *tl_frame_pool_create_shells(void);

// Moves the reference to a decoded 4:2:0 picture into a shell; picture is blank afterwards. NULL picture: a frame
// without pixels. NULL when out of memory (picture untouched). Thread-safety: safe.
TlFrame *tl_frame_pool_wrap(TlFramePool *shells, struct AVFrame *picture);

#endif
