// RANSAC over minimal sets of four pitch points.
//
// In: the seen points. Out: the best few homographies with different inlier sets, for the refinement to choose from.
// Method: Fischler & Bolles 1981 with the truncated quadratic score of Torr & Zisserman (MSAC, 2000) weighted by
// confidence. All sets are tried when there are few, else a fixed number drawn by a generator with a fixed seed. A set
// is solved only when its four triangles are turned the same way on the pitch and in the picture: exactly then its
// homography is no mirror image and keeps all four points in front of the camera (oriented projective geometry, Stolfi
// 1991), which throws out most sets with an outlier before any arithmetic is spent on them.
#include "pitch/solve.h"

#include <math.h>
#include <string.h>

enum { SET_LIMIT = 2500 };

#define LEAST_TRIANGLE_M2 8.0 // twice the area; below it three points hardly span a triangle

static double twice_area(const double a[2], const double b[2], const double c[2])
{
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

void tl_candidate_score(const TlSeen *seen, double inlier_px, TlCandidate *candidate)
{
    double limit = inlier_px * inlier_px;
    candidate->score = 0;
    candidate->mask = 0;
    for (int i = 0; i < seen->count; i++) {
        double u, v, squared = INFINITY;
        if (!tl_see(candidate->g, seen->pitch[i][0], seen->pitch[i][1], &u, &v))
            squared = (u - seen->picture[i][0]) * (u - seen->picture[i][0]) +
                      (v - seen->picture[i][1]) * (v - seen->picture[i][1]);
        if (squared < limit)
            candidate->mask |= UINT32_C(1) << i;
        candidate->score += seen->confidence[i] * fmin(squared / limit, 1);
    }
}

// Same turn of all four triangles on both sides, none degenerate.
static int oriented_alike(const TlSeen *seen, const int set[4], double least_px2)
{
    static const int triangle[4][3] = {{0, 1, 2}, {0, 1, 3}, {0, 2, 3}, {1, 2, 3}};
    for (int t = 0; t < 4; t++) {
        int a = set[triangle[t][0]], b = set[triangle[t][1]], c = set[triangle[t][2]];
        double ground = twice_area(seen->pitch[a], seen->pitch[b], seen->pitch[c]);
        double picture = twice_area(seen->picture[a], seen->picture[b], seen->picture[c]);
        if (fabs(ground) < LEAST_TRIANGLE_M2 || fabs(picture) < least_px2 || (ground > 0) != (picture > 0))
            return 0;
    }
    return 1;
}

// Keeps the list sorted, one entry per inlier set.
static void offer(TlCandidate *list, int *count, const TlCandidate *candidate)
{
    int at = *count;
    for (int i = 0; i < *count; i++)
        if (list[i].mask == candidate->mask) {
            if (list[i].score <= candidate->score)
                return;
            memmove(list + i, list + i + 1, sizeof *list * (size_t)(*count - i - 1));
            at = --*count;
            break;
        }
    while (at > 0 && list[at - 1].score > candidate->score)
        at--;
    if (at >= TL_CANDIDATE_MAX)
        return;
    if (*count < TL_CANDIDATE_MAX)
        ++*count;
    memmove(list + at + 1, list + at, sizeof *list * (size_t)(*count - at - 1));
    list[at] = *candidate;
}

static void try_set(const TlSeen *seen, const int set[4], double inlier_px, TlCandidate *list, int *count)
{
    double from[4][2], to[4][2];
    TlCandidate candidate;

    if (!oriented_alike(seen, set, inlier_px * inlier_px))
        return;
    for (int k = 0; k < 4; k++) {
        memcpy(from[k], seen->pitch[set[k]], sizeof from[k]);
        memcpy(to[k], seen->picture[set[k]], sizeof to[k]);
    }
    if (tl_homography_four((const double(*)[2])from, (const double(*)[2])to, candidate.g) || tl_orient(candidate.g))
        return;
    tl_candidate_score(seen, inlier_px, &candidate);
    offer(list, count, &candidate);
}

static uint32_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32);
}

// Four different indices below n.
static void draw(uint64_t *state, int n, int set[4])
{
    for (int k = 0; k < 4; k++) {
        int again = 1;
        while (again) {
            set[k] = (int)(next_random(state) % (uint32_t)n);
            again = 0;
            for (int j = 0; j < k; j++)
                again |= set[j] == set[k];
        }
    }
}

int tl_ransac(const TlSeen *seen, double inlier_px, TlCandidate candidates[TL_CANDIDATE_MAX])
{
    int n = seen->count, count = 0;
    long sets = (long)n * (n - 1) * (n - 2) * (n - 3) / 24;
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

    if (n < 4)
        return 0;
    if (sets <= SET_LIMIT) {
        for (int a = 0; a < n; a++)
            for (int b = a + 1; b < n; b++)
                for (int c = b + 1; c < n; c++)
                    for (int d = c + 1; d < n; d++)
                        try_set(seen, (const int[4]){a, b, c, d}, inlier_px, candidates, &count);
        return count;
    }
    for (int i = 0; i < SET_LIMIT; i++) {
        int set[4];
        draw(&state, n, set);
        try_set(seen, set, inlier_px, candidates, &count);
    }
    return count;
}
