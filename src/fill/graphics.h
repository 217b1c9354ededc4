// Inside the fill folder: logos and score boards that a network takes for players.
#ifndef TL_FILL_GRAPHICS_H
#define TL_FILL_GRAPHICS_H

#include <stdint.h>

enum { TL_GRAPHIC_MAX = 16 };

// Of one track: where in the picture it rests.
typedef struct TlStill {
    double anchor[2], height; ///< px
    int64_t since, seen;      ///< from and up to these frames
    double camera[2];         ///< where the camera was at `since`
    double farthest;          ///< how far it has gone from there, box heights
    int strayed;              ///< the last box was elsewhere
} TlStill;

typedef struct TlGraphics {
    double place[TL_GRAPHIC_MAX][3]; ///< known ones: x, y, height px; height 0 = free
    unsigned next;
    double camera[2]; ///< how far the middle of the picture has been carried, px
} TlGraphics;

void tl_graphics_move(TlGraphics *graphics, double dx, double dy); // the camera's step between two key frames
void tl_graphics_watch(const TlGraphics *graphics, TlStill *still, const float bbox[4], int64_t frame);
// Whether the track's box of a frame is a graphic, as far as is known by now. One that is found out is remembered.
int tl_graphics_is(TlGraphics *graphics, const TlStill *still, int64_t frame, double fps);

#endif
