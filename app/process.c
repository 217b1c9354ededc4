// touchline process: every frame of a video as data, and pictures of it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/log.h>
#include <touchline/session.h>

#include "command.h"
#include "interrupt.h"
#include "outputs.h"
#include "progress.h"
#include "same_file.h"

typedef struct ProcessValues {
    TlTextList outputs, overlays, maps;
    char format[32], progress[TL_PATH_SIZE];
    int overwrite, keep, partial;
} ProcessValues;

static ProcessValues g_values;

#define STRING(field)                                                                                                  \
    .type = TL_OPTION_STRING, .max = sizeof(((ProcessValues *)0)->field) - 1,                                          \
    .offset = offsetof(ProcessValues, field), .deflt = ""
#define LIST(field)   .type = TL_OPTION_STRING, .offset = offsetof(ProcessValues, field)
#define SWITCH(field) .type = TL_OPTION_BOOL, .max = 1, .offset = offsetof(ProcessValues, field), .deflt = "0"

static const TlCommandOption g_options[] = {
    {.def = {.flag = "output",
             .group = "Output",
             .value = "FILE",
             .help = "result file, may be repeated; '-' is standard output, a folder gets <name of the input>.jsonl, "
                     ".mp4 is an overlay, .png a map; without any output option <name of the input>.jsonl is written "
                     "to the working directory",
             LIST(outputs)},
     .letter = 'o',
     .many = 1,
     .file = 1},
    {.def = {.flag = "format",
             .group = "Output",
             .value = "NAME",
             .help = "jsonl, sn44 (reply of subnet 44), csv, mot (MOTChallenge) or gsr (SoccerNet game state); else "
                     "the ending of the file decides. mot also writes seqinfo.ini and gameinfo.ini beside its file: "
                     "one clip a folder",
             STRING(format)},
     .letter = 'f',
     .words = "jsonl|sn44|csv|mot|gsr"},
    {.def = {.flag = "overlay",
             .group = "Output",
             .value = "FILE.mp4",
             .help =
                 "the video with everything drawn in. Ellipse: a person with the id; its colour is the kit as "
                 "measured in the picture, which is a guess at the team (light blue: not known; red: goalkeeper; "
                 "yellow: referee). Triangle: the ball. Dashed, or a hollow triangle: filled by motion between "
                 "frames that the networks saw. Pink lines: the pitch through the camera that was found; numbered "
                 "dots: the 32 points of docs/coordinates.md. A folder gets <name of the input>.mp4; may be repeated",
             LIST(overlays)},
     .many = 1,
     .file = 1},
    {.def = {.flag = "map",
             .group = "Output",
             .value = "FILE",
             .help =
                 "the pitch from above: paths of the whole clip (.png) or a film (.mp4); needs the pitch network. A "
                 "folder gets <name of the input>.png; may be repeated",
             LIST(maps)},
     .many = 1,
     .file = 1},
    {.def = {.flag = "overwrite", .group = "Output", .help = "replace files that exist", SWITCH(overwrite)},
     .letter = 'y'},
    {.def = {.flag = "no-overwrite", .group = "Output", .help = "never replace a file (the default)", SWITCH(keep)},
     .letter = 'n'},
    {.def = {.flag = "partial",
             .group = "Output",
             .help = "keep the answers for the readable part of a truncated input; the exit code stays 10",
             SWITCH(partial)}},
    {.def = {.flag = "progress",
             .group = "Output",
             .value = "FILE",
             .help = "progress as key=value blocks for programs; '-' is standard output",
             STRING(progress)},
     .file = 1,
     .output = 1},
    {.def = {.flag = NULL}},
};

// The file of --progress is begun anew without asking, so it may be none of the others.
static int check_progress(const TlCommandLine *line, const TlOutputs *outputs, TlDiag *diag)
{
    if (!g_values.progress[0])
        return TL_OK;
    if (tl_outputs_use_stdout(outputs) && tl_same_file(g_values.progress, "-"))
        return tl_fail(diag, TL_EUSAGE, "results and progress cannot both go to standard output");
    for (int i = 0; i < outputs->count; i++)
        if (tl_same_file(outputs->item[i].path, g_values.progress))
            return tl_fail(diag, TL_EUSAGE, "'%s' is given as output and for --progress", g_values.progress);
    return tl_keep_input(g_values.progress, line->arguments.item[0], "--progress", diag);
}

static int plan(const TlCommandLine *line, TlOutputs *outputs, TlDiag *diag)
{
    const TlOutputRequest request = {.input = line->arguments.item[0],
                                     .outputs = &g_values.outputs,
                                     .format = g_values.format,
                                     .overlays = &g_values.overlays,
                                     .maps = &g_values.maps,
                                     .overwrite = g_values.overwrite};

    if (g_values.overwrite && g_values.keep)
        return tl_fail(diag, TL_EUSAGE, "-y and -n contradict each other");
    int ret = tl_outputs_plan(outputs, &request, diag);
    if (ret == TL_OK && line->options.skip_pitch && tl_outputs_want_pitch(outputs))
        return tl_fail(diag, TL_EUSAGE, "a map needs the pitch: leave out --skip-pitch or the map");
    for (int i = 0; ret == TL_OK && line->options.skip_pitch && i < outputs->count; i++)
        if (outputs->item[i].format && !strcmp(outputs->item[i].format, "gsr"))
            return tl_fail(diag, TL_EUSAGE, "gsr holds places on the pitch only: leave out --skip-pitch or '%s'",
                           outputs->item[i].path);
    if (ret == TL_OK)
        ret = check_progress(line, outputs, diag);
    outputs->pitch_length_m = line->options.pitch_length_m;
    outputs->pitch_width_m = line->options.pitch_width_m;
    outputs->threads = line->options.threads;
    return ret;
}

// Frames that will be answered, 0 when unknown.
static int64_t expected_frames(const TlOptions *options, const TlStreamInfo *info)
{
    int64_t end = info->frame_count_estimate, first = strtoll(options->frames, NULL, 10);
    const char *colon = strchr(options->frames, ':');

    if (colon && colon[1]) {
        int64_t last = strtoll(colon + 1, NULL, 10);
        end = end > 0 && end < last ? end : last;
    }
    return end > first ? end - first : 0;
}

enum { ID_MAX = 65536 };

// What was in the records of the clip.
typedef struct Tally {
    int64_t frames, with_pitch, with_ball, people;
    int64_t last_seen; ///< last frame that the networks saw
    int ids;
    uint8_t seen[ID_MAX / 8]; ///< ids, a bit each
} Tally;

static void count(Tally *tally, const TlRecord *record)
{
    int ball = 0;

    tally->frames++;
    tally->with_pitch += record->has_homography;
    if (!record->filled)
        tally->last_seen = record->frame;
    for (int i = 0; i < record->object_count; i++) {
        const TlObject *object = &record->objects[i];
        ball |= object->class_id == TL_CLASS_BALL;
        tally->people += object->class_id != TL_CLASS_BALL;
        if (object->class_id == TL_CLASS_BALL || object->id < 0 || object->id >= ID_MAX)
            continue;
        int bit = 1 << (object->id & 7);
        tally->ids += !(tally->seen[object->id >> 3] & bit);
        tally->seen[object->id >> 3] |= (uint8_t)bit;
    }
    tally->with_ball += ball;
}

// All records of the clip into the outputs. TL_OK at its end.
static int pump(TlSession *session, TlOutputs *outputs, Tally *tally, TlDiag *diag)
{
    static TlRecord record; // large
    int pictures = tl_outputs_want_pictures(outputs), ret;
    TlPicture picture = {0};

    while ((ret = tl_session_next(session, &record, pictures ? &picture : NULL, diag)) == TL_OK) {
        ret = tl_outputs_write(outputs, &record, pictures ? &picture : NULL, diag);
        if (ret < 0)
            return ret;
        count(tally, &record);
        tl_progress_update(tally->frames);
        if (tl_interrupted())
            return tl_fail(diag, TL_EINTERRUPTED, "interrupted after %lld frame%s, nothing was written",
                           (long long)tally->frames, tally->frames == 1 ? "" : "s");
    }
    return ret == TL_EOF ? TL_OK : ret;
}

static void print_summary(const TlOutputs *outputs, int64_t frames, double seconds, int quiet)
{
    if (quiet)
        return;
    fputs("wrote ", stderr);
    for (int i = 0; i < outputs->count; i++)
        fprintf(stderr, "%s%s",
                i == 0                    ? ""
                : i == outputs->count - 1 ? " and "
                                          : ", ",
                strcmp(outputs->item[i].path, "-") ? outputs->item[i].path : "standard output");
    fprintf(stderr, ": %lld frame%s in %.2f s (%.1f fps)\n", (long long)frames, frames == 1 ? "" : "s", seconds,
            seconds > 0 ? (double)frames / seconds : 0);
}

static double share(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

// A pitch that was looked for and never found: the metres and the map that somebody waits for are not there.
static void note_missing_pitch(const TlCommandLine *line, const TlOutputs *outputs, const Tally *tally)
{
    if (line->quiet || line->options.skip_pitch || tally->with_pitch)
        return;
    fprintf(stderr, "no pitch was seen in %lld of %lld frame%s: no metres%s\n", (long long)tally->frames,
            (long long)tally->frames, tally->frames == 1 ? "" : "s",
            tl_outputs_want_pitch(outputs) ? ", and the map is empty" : "");
}

static void log_stats(const TlSession *session, const Tally *tally)
{
    TlStats stats = {0};
    int64_t frames = tally->frames;

    tl_log(TL_LOG_INFO, "pitch in %lld of %lld frame%s, %.1f people a frame, %d id%s, ball in %.0f %% of the frames",
           (long long)tally->with_pitch, (long long)frames, frames == 1 ? "" : "s", share(tally->people, frames),
           tally->ids,
           !tally->ids       ? "s (no tracking or nobody)"
           : tally->ids == 1 ? ""
                             : "s",
           100 * share(tally->with_ball, frames));

    tl_session_stats(session, &stats);
    tl_log(TL_LOG_INFO, "%lld frame%s, networks ran on %lld, pitch network on %lld, first record after %.2f s",
           (long long)stats.frames, stats.frames == 1 ? "" : "s", (long long)stats.key_frames,
           (long long)stats.pitch_frames, stats.first_record_s);
    tl_log(TL_LOG_INFO,
           "seconds: wall %.2f, decoding %.2f, pre-processing %.2f, waiting for networks %.2f, post-processing %.2f, "
           "tracking %.2f, pitch %.2f, filling %.2f",
           stats.wall_s, stats.decode_s, stats.pre_s, stats.wait_infer_s, stats.post_s, stats.track_s, stats.pitch_s,
           stats.fill_s);
    if (stats.time_budget_hit)
        tl_log(TL_LOG_WARNING,
               "the time budget ran out: the networks saw no frame from %lld on, the rest is filled by motion",
               (long long)tally->last_seen + 1);
}

// The clip from start to the renamed files.
static int run_clip(const TlCommandLine *line, TlSession *session, TlOutputs *outputs, TlDiag *diag)
{
    static Tally tally; // large
    double begin = tl_seconds();
    TlProgressParams progress = {.machine = g_values.progress, .quiet = line->quiet};

    tl_session_keep_pictures(session, tl_outputs_want_pictures(outputs));
    int ret = tl_session_start(session, line->arguments.item[0], diag);
    tl_interrupt_watch(session); // a start forgets what was cancelled before it
    if (ret == TL_OK)
        ret = tl_outputs_open(outputs, tl_session_info(session), diag);
    if (ret < 0)
        return ret;
    progress.total = expected_frames(&line->options, tl_session_info(session));
    ret = tl_progress_begin(&progress, diag);
    if (ret < 0)
        return ret;
    tally = (Tally){.last_seen = -1};
    ret = pump(session, outputs, &tally, diag);
    tl_progress_end(tally.frames);
    if (ret == TL_OK && !tally.frames)
        ret = tl_fail(diag, TL_EEMPTY, "no frame of '%s' is in the range %s", line->arguments.item[0],
                      line->options.frames);
    if (ret == TL_OK || (ret == TL_ETRUNCATED && g_values.partial && tally.frames > 0)) {
        int committed = tl_outputs_commit(outputs, diag);
        if (committed < 0)
            return committed;
        log_stats(session, &tally);
        note_missing_pitch(line, outputs, &tally);
        print_summary(outputs, tally.frames, tl_seconds() - begin, line->quiet);
    }
    return ret;
}

static int run(const TlCommandLine *line, TlDiag *diag)
{
    static TlOutputs outputs; // large
    TlSession *session = NULL;

    int ret = plan(line, &outputs, diag);
    tl_progress_note("loading the networks", line->quiet || ret < 0);
    if (ret == TL_OK)
        ret = tl_session_open(&session, &line->options, diag);
    if (ret == TL_OK) {
        tl_interrupt_watch(session);
        ret = tl_interrupted() ? tl_fail(diag, TL_EINTERRUPTED, "interrupted, nothing was written")
                               : run_clip(line, session, &outputs, diag);
        tl_interrupt_watch(NULL);
    }
    tl_outputs_abort(&outputs);
    tl_session_close(&session);
    return ret;
}

static const TlExample g_examples[] = {
    {"touchline process match.mp4", "writes match.jsonl: one line per frame"},
    {"touchline process match.mp4 -o match.csv -o match.jsonl --overlay seen.mp4 --map paths.png",
     "several outputs in one run"},
    {"ffmpeg -i rtmp://host/live -t 60 -f mpegts - | touchline process - -o - | jq '.objects // empty'",
     "in a pipe; the first line is about the run"},
    {"touchline process match.mkv --frames 1500:3000 --stride 1 -y", "a part of it, the networks on every frame"},
    {NULL, NULL},
};

const TlCommand tl_command_process = {
    .name = "process",
    .arguments = "INPUT",
    .summary = "a match video in, every frame answered",
    .description = "INPUT is any video that FFmpeg reads, a folder of pictures, '-' (standard input) or an http(s) "
                   "address. A folder is one sequence at 25 frames a second, in the order of the names, scaled to the "
                   "size of its first picture; pictures that have nothing to do with each other belong to `touchline "
                   "detect`.\nEvery frame gets a record: who "
                   "is where in the picture and on the pitch, the 32 pitch "
                   "points and the homography. Files appear under their names only when they are complete.",
    .options = g_options,
    .values = &g_values,
    .groups = "Networks|Detection|Frames|Pitch|Machine",
    .examples = g_examples,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
