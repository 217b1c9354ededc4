// The processor: instruction sets, cores that this process may use, model name.
//
// In: CPUID (through the compiler's builtins), the scheduler's affinity mask, the quota of the control group (v2
// cpu.max of the own group and its parents, v1 cpu.cfs_quota_us). Out: flags of base/cpu.h, a core count of at least 1.
#include "base/cpu.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned g_flags;
static pthread_once_t g_flags_once = PTHREAD_ONCE_INIT;

static void detect_flags(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return;
    g_flags |= TL_CPU_AVX2;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return;
    g_flags |= TL_CPU_AVX512;
    if (__builtin_cpu_supports("avx512vnni"))
        g_flags |= TL_CPU_VNNI;
#endif
}

unsigned tl_cpu_flags(void)
{
    pthread_once(&g_flags_once, detect_flags);
    return g_flags;
}

// Reads one short line; 0, or -1 when the file is absent.
static int read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "re");

    if (!file)
        return -1;
    int ret = fgets(line, size, file) ? 0 : -1;
    fclose(file);
    return ret;
}

// Cores of a quota, rounded up: 1.5 cores of quota keep two threads busy most of the time.
static int quota_cores(long quota, long period)
{
    if (quota <= 0 || period <= 0)
        return INT_MAX;
    long cores = (quota + period - 1) / period;
    return cores > INT_MAX ? INT_MAX : (int)cores;
}

static int cgroup_v2_cores(const char *group)
{
    char dir[512], path[600], line[128], quota[64];
    long period;
    int cores = INT_MAX;

    snprintf(dir, sizeof dir, "%s", group);
    for (;;) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", strcmp(dir, "/") ? dir : "");
        if (!read_line(path, line, sizeof line) && sscanf(line, "%63s %ld", quota, &period) == 2 &&
            strcmp(quota, "max") != 0) {
            int limit = quota_cores(strtol(quota, NULL, 10), period);
            cores = limit < cores ? limit : cores;
        }
        char *slash = strrchr(dir, '/');
        if (!slash || !dir[1])
            return cores;
        slash[slash == dir] = '\0';
    }
}

static int cgroup_cores(void)
{
    char line[512], quota[64], period[64];
    int cores = INT_MAX;
    FILE *file = fopen("/proc/self/cgroup", "re");

    if (file) {
        while (fgets(line, sizeof line, file)) {
            if (strncmp(line, "0::/", 4) != 0)
                continue;
            line[strcspn(line, "\n")] = '\0';
            cores = cgroup_v2_cores(line + 3);
        }
        fclose(file);
    }
    if (!read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof quota) &&
        !read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof period)) {
        int limit = quota_cores(strtol(quota, NULL, 10), strtol(period, NULL, 10));
        cores = limit < cores ? limit : cores;
    }
    return cores;
}

int tl_cpu_count(void)
{
    cpu_set_t set;
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    if (!sched_getaffinity(0, sizeof set, &set) && CPU_COUNT(&set) > 0)
        count = CPU_COUNT(&set);
    int quota = cgroup_cores();
    if (count > quota)
        count = quota;
    return count < 1 ? 1 : (int)count;
}

void tl_cpu_name(char *text, int size)
{
    char line[512];
    FILE *file = fopen("/proc/cpuinfo", "re");

    if (size <= 0)
        return;
    snprintf(text, (size_t)size, "unknown processor");
    if (!file)
        return;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "model name", 10) != 0)
            continue;
        char *value = strchr(line, ':');
        if (!value)
            continue;
        value += 1 + strspn(value + 1, " \t");
        value[strcspn(value, "\n")] = '\0';
        snprintf(text, (size_t)size, "%s", value);
        break;
    }
    fclose(file);
}
