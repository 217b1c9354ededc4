// Writers as files: choice of the format, whole or not at all, full disks, nothing allocated once warm.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "samples.h"

static int open_at(TlWriter **writer, const char *path, const char *format, int overwrite, TlDiag *diag)
{
    TlWriterParams params = {.path = path, .format = format, .overwrite = overwrite};
    TlStreamInfo info = sample_info();
    return tl_writer_open(writer, &params, &info, diag);
}

static void test_list(void **opaque)
{
    (void)opaque;
    static const char *const names[] = {"jsonl", "sn44", "csv", "mot", "gsr"};
    for (int i = 0; i < 5; i++) {
        assert_string_equal(tl_writer_format(i)->name, names[i]);
        assert_true(tl_writer_format(i)->suffixes[0] == '.' && tl_writer_format(i)->help[0]);
    }
    assert_null(tl_writer_format(5));
    assert_null(tl_writer_format(-1));
}

// The first bytes of the file tell which format was taken.
static void expect_format(const char *name, const char *format, const char *begins)
{
    char *folder = temp_folder();
    TlDiag diag = {0};
    TlRecord record = sample_record();
    assert_int_equal(write_records(folder, name, format, &record, 1, &diag), 0);
    char *text = read_file(folder, name);
    assert_non_null(text);
    assert_int_equal(strncmp(text, begins, strlen(begins)), 0);
    free(text);
    count_files(folder, 1);
}

static void test_choice(void **opaque)
{
    (void)opaque;
    expect_format("a.jsonl", NULL, "{\"touchline\"");
    expect_format("a.NDJSON", NULL, "{\"touchline\"");
    expect_format("a.json", NULL, "{\"challenge_id\"");
    expect_format("a.gsr.json", NULL, "{\"predictions\"");
    expect_format("a.json", "gsr", "{\"predictions\"");
    expect_format("a.csv", NULL, "x_min,");
    expect_format("a.mot.txt", NULL, "5,1,");
    expect_format("a.txt", NULL, "5,1,");
    expect_format("a.weird", "JSONL", "{\"touchline\"");
    expect_format("a.csv", "", "x_min,");
}

static void test_refusals(void **opaque)
{
    (void)opaque;
    TlWriter *writer = NULL;
    TlDiag diag = {0};
    assert_int_equal(open_at(&writer, "/tmp/a.xml", NULL, 0, &diag), TL_EUSAGE);
    assert_non_null(strstr(diag.text, "a.xml"));
    assert_non_null(strstr(diag.text, "jsonl"));
    tl_diag_clear(&diag);
    assert_int_equal(open_at(&writer, "/tmp/a.jsonl", "xml", 0, &diag), TL_EUSAGE);
    assert_non_null(strstr(diag.text, "'xml'"));
    tl_diag_clear(&diag);
    assert_int_equal(open_at(&writer, "", NULL, 0, &diag), TL_EUSAGE);
    tl_diag_clear(&diag);
    assert_int_equal(open_at(&writer, "/tmp/no-such-folder-of-ours/a.jsonl", NULL, 0, &diag), TL_ENOENT);
    assert_int_equal(open_at(&writer, ".jsonl", NULL, 0, NULL), TL_EUSAGE); // a name that is nothing but the ending
    assert_null(writer);
    assert_int_equal(tl_writer_commit(&writer, NULL), 0);
    tl_writer_abort(&writer);
}

static void test_existing_file(void **opaque)
{
    (void)opaque;
    char *folder = temp_folder(), path[256];
    TlDiag diag = {0};
    TlRecord record = sample_record();
    TlWriter *writer = NULL;
    assert_int_equal(write_records(folder, "a.csv", NULL, &record, 1, &diag), 0);
    assert_int_equal(write_records(folder, "a.csv", NULL, &record, 1, &diag), TL_EEXIST);
    snprintf(path, sizeof path, "%s/a.csv", folder);
    assert_int_equal(open_at(&writer, path, NULL, 1, NULL), 0);
    assert_int_equal(tl_writer_commit(&writer, NULL), 0);
    char *text = read_file(folder, "a.csv");
    assert_non_null(text);
    assert_int_equal(strchr(text, '\n')[1], '\0'); // only the head
    free(text);
    // the files beside a MOT file count too
    snprintf(path, sizeof path, "%s/seqinfo.ini", folder);
    fclose(fopen(path, "w"));
    tl_diag_clear(&diag);
    assert_int_equal(write_records(folder, "b.txt", NULL, &record, 1, &diag), TL_EEXIST);
    assert_non_null(strstr(diag.text, "seqinfo.ini"));
    assert_int_equal(count_files(folder, 1), 2);
}

static void test_abort_leaves_nothing(void **opaque)
{
    (void)opaque;
    static const char *const names[] = {"a.jsonl", "a.json", "a.csv", "a.txt", "a.gsr.json"};
    for (int i = 0; i < 5; i++) {
        char *folder = temp_folder(), path[256];
        TlWriter *writer = NULL;
        TlRecord record = sample_record();
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(open_at(&writer, path, NULL, 0, NULL), 0);
        assert_int_equal(tl_writer_write(writer, &record, NULL), 0);
        struct stat status;
        assert_true(stat(path, &status) < 0); // not under its name before the commit
        tl_writer_abort(&writer);
        assert_null(writer);
        assert_int_equal(count_files(folder, 1), 0);
    }
}

static void test_full_device(void **opaque)
{
    (void)opaque;
    static const char *const formats[] = {"jsonl", "sn44", "csv", "mot", "gsr"};
    for (int i = 0; i < 5; i++) {
        TlWriter *writer = NULL;
        TlDiag diag = {0};
        TlRecord record = sample_record();
        int ret = open_at(&writer, "/dev/full", formats[i], 0, &diag);
        if (ret == 0) // a MOT file has no head
            ret = tl_writer_write(writer, &record, &diag);
        assert_int_equal(ret, TL_ENOSPC);
        assert_non_null(strstr(diag.text, "/dev/full"));
        if (writer)
            assert_int_equal(tl_writer_commit(&writer, NULL), TL_ENOSPC);
    }
}

// A file that may not grow past 64 KiB stands for a disk that fills up on the way.
static void test_disk_fills_up(void **opaque)
{
    (void)opaque;
    static const char *const names[] = {"a.jsonl", "a.json", "a.csv", "a.txt", "a.gsr.json"};
    struct rlimit before, low;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    low = before;
    low.rlim_cur = 64 << 10;
    for (int i = 0; i < 5; i++) {
        char *folder = temp_folder(), path[256];
        TlWriter *writer = NULL;
        TlDiag diag = {0};
        TlRecord record = sample_record();
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(open_at(&writer, path, NULL, 0, &diag), 0);
        setrlimit(RLIMIT_FSIZE, &low);
        int ret = 0;
        for (record.frame = 0; record.frame < 3000 && ret == 0; record.frame++)
            ret = tl_writer_write(writer, &record, &diag);
        int again = tl_writer_write(writer, &record, NULL), commit = tl_writer_commit(&writer, &diag);
        setrlimit(RLIMIT_FSIZE, &before);
        assert_int_equal(ret, TL_ENOSPC);
        assert_int_equal(again, TL_ENOSPC);
        assert_int_equal(commit, TL_ENOSPC);
        assert_null(writer);
        assert_int_equal(count_files(folder, 1), 0);
    }
}

// The last bytes of a MOT file do not fit: neither it nor the files beside it appear.
static void test_disk_full_at_commit(void **opaque)
{
    (void)opaque;
    char *folder = temp_folder(), path[256];
    TlWriter *writer = NULL;
    TlRecord record = sample_record();
    struct rlimit before, low;
    snprintf(path, sizeof path, "%s/a.txt", folder);
    assert_int_equal(open_at(&writer, path, NULL, 0, NULL), 0);
    for (record.frame = 0; record.frame < 10; record.frame++)
        assert_int_equal(tl_writer_write(writer, &record, NULL), 0);
    getrlimit(RLIMIT_FSIZE, &before);
    low = before;
    low.rlim_cur = 200;
    setrlimit(RLIMIT_FSIZE, &low);
    int ret = tl_writer_commit(&writer, NULL);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(ret, TL_ENOSPC);
    assert_int_equal(count_files(folder, 1), 0);
}

static void test_no_allocation_once_warm(void **opaque)
{
    (void)opaque;
    static const char *const names[] = {"a.jsonl", "a.json", "a.csv", "a.txt", "a.gsr.json"};
    char *folder = temp_folder(), path[256];
    TlRecord record = sample_record();
    record.object_count = TL_OBJECT_MAX;
    for (int i = 3; i < TL_OBJECT_MAX; i++) {
        record.objects[i] = record.objects[0];
        record.objects[i].id = i + 10;
    }
    for (int i = 0; i < 5; i++) {
        TlWriter *writer = NULL;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(open_at(&writer, path, NULL, 1, NULL), 0);
        uint64_t count = 0;
        for (record.frame = 100; record.frame < 300; record.frame++) { // all of one length
            assert_int_equal(tl_writer_write(writer, &record, NULL), 0);
            count = record.frame > 100 ? count : tl_alloc_count();
        }
        assert_int_equal(tl_alloc_count(), count);
        assert_int_equal(tl_writer_commit(&writer, NULL), 0);
    }
    count_files(folder, 1);
}

// Ids far beyond the first table, and beyond any table: written, and listed where a table is sensible.
static void test_mot_many_tracks(void **opaque)
{
    (void)opaque;
    char *folder = temp_folder();
    static TlRecord records[50];
    for (int f = 0; f < 50; f++) {
        records[f] = (TlRecord){.frame = f, .object_count = 3};
        for (int i = 0; i < 3; i++)
            records[f].objects[i] = (TlObject){.id = i == 0 ? f * 1000 + 1 : i == 1 ? INT32_MAX : -1, .class_id = 2};
    }
    assert_int_equal(write_records(folder, "m.txt", NULL, records, 50, NULL), 0);
    char *game = read_file(folder, "gameinfo.ini"), *rows = read_file(folder, "m.txt");
    assert_true(game && rows);
    assert_non_null(strstr(game, "num_tracklets=50\n"));
    assert_non_null(strstr(game, "trackletID_49001= player;X\n"));
    assert_non_null(strstr(rows, "50,2147483647,0,0,0,0,0,-1,-1,-1\n"));
    assert_non_null(strstr(rows, "50,-1,0,0,0,0,0,-1,-1,-1\n"));
    free(game);
    free(rows);
    count_files(folder, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_existing_file),
        cmocka_unit_test(test_abort_leaves_nothing),
        cmocka_unit_test(test_full_device),
        cmocka_unit_test(test_disk_fills_up),
        cmocka_unit_test(test_disk_full_at_commit),
        cmocka_unit_test(test_no_allocation_once_warm),
        cmocka_unit_test(test_mot_many_tracks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
