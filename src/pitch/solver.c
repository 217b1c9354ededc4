// Robust least squares in the picture: Levenberg-Marquardt over eight parameters, whatever they mean.
//
// In: measurements (points, and places on lines), a camera model as a table of functions, a first state. Out: the state
// with the least robust error and its covariance. Method: Levenberg-Marquardt with Marquardt's scaling (Hartley &
// Zisserman, "Multiple View Geometry", app. 6), Cauchy loss by reweighting, Gaussian priors as further rows.
#include "pitch/solve.h"

#include <math.h>
#include <string.h>

enum { P = TL_PARAMETERS, STATE_MAX = 256 };

static double loss(const TlObservation *o, double squared)
{
    double c2 = o->scale_px * o->scale_px;
    return o->weight * c2 * log1p(squared / c2);
}

// What a measurement behind the camera costs: a residual of a hundred robust scales.
static double loss_behind(const TlObservation *o)
{
    return loss(o, 1e4 * o->scale_px * o->scale_px);
}

static int on_line(const TlObservation *o)
{
    return o->nx != 0 || o->ny != 0;
}

static double prior_cost(const TlSolver *solver, const void *state)
{
    double residual[TL_PRIORS_MAX], row[TL_PRIORS_MAX][P], cost = 0;
    int n = solver->prior ? solver->prior(solver->context, state, residual, row) : 0;
    for (int i = 0; i < n; i++)
        cost += residual[i] * residual[i];
    return cost;
}

double tl_solve_cost(const TlSolver *solver, const TlObservation *o, int n, const void *state)
{
    double cost = 0;
    for (int i = 0; i < n; i++) {
        double place[2];
        if (solver->see(solver->context, state, o[i].x, o[i].y, place, NULL)) {
            cost += loss_behind(&o[i]);
            continue;
        }
        double du = place[0] - o[i].u, dv = place[1] - o[i].v, along = o[i].nx * du + o[i].ny * dv;
        cost += loss(&o[i], on_line(&o[i]) ? along * along : du * du + dv * dv);
    }
    return cost;
}

static void accumulate(double m[P * P], double b[P], const double row[P], double residual, double weight)
{
    for (int i = 0; i < P; i++) {
        double wr = weight * row[i];
        b[i] -= wr * residual;
        for (int j = 0; j <= i; j++)
            m[P * i + j] += wr * row[j];
    }
}

static void normal_equations(const TlSolver *solver, const TlObservation *o, int n, const void *state, double m[P * P],
                             double b[P])
{
    double residual[TL_PRIORS_MAX], row[TL_PRIORS_MAX][P];
    memset(m, 0, sizeof(double) * P * P);
    memset(b, 0, sizeof(double) * P);
    for (int i = 0; i < n; i++) {
        double place[2], d[2][P];
        if (solver->see(solver->context, state, o[i].x, o[i].y, place, d))
            continue;
        double ru = place[0] - o[i].u, rv = place[1] - o[i].v, c2 = o[i].scale_px * o[i].scale_px;
        if (on_line(&o[i])) {
            double along = o[i].nx * ru + o[i].ny * rv;
            for (int k = 0; k < P; k++)
                d[0][k] = o[i].nx * d[0][k] + o[i].ny * d[1][k];
            accumulate(m, b, d[0], along, o[i].weight / (1 + along * along / c2));
        } else {
            double weight = o[i].weight / (1 + (ru * ru + rv * rv) / c2);
            accumulate(m, b, d[0], ru, weight);
            accumulate(m, b, d[1], rv, weight);
        }
    }
    int priors = solver->prior ? solver->prior(solver->context, state, residual, row) : 0;
    for (int i = 0; i < priors; i++)
        accumulate(m, b, row[i], residual[i], 1);
}

// Lower Cholesky factor in place; -1 when not positive definite (relative to the diagonal).
static int factor(double m[P * P])
{
    for (int j = 0; j < P; j++) {
        double diagonal = m[P * j + j], d = diagonal;
        for (int k = 0; k < j; k++)
            d -= m[P * j + k] * m[P * j + k];
        if (!(d > 1e-13 * diagonal))
            return -1;
        m[P * j + j] = sqrt(d);
        for (int i = j + 1; i < P; i++) {
            double s = m[P * i + j];
            for (int k = 0; k < j; k++)
                s -= m[P * i + k] * m[P * j + k];
            m[P * i + j] = s / m[P * j + j];
        }
    }
    return 0;
}

static void substitute(const double l[P * P], const double b[P], double x[P])
{
    for (int i = 0; i < P; i++) {
        x[i] = b[i];
        for (int k = 0; k < i; k++)
            x[i] -= l[P * i + k] * x[k];
        x[i] /= l[P * i + i];
    }
    for (int i = P - 1; i >= 0; i--) {
        for (int k = i + 1; k < P; k++)
            x[i] -= l[P * k + i] * x[k];
        x[i] /= l[P * i + i];
    }
}

static double total_cost(const TlSolver *solver, const TlObservation *o, int n, const void *state)
{
    return tl_solve_cost(solver, o, n, state) + prior_cost(solver, state);
}

// One accepted step, or 0 when there is none any more. *state and *cost move on.
static int descend(const TlSolver *solver, const TlObservation *o, int n, void *state, double *cost, double *lambda)
{
    double m[P * P], b[P], damped[P * P], step[P];
    _Alignas(double) char next[STATE_MAX];

    normal_equations(solver, o, n, state, m, b);
    for (; *lambda < 1e8; *lambda = fmax(*lambda * 10, 1e-6)) {
        memcpy(damped, m, sizeof m);
        for (int i = 0; i < P; i++)
            damped[P * i + i] *= 1 + *lambda;
        if (factor(damped))
            continue;
        substitute(damped, b, step);
        solver->step(state, step, next);
        double next_cost = total_cost(solver, o, n, next);
        if (!(next_cost <= *cost))
            continue;
        int goes_on = *cost - next_cost > 1e-9 * *cost;
        memcpy(state, next, solver->size);
        *cost = next_cost;
        *lambda = fmax(*lambda * 0.1, 1e-12);
        return goes_on;
    }
    return 0;
}

int tl_solve(const TlSolver *solver, const TlObservation *observations, int n, int iterations, void *state,
             TlSolution *solution)
{
    double m[P * P], b[P], lambda = 1e-4, cost = total_cost(solver, observations, n, state);

    while (iterations-- > 0 && descend(solver, observations, n, state, &cost, &lambda))
        ;
    normal_equations(solver, observations, n, state, m, b);
    if (!isfinite(cost) || factor(m))
        return -1;
    if (!solution)
        return 0;
    solution->cost = cost;
    solution->data_cost = tl_solve_cost(solver, observations, n, state);
    for (int k = 0; k < P; k++) {
        double unit[P] = {0};
        unit[k] = 1;
        substitute(m, unit, solution->covariance + P * k);
    }
    return 0;
}

double tl_solve_sigma_px(const TlSolver *solver, const void *state, const TlSolution *solution, double x, double y)
{
    double place[2], d[2][P], variance = 0;
    if (solver->see(solver->context, state, x, y, place, d))
        return INFINITY;
    for (int axis = 0; axis < 2; axis++)
        for (int i = 0; i < P; i++)
            for (int j = 0; j < P; j++)
                variance += d[axis][i] * solution->covariance[P * i + j] * d[axis][j];
    return sqrt(fmax(variance, 0));
}
