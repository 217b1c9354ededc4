// The pitch of the synthetic match: grass, painted lines, shadows' ground.
#ifndef TL_RENDER_SYNTH_GROUND_H
#define TL_RENDER_SYNTH_GROUND_H

#include "render/canvas.h"
#include "render/synth_camera.h"
#include "render/synth_look.h"

enum { TL_LINE_MAX = 256 };

typedef struct TlGround {
    TlTexture grass;  ///< seen from above, mowing, wear and shade baked in
    TlTexture blades; ///< repeated fine grain, 128 = no change
    double line[TL_LINE_MAX][4];
    int line_count;
} TlGround;

TL_NODISCARD int tl_ground_init(TlGround *ground, const TlLook *look, unsigned seed);
void tl_ground_deinit(TlGround *ground);
// Draws from row `top` down; what lies above is hidden by stands.
void tl_ground_draw(const TlGround *ground, const TlLook *look, const TlView *view, int top, TlCanvas *canvas);
// Smooth noise in 0..1, one bump per unit of length.
double tl_value_noise(double x, double y, uint32_t seed);

#endif
