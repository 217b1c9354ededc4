// Everything around the pitch of the synthetic match: stands with their crowd, walls, advertising boards, goals, flags,
// benches. Nothing here is in the truth.
#ifndef TL_RENDER_SYNTH_STADIUM_H
#define TL_RENDER_SYNTH_STADIUM_H

#include "render/canvas.h"
#include "render/synth_camera.h"
#include "render/synth_look.h"

typedef struct TlStadium {
    TlTexture crowd;
    TlTexture boards;
    double near_m; ///< distance of the main stand's wall from the touchline
    uint32_t dark; ///< backs of boards and benches
} TlStadium;

TL_NODISCARD int tl_stadium_init(TlStadium *stadium, const TlLook *look, unsigned seed);
void tl_stadium_deinit(TlStadium *stadium);

// First row of the picture in which ground may be seen; above it are stands only.
int tl_stadium_ground_top(const TlStadium *stadium, const TlLook *look, const TlView *view);

// Stands and walls, drawn before the boards so that people may stand between.
void tl_stadium_draw_stands(const TlStadium *stadium, const TlLook *look, const TlView *view, TlCanvas *canvas);
void tl_stadium_draw_boards(const TlStadium *stadium, const TlLook *look, const TlView *view, int close, double time_s,
                            TlCanvas *canvas);
// Benches before the main stand.
void tl_stadium_draw_benches(const TlStadium *stadium, const TlLook *look, const TlView *view, TlCanvas *canvas);

// Props.
void tl_props_goal(const TlLook *look, int end, const TlView *view, TlCanvas *canvas); // end 0: x = 0
void tl_props_corner_flags(const TlLook *look, const TlView *view, TlCanvas *canvas);
void tl_props_score_bug(const TlLook *look, double time_s, TlCanvas *canvas);

#endif
