// The drawing of the overlay, apart from its file: a record onto a copy of its picture.
#ifndef TL_RENDER_OVERLAY_DRAW_H
#define TL_RENDER_OVERLAY_DRAW_H

#include "pitch/pitch.h"
#include "render/overlay_teams.h"
#include "render/paint.h"

enum { TL_OVERLAY_SEGMENT_MAX = 512 };

typedef struct TlOverlayPen {
    TlPaint paint;
    TlPitchModel pitch;
    double segment[TL_OVERLAY_SEGMENT_MAX][4];
    int segment_count;
    TlTeams teams;
    double unit; ///< 1 at 720 lines
    double text; ///< height of capitals, px
} TlOverlayPen;

// Room for pictures of one size; pitch measures 0 = 105 and 68. TL_ENOMEM.
TL_NODISCARD int tl_overlay_pen_init(TlOverlayPen *pen, int width, int height, double length_m, double width_m);
void tl_overlay_pen_deinit(TlOverlayPen *pen);

// Draws the record onto a copy of the picture (of the pen's size). *done points into memory of the pen until the next
// call. Any record is harmless: boxes, points and homographies that are not finite are left out.
void tl_overlay_pen_draw(TlOverlayPen *pen, const TlRecord *record, const TlPicture *picture, TlPicture *done);

#endif
