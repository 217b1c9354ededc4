// Angle functions with plain arithmetic only, see synth_random.h. Error below 1e-9, which is far below a pixel.
#include "render/synth_random.h"

static double sin_small(double a) // |a| <= pi/4
{
    double s = a * a;
    return a * (1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110)))));
}

static double cos_small(double a)
{
    double s = a * a;
    return 1 - s / 2 * (1 - s / 12 * (1 - s / 30 * (1 - s / 56 * (1 - s / 90 * (1 - s / 132)))));
}

double tl_sin(double radians)
{
    double quarters = radians * (2.0 / TL_PI);
    int64_t n = (int64_t)(quarters + (quarters < 0 ? -0.5 : 0.5));
    double rest = radians - (double)n * (TL_PI / 2);
    switch (n & 3) {
    case 0:
        return sin_small(rest);
    case 1:
        return cos_small(rest);
    case 2:
        return -sin_small(rest);
    default:
        return -cos_small(rest);
    }
}

double tl_cos(double radians)
{
    return tl_sin(radians + TL_PI / 2);
}

static double atan_small(double a) // |a| <= 1, by halving the angle twice
{
    for (int i = 0; i < 2; i++) {
        double root = 1 + a * a, guess = root > 1.5 ? 1.3 : 1.1;
        for (int k = 0; k < 5; k++)
            guess = 0.5 * (guess + root / guess);
        a = a / (1 + guess);
    }
    double s = a * a;
    return 4 * a * (1 - s * (1.0 / 3 - s * (1.0 / 5 - s * (1.0 / 7 - s * (1.0 / 9 - s / 11)))));
}

double tl_atan2(double y, double x)
{
    double ax = x < 0 ? -x : x, ay = y < 0 ? -y : y;
    if (ax == 0 && ay == 0)
        return 0;
    double angle = ay <= ax ? atan_small(ay / ax) : TL_PI / 2 - atan_small(ax / ay);
    if (x < 0)
        angle = TL_PI - angle;
    return y < 0 ? -angle : angle;
}
