// The two kits of a match, learnt from whoever is seen, and what a shirt says about its wearer's class.
//
// Most people of a picture wear one of two kits; whoever wears neither is a goalkeeper or a referee.
#ifndef TL_TRACK_KITS_H
#define TL_TRACK_KITS_H

#include "post/post.h"

enum { TL_SHIRT_MAX = 64 };

typedef struct TlShirt {
    double yuv[3];
    double weight; ///< 0..1: how surely it is a player's, and how well it was seen
} TlShirt;

typedef struct TlKits {
    double yuv[2][3]; ///< the shirts of the two teams
    double sigma[3];  ///< spread within a team
    uint8_t known;
} TlKits;

// Fits the kits to n shirts, the best TL_SHIRT_MAX of which count. Kits already known are followed; with search != 0
// all pairs of shirts are tried as well and taken when they explain clearly more. Returns known: it stays as it was
// while the shirts are too few. No allocation. Deterministic.
int tl_kits_fit(TlKits *kits, const TlShirt *shirts, int n, int search);

// Squared distance to the nearer kit, in spreads within a team.
double tl_kits_distance(const TlKits *kits, const double yuv[3]);
// The same to each of the two.
void tl_kits_distances(const TlKits *kits, const double yuv[3], double distance[2]);
void tl_kits_swap(TlKits *kits); // the first becomes the second
// Log likelihood ratio "neither team's kit" : "a player's kit", bounded on both sides.
double tl_kits_odd(const TlKits *kits, const double yuv[3]);

// Shares of goalkeeper, player and referee (share[0..2]) by the network: of the box's class scores, or of its one class
// when the head knows no more.
void tl_class_shares(const TlDetection *detection, const float class_score[TL_CLASS_COUNT], double share[3]);
// The shares after the evidence of the shirt.
void tl_kits_judge(double odd, double share[3]);

// The rule within one picture: learns the kits from it, corrects classes and scores (order stays by score). Pictures of
// too few people are left alone, as are boxes whose shirt or class scores are not known. keep_class != 0: every class
// is judged by itself (TlPostParams.per_class), only scores change.
void tl_kits_correct(TlDetections *detections, int keep_class);

#endif
