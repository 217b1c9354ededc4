// Drawing of the pitch map with cairo: the pitch from above, paths, discs with ids, legend.
#ifndef TL_RENDER_MAP_DRAW_H
#define TL_RENDER_MAP_DRAW_H

#include <cairo/cairo.h>

#include "pitch/pitch.h"

enum { TL_MAP_WIDTH = 1280, TL_MAP_HEIGHT = 880 };

typedef struct TlMapSheet {
    cairo_surface_t *base, *surface; ///< empty pitch; the page that is drawn on
    cairo_t *cairo;                  ///< onto `surface`
    double scale, left, top;         ///< px per metre, place of pitch point 0
    TlPitchModel pitch;
} TlMapSheet;

TL_NODISCARD int tl_map_sheet_init(TlMapSheet *sheet, double length_m, double width_m);
void tl_map_sheet_deinit(TlMapSheet *sheet);
void tl_map_sheet_clear(TlMapSheet *sheet); // back to the empty pitch

// Who is drawn: colours go by class, those of players by team.
typedef struct TlMapMark {
    int class_id, team; ///< team 1, 2, or 0 when not known
    int32_t id;
} TlMapMark;

double tl_map_x(const TlMapSheet *sheet, double x_m);
double tl_map_y(const TlMapSheet *sheet, double y_m);
int tl_map_inside(const TlMapSheet *sheet, const float pitch[2]); // finite and on the sheet

void tl_map_colour(int class_id, int team, double rgb[3]);
void tl_map_piece(TlMapSheet *sheet, const float a[2], const float b[2], const TlMapMark *mark, double alpha);
void tl_map_disc(TlMapSheet *sheet, const float at[2], const TlMapMark *mark); // a keeper's has a rim of his team
// has_teams: two teams are explained instead of players. left_team: the one on the left, 0 when not known.
void tl_map_legend(TlMapSheet *sheet, const char *text, int has_teams, int left_team);

#endif
