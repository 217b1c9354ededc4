// touchline score: what an answer would be worth, part by part.
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "command.h"
#include "score.h"
#include "video_facts.h"

enum { ANSWER_MAX = 256 << 20 };

typedef struct ScoreValues {
    char video[TL_PATH_SIZE], size[32];
    double seconds;
    int json, frames, samples;
} ScoreValues;

static ScoreValues g_values;

static const TlCommandOption g_options[] = {
    {.def = {.flag = "video",
             .group = "Clip",
             .value = "FILE",
             .deflt = "",
             .help = "the clip: its length, its size, and the lines painted on its pitch",
             .type = TL_OPTION_STRING,
             .max = sizeof g_values.video - 1,
             .offset = offsetof(ScoreValues, video)},
     .file = 1},
    {.def = {.flag = "size",
             .group = "Clip",
             .value = "WxH",
             .deflt = "1280x720",
             .help = "picture size when there is no --video",
             .type = TL_OPTION_STRING,
             .max = sizeof g_values.size - 1,
             .offset = offsetof(ScoreValues, size)}},
    {.def = {.flag = "frame-count",
             .group = "Clip",
             .value = "N",
             .deflt = "0",
             .help = "frames of the clip when there is no --video; 0 = the highest number plus one",
             .type = TL_OPTION_INT,
             .max = TL_ANSWER_FRAMES_MAX,
             .offset = offsetof(ScoreValues, frames)}},
    {.def = {.flag = "samples",
             .group = "Clip",
             .value = "N",
             .deflt = "12",
             .help = "pictures that are searched for lines",
             .type = TL_OPTION_INT,
             .min = 1,
             .max = 1000,
             .offset = offsetof(ScoreValues, samples)}},
    {.def = {.flag = "seconds",
             .group = "Speed",
             .value = "S",
             .deflt = "0",
             .help = "how long the validator waited for the answer",
             .type = TL_OPTION_DOUBLE,
             .max = 86400,
             .offset = offsetof(ScoreValues, seconds)}},
    {.def = {.flag = "json",
             .group = "Output",
             .deflt = "0",
             .help = "as one JSON object",
             .type = TL_OPTION_BOOL,
             .max = 1,
             .offset = offsetof(ScoreValues, json)}},
    {.def = {.flag = NULL}},
};

static int read_answer(const char *path, TlAnswer **answer, TlDiag *diag)
{
    TlStrbuf text = {0};
    char chunk[65536];
    size_t n;
    FILE *file = strcmp(path, "-") ? fopen(path, "rbe") : stdin;
    if (!file)
        return tl_fail(diag, TL_ENOENT, "cannot open '%s'", path);
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0 && text.length <= ANSWER_MAX)
        tl_strbuf_mem(&text, chunk, n);
    if (file != stdin)
        fclose(file);
    int ret = text.failed || text.length > ANSWER_MAX
                  ? tl_fail(diag, TL_ELIMIT, "'%s' is too large", path)
                  : tl_answer_parse(answer, text.data ? text.data : "", text.length, diag);
    tl_strbuf_deinit(&text);
    return ret;
}

static int find_facts(TlScoreParams *params, TlDiag *diag)
{
    TlVideoFacts facts;
    int end = 0;
    if (g_values.video[0]) {
        int ret = tl_video_facts(g_values.video, &facts, diag);
        *params = (TlScoreParams){facts.frames,     facts.width,    facts.height,
                                  g_values.seconds, g_values.video, g_values.samples};
        return ret;
    }
    *params = (TlScoreParams){.frames = g_values.frames, .seconds = g_values.seconds};
    if (sscanf(g_values.size, "%5dx%5d%n", &params->width, &params->height, &end) != 2 || g_values.size[end] ||
        params->width < 16 || params->height < 16)
        return tl_fail(diag, TL_EUSAGE, "--size is WxH, not '%s'", g_values.size);
    return TL_OK;
}

static void print_text(const TlAnswer *answer, const TlScore *score)
{
    TlStrbuf faults = {0};
    tl_answer_describe(&answer->faults, &faults);
    printf("%-12s %6s\n", "part", "value");
    for (int i = 0; i < TL_SCORE_PART_COUNT; i++) {
        const TlScorePart *p = &score->part[i];
        if (p->value < 0)
            printf("%-12s %6s  %s\n", p->name, "-", p->why);
        else
            printf("%-12s %6.3f  %s\n", p->name, p->value, p->why);
    }
    if (faults.length)
        printf("\nfaults of form\n%s", faults.data);
    tl_strbuf_deinit(&faults);
    printf(
        "\nkeypoints    %6.3f  (0.25 fit + 0.40 on_line + 0.20 inside + 0.05 stability + 0.10 players) x consistency "
        "x (scale + homography) / 2\n",
        score->keypoints);
    printf("boxes        %6.3f  at most: coverage x boxes, if the validator agrees with every class\n",
           score->boxes_ceiling);
    if (!score->has_seconds) {
        printf("speed             -  give --seconds\n");
        return;
    }
    printf("\nspeed of %.2f s, and the final score at most (0.65 quality + 0.35 speed)\n", g_values.seconds);
    for (int i = 0; i < TL_RIVAL_COUNT; i++)
        printf("  fastest rival %4.1f s   speed %.3f   final %.3f\n", score->rival_s[i], score->speed[i],
               score->final_ceiling[i]);
}

static void print_json(const TlAnswer *answer, const TlScore *score)
{
    TlStrbuf out = {0};
    tl_strbuf_printf(&out, "{\"frames\":%lld,\"objects\":%lld,\"faults\":%lld,\"parts\":{",
                     (long long)answer->frame_count, (long long)answer->object_count,
                     (long long)tl_answer_fault_count(&answer->faults));
    for (int i = 0; i < TL_SCORE_PART_COUNT; i++) {
        tl_strbuf_printf(&out, "%s\"%s\":{\"value\":", i ? "," : "", score->part[i].name);
        if (score->part[i].value < 0)
            tl_strbuf_str(&out, "null");
        else
            tl_strbuf_fixed(&out, score->part[i].value, 6);
        tl_strbuf_str(&out, ",\"why\":");
        tl_strbuf_json(&out, score->part[i].why);
        tl_strbuf_char(&out, '}');
    }
    tl_strbuf_str(&out, "},\"keypoints\":");
    tl_strbuf_fixed(&out, score->keypoints, 6);
    tl_strbuf_str(&out, ",\"boxes_ceiling\":");
    tl_strbuf_fixed(&out, score->boxes_ceiling, 6);
    tl_strbuf_str(&out, ",\"speed\":[");
    for (int i = 0; i < TL_RIVAL_COUNT && score->has_seconds; i++)
        tl_strbuf_printf(&out, "%s{\"rival_s\":%g,\"speed\":%.6f,\"final_ceiling\":%.6f}", i ? "," : "",
                         score->rival_s[i], score->speed[i], score->final_ceiling[i]);
    tl_strbuf_str(&out, "]}\n");
    if (out.data)
        fputs(out.data, stdout);
    tl_strbuf_deinit(&out);
}

static int run(const TlCommandLine *line, TlDiag *diag)
{
    static TlScore score;
    TlAnswer *answer = NULL;
    TlScoreParams params;
    int ret = find_facts(&params, diag);
    if (ret == TL_OK)
        ret = read_answer(line->arguments.item[0], &answer, diag);
    if (ret < 0 || !answer)
        return ret;
    tl_answer_check(answer, params.frames, params.width, params.height);
    ret = tl_score(answer, &params, &score, diag);
    if (ret == TL_OK && g_values.json)
        print_json(answer, &score);
    else if (ret == TL_OK)
        print_text(answer, &score);
    tl_answer_free(&answer);
    return ret;
}

static const TlExample g_examples[] = {
    {"touchline score answer.json --video clip.mp4 --seconds 2.4", "every part, and the final score at most"},
    {"touchline score answer.json --size 1920x1080 --json", "without the video, for a program"},
    {NULL, NULL},
};

const TlCommand tl_command_score = {
    .name = "score",
    .arguments = "ANSWER",
    .summary = "what an answer would be worth to the validator, part by part",
    .description =
        "Reads an answer of the subnet (challenge --save, process -o x.json) and says for each part of the "
        "validator's score how high it is and why.\nAn approximation: all frames count instead of the validator's "
        "choice of football pictures; lines are searched in a handful of pictures and without its line detector; "
        "classes of boxes, which a network of its own judges, count as right.",
    .options = g_options,
    .values = &g_values,
    .examples = g_examples,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
