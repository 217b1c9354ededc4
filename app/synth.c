// touchline synth: a synthetic match as a video file, with its truth.
#include <stdio.h>
#include <string.h>

#include <touchline/render.h>
#include <touchline/writer.h>

#include "command.h"
#include "interrupt.h"
#include "outputs.h"
#include "progress.h"
#include "same_file.h"

typedef struct SynthValues {
    char output[TL_PATH_SIZE], truth[TL_PATH_SIZE], size[32], camera[16];
    double seconds, fps;
    int seed, players, overwrite;
} SynthValues;

static SynthValues g_values;

#define STRING(field)                                                                                                  \
    .type = TL_OPTION_STRING, .max = sizeof(((SynthValues *)0)->field) - 1, .offset = offsetof(SynthValues, field)
#define NUMBER(kind, field, low, high)                                                                                 \
    .type = TL_OPTION_##kind, .min = (low), .max = (high), .offset = offsetof(SynthValues, field)

static const TlCommandOption g_options[] = {
    {.def = {.flag = "output",
             .group = "Output",
             .value = "FILE.mp4",
             .deflt = "",
             .help = "the video, H.264 in MP4",
             STRING(output)},
     .letter = 'o',
     .file = 1,
     .output = 1},
    {.def = {.flag = "truth",
             .group = "Output",
             .value = "FILE",
             .deflt = "",
             .help = "boxes, ids, classes, points, homography and metres of every frame, in the format that "
                     "the ending tells, as process writes it (.jsonl, .json, .csv, .txt, .gsr.json)",
             STRING(truth)},
     .file = 1,
     .output = 1},
    {.def = {.flag = "overwrite",
             .group = "Output",
             .deflt = "0",
             .help = "replace files that exist",
             NUMBER(BOOL, overwrite, 0, 1)},
     .letter = 'y'},
    {.def = {.flag = "seconds",
             .group = "Match",
             .value = "S",
             .deflt = "10",
             .help = "length",
             NUMBER(DOUBLE, seconds, 0.04, 7200)}},
    {.def = {.flag = "fps",
             .group = "Match",
             .value = "F",
             .deflt = "25",
             .help = "frames per second",
             NUMBER(DOUBLE, fps, 1, 120)}},
    {.def = {.flag = "size",
             .group = "Match",
             .value = "WxH",
             .deflt = "1280x720",
             .help = "picture size in pixels, even, 64x64 to 7680x4320",
             STRING(size)}},
    {.def = {.flag = "seed",
             .group = "Match",
             .value = "N",
             .deflt = "1",
             .help = "same seed, same match",
             NUMBER(INT, seed, 0, 2147483647)}},
    {.def = {.flag = "camera",
             .group = "Match",
             .value = "NAME",
             .deflt = "pan",
             .help = "how the camera moves; cut changes between views, behind stands still behind a goal",
             .choices = "pan|static|cut|behind",
             STRING(camera)}},
    {.def = {.flag = "players",
             .group = "Match",
             .value = "N",
             .deflt = "20",
             .help = "outfield players of both teams together",
             NUMBER(INT, players, 1, 40)}},
    {.def = {.flag = NULL}},
};

static int parse_size(const char *text, TlSynthParams *params, TlDiag *diag)
{
    int width = 0, height = 0, end = 0;

    if (sscanf(text, "%5dx%5d%n", &width, &height, &end) != 2 || text[end] || width < 64 || height < 64 ||
        width > 7680 || height > 4320)
        return tl_fail(diag, TL_EUSAGE, "--size must be WxH from 64x64 to 7680x4320, not '%s'", text);
    if (width % 2 || height % 2)
        return tl_fail(diag, TL_EUSAGE,
                       "--size must be even in both directions, as the video shares colour between "
                       "neighbouring pixels; not '%s'",
                       text);
    params->width = width;
    params->height = height;
    return TL_OK;
}

static int make_params(TlSynthParams *params, TlDiag *diag)
{
    static const char *const cameras[TL_CAMERA_COUNT] = {
        [TL_CAMERA_PAN] = "pan", [TL_CAMERA_STATIC] = "static", [TL_CAMERA_CUT] = "cut", [TL_CAMERA_BEHIND] = "behind"};

    *params = (TlSynthParams){
        .seconds = g_values.seconds, .fps = g_values.fps, .seed = (unsigned)g_values.seed, .players = g_values.players};
    for (int i = 0; i < TL_CAMERA_COUNT; i++)
        if (!strcmp(g_values.camera, cameras[i]))
            params->camera = i;
    if (!g_values.output[0])
        return tl_fail(diag, TL_EUSAGE, "'synth' needs -o FILE.mp4 for its video");
    if (!tl_output_has_ending(g_values.output, ".mp4"))
        return tl_fail(diag, TL_EUSAGE, "the video of synth must end in .mp4, not '%s'", g_values.output);
    if (g_values.truth[0] && strcmp(g_values.truth, "-") != 0 && !tl_output_format(g_values.truth))
        return tl_fail(diag, TL_EUSAGE,
                       "the ending of --truth '%s' tells no format; .jsonl is the one that loses nothing",
                       g_values.truth);
    if (g_values.truth[0] && tl_same_file(g_values.output, g_values.truth))
        return tl_fail(diag, TL_EUSAGE, "-o and --truth are the same file '%s'", g_values.truth);
    int ret = parse_size(g_values.size, params, diag);
    if (ret == TL_OK)
        ret = tl_output_check(g_values.output, g_values.overwrite, diag);
    if (ret == TL_OK && g_values.truth[0])
        ret = tl_output_check(g_values.truth, g_values.overwrite, diag);
    return ret;
}

typedef struct Match {
    TlSynth *synth;
    TlVideoWriter *video;
    TlWriter *truth;
    int64_t frames;
} Match;

static int open_match(Match *match, const TlSynthParams *params, TlStreamInfo *info, TlDiag *diag)
{
    const TlRenderParams video = {.path = g_values.output, .overwrite = g_values.overwrite};
    const TlWriterParams truth = {.path = g_values.truth,
                                  .format = strcmp(g_values.truth, "-") != 0 ? NULL : "jsonl",
                                  .overwrite = g_values.overwrite};

    int ret = tl_synth_open(&match->synth, params, diag);
    if (ret < 0)
        return ret;
    tl_synth_info(match->synth, info);
    ret = tl_video_writer_open(&match->video, &video, info, diag);
    if (ret == TL_OK && g_values.truth[0])
        ret = tl_writer_open(&match->truth, &truth, info, diag);
    return ret;
}

static int pump(Match *match, TlDiag *diag)
{
    static TlRecord record; // large
    TlPicture picture = {0};
    int ret;

    while ((ret = tl_synth_next(match->synth, &picture, &record, diag)) == TL_OK) {
        ret = tl_video_writer_write(match->video, &picture, diag);
        if (ret == TL_OK && match->truth)
            ret = tl_writer_write(match->truth, &record, diag);
        if (ret < 0)
            return ret;
        tl_progress_update(++match->frames);
        if (tl_interrupted())
            return tl_fail(diag, TL_EINTERRUPTED, "interrupted after %lld frame%s, nothing was written",
                           (long long)match->frames, match->frames == 1 ? "" : "s");
    }
    return ret == TL_EOF ? TL_OK : ret;
}

static int run(const TlCommandLine *line, TlDiag *diag)
{
    static TlStreamInfo info; // large
    Match match = {0};
    TlSynthParams params;
    double begin = tl_seconds();

    int ret = make_params(&params, diag);
    if (ret == TL_OK)
        ret = open_match(&match, &params, &info, diag);
    if (ret == TL_OK) {
        const TlProgressParams progress = {.quiet = line->quiet, .total = (int64_t)(params.seconds * params.fps + 0.5)};
        ret = tl_progress_begin(&progress, diag);
    }
    if (ret == TL_OK)
        ret = pump(&match, diag);
    tl_progress_end(match.frames);
    if (ret == TL_OK)
        ret = tl_video_writer_commit(&match.video, diag);
    if (ret == TL_OK && match.truth)
        ret = tl_writer_commit(&match.truth, diag);
    tl_video_writer_abort(&match.video);
    tl_writer_abort(&match.truth);
    tl_synth_close(&match.synth);
    double seconds = tl_seconds() - begin;
    if (ret == TL_OK && !line->quiet)
        fprintf(stderr, "wrote %s%s%s: %lld frame%s in %.2f s (%.1f fps)\n", g_values.output,
                g_values.truth[0] ? " and " : "", g_values.truth, (long long)match.frames, match.frames == 1 ? "" : "s",
                seconds, seconds > 0 ? (double)match.frames / seconds : 0);
    return ret;
}

static const TlExample g_examples[] = {
    {"touchline synth -o clip.mp4 --truth truth.jsonl", "ten seconds of football and its truth"},
    {"touchline synth -o clip.mp4 --seconds 60 --camera cut --seed 7 -y", "a minute with changes of view"},
    {NULL, NULL},
};

const TlCommand tl_command_synth = {
    .name = "synth",
    .arguments = "-o FILE.mp4",
    .summary = "a synthetic match as video, with its truth",
    .description = "Renders a match as a moving broadcast camera sees it. The truth knows every box, id, class, pitch "
                   "point, homography and place in metres: for demonstrations and for measuring accuracy.",
    .options = g_options,
    .values = &g_values,
    .examples = g_examples,
    .run = run,
};
