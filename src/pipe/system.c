// The examination of a machine and an installation behind `touchline doctor`.
//
// In: settings. Out: findings in a fixed order, each with what to do about it. The networks are opened as a session
// opens them, so what passes here works there.
#include <touchline/system.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include <touchline/session.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "infer/infer.h"
#include "pipe/session_internal.h"

enum { MIB = 1024 * 1024 };

typedef struct Examination {
    const TlOptions *options;
    TlCheckSink *sink;
    void *opaque;
    int first_wrong; ///< code, 0 while all is well
} Examination;

static void finding(Examination *exam, TlCheck *check, const char *fmt, ...) TL_PRINTF(3, 4);

static void finding(Examination *exam, TlCheck *check, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(check->text, sizeof check->text, fmt, args);
    va_end(args);
    if (check->state == TL_CHECK_WRONG && !exam->first_wrong)
        exam->first_wrong = check->code;
    exam->sink(exam->opaque, check);
}

// States with their remedies.
static TlCheck ok(const char *topic)
{
    return (TlCheck){.topic = topic, .state = TL_CHECK_OK};
}

static TlCheck note(const char *topic, const char *remedy)
{
    TlCheck check = {.topic = topic, .state = TL_CHECK_NOTE};

    (void)tl_strcpy(check.remedy, sizeof check.remedy, remedy);
    return check;
}

static TlCheck wrong(const char *topic, int code, const char *remedy)
{
    TlCheck check = {.topic = topic, .state = TL_CHECK_WRONG, .code = code};

    (void)tl_strcpy(check.remedy, sizeof check.remedy, remedy);
    return check;
}

static void check_processor(Examination *exam)
{
    char name[128];
    unsigned flags = tl_cpu_flags(), used = flags & exam->options->cpumask;
    int cores = tl_cpu_count(), threads = exam->options->threads > 0 ? exam->options->threads : cores;
    TlCheck check = ok("processor");

    tl_cpu_name(name, sizeof name);
    if (used != flags)
        check = note("processor", "--cpumask or TOUCHLINE_CPUMASK leaves instruction sets unused");
    else if (!(flags & TL_CPU_AVX2))
        check = note("processor", "without AVX2 everything is several times slower");
    finding(exam, &check, "%s, %d core%s usable, %d thread%s used, instruction sets:%s%s%s%s", name, cores,
            cores == 1 ? "" : "s", threads, threads == 1 ? "" : "s", used & TL_CPU_AVX2 ? " AVX2" : "",
            used & TL_CPU_AVX512 ? " AVX-512" : "", used & TL_CPU_VNNI ? " VNNI" : "",
            used ? "" : " none beyond the base");
}

static void check_memory(Examination *exam)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    char line[128];
    long available_kib = -1;
    FILE *file = fopen("/proc/meminfo", "re");

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %ld", &available_kib) == 1)
            break;
    if (file)
        fclose(file);
    long total = (long)((double)pages * (double)page / MIB), available = available_kib / 1024;
    TlCheck check =
        available_kib >= 0 && available < 600
            ? note("memory", "a 720p clip takes about 500 MB: close other programs or lower PREFETCH_FRAMES")
            : ok("memory");
    finding(exam, &check, "%ld MiB, %ld MiB available", total, available_kib >= 0 ? available : total);
}

static void check_libav(Examination *exam)
{
    unsigned format = avformat_version(), codec = avcodec_version();
    int decoder = avcodec_find_decoder(AV_CODEC_ID_H264) != NULL;
    int encoder = avcodec_find_encoder_by_name("libx264") != NULL;
    TlCheck check = !decoder   ? wrong("video", TL_EFORMAT, "install FFmpeg libraries with an H.264 decoder")
                    : !encoder ? note("video", "without libx264 no overlay and no synthetic video can be written")
                               : ok("video");

    finding(exam, &check, "libavformat %u.%u.%u, libavcodec %u.%u.%u, H.264 decoder %s, libx264 encoder %s",
            format >> 16, format >> 8 & 255, format & 255, codec >> 16, codec >> 8 & 255, codec & 255,
            decoder ? "found" : "missing", encoder ? "found" : "missing");
}

static void check_backends(Examination *exam)
{
    TlBackendInfo info;
    int usable = 0;

    for (int i = 0; tl_infer_backend(i, &info) == TL_OK; i++) {
        TlCheck check = info.available ? ok("backend") : note("backend", "only needed when it is asked for");
        usable += info.available && strcmp(info.name, "scripted") != 0;
        finding(exam, &check, "%s: %s%s%s", info.name, info.available ? "usable" : "not usable",
                info.detail[0] ? ", " : "", info.detail);
    }
    if (!usable) {
        TlCheck check = wrong("backend", TL_EBACKEND, "run scripts/setup (make build does) to unpack OpenVINO again");
        finding(exam, &check, "no runtime for networks is usable");
    }
}

// One network: where it is and whether its file can be read.
static int check_model(Examination *exam, const char *topic, const char *given, const char *shipped)
{
    static const char *const remedy = "make install or make build puts the shipped networks in place; TOUCHLINE_MODELS "
                                      "names another folder";
    TlDiag diag = {0};
    char path[TL_PATH_SIZE];
    int ret = TL_OK;
    TlModelMeta *meta = tl_calloc(1, sizeof *meta);

    if (!meta)
        return TL_ENOMEM;
    if (given[0])
        (void)tl_strcpy(path, sizeof path, given);
    else
        ret = tl_model_path(shipped, path, sizeof path, &diag);
    if (ret == TL_OK)
        ret = tl_model_meta_read(meta, path, &diag);
    TlCheck check = ret < 0 ? wrong(topic, ret, remedy) : ok(topic);
    if (ret < 0)
        finding(exam, &check, "%s", diag.text);
    else
        finding(exam, &check, "%s, %.2f MB", path, (double)meta->file_bytes * 1e-6);
    tl_free(&meta);
    return ret;
}

// Opens the networks as a session does.
static void check_session(Examination *exam)
{
    TlDiag diag = {0};
    TlSession *session = NULL;
    int64_t begin = tl_now_us();
    int ret = tl_session_open(&session, exam->options, &diag);
    TlCheck check =
        ret < 0 ? wrong("networks", ret, "--backend, --device and --player-model choose others") : ok("networks");

    if (ret < 0)
        finding(exam, &check, "%s", diag.text);
    else
        finding(exam, &check, "loaded and warmed up in %.2f s: players on %s, pitch %s%s",
                tl_us_to_s(tl_now_us() - begin), tl_network_describe(session->player),
                session->pitch ? "on " : "skipped", session->pitch ? tl_network_describe(session->pitch) : "");
    tl_session_close(&session);
}

static void check_cache(Examination *exam)
{
    char path[TL_PATH_SIZE];
    struct stat status;

    tl_cache_dir(exam->options, path, sizeof path);
    int writable = path[0] && !stat(path, &status) && S_ISDIR(status.st_mode) && access(path, W_OK | X_OK) == 0;
    TlCheck check = writable ? ok("cache")
                             : note("cache", "networks are compiled anew at every start; --cache-dir or "
                                             "TOUCHLINE_CACHE_DIR names a folder that can be written");
    if (!path[0])
        finding(exam, &check, "no folder for compiled networks is known: neither HOME nor XDG_CACHE_HOME is set");
    else
        finding(exam, &check, "%s%s", path, writable ? "" : " cannot be written");
}

static void tell_compiler(Examination *exam)
{
    TlCheck check = ok("compiler");
#ifdef __clang__
    const char *name = "";
#else
    const char *name = "gcc ";
#endif
#ifdef NDEBUG
    const char *kind = "optimised, without assertions";
#elif defined(__OPTIMIZE__)
    const char *kind = "optimised, with assertions";
#else
    const char *kind = "not optimised";
#endif
    finding(exam, &check, "%s%s, C%ld, %s", name, __VERSION__, __STDC_VERSION__ / 100 % 100, kind);
}

void tl_system_build(TlCheckSink *sink, void *opaque)
{
    TlOptions options;
    tl_options_default(&options);
    Examination exam = {.options = &options, .sink = sink, .opaque = opaque};
    TlCheck version = ok("version");

    finding(&exam, &version, "%s", tl_version());
    tell_compiler(&exam);
    check_libav(&exam);
    check_backends(&exam);
    check_processor(&exam);
}

int tl_system_check(const TlOptions *options, TlCheckSink *sink, void *opaque)
{
    Examination exam = {.options = options, .sink = sink, .opaque = opaque};
    TlCheck version = ok("version");

    finding(&exam, &version, "touchline %s", tl_version());
    check_processor(&exam);
    check_memory(&exam);
    check_libav(&exam);
    check_backends(&exam);
    int players = check_model(&exam, "players", options->player_model, "players.onnx");
    int pitch = options->skip_pitch ? TL_OK : check_model(&exam, "pitch", options->pitch_model, "pitch.onnx");
    if (players == TL_OK && pitch == TL_OK)
        check_session(&exam);
    check_cache(&exam);
    return exam.first_wrong;
}
