// The 32 points as answered: the model seen through the fitted camera.
//
// In: homography and the points as the network saw them. Out: every pitch point that lies inside the picture at its
// fitted place, which is better than where the network put it; zeros elsewhere.
#include "pitch/solve.h"

#include <math.h>
#include <string.h>

#define NEAR_SHARE 0.02 // of the width: so near, the network's point and the fitted one are the same sighting

static double mean_confidence(const TlPoint *seen)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; seen && i < TL_POINT_COUNT; i++)
        if (seen[i].confidence > 0) {
            sum += seen[i].confidence;
            n++;
        }
    return n ? fmin(sum / n, 1) : 0.5;
}

void tl_pitch_project(const TlPitchModel *model, const double homography[9], const TlPoint seen[TL_POINT_COUNT],
                      int width, int height, TlPoint out[TL_POINT_COUNT])
{
    double g[9], implied = 0.5 * mean_confidence(seen);
    TlPoint answer[TL_POINT_COUNT] = {{0}};

    int usable = homography && !tl_homography_invert(homography, g) && !tl_orient(g);
    for (int i = 0; usable && i < TL_POINT_COUNT; i++) {
        double u, v;
        if (tl_see(g, model->point[i][0], model->point[i][1], &u, &v) || !(u >= 0 && u < width && v >= 0 && v < height))
            continue;
        answer[i] = (TlPoint){(float)u, (float)v, (float)implied};
        if (seen && seen[i].confidence > 0 && hypot(seen[i].x - u, seen[i].y - v) < NEAR_SHARE * width)
            answer[i].confidence = fminf(seen[i].confidence, 1);
    }
    memcpy(out, answer, sizeof answer); // seen and out may be the same array
}
