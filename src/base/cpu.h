// What this processor can do, limited by --cpumask. Kernel tables are filled from low to high.
#ifndef TL_BASE_CPU_H
#define TL_BASE_CPU_H

enum TlCpuFlag { TL_CPU_AVX2 = 1u << 0, TL_CPU_AVX512 = 1u << 1 /* F, BW, DQ, VL */, TL_CPU_VNNI = 1u << 2 };

unsigned tl_cpu_flags(void);            // found on this machine; detection runs once. Thread-safety: safe.
int tl_cpu_count(void);                 // cores this process may use (affinity and cgroup quota), at least 1
void tl_cpu_name(char *text, int size); // model name of the processor for `doctor`

#endif
