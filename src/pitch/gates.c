// Plausibility: can this homography be the view of a camera at a football ground?
//
// In: a view. Out: 0, or the number of the gate that refused it (for
// tests and logs). A fit to wrong points is nearly always an impossible camera: under the grass, on its side, next to
// the moon, or looking at a tenth of a square metre. The bounds are wide enough for masts, drones of the club and
// telephoto lenses; they were set on labelled frames of 15 matches, none of which comes near them.
#include "pitch/solve.h"

#include <math.h>

enum { GATE_CAMERA = 1, GATE_HEIGHT, GATE_ROLL, GATE_SHAPE, GATE_PLACE, GATE_GROUND, GATE_SCALE };

#define HEIGHT_LEAST_M  1.5
#define HEIGHT_MOST_M   90.0
#define ROLL_MOST       0.45  // rad
#define SHAPE_MOST      0.35  // residual of the camera without skew
#define DISTANCE_MOST_M 220.0 // of the camera from the pitch
#define FAR_SIDE_M      6.0   // a camera behind the far touch line would have called that one the near one

enum { COLUMNS = 9, ROWS = 6 };

static double outside(double value, double most)
{
    return fmax(fmax(-value, value - most), 0);
}

static int camera_gate(const TlPitchModel *model, const TlPitchView *view)
{
    TlCameraPose pose;
    if (tl_pitch_camera(view->straight, view->width, view->height, &pose))
        return GATE_CAMERA;
    if (!(pose.position_m[2] > HEIGHT_LEAST_M && pose.position_m[2] < HEIGHT_MOST_M))
        return GATE_HEIGHT;
    if (!(fabs(pose.roll) < ROLL_MOST) || !(pose.tilt > -0.2))
        return GATE_ROLL;
    if (!(pose.residual < SHAPE_MOST))
        return GATE_SHAPE;
    double x = outside(pose.position_m[0], model->length_m), y = outside(pose.position_m[1], model->width_m);
    if (!(hypot(x, y) < DISTANCE_MOST_M) || pose.position_m[1] < -FAR_SIDE_M)
        return GATE_PLACE;
    return 0;
}

// Looks at the ground under a grid of the picture: enough of it must be pitch, and at a sane scale.
static int ground_gate(const TlPitchModel *model, const TlPitchView *view)
{
    int on_pitch = 0;
    double least = INFINITY, most = 0;
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < COLUMNS; column++) {
            double u = view->width * (column + 0.5) / COLUMNS, v = view->height * (row + 0.5) / ROWS, x, y, right, down;
            if (tl_view_ground(view, u, v, &x, &y) || outside(x, model->length_m) > 3 || outside(y, model->width_m) > 3)
                continue;
            if (tl_view_picture(view, x + 0.01, y, &right, &down))
                continue;
            on_pitch++;
            double scale = hypot(right - u, down - v) / 0.01; // px per m along the pitch
            least = fmin(least, scale);
            most = fmax(most, scale);
        }
    if (on_pitch < ROWS * COLUMNS / 6)
        return GATE_GROUND;
    return least > view->width / 1000.0 && most < view->width / 3.0 ? 0 : GATE_SCALE;
}

int tl_gate(const TlPitchModel *model, const TlPitchView *view)
{
    int gate = camera_gate(model, view);
    return gate ? gate : ground_gate(model, view);
}
