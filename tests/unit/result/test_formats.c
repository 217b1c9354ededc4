// The exact text of every result format for a small record, and that all of it stays sane for absurd ones.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <locale.h>
#include <math.h>

#include "base/strbuf.h"
#include "result/json_parts.h"
#include "result/sn44_json.h"
#include "samples.h"

#define ZERO3  "[0,0,0]"
#define ZEROS3 ZERO3 "," ZERO3 "," ZERO3 "," ZERO3
#define ZERO2  "[0,0]"
#define ZEROS2 ZERO2 "," ZERO2 "," ZERO2 "," ZERO2
#define REST3  ZEROS3 "," ZEROS3 "," ZEROS3 "," ZEROS3 "," ZEROS3 "," ZEROS3 "," ZEROS3
#define REST2  ZEROS2 "," ZEROS2 "," ZEROS2 "," ZEROS2 "," ZEROS2 "," ZEROS2 "," ZEROS2

// Writes records to a file of this name and compares the text.
static void expect_file(const char *name, const char *format, const TlRecord *records, int count, const char *expected)
{
    char *folder = temp_folder();
    TlDiag diag = {0};
    assert_int_equal(write_records(folder, name, format, records, count, &diag), 0);
    char *text = read_file(folder, name);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
    count_files(folder, 1);
}

#define HEAD                                                                                                           \
    "{\"touchline\":\"0.1.0\",\"format\":1,\"source\":\"clips/match \\\"one\\\".mp4\",\"width\":1280,\"height\":720,"  \
    "\"fps\":25,\"player_model\":\"players\",\"pitch_model\":\"pitch\",\"settings\":\"FRAME_STRIDE=2\"}\n"

static void test_jsonl(void **opaque)
{
    (void)opaque;
    TlRecord record = sample_record();
    expect_file("out.jsonl", NULL, &record, 1,
                HEAD "{\"frame\":4,\"time\":0.16,\"filled\":false,\"left_team\":2,\"objects\":["
                     "{\"id\":1,\"class\":\"player\",\"class_id\":2,\"bbox\":[100,200.5,140.25,300],\"score\":0.93,"
                     "\"filled\":false,\"pitch\":[52.5,0.25],\"team\":2},"
                     "{\"id\":2,\"class\":\"ball\",\"class_id\":0,\"bbox\":[10,20,22,32],\"score\":0.5,"
                     "\"filled\":false,\"pitch\":null,\"team\":null},"
                     "{\"id\":7,\"class\":\"goalkeeper\",\"class_id\":1,\"bbox\":[0,1,2,3],\"score\":1,"
                     "\"filled\":true,\"pitch\":[105,68],\"team\":1}],"
                     "\"keypoints\":[" ZERO3 "," ZERO3 "," ZERO3 ",[640.13,0.5,0.875]," REST3 "],"
                     "\"homography\":[0.05,0,20,0,0.1,-20,0,1.25e-05,1]}\n");
}

static void test_jsonl_empty_frame(void **opaque)
{
    (void)opaque;
    TlRecord record = {.frame = 0, .filled = 1};
    expect_file("out.ndjson", NULL, &record, 1,
                HEAD "{\"frame\":0,\"time\":0,\"filled\":true,\"left_team\":null,\"objects\":[],\"keypoints\":[" ZEROS3
                     "," REST3 "],\"homography\":null}\n");
}

static void test_sn44(void **opaque)
{
    (void)opaque;
    TlRecord record[2] = {sample_record(), {.frame = 5}};
    expect_file("out.json", NULL, record, 2,
                "{\"challenge_id\":null,\"frames\":["
                "{\"frame_number\":4,\"keypoints\":[" ZERO2 "," ZERO2 "," ZERO2 ",[640.13,0.5]," REST2 "],\"objects\":["
                "{\"id\":1,\"bbox\":[100,200.5,140.25,300],\"class_id\":2},"
                "{\"id\":2,\"bbox\":[10,20,22,32],\"class_id\":0},"
                "{\"id\":7,\"bbox\":[0,1,2,3],\"class_id\":1}]},"
                "{\"frame_number\":5,\"keypoints\":[" ZEROS2 "," REST2 "],\"objects\":[]}],\"processing_time\":0}\n");
}

static void test_sn44_pieces(void **opaque)
{
    (void)opaque;
    TlStrbuf buf = {0};
    tl_sn44_head(&buf, "a\"b");
    tl_sn44_tail(&buf, 1.23456);
    assert_string_equal(buf.data, "{\"challenge_id\":\"a\\\"b\",\"frames\":[],\"processing_time\":1.235}\n");
    tl_strbuf_clear(&buf);
    tl_sn44_head_number(&buf, "-7");
    assert_string_equal(buf.data, "{\"challenge_id\":-7,\"frames\":[");
    tl_strbuf_clear(&buf);
    tl_sn44_tail(&buf, NAN);
    assert_string_equal(buf.data, "],\"processing_time\":0}\n");
    tl_strbuf_deinit(&buf);
}

static void test_csv(void **opaque)
{
    (void)opaque;
    TlRecord record[2] = {sample_record(), {.frame = 5}};
    record[0].objects[1].id = -1;
    expect_file("out.csv", NULL, record, 2,
                "x_min,y_min,x_max,y_max,class_id,confidence,tracker_id,"
                "class_name,filled,frame_index,pitch_x,pitch_y,side,team,time_s\n"
                "100,200.5,140.25,300,2,0.93,1,player,0,4,52.5,0.25,left,2,0.16\n"
                "10,20,22,32,0,0.5,,ball,0,4,,,,,0.16\n"
                "0,1,2,3,1,1,7,goalkeeper,1,4,105,68,right,1,0.16\n");
}

static void test_mot(void **opaque)
{
    (void)opaque;
    char *folder = temp_folder();
    TlDiag diag = {0};
    TlRecord record[3] = {sample_record(), sample_record(), sample_record()};
    record[1].frame = 5;
    record[1].objects[0].class_id = TL_CLASS_REFEREE;
    record[2].frame = 9;
    assert_int_equal(write_records(folder, "SNMOT 100%.mot.txt", NULL, record, 3, &diag), 0);
    char *text = read_file(folder, "SNMOT 100%.mot.txt"), *seq = read_file(folder, "seqinfo.ini");
    char *game = read_file(folder, "gameinfo.ini");
    assert_true(text && seq && game);
    assert_string_equal(text, "5,1,100,200.5,40.25,99.5,0.93,-1,-1,-1\n5,7,0,1,2,2,1,-1,-1,-1\n"
                              "6,1,100,200.5,40.25,99.5,0.93,-1,-1,-1\n6,7,0,1,2,2,1,-1,-1,-1\n"
                              "10,1,100,200.5,40.25,99.5,0.93,-1,-1,-1\n10,7,0,1,2,2,1,-1,-1,-1\n");
    assert_string_equal(seq, "[Sequence]\nname=SNMOT 100_\nimDir=img1\nframeRate=25\nseqLength=10\nimWidth=1280\n"
                             "imHeight=720\nimExt=.jpg\n");
    assert_string_equal(game, "[Sequence]\nname=SNMOT 100_\nnum_tracklets=2\ntrackletID_1= player team left;X\n"
                              "trackletID_7= goalkeeper team right;X\n");
    free(text);
    free(seq);
    free(game);
    assert_int_equal(count_files(folder, 1), 3);
}

// Player at (52.5, 0.25): far touchline, so y is near -34 in SoccerNet's frame. The corners lie beside the place by
// half the box: 0.05 * 20.125 / (1 + 1.25e-5 * 202.5) = 1.004 m.
static void test_gsr(void **opaque)
{
    (void)opaque;
    TlRecord record = sample_record();
    record.objects[0].bbox[3] = 202.5f;
    expect_file("SNGS-116.json", "gsr", &record, 1,
                "{\"predictions\":[\n"
                "{\"image_id\":\"3116000005\",\"track_id\":1,\"supercategory\":\"object\",\"category_id\":1,"
                "\"confidence\":0.93,\"attributes\":{\"role\":\"player\",\"jersey\":null,\"team\":\"left\"},"
                "\"bbox_image\":{\"x\":100,\"y\":200.5,\"w\":40.25,\"h\":2},"
                "\"bbox_pitch\":{\"x_bottom_left\":-1.004,\"y_bottom_left\":-33.75,\"x_bottom_middle\":0,"
                "\"y_bottom_middle\":-33.75,\"x_bottom_right\":1.004,\"y_bottom_right\":-33.75}},\n"
                "{\"image_id\":\"3116000005\",\"track_id\":7,\"supercategory\":\"object\",\"category_id\":1,"
                "\"confidence\":1,\"attributes\":{\"role\":\"goalkeeper\",\"jersey\":null,\"team\":\"right\"},"
                "\"bbox_image\":{\"x\":0,\"y\":1,\"w\":2,\"h\":2},"
                "\"bbox_pitch\":{\"x_bottom_left\":52.45,\"y_bottom_left\":34,\"x_bottom_middle\":52.5,"
                "\"y_bottom_middle\":34,\"x_bottom_right\":52.55,\"y_bottom_right\":34}}\n]}\n");
}

static void test_gsr_corners(void **opaque)
{
    (void)opaque;
    TlRecord record = {.frame = 0, .has_homography = 1, .object_count = 1};
    // 20 px a metre, the picture's origin at (0, 0) of the pitch
    const double h[9] = {0.05, 0, 0, 0, 0.05, 0, 0, 0, 1};
    memcpy(record.homography, h, sizeof h);
    record.objects[0] = (TlObject){.id = 1,
                                   .class_id = TL_CLASS_REFEREE,
                                   .bbox = {1000, 600, 1020, 640},
                                   .score = 0.5f,
                                   .pitch = {50.5f, 32},
                                   .has_pitch = 1};
    expect_file("x.gsr.json", NULL, &record, 1,
                "{\"predictions\":[\n"
                "{\"image_id\":\"3001000001\",\"track_id\":1,\"supercategory\":\"object\",\"category_id\":1,"
                "\"confidence\":0.5,\"attributes\":{\"role\":\"referee\",\"jersey\":null,\"team\":null},"
                "\"bbox_image\":{\"x\":1000,\"y\":600,\"w\":20,\"h\":40},"
                "\"bbox_pitch\":{\"x_bottom_left\":-2.5,\"y_bottom_left\":-2,\"x_bottom_middle\":-2,"
                "\"y_bottom_middle\":-2,\"x_bottom_right\":-1.5,\"y_bottom_right\":-2}}\n]}\n");
}

// A team without a side, a side without a team, values that are no team: null and empty everywhere.
static void test_unknown_teams(void **opaque)
{
    (void)opaque;
    TlRecord record = sample_record();
    TlStrbuf buf = {0};
    record.left_team = 0;
    record.object_count = 1;
    expect_file("x.csv", NULL, &record, 1,
                "x_min,y_min,x_max,y_max,class_id,confidence,tracker_id,"
                "class_name,filled,frame_index,pitch_x,pitch_y,side,team,time_s\n"
                "100,200.5,140.25,300,2,0.93,1,player,0,4,52.5,0.25,,2,0.16\n");
    for (int left = 0; left < 5; left++)
        for (int team = 0; team < 5; team++) {
            const char *side = tl_team_side(left, team);
            if (left >= 1 && left <= 2 && team >= 1 && team <= 2)
                assert_string_equal(side, left == team ? "left" : "right");
            else
                assert_null(side);
        }
    tl_json_team(&buf, 1);
    tl_json_team(&buf, 3);
    tl_json_team(&buf, 0);
    assert_string_equal(buf.data, "1nullnull");
    tl_strbuf_deinit(&buf);
}

static void test_gsr_nobody(void **opaque)
{
    (void)opaque;
    expect_file("x.gsr.json", NULL, NULL, 0, "{\"predictions\":[\n]}\n");
}

// NaN, infinities, huge numbers, classes and counts out of range: every JSON text still parses, and no "nan" or "inf"
// stands in any file.
static void make_absurd(TlRecord *record)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY, 3.4e38f, -3.4e38f, 1e-30f, -0.0f, 0.004999f};
    record->object_count = 100000;
    record->time_s = NAN;
    record->has_homography = 1;
    for (int i = 0; i < 9; i++)
        record->homography[i] = 1e300 * (i - 4);
    for (int i = 0; i < TL_OBJECT_MAX; i++) {
        TlObject *o = &record->objects[i];
        *o = (TlObject){.id = i * 16777259, .class_id = i - 5, .score = odd[i % 8], .has_pitch = 1};
        for (int k = 0; k < 4; k++)
            o->bbox[k] = odd[(i + k) % 8];
        o->pitch[0] = odd[i % 3 + 3];
        o->pitch[1] = odd[i % 8];
    }
    for (int i = 0; i < TL_POINT_COUNT; i++)
        record->points[i] = (TlPoint){odd[i % 8], odd[(i + 1) % 8], odd[(i + 2) % 8]};
}

static void test_absurd_numbers(void **opaque)
{
    (void)opaque;
    static const char *const names[] = {"a.jsonl", "a.json", "a.csv", "a.txt", "a.gsr.json"};
    static TlRecord records[2];
    make_absurd(&records[0]);
    make_absurd(&records[1]);
    records[1].frame = INT64_MAX - 1;
    records[1].homography[4] = NAN;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *folder = temp_folder();
        TlDiag diag = {0};
        assert_int_equal(write_records(folder, names[i], NULL, records, 2, &diag), 0);
        char *text = read_file(folder, names[i]);
        assert_non_null(text);
        assert_null(strstr(text, "nan"));
        assert_null(strstr(text, "inf"));
        const char *from = text;
        for (int line = 0; i == 0 && line < 3; line++) {
            json_t *root = json_loads(from, JSON_DISABLE_EOF_CHECK, NULL);
            assert_true(json_is_object(root));
            json_decref(root);
            from = strchr(from, '\n') + 1;
        }
        if (strstr(names[i], ".json") && i) {
            json_t *root = json_loads(text, 0, NULL);
            assert_true(json_is_object(root));
            json_decref(root);
        }
        free(text);
        count_files(folder, 1);
    }
}

// A comma locale must not reach the files.
static void test_locale(void **opaque)
{
    (void)opaque;
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8", "de_DE", NULL};
    int found = 0;
    for (int i = 0; names[i] && !found; i++)
        found = setlocale(LC_NUMERIC, names[i]) && strcmp(localeconv()->decimal_point, ".") != 0;
    if (!found) {
        setlocale(LC_NUMERIC, "C");
        print_message("no locale with a decimal comma: skipped\n");
        skip();
    }
    test_jsonl(opaque);
    setlocale(LC_NUMERIC, "C");
}

static void test_pictures(void **opaque)
{
    (void)opaque;
    char *folder = temp_folder(), path[256];
    TlDiag diag = {0};
    TlPictureWriter *writer = NULL;
    TlRecord record = sample_record();
    record.object_count = 1;
    snprintf(path, sizeof path, "%s/p.jsonl", folder);
    assert_int_equal(tl_picture_writer_open(&writer, path, 0, &diag), 0);
    assert_int_equal(tl_picture_writer_write(writer, "a\tb.jpg", 640, 360, &record, &diag), 0);
    assert_int_equal(tl_picture_writer_commit(&writer, &diag), 0);
    assert_null(writer);
    char *text = read_file(folder, "p.jsonl");
    assert_non_null(text);
    assert_string_equal(text, "{\"image\":\"a\\tb.jpg\",\"width\":640,\"height\":360,\"objects\":["
                              "{\"class_id\":2,\"class\":\"player\",\"bbox\":[100,200.5,140.25,300],\"score\":0.93,"
                              "\"pitch\":[52.5,0.25]}],"
                              "\"keypoints\":[" ZERO3 "," ZERO3 "," ZERO3 ",[640.13,0.5,0.875]," REST3 "],"
                              "\"homography\":[0.05,0,20,0,0.1,-20,0,1.25e-05,1]}\n");
    free(text);
    count_files(folder, 1);
    assert_true(tl_picture_writer_open(&writer, "/dev/full", 0, &diag) == 0);
    assert_int_equal(tl_picture_writer_write(writer, "x", 1, 1, &record, &diag), TL_ENOSPC);
    assert_int_equal(tl_picture_writer_commit(&writer, &diag), TL_ENOSPC);
    assert_null(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jsonl),
        cmocka_unit_test(test_jsonl_empty_frame),
        cmocka_unit_test(test_sn44),
        cmocka_unit_test(test_sn44_pieces),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_mot),
        cmocka_unit_test(test_gsr),
        cmocka_unit_test(test_gsr_corners),
        cmocka_unit_test(test_gsr_nobody),
        cmocka_unit_test(test_unknown_teams),
        cmocka_unit_test(test_absurd_numbers),
        cmocka_unit_test(test_locale),
        cmocka_unit_test(test_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
