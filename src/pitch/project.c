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

void tl_pitch_project_view(const TlPitchModel *model, const TlPitchView *view, const TlPoint seen[TL_POINT_COUNT],
                           TlPoint out[TL_POINT_COUNT])
{
    double implied = 0.5 * mean_confidence(seen);
    TlPoint answer[TL_POINT_COUNT] = {{0}};

    for (int i = 0; i < TL_POINT_COUNT; i++) {
        double u, v;
        if (tl_view_picture(view, model->point[i][0], model->point[i][1], &u, &v))
            continue;
        float x = (float)u, y = (float)v;
        if (!(x >= 0 && x < (float)view->width && y >= 0 && y < (float)view->height))
            continue;
        answer[i] = (TlPoint){x, y, (float)implied};
        if (seen && seen[i].confidence > 0 && hypot(seen[i].x - u, seen[i].y - v) < NEAR_SHARE * view->width)
            answer[i].confidence = fminf(seen[i].confidence, 1);
    }
    memcpy(out, answer, sizeof answer); // seen and out may be the same array
}

void tl_pitch_project(const TlPitchModel *model, const double homography[9], const TlPoint seen[TL_POINT_COUNT],
                      int width, int height, TlPoint out[TL_POINT_COUNT])
{
    TlPitchView view = {.width = width, .height = height};
    if (homography)
        memcpy(view.straight, homography, sizeof view.straight);
    tl_pitch_project_view(model, &view, seen, out);
}
