// A footballer as an articulated figure: a skeleton in metres from heading, speed and phase of the gait, drawn as
// shaded limbs into a sprite of the canvas; and the shadow of the same skeleton.
#ifndef TL_RENDER_SYNTH_FIGURE_H
#define TL_RENDER_SYNTH_FIGURE_H

#include "render/canvas.h"
#include "render/synth_camera.h"
#include "render/synth_look.h"

enum TlPose { TL_POSE_RUN, TL_POSE_KEEPER, TL_POSE_FLAG, TL_POSE_STAND };

typedef struct TlFigure {
    double at[2], speed[2], heading, stride, kick;
    int pose;
    const TlPerson *person;
    const TlKit *kit;
} TlFigure;

enum TlJoint {
    TL_JOINT_HIP,
    TL_JOINT_KNEE = 2,
    TL_JOINT_ANKLE = 4,
    TL_JOINT_TOE = 6,
    TL_JOINT_SHOULDER = 8,
    TL_JOINT_ELBOW = 10,
    TL_JOINT_HAND = 12,
    TL_JOINT_PELVIS = 14,
    TL_JOINT_NECK,
    TL_JOINT_HEAD,
    TL_JOINT_COUNT
}; // left, right where the numbers leave room for two

typedef struct TlSkeleton {
    double joint[TL_JOINT_COUNT][3];
    double size; ///< height / 1.8 m
} TlSkeleton;

void tl_figure_skeleton(const TlFigure *figure, TlSkeleton *skeleton);
void tl_figure_shadow(const TlFigure *figure, const TlSkeleton *skeleton, const TlLight *light, const TlView *view,
                      TlCanvas *canvas);
// Draws the figure as `owner`. before: the view when the shutter opened, exposure_s: how long it was open.
void tl_figure_draw(const TlFigure *figure, const TlSkeleton *skeleton, const TlLight *light, const TlView *view,
                    const TlView *before, double exposure_s, int owner, TlCanvas *canvas, TlSpriteStat *stat);

#endif
