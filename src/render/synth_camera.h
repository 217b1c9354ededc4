// A pinhole camera over the pitch, and the director who moves it.
//
// World: metres, x along the pitch, y towards the main stand, z up. The camera stands at `place`, looks along the
// angles pan (0 = straight across the pitch, positive to the right) and tilt (positive down), with a small roll.
#ifndef TL_RENDER_SYNTH_CAMERA_H
#define TL_RENDER_SYNTH_CAMERA_H

#include "render/synth_random.h"

typedef struct TlView {
    double place[3];
    double right[3], up[3], ahead[3];
    double focal_px, centre[2];
    int width, height;
} TlView;

void tl_view_init(TlView *view, const double place[3], double pan, double tilt, double roll, double focal_px, int width,
                  int height);
// Picture position and depth (metres ahead). 0 when the point is not ahead of the lens.
int tl_view_project(const TlView *view, const double point[3], double px[2], double *depth);
double tl_view_scale(const TlView *view, const double point[3]); // pixels per metre there, 0 behind the lens
// Homography of the plane origin + s*a + t*b to the picture, and its inverse (third component = 1 / depth).
void tl_view_plane(const TlView *view, const double origin[3], const double a[3], const double b[3],
                   double to_picture[9], double from_picture[9]);
// Polygon in space, cut at the near plane, to picture corners. Returns their number (at most n + 1), 0 = not seen.
int tl_view_polygon(const TlView *view, const double (*corner)[3], int n, double (*px)[2]);

enum TlShot { TL_SHOT_WIDE, TL_SHOT_TIGHT, TL_SHOT_BEHIND_GOAL, TL_SHOT_CLOSE, TL_SHOT_COUNT };

typedef struct TlDirector {
    int camera; ///< enum TlCamera
    int shot;   ///< enum TlShot of this moment
    int width, height;
    double fps;
    TlRandom random;
    double stand[3]; ///< place of the main camera
    double roll;
    double target[2], target_speed[2]; ///< smoothed point on the pitch that the picture follows
    double span_m, span_goal_m;        ///< metres across the picture at the target
    double wide_span_m;                ///< usual span of the main camera
    double shot_left_s, zoom_left_s;
    double wander[2];
    int close_player;                                      ///< index of the player a close-up follows
    int end;                                               ///< behind-goal: 0 left, 1 right
    double back_m, aside_m, height_m, ahead_m, end_span_m; ///< behind-goal: place behind the line, point looked at
    TlView view, before;                                   ///< this frame and one exposure earlier
    int cut;                                               ///< 1 on the first frame of a shot
} TlDirector;

typedef struct TlScene {
    double ball[2], ball_speed[2];
    double (*player)[2];
    double (*player_speed)[2];
    int player_count;
} TlScene;

void tl_director_init(TlDirector *director, int camera, unsigned seed, int width, int height, double fps,
                      const TlScene *scene);
void tl_director_next(TlDirector *director, const TlScene *scene, double exposure_s);

#endif
