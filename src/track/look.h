// How a person looks: the colour of the shirt, measured where the network has its picture anyway.
#ifndef TL_TRACK_LOOK_H
#define TL_TRACK_LOOK_H

#include "post/post.h"

// Fills look[] of every person among the detections from sample n of the network's input (u8 [N,6,H/2,W/2] or f32
// [N,3,H,W], see pre/pre.h). People who are covered by another box, too small or too near the edge get none.
// No allocation. Thread-safety: safe.
void tl_look_measure(const TlTensor *input, int layout, int n, const TlLetterbox *box, TlDetections *detections);

// How differently two shirts look, in squared standard deviations of one shirt seen twice.
double tl_look_distance(const double a[3], const double b[3]);

#endif
