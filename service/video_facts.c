// Going through a clip without looking at its pictures.
#include "video_facts.h"

#include "media/media.h"

static int not_wanted(void *opaque, int64_t index)
{
    (void)opaque, (void)index;
    return 0;
}

int tl_video_facts(const char *path, TlVideoFacts *facts, TlDiag *diag)
{
    const TlReaderParams params = {.input = path, .want = not_wanted};
    TlReader *reader = NULL;
    TlFrame *frame = NULL;
    TlStreamInfo info;
    *facts = (TlVideoFacts){0};
    int ret = tl_reader_open(&reader, &params, diag);
    if (ret < 0)
        return ret;
    tl_reader_info(reader, &info);
    facts->width = info.width;
    facts->height = info.height;
    facts->fps = info.fps;
    TlDiag why = {0};
    while ((ret = tl_reader_next(reader, &frame, &why)) == TL_OK) {
        facts->frames = frame->index + 1;
        tl_frame_unref(&frame);
    }
    tl_reader_close(&reader);
    // A clip that breaks off is answered as far as it goes.
    return ret == TL_EOF || (ret == TL_ETRUNCATED && facts->frames > 0) ? TL_OK : tl_fail(diag, ret, "%s", why.text);
}
