// Who wears neither team's kit.
//
// In: shirts as look.c measures them, weighted by how surely each is a player's. Out: two kits with the spread of
// shirts within a team, and for any shirt the odds that it is neither. Method: two-means with a truncated loss (a
// referee pulls at no kit), every pair of shirts as a start, then the spread from the shirts that belong, held by a
// prior (Gelman et al., Bayesian Data Analysis, 2.6). The network's scores are the prior of a class and the shirt its
// likelihood. The odds are those of the labelled training matches: of a player's shirts one in thirty is more than nine
// spreads (squared) from both kits, in shade or half covered; of a referee's or goalkeeper's, nine in ten. That tail is
// why one shirt proves no more than ODD_MAX.
#include "track/kits.h"

#include <math.h>
#include <string.h>

enum { START_MAX = 20, ROUNDS = 3, SPREAD_ROUNDS = 3 };

#define WEIGHT_MIN   6.0 // players, before there are kits
#define PERSON_SCORE 0.3 // of a person who tells of the kits of his picture
#define LOSS_CAP     9.0
#define BETTER       0.85 // loss of other kits by which the known ones are given up
#define PRIOR_WEIGHT 4.0
#define ODD_SLOPE    0.3
#define ODD_ZERO     8.0 // squared distance that says nothing
#define ODD_MIN      (-2.0)
#define ODD_MAX      2.0
#define SCORE_GAIN   0.15f // most that a kit adds to a score

static const double prior_sigma[3] = {22, 7, 7};

static double distance2(const double a[3], const double b[3], const double sigma[3])
{
    double sum = 0;
    for (int k = 0; k < 3; k++)
        sum += (a[k] - b[k]) * (a[k] - b[k]) / (sigma[k] * sigma[k]);
    return sum;
}

void tl_kits_distances(const TlKits *kits, const double yuv[3], double distance[2])
{
    for (int team = 0; team < 2; team++)
        distance[team] = distance2(yuv, kits->yuv[team], kits->sigma);
}

void tl_kits_swap(TlKits *kits)
{
    double first[3];
    memcpy(first, kits->yuv[0], sizeof first);
    memcpy(kits->yuv[0], kits->yuv[1], sizeof first);
    memcpy(kits->yuv[1], first, sizeof first);
}

static int nearer(const TlKits *kits, const double yuv[3], double *distance)
{
    double each[2];
    tl_kits_distances(kits, yuv, each);
    *distance = fmin(each[0], each[1]);
    return each[1] < each[0];
}

double tl_kits_distance(const TlKits *kits, const double yuv[3])
{
    double distance;
    (void)nearer(kits, yuv, &distance);
    return distance;
}

// Lloyd's steps; shirts beyond the cap belong to no kit.
static void step_kits(TlKits *kits, const TlShirt *const *shirt, int n)
{
    double sum[2][3] = {{0}}, weight[2] = {0}, distance;
    for (int i = 0; i < n; i++) {
        int team = nearer(kits, shirt[i]->yuv, &distance);
        if (distance >= LOSS_CAP)
            continue;
        weight[team] += shirt[i]->weight;
        for (int k = 0; k < 3; k++)
            sum[team][k] += shirt[i]->weight * shirt[i]->yuv[k];
    }
    for (int team = 0; team < 2; team++)
        for (int k = 0; k < 3 && weight[team] > 0; k++)
            kits->yuv[team][k] = sum[team][k] / weight[team];
}

static double loss_of(const TlKits *kits, const TlShirt *const *shirt, int n)
{
    double loss = 0;
    for (int i = 0; i < n; i++)
        loss += shirt[i]->weight * fmin(tl_kits_distance(kits, shirt[i]->yuv), LOSS_CAP);
    return loss;
}

static void learn_spread(TlKits *kits, const TlShirt *const *shirt, int n)
{
    double sum[3] = {0}, weight = 0, distance;
    for (int i = 0; i < n; i++) {
        int team = nearer(kits, shirt[i]->yuv, &distance);
        if (distance >= LOSS_CAP)
            continue;
        weight += shirt[i]->weight;
        for (int k = 0; k < 3; k++) {
            double d = shirt[i]->yuv[k] - kits->yuv[team][k];
            sum[k] += shirt[i]->weight * d * d;
        }
    }
    for (int k = 0; k < 3; k++)
        kits->sigma[k] = sqrt((sum[k] + PRIOR_WEIGHT * prior_sigma[k] * prior_sigma[k]) / (weight + PRIOR_WEIGHT));
}

// The pair of shirts that explains all best, as kits of the usual spread.
static void search_kits(TlKits *kits, const TlShirt *const *shirt, int n)
{
    double least = INFINITY;
    for (int i = 1; i < n && i < START_MAX; i++)
        for (int k = 0; k < i; k++) {
            TlKits tried = {.known = 1};
            memcpy(tried.sigma, prior_sigma, sizeof prior_sigma);
            memcpy(tried.yuv[0], shirt[i]->yuv, sizeof tried.yuv[0]);
            memcpy(tried.yuv[1], shirt[k]->yuv, sizeof tried.yuv[1]);
            for (int round = 0; round < ROUNDS; round++)
                step_kits(&tried, shirt, n);
            double loss = loss_of(&tried, shirt, n);
            if (loss < least) {
                least = loss;
                *kits = tried;
            }
        }
}

static void settle(TlKits *kits, const TlShirt *const *shirt, int n)
{
    for (int round = 0; round < SPREAD_ROUNDS; round++) {
        learn_spread(kits, shirt, n);
        step_kits(kits, shirt, n);
    }
}

// The heaviest shirts, in descending weight; among equals the earlier.
static int choose(const TlShirt *shirts, int n, const TlShirt *chosen[TL_SHIRT_MAX], double *weight)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        if (!(shirts[i].weight > 0))
            continue;
        int at = count < TL_SHIRT_MAX ? count++ : TL_SHIRT_MAX;
        for (; at > 0 && chosen[at - 1]->weight < shirts[i].weight; at--)
            if (at < TL_SHIRT_MAX)
                chosen[at] = chosen[at - 1];
        if (at < TL_SHIRT_MAX)
            chosen[at] = &shirts[i];
    }
    *weight = 0;
    for (int i = 0; i < count; i++)
        *weight += chosen[i]->weight;
    return count;
}

int tl_kits_fit(TlKits *kits, const TlShirt *shirts, int n, int search)
{
    const TlShirt *shirt[TL_SHIRT_MAX] = {NULL};
    double weight;
    int count = choose(shirts, n, shirt, &weight);
    if (count < 2 || weight < WEIGHT_MIN)
        return kits->known;
    if (!kits->known || search) {
        TlKits other = {0}, usual = *kits;
        search_kits(&other, shirt, count);
        memcpy(usual.sigma, prior_sigma, sizeof prior_sigma); // both measured by one rule
        if (!kits->known || loss_of(&other, shirt, count) < BETTER * loss_of(&usual, shirt, count))
            *kits = other;
    }
    settle(kits, shirt, count);
    kits->known = 1;
    return 1;
}

double tl_kits_odd(const TlKits *kits, const double yuv[3])
{
    return fmin(fmax(ODD_SLOPE * (tl_kits_distance(kits, yuv) - ODD_ZERO), ODD_MIN), ODD_MAX);
}

// --- classes

// Squares: a heat map never falls to 0, so a small score next to a large one is worth less than its ratio.
void tl_class_shares(const TlDetection *detection, const float class_score[TL_CLASS_COUNT], double share[3])
{
    double sum = 0;
    for (int k = 0; k < 3; k++) {
        double score = fmax(class_score[TL_CLASS_GOALKEEPER + k], 1e-4);
        share[k] = score * score;
        sum += share[k];
    }
    int known = sum > 1e-6;
    for (int k = 0; k < 3; k++)
        share[k] = known ? share[k] / sum : TL_CLASS_GOALKEEPER + k == detection->class_id ? 0.94 : 0.03;
}

void tl_kits_judge(double odd, double share[3])
{
    double sum = 0;
    for (int k = 0; k < 3; k++) {
        share[k] *= TL_CLASS_GOALKEEPER + k == TL_CLASS_PLAYER ? 1 : exp(odd);
        sum += share[k];
    }
    for (int k = 0; k < 3; k++)
        share[k] /= sum;
}

static void correct(const TlKits *kits, TlDetection *d, const float class_score[TL_CLASS_COUNT], const uint8_t look[4],
                    int keep_class)
{
    const double yuv[3] = {look[0], look[1], look[2]};
    double before[3], after[3];
    int was = d->class_id - TL_CLASS_GOALKEEPER, best = was;
    tl_class_shares(d, class_score, before);
    memcpy(after, before, sizeof after);
    tl_kits_judge(tl_kits_odd(kits, yuv), after);
    for (int k = 0; k < 3 && !keep_class; k++)
        if (after[k] > after[best])
            best = k;
    d->class_id = TL_CLASS_GOALKEEPER + best;
    float change = (float)(after[was] / before[was]);
    if (best != was) // as sure of the person as before, less sure of the class
        d->score *= (float)after[best];
    else if (d->class_id != TL_CLASS_PLAYER)
        d->score = fminf(fminf(d->score * change, d->score + SCORE_GAIN), 1);
    else if (keep_class)
        d->score *= fminf(change, 1);
}

static void swap(void *a, void *b, size_t size)
{
    uint8_t kept[sizeof(TlDetection)];
    memcpy(kept, a, size);
    memcpy(a, b, size);
    memcpy(b, kept, size);
}

static void sort_by_score(TlDetections *d)
{
    _Static_assert(sizeof d->class_score[0] <= sizeof(TlDetection), "swap has room for all");
    for (int i = 1; i < d->count; i++)
        for (int k = i; k > 0 && d->item[k - 1].score < d->item[k].score; k--) {
            swap(&d->item[k - 1], &d->item[k], sizeof d->item[0]);
            swap(&d->place[k - 1], &d->place[k], sizeof d->place[0]);
            swap(d->look[k - 1], d->look[k], sizeof d->look[0]);
            swap(d->class_score[k - 1], d->class_score[k], sizeof d->class_score[0]);
        }
}

static int has_doubt(const TlDetections *d, int i)
{
    double sum = 0;
    for (int c = 0; c < TL_CLASS_COUNT; c++)
        sum += d->class_score[i][c];
    return d->item[i].class_id != TL_CLASS_BALL && d->look[i][3] && sum > 0;
}

void tl_kits_correct(TlDetections *detections, int keep_class)
{
    TlShirt shirt[TL_SHIRT_MAX] = {{{0}, 0}};
    TlKits kits = {0};
    int count = 0;
    for (int i = 0; i < detections->count && count < TL_SHIRT_MAX; i++) {
        if (!has_doubt(detections, i) || detections->item[i].score < PERSON_SCORE)
            continue;
        shirt[count] = (TlShirt){.weight = detections->class_score[i][TL_CLASS_PLAYER]};
        for (int k = 0; k < 3; k++)
            shirt[count].yuv[k] = detections->look[i][k];
        count++;
    }
    if (!tl_kits_fit(&kits, shirt, count, 1))
        return;
    for (int i = 0; i < detections->count; i++)
        if (has_doubt(detections, i))
            correct(&kits, &detections->item[i], detections->class_score[i], detections->look[i], keep_class);
    sort_by_score(detections);
}
