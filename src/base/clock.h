// Monotonic time.
#ifndef TL_BASE_CLOCK_H
#define TL_BASE_CLOCK_H

#include <stdint.h>

int64_t tl_now_us(void); // microseconds of the monotonic clock
static inline double tl_us_to_s(int64_t us)
{
    return (double)us * 1e-6;
}

#endif
