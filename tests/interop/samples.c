// Writes one small made-up match in every result format, for the judges in test_formats.py. Usage: interop_samples
// FOLDER
//
// 20 frames of 1280x720 at 29.97 fps. Tracks 1..5 are players, 6 a goalkeeper, 7 a referee, 8 the ball; the box of
// track k in frame f is 40x90 (ball 10x10) at (100 + 120 k + 3 f, 200 + 30 k). Track 1 runs along the far touchline,
// track 2 along the near one; track 3 has no place on the pitch; track 5 is missing in odd frames. Tracks 1, 2, 6 are
// team 1, tracks 3, 4 team 2, which defends on the left. The same formula stands in the tests.
#include <stdio.h>

#include <touchline/writer.h>

enum { FRAMES = 20, TRACKS = 8 };

static int class_of(int track)
{
    return track == 8   ? TL_CLASS_BALL
           : track == 7 ? TL_CLASS_REFEREE
           : track == 6 ? TL_CLASS_GOALKEEPER
                        : TL_CLASS_PLAYER;
}

static void make_record(TlRecord *r, int frame)
{
    *r = (TlRecord){.frame = frame, .time_s = frame / 29.97, .filled = frame & 1, .has_homography = 1, .left_team = 2};
    for (int k = 1; k <= TRACKS; k++) {
        if (k == 5 && frame & 1)
            continue;
        float x = (float)(100 + 120 * k + 3 * frame), y = (float)(200 + 30 * k);
        float w = k == 8 ? 10 : 40, h = k == 8 ? 10 : 90;
        r->objects[r->object_count++] = (TlObject){.id = k,
                                                   .class_id = class_of(k),
                                                   .team = (uint8_t)(k <= 2 || k == 6 ? 1
                                                                     : k <= 4         ? 2
                                                                                      : 0),
                                                   .bbox = {x, y, x + w, y + h},
                                                   .score = 1 - (float)k / 16,
                                                   .pitch = {(float)(10 * k), k == 1   ? 0
                                                                              : k == 2 ? 68
                                                                                       : 34},
                                                   .has_pitch = k != 3,
                                                   .filled = frame & 1};
    }
    for (int i = 0; i < 9; i++)
        r->homography[i] = i % 4 ? 0 : 1;
    for (int i = 8; i < 16; i++)
        r->points[i] = (TlPoint){(float)(70 * i), (float)(40 * i), 0.5f};
}

static int write_format(const char *folder, const char *name, const char *format)
{
    char path[1024];
    TlWriter *writer = NULL;
    TlDiag diag = {0};
    TlRecord record;
    TlStreamInfo info = {.width = 1280, .height = 720, .fps = 29.97, .source = "made-up \"match\" \xc3\xa9.mp4"};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    TlWriterParams params = {.path = path, .format = format, .overwrite = 1};
    int ret = tl_writer_open(&writer, &params, &info, &diag);
    for (int frame = 0; frame < FRAMES && ret == 0; frame++) {
        make_record(&record, frame);
        ret = tl_writer_write(writer, &record, &diag);
    }
    if (ret == 0)
        ret = tl_writer_commit(&writer, &diag);
    tl_writer_abort(&writer);
    if (ret < 0)
        fprintf(stderr, "%s: %s\n", path, diag.text);
    return ret;
}

int main(int argc, char **argv)
{
    static const char *const files[][2] = {{"match.jsonl", NULL},
                                           {"match.json", NULL},
                                           {"match.csv", NULL},
                                           {"match.mot.txt", NULL},
                                           {"SNGS-117.json", "gsr"}};
    int failed = argc != 2;
    for (int i = 0; i < 5 && !failed; i++)
        failed = write_format(argv[1], files[i][0], files[i][1]) < 0;
    return failed;
}
