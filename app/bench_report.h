// The outcomes of touchline bench and how they are told.
#ifndef TL_APP_BENCH_REPORT_H
#define TL_APP_BENCH_REPORT_H

#include <stdint.h>
#include <stdio.h>
#include <touchline/error.h>

typedef struct TlBenchConfig {
    int batch, stride, img_size, prefetch; ///< 0 = auto
    double key_rate;                       ///< key frames a second while the stride is auto, 0 with a stride
} TlBenchConfig;

typedef struct TlBenchOutcome {
    TlBenchConfig config;
    double seconds, fps; ///< median run
    double memory_mb;    ///< peak resident
    int64_t frames, key_frames;
    char error[TL_DIAG_SIZE];
} TlBenchOutcome;

void tl_bench_put_config(FILE *file, const TlBenchConfig *config); // in words, without a newline

// To standard output. Outcomes in the order of their rank; those that failed stand below.
void tl_bench_print_table(const TlBenchOutcome *outcomes, int count);
void tl_bench_print_recommendation(const TlBenchOutcome *best, const TlBenchOutcome *baseline);

// Files, begun anew. TL_EIO, TL_ENOSPC. baseline: NULL while there is nothing to recommend; the first outcome is the
// best one else.
TL_NODISCARD int tl_bench_write_json(const char *path, const TlBenchOutcome *outcomes, int count,
                                     const TlBenchOutcome *baseline, TlDiag *diag);
TL_NODISCARD int tl_bench_write_csv(const char *path, const TlBenchOutcome *outcomes, int count, TlDiag *diag);
TL_NODISCARD int tl_bench_write_env(const char *path, const TlBenchOutcome *best, TlDiag *diag);

#endif
