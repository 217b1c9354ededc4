// JSON Lines read back: what was written comes out again, and hostile files give a sentence with the line.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "result/reader_jsonl.h"
#include "samples.h"

#define HEAD                                                                                                           \
    "{\"touchline\":\"0.1.0\",\"format\":1,\"source\":\"s\",\"width\":2,\"height\":1,\"fps\":29.97,"                   \
    "\"player_model\":\"\",\"pitch_model\":\"\",\"settings\":\"\"}\n"

static uint32_t state = 3;

static float random_to(float top)
{
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / 16777216.0f * top;
}

static void random_record(TlRecord *r, int frame, int objects)
{
    *r = (TlRecord){.frame = frame, .time_s = frame / 25.0, .filled = frame & 1, .object_count = objects};
    for (int i = 0; i < objects; i++) {
        TlObject *o = &r->objects[i];
        *o = (TlObject){.id = i + 1, .class_id = i % TL_CLASS_COUNT, .score = random_to(1), .filled = i % 3 == 0};
        o->team = (uint8_t)(i % 3);
        for (int k = 0; k < 4; k++)
            o->bbox[k] = random_to(1920);
        o->has_pitch = i % 2 == 0;
        for (int k = 0; k < 2 && o->has_pitch; k++)
            o->pitch[k] = random_to(105) - 5;
    }
    for (int i = 0; i < TL_POINT_COUNT; i += 2)
        r->points[i] = (TlPoint){random_to(1920), random_to(1080), 0.01f + random_to(0.99f)};
    r->has_homography = frame % 4 != 3;
    r->left_team = (uint8_t)(frame % 3);
    for (int i = 0; i < 9 && r->has_homography; i++)
        r->homography[i] = (double)(random_to(2) - 1) * pow(10, (double)random_to(9) - 6);
    r->lens = frame % 4 == 1 ? (double)random_to(0.2f) - 0.25 : 0;
    for (int i = 0; i < 9 && r->lens != 0; i++)
        r->straight[i] = (double)(random_to(2) - 1) * pow(10, (double)random_to(9) - 6);
}

static void check_same(const TlRecord *a, const TlRecord *b)
{
    assert_int_equal(a->frame, b->frame);
    assert_float_equal(a->time_s, b->time_s, 1e-6);
    assert_int_equal(a->filled, b->filled);
    assert_int_equal(a->left_team, b->left_team);
    assert_int_equal(a->object_count, b->object_count);
    for (int i = 0; i < a->object_count; i++) {
        const TlObject *p = &a->objects[i], *q = &b->objects[i];
        assert_true(p->id == q->id && p->class_id == q->class_id && p->filled == q->filled);
        assert_int_equal(p->has_pitch, q->has_pitch);
        assert_int_equal(p->team, q->team);
        assert_float_equal(p->score, q->score, 5.1e-5);
        for (int k = 0; k < 4; k++)
            assert_float_equal(p->bbox[k], q->bbox[k], 5.2e-3);
        for (int k = 0; k < 2; k++)
            assert_float_equal(p->pitch[k], q->pitch[k], 5.1e-4);
    }
    for (int i = 0; i < TL_POINT_COUNT; i++) {
        assert_float_equal(a->points[i].x, b->points[i].x, 5.2e-3);
        assert_float_equal(a->points[i].y, b->points[i].y, 5.2e-3);
        assert_float_equal(a->points[i].confidence, b->points[i].confidence, 5.1e-5);
    }
    assert_int_equal(a->has_homography, b->has_homography);
    for (int i = 0; i < 9; i++)
        assert_true(fabs(a->homography[i] - b->homography[i]) <= 1e-9 * fabs(a->homography[i]));
    assert_true(fabs(a->lens - b->lens) <= 1e-9 * fabs(a->lens));
    for (int i = 0; i < 9; i++)
        assert_true(fabs(a->straight[i] - b->straight[i]) <= 1e-9 * fabs(a->straight[i]));
}

static void test_round_trip(void **opaque)
{
    (void)opaque;
    static TlRecord records[12];
    static const int objects[] = {0, 1, 2, 22, 127, TL_OBJECT_MAX, 0, 3, 5, 8, 13, 21};
    char *folder = temp_folder(), path[256];
    for (int i = 0; i < 12; i++)
        random_record(&records[i], i, objects[i]);
    assert_int_equal(write_records(folder, "a.jsonl", NULL, records, 12, NULL), 0);
    snprintf(path, sizeof path, "%s/a.jsonl", folder);
    TlJsonlReader *reader = NULL;
    TlStreamInfo info, expected = sample_info();
    TlDiag diag = {0};
    assert_int_equal(tl_jsonl_open(&reader, path, &info, &diag), 0);
    assert_memory_equal(&info, &expected, sizeof info);
    for (int i = 0; i < 12; i++) {
        static TlRecord record;
        assert_int_equal(tl_jsonl_next(reader, &record, &diag), 0);
        check_same(&records[i], &record);
    }
    static TlRecord none;
    assert_int_equal(tl_jsonl_next(reader, &none, &diag), TL_EOF);
    assert_int_equal(tl_jsonl_next(reader, &none, &diag), TL_EOF);
    assert_int_equal(diag.code, 0);
    tl_jsonl_close(&reader);
    assert_null(reader);
    tl_jsonl_close(&reader);
    count_files(folder, 1);
}

// Opens a file with this text and reads to the end; the first code that is not 0, and its sentence.
static int read_text(const char *text, size_t size, TlDiag *diag)
{
    char *folder = temp_folder(), path[256];
    static TlRecord record;
    snprintf(path, sizeof path, "%s/a.jsonl", folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    fclose(file);
    TlJsonlReader *reader = NULL;
    *diag = (TlDiag){0};
    int ret = tl_jsonl_open(&reader, path, NULL, diag);
    assert_true((ret == 0) == (reader != NULL));
    while (ret == 0)
        ret = tl_jsonl_next(reader, &record, diag);
    tl_jsonl_close(&reader);
    count_files(folder, 1);
    return ret;
}

static void expect_bad(const char *text, const char *sentence)
{
    TlDiag diag;
    assert_int_equal(read_text(text, strlen(text), &diag), TL_EFORMAT);
    if (!strstr(diag.text, sentence))
        print_error("'%s' is not in '%s'\n", sentence, diag.text);
    assert_non_null(strstr(diag.text, sentence));
}

static void test_bad_heads(void **opaque)
{
    (void)opaque;
    expect_bad("", "empty");
    expect_bad("\n \r\n", "empty");
    expect_bad("hello\n", "not JSON");
    expect_bad("[1,2]\n", "not the head");
    expect_bad("{\"frame\":0}\n", "not the head");
    expect_bad("{\"touchline\":\"9\",\"format\":2}\n", "newer");
    expect_bad("{\"touchline\":\"9\",\"format\":\"1\"}\n", "\"format\"");
    expect_bad("{\"touchline\":\"9\",\"format\":1,\"width\":-5}\n", "lacks");
    expect_bad("{\"touchline\":1,\"format\":1}\n", "not the head");
    TlJsonlReader *reader = NULL;
    TlDiag diag = {0};
    assert_int_equal(tl_jsonl_open(&reader, "/no/such/file.jsonl", NULL, &diag), TL_ENOENT);
    assert_int_equal(tl_jsonl_open(&reader, "/", NULL, NULL), TL_EIO);
    assert_null(reader);
}

// A good record whose members are replaced one by one. keypoints NULL = 32 zeros.
static char *record_text(const char *frame, const char *objects, const char *keypoints, const char *homography)
{
    static char text[65536];
    char points[512] = "[";
    for (int i = 0; i < TL_POINT_COUNT; i++)
        strcat(points, i ? ",[0,0,0]" : "[0,0,0]");
    strcat(points, "]");
    snprintf(text, sizeof text,
             HEAD "\n{\"frame\":%s,\"time\":0,\"filled\":false,\"objects\":%s,\"keypoints\":%s,\"homography\":%s}\n",
             frame, objects, keypoints ? keypoints : points, homography);
    return text;
}

#define OBJECT(id, class_id, bbox, score, filled, pitch)                                                               \
    "[{\"id\":" id ",\"class_id\":" class_id ",\"bbox\":" bbox ",\"score\":" score ",\"filled\":" filled               \
    ",\"pitch\":" pitch "}]"

static void test_bad_records(void **opaque)
{
    (void)opaque;
    static const char *const objects[] = {
        "{}",
        "[1]",
        "[{}]",
        "[null]",
        OBJECT("\"1\"", "2", "[1,2,3,4]", "1", "false", "null"),
        OBJECT("99999999999", "2", "[1,2,3,4]", "1", "false", "null"),
        OBJECT("1", "4", "[1,2,3,4]", "1", "false", "null"),
        OBJECT("1", "-1", "[1,2,3,4]", "1", "false", "null"),
        OBJECT("1", "2", "[1,2,3]", "1", "false", "null"),
        OBJECT("1", "2", "[1,2,3,4,5]", "1", "false", "null"),
        OBJECT("1", "2", "[1,2,3,1e300]", "1", "false", "null"),
        OBJECT("1", "2", "[1,2,3,\"4\"]", "1", "false", "null"),
        OBJECT("1", "2", "[1,2,3,4]", "null", "false", "null"),
        OBJECT("1", "2", "[1,2,3,4]", "1", "0", "null"),
        OBJECT("1", "2", "[1,2,3,4]", "1", "false", "[1]"),
        OBJECT("1", "2", "[1,2,3,4]", "1", "false", "7"),
        OBJECT("1", "2", "[1,2,3,4]", "1", "false", "null,\"team\":3"),
        OBJECT("1", "2", "[1,2,3,4]", "1", "false", "null,\"team\":\"left\""),
    };
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
        expect_bad(record_text("0", objects[i], NULL, "null"), "line 3");
    expect_bad(record_text("-1", "[]", NULL, "null"), "\"frame\"");
    expect_bad(record_text("1.5", "[]", NULL, "null"), "\"frame\"");
    expect_bad(record_text("0", "[],\"left_team\":0", NULL, "null"), "\"left_team\"");
    expect_bad(record_text("0", "[]", "[]", "null"), "\"keypoints\"");
    expect_bad(record_text("0", "[]", "null", "null"), "\"keypoints\"");
    expect_bad(record_text("0", "[]", NULL, "[1,2,3]"), "\"homography\"");
    expect_bad(record_text("0", "[]", NULL, "[1,2,3,4,5,6,7,8,\"9\"]"), "\"homography\"");
    static const char *const bad_cameras[] = {
        "null,\"camera\":{\"lens\":-0.1,\"straight\":[1,0,0,0,1,0,0,0,1]}", // a lens in front of nothing
        "[1,0,0,0,1,0,0,0,1],\"camera\":{\"lens\":\"-0.1\",\"straight\":[1,0,0,0,1,0,0,0,1]}",
        "[1,0,0,0,1,0,0,0,1],\"camera\":{\"lens\":-0.1,\"straight\":[1,0,0,0,1,0,0,0]}",
        "[1,0,0,0,1,0,0,0,1],\"camera\":{\"lens\":-0.1}", "[1,0,0,0,1,0,0,0,1],\"camera\":[]"};
    for (size_t i = 0; i < sizeof bad_cameras / sizeof bad_cameras[0]; i++)
        expect_bad(record_text("0", "[]", NULL, bad_cameras[i]), "\"camera\"");
    expect_bad(record_text("0", "[]", NULL, "1e999"), "not JSON");
    expect_bad(record_text("0", "[]", NULL, "NaN"), "not JSON");
    expect_bad(HEAD "{\"frame\":0}\n", "\"time\"");
    expect_bad(HEAD "[]\n", "not a record");
    expect_bad(HEAD "{\"frame\":0,\"frame\":1}\n", "not JSON");
    expect_bad(HEAD "{\"frame\":0,\"time\":0,\"fil", "not JSON");
}

static void test_good_variants(void **opaque)
{
    (void)opaque;
    TlDiag diag;
    char *text = record_text("0", OBJECT("-1", "0", "[1,2,3,4]", "1", "true", "[1,2]"), NULL, "[1,2,3,4,5,6,7,8,9]");
    assert_int_equal(read_text(text, strlen(text), &diag), TL_EOF);
    assert_int_equal(read_text(text, strlen(text) - 1, &diag), TL_EOF); // no line break at the end
    text = record_text("0", "[]", NULL, "null,\"extra\":{\"a\":[1]}");  // keys of a later version
    assert_int_equal(read_text(text, strlen(text), &diag), TL_EOF);
}

static void test_limits(void **opaque)
{
    (void)opaque;
    static char list[40000];
    TlDiag diag;
    strcpy(list, "[");
    for (int i = 0; i <= TL_OBJECT_MAX; i++)
        strcat(list, i ? ",0" : "0");
    strcat(list, "]");
    char *text = record_text("0", list, NULL, "null");
    assert_int_equal(read_text(text, strlen(text), &diag), TL_ELIMIT);
    assert_non_null(strstr(diag.text, "129"));
    size_t size = (16u << 20) + 4096;
    char *endless = malloc(size);
    assert_non_null(endless);
    memset(endless, ' ', size);
    assert_int_equal(read_text(endless, size, &diag), TL_ELIMIT);
    memset(endless, '[', size); // nesting that a careless parser follows down its stack
    assert_int_equal(read_text(endless, 1 << 20, &diag), TL_EFORMAT);
    free(endless);
}

static void test_nul_bytes(void **opaque)
{
    (void)opaque;
    static const char text[] = HEAD "{\"frame\":0,\0\"time\":0}\n";
    TlDiag diag;
    assert_int_equal(read_text(text, sizeof text - 1, &diag), TL_EFORMAT);
    assert_int_equal(read_text("\0\0\0", 3, &diag), TL_EFORMAT);
}

// Every prefix and every flipped byte of a good file: an error or a clean end, never worse.
static void test_damaged(void **opaque)
{
    (void)opaque;
    char *text = record_text("0", OBJECT("1", "0", "[1,2,3,4]", "1", "true", "[1,2]"), NULL, "[1,2,3,4,5,6,7,8,9]");
    size_t size = strlen(text);
    char *copy = strdup(text);
    TlDiag diag;
    assert_non_null(copy);
    for (size_t i = 0; i < size; i++)
        assert_true(read_text(copy, i, &diag) < 0);
    for (size_t i = 0; i < size; i++) {
        copy[i] ^= (char)(1 << (i % 8));
        assert_true(read_text(copy, size, &diag) < 0);
        copy[i] ^= (char)(1 << (i % 8));
    }
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_bad_heads), cmocka_unit_test(test_bad_records),
        cmocka_unit_test(test_good_variants), cmocka_unit_test(test_limits),    cmocka_unit_test(test_nul_bytes),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
