// Random numbers and angle functions of the synthetic match: the same bits on every machine, whatever its C library.
// Never call two of them in one expression: C leaves their order open. Generator: splitmix64 (Steele, Lea, Flood 2014).
// Angles: range reduction to a quarter turn and Taylor series.
#ifndef TL_RENDER_SYNTH_RANDOM_H
#define TL_RENDER_SYNTH_RANDOM_H

#include <stdint.h>

typedef struct TlRandom {
    uint64_t state;
} TlRandom;

#define TL_PI 3.14159265358979323846

static inline uint64_t tl_mix64(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// An independent stream for each (seed, purpose), so that a change in one part does not shift the others.
static inline TlRandom tl_random_stream(uint64_t seed, uint64_t purpose)
{
    return (TlRandom){tl_mix64(seed * 0x9e3779b97f4a7c15u + 0x632be59bd9b4e019u) ^ tl_mix64(purpose + 0x1234567u)};
}

static inline uint32_t tl_random_u32(TlRandom *random)
{
    return (uint32_t)(tl_mix64(random->state += 0x9e3779b97f4a7c15u) >> 32);
}

static inline double tl_random_unit(TlRandom *random) // [0,1)
{
    return (double)tl_random_u32(random) * (1.0 / 4294967296.0);
}

static inline double tl_random_range(TlRandom *random, double from, double to)
{
    return from + (to - from) * tl_random_unit(random);
}

static inline int tl_random_int(TlRandom *random, int n) // 0..n-1
{
    return (int)(((uint64_t)tl_random_u32(random) * (uint64_t)n) >> 32);
}

static inline int tl_random_chance(TlRandom *random, double probability)
{
    return tl_random_unit(random) < probability;
}

// Nearly normal, mean 0, deviation 1, never beyond 3.5: sum of four uniforms.
static inline double tl_random_normal(TlRandom *random)
{
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += tl_random_unit(random);
    return (sum - 2.0) * 1.7320508075688772;
}

static inline double tl_clamp(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

double tl_sin(double radians);
double tl_cos(double radians);
double tl_atan2(double y, double x);

#endif
