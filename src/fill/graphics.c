// Broadcast graphics among the boxes.
//
// In: boxes of key frames and the camera's steps. Out: whether a track rests on a logo or score board. Graphics stay
// where they are while the picture pans behind them; nobody on the pitch does that to within a tenth of his height for
// long. Their places are kept for the whole clip, because they come back, also after a cut.
#include "fill/graphics.h"

#include <math.h>

#define STRAY_SHARE 0.1  // box heights that a box may stray and still rest
#define KNOWN_SHARE 0.15 // and from a graphic that is known
#define CAMERA_WAY  2.5  // box heights that the camera has to go meanwhile
#define STILL_S     1.0  // less than a frame waits in fill.c: where the camera turns at once, no frame shows one
#define KNOWN_S     0.4  // enough where a graphic was seen before

void tl_graphics_move(TlGraphics *graphics, double dx, double dy)
{
    graphics->camera[0] += dx;
    graphics->camera[1] += dy;
}

static int is_known(const TlGraphics *graphics, const double at[2], double height)
{
    for (int i = 0; i < TL_GRAPHIC_MAX; i++) {
        const double *place = graphics->place[i];
        if (place[2] > 0 && hypot(at[0] - place[0], at[1] - place[1]) < KNOWN_SHARE * place[2] &&
            fabs(height - place[2]) < 0.3 * place[2])
            return 1;
    }
    return 0;
}

// A box that strays from where it was first seen rests still while both are the same known graphic.
static int rests(const TlGraphics *graphics, const TlStill *still, const double at[2], double height)
{
    return still->height > 0 &&
           (hypot(at[0] - still->anchor[0], at[1] - still->anchor[1]) <= fmax(STRAY_SHARE * height, 1.5) ||
            (is_known(graphics, still->anchor, still->height) && is_known(graphics, at, height)));
}

void tl_graphics_watch(const TlGraphics *graphics, TlStill *still, const float b[4], int64_t frame)
{
    double at[2] = {0.5 * ((double)b[0] + b[2]), 0.5 * ((double)b[1] + b[3])}, height = (double)b[3] - b[1];
    int is_resting = rests(graphics, still, at, height);
    if (!is_resting && still->height > 0 && !still->strayed) { // one weak box may err
        still->strayed = 1;
        return;
    }
    still->strayed = 0;
    if (!is_resting)
        *still = (TlStill){.anchor = {at[0], at[1]},
                           .height = height,
                           .since = frame,
                           .camera = {graphics->camera[0], graphics->camera[1]}};
    double way = hypot(graphics->camera[0] - still->camera[0], graphics->camera[1] - still->camera[1]);
    still->farthest = fmax(still->farthest, way / still->height);
    still->seen = frame;
}

int tl_graphics_is(TlGraphics *graphics, const TlStill *still, int64_t frame, double fps)
{
    double still_s = (double)(still->seen - still->since) / fps;
    if (frame < still->since || still_s < KNOWN_S)
        return 0;
    int known = is_known(graphics, still->anchor, still->height);
    if (known || still_s < STILL_S || still->farthest < CAMERA_WAY)
        return known;
    double *place = graphics->place[graphics->next++ % TL_GRAPHIC_MAX];
    place[0] = still->anchor[0];
    place[1] = still->anchor[1];
    place[2] = still->height;
    return 1;
}
