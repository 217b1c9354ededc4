// Plausibility: can this homography be the view of a camera at a football ground?
//
// In: an oriented G (pitch -> picture) and the picture size. Out: 0, or the number of the gate that refused it (for
// tests and logs). A fit to wrong points is nearly always an impossible camera: under the grass, on its side, next to
// the moon, or looking at a tenth of a square metre. The bounds are wide enough for masts, drones of the club and
// telephoto lenses; they were set on labelled frames of 15 matches, none of which comes near them.
#include "pitch/solve.h"

#include <math.h>

enum { GATE_SINGULAR = 1, GATE_CAMERA, GATE_HEIGHT, GATE_ROLL, GATE_SHAPE, GATE_PLACE, GATE_GROUND, GATE_SCALE };

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

static int camera_gate(const TlPitchModel *model, const double homography[9], int width, int height)
{
    TlCameraPose pose;
    if (tl_pitch_camera(homography, width, height, &pose))
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
static int ground_gate(const TlPitchModel *model, const double homography[9], const double g[9], int width, int height)
{
    int on_pitch = 0;
    double least = INFINITY, most = 0;
    double det = tl_homography_determinant(homography);
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < COLUMNS; column++) {
            double u = width * (column + 0.5) / COLUMNS, v = height * (row + 0.5) / ROWS, x, y;
            double w = homography[6] * u + homography[7] * v + homography[8];
            if (!(w * det > 0))
                continue;
            tl_homography_apply(homography, u, v, &x, &y);
            if (outside(x, model->length_m) > 3 || outside(y, model->width_m) > 3)
                continue;
            on_pitch++;
            // Square root of the change of area, px per m.
            double depth = g[6] * x + g[7] * y + g[8];
            double scale = sqrt(tl_homography_determinant(g) / (depth * depth * depth));
            least = fmin(least, scale);
            most = fmax(most, scale);
        }
    if (on_pitch < ROWS * COLUMNS / 6)
        return GATE_GROUND;
    return least > width / 400.0 && most < width / 4.0 ? 0 : GATE_SCALE;
}

int tl_gate(const TlPitchModel *model, const double g[9], int width, int height)
{
    double homography[9];
    if (tl_homography_invert(g, homography))
        return GATE_SINGULAR;
    int gate = camera_gate(model, homography, width, height);
    return gate ? gate : ground_gate(model, homography, g, width, height);
}
