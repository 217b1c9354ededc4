// Video bytes through demuxer and decoder, from a byte source in memory. At most a few frames, then the end.
#include <string.h>

#include "fuzz.h"
#include "media/media.h"

enum { FRAMES_MAX = 12 };

typedef struct Source {
    const uint8_t *data;
    int64_t size, pos;
} Source;

static int read_source(void *opaque, uint8_t *data, int size)
{
    Source *s = opaque;
    int64_t n = s->size - s->pos < size ? s->size - s->pos : size;
    memcpy(data, s->data + s->pos, (size_t)n);
    s->pos += n;
    return (int)n;
}

static int64_t seek_source(void *opaque, int64_t offset, int whence)
{
    Source *s = opaque;
    if (whence == 0x10000)
        return s->size;
    int64_t target = whence == SEEK_SET ? offset : whence == SEEK_CUR ? s->pos + offset : s->size + offset;
    if (target < 0 || target > s->size)
        return TL_EUSAGE;
    return s->pos = target;
}

static int every_third(void *opaque, int64_t index)
{
    (void)opaque;
    return index % 3 == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Source source = {data, (int64_t)size, 0};
    struct TlByteSource bytes = {&source, read_source, size && data[size - 1] & 1 ? NULL : seek_source};
    TlReaderParams params = {.bytes = &bytes, .input = "fuzz", .threads = 1, .want = every_third};
    TlReader *reader = NULL;
    TlFrame *frame = NULL;
    TlDiag diag = {0};
    int ret = tl_reader_open(&reader, &params, &diag);
    for (int i = 0; i < FRAMES_MAX && ret == TL_OK; i++) {
        if ((ret = tl_reader_next(reader, &frame, &diag)) != TL_OK)
            break;
        const TlPicture *p = &frame->picture;
        FUZZ_CHECK(p->width == 0 || (p->plane[0] && p->stride[0] >= p->width));
        tl_frame_unref(&frame);
    }
    FUZZ_CHECK(ret == TL_OK || ret == TL_EOF || diag.text[0]);
    tl_reader_close(&reader);
    return 0;
}
