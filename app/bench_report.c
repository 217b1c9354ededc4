// What touchline bench found, as a table, JSON, CSV and settings. In: outcomes, the best one first. Out: text.
#include "bench_report.h"

#include <touchline/session.h>

enum { CLIP_FRAMES = 750 }; // of a challenge

static const char *number_or_auto(int value, char text[16])
{
    snprintf(text, 16, value ? "%d" : "auto", value);
    return text;
}

void tl_bench_put_config(FILE *file, const TlBenchConfig *config)
{
    char batch[16], stride[16], img[16];

    fprintf(file, "batch=%s stride=%s img_size=%s prefetch=%d", number_or_auto(config->batch, batch),
            number_or_auto(config->stride, stride), number_or_auto(config->img_size, img), config->prefetch);
}

// The configuration as lines NAME=value. The key rate is one of them: with another one an automatic stride is another.
static void put_settings(FILE *file, const char *indent, const TlBenchConfig *config)
{
    char text[16];

    fprintf(file, "%sBATCH_SIZE=%s\n", indent, number_or_auto(config->batch, text));
    fprintf(file, "%sFRAME_STRIDE=%s\n", indent, number_or_auto(config->stride, text));
    if (!config->stride)
        fprintf(file, "%sTOUCHLINE_KEY_RATE=%g\n", indent, config->key_rate);
    fprintf(file, "%sIMG_SIZE=%s\n", indent, number_or_auto(config->img_size, text));
    fprintf(file, "%sPREFETCH_FRAMES=%d\n", indent, config->prefetch);
}

static const char *tier(double seconds)
{
    return seconds < 2 ? "top" : seconds < 5 ? "excellent" : seconds < 10 ? "average" : "not competitive";
}

void tl_bench_print_table(const TlBenchOutcome *outcomes, int count)
{
    char batch[16], stride[16], img[16];

    printf("%4s %9s %9s %6s %6s %7s %8s %9s\n", "Rank", "FPS", "Time", "Batch", "Stride", "ImgSize", "Prefetch",
           "Memory");
    for (int i = 0, rank = 1; i < count; i++) {
        const TlBenchOutcome *o = &outcomes[i];
        if (!o->error[0])
            printf("%4d %9.2f %8.2fs %6s %6s %7s %8d %6.0f MB\n", rank++, o->fps, o->seconds,
                   number_or_auto(o->config.batch, batch), number_or_auto(o->config.stride, stride),
                   number_or_auto(o->config.img_size, img), o->config.prefetch, o->memory_mb);
    }
    for (int i = 0; i < count; i++) {
        if (!outcomes[i].error[0])
            continue;
        printf("FAILED ");
        tl_bench_put_config(stdout, &outcomes[i].config);
        printf(": %s\n", outcomes[i].error);
    }
}

void tl_bench_print_recommendation(const TlBenchOutcome *best, const TlBenchOutcome *baseline)
{
    double expected = CLIP_FRAMES / best->fps;

    printf("\nRECOMMENDED CONFIGURATION\n");
    put_settings(stdout, "  ", &best->config);
    printf("Expected time for %d frames: %.2fs (tier: %s)\n", CLIP_FRAMES, expected, tier(expected));
    if (baseline && baseline->fps > 0)
        printf("Speed-up over the baseline (batch 4, stride 1, 1024 px): %.2fx\n", best->fps / baseline->fps);
}

static int open_output(const char *path, FILE **file, TlDiag *diag)
{
    *file = fopen(path, "we");
    return *file ? TL_OK : tl_fail(diag, TL_EIO, "cannot write '%s'", path);
}

static int close_output(const char *path, FILE *file, TlDiag *diag)
{
    int bad = ferror(file);
    return fclose(file) || bad ? tl_fail(diag, TL_ENOSPC, "'%s' could not be written whole", path) : TL_OK;
}

// Ends an object of the list, with the reason when the configuration failed.
static void write_error(const char *error, FILE *file)
{
    if (error[0])
        fputs(",\"error\":\"", file);
    for (const char *at = error; *at; at++) {
        if (*at == '"' || *at == '\\')
            fputc('\\', file);
        fputc((unsigned char)*at < ' ' ? ' ' : *at, file);
    }
    fputs(error[0] ? "\"}" : "}", file);
}

static void write_recommendation(const TlBenchOutcome *best, const TlBenchOutcome *baseline, FILE *file)
{
    const TlBenchConfig *c = &best->config;
    double expected = CLIP_FRAMES / best->fps;

    fprintf(file,
            ",\n\"recommended\":{\"batch_size\":%d,\"frame_stride\":%d,\"key_rate\":%g,\"img_size\":%d,"
            "\"prefetch_frames\":%d,\"fps\":%.3f,\"seconds_for_%d_frames\":%.4f,\"tier\":\"%s\",\"speed_up\":",
            c->batch, c->stride, c->key_rate, c->img_size, c->prefetch, best->fps, CLIP_FRAMES, expected,
            tier(expected));
    if (baseline->fps > 0)
        fprintf(file, "%.3f}", best->fps / baseline->fps);
    else
        fputs("null}", file);
}

int tl_bench_write_json(const char *path, const TlBenchOutcome *outcomes, int count, const TlBenchOutcome *baseline,
                        TlDiag *diag)
{
    FILE *file = NULL;
    int ret = open_output(path, &file, diag);

    if (ret < 0)
        return ret;
    fprintf(file, "{\"version\":\"%s\",\"results\":[", tl_version());
    for (int i = 0; i < count; i++) {
        const TlBenchOutcome *o = &outcomes[i];
        fprintf(file,
                "%s\n {\"batch_size\":%d,\"frame_stride\":%d,\"key_rate\":%g,\"img_size\":%d,\"prefetch_frames\":%d,"
                "\"ok\":%s,\"frames\":%lld,\"key_frames\":%lld,\"seconds\":%.4f,\"fps\":%.3f,\"memory_mb\":%.1f",
                i ? "," : "", o->config.batch, o->config.stride, o->config.key_rate, o->config.img_size,
                o->config.prefetch, o->error[0] ? "false" : "true", (long long)o->frames, (long long)o->key_frames,
                o->seconds, o->fps, o->memory_mb);
        write_error(o->error, file);
    }
    fputs("\n]", file);
    if (baseline)
        write_recommendation(&outcomes[0], baseline, file);
    fputs("}\n", file);
    return close_output(path, file, diag);
}

// Quoted as RFC 4180 has it; nothing for an empty text.
static void write_csv_text(const char *text, FILE *file)
{
    if (text[0])
        fputc('"', file);
    for (const char *at = text; *at; at++) {
        if (*at == '"')
            fputc('"', file);
        fputc((unsigned char)*at < ' ' ? ' ' : *at, file);
    }
    if (text[0])
        fputc('"', file);
}

int tl_bench_write_csv(const char *path, const TlBenchOutcome *outcomes, int count, TlDiag *diag)
{
    FILE *file = NULL;
    int ret = open_output(path, &file, diag);

    if (ret < 0)
        return ret;
    fputs("batch_size,frame_stride,img_size,prefetch_frames,frames,seconds,fps,memory_mb,key_rate,key_frames,error\n",
          file);
    for (int i = 0; i < count; i++) {
        const TlBenchOutcome *o = &outcomes[i];
        fprintf(file, "%d,%d,%d,%d,%lld,%.4f,%.3f,%.1f,%g,%lld,", o->config.batch, o->config.stride, o->config.img_size,
                o->config.prefetch, (long long)o->frames, o->seconds, o->fps, o->memory_mb, o->config.key_rate,
                (long long)o->key_frames);
        write_csv_text(o->error, file);
        fputc('\n', file);
    }
    return close_output(path, file, diag);
}

int tl_bench_write_env(const char *path, const TlBenchOutcome *best, TlDiag *diag)
{
    FILE *file = NULL;
    int ret = open_output(path, &file, diag);

    if (ret < 0)
        return ret;
    fprintf(file, "# touchline bench: %.1f source frames a second on this machine\n", best->fps);
    put_settings(file, "", &best->config);
    fputs("FAST_MODE=0\n", file); // it would go before the stride
    return close_output(path, file, diag);
}
