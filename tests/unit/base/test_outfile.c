// Files that appear whole or not at all.
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/outfile.h"

static char g_folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(g_folder, "/tmp/tl_outfile_XXXXXX");
    return mkdtemp(g_folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", g_folder);
    return system(command);
}

static const char *in_folder(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", g_folder, name);
    return path;
}

static int count_files(void)
{
    DIR *dir = opendir(g_folder);
    int count = 0;

    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2; // without . and ..
}

static void expect_content(const char *path, const char *expected)
{
    char text[64] = "";
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void appears_on_commit_only(void **state)
{
    TlOutfile *file = NULL;
    TlDiag diag = {0};
    struct stat status;
    char name[300];

    (void)state;
    assert_int_equal(tl_outfile_open(&file, in_folder("a.jsonl"), 0, &diag), TL_OK);
    fputs("hello", tl_outfile_stream(file));
    assert_int_equal(stat(in_folder("a.jsonl"), &status), -1);
    // The temporary stands in the same folder, hidden, with process id and suffix.
    snprintf(name, sizeof name, "%s/.a.%ld.part.jsonl", g_folder, (long)getpid());
    assert_string_equal(tl_outfile_temp_path(file), name);
    assert_int_equal(stat(name, &status), 0);
    assert_int_equal(tl_outfile_commit(&file, &diag), TL_OK);
    assert_null(file);
    expect_content(in_folder("a.jsonl"), "hello");
    assert_int_equal(count_files(), 1);
    unlink(in_folder("a.jsonl"));
}

static void abort_leaves_nothing(void **state)
{
    TlOutfile *file = NULL;

    (void)state;
    assert_int_equal(tl_outfile_open(&file, in_folder("b"), 0, NULL), TL_OK);
    fputs("half", tl_outfile_stream(file));
    tl_outfile_abort(&file);
    assert_null(file);
    tl_outfile_abort(&file);
    tl_outfile_abort(NULL);
    assert_int_equal(tl_outfile_commit(&file, NULL), TL_OK);
    assert_int_equal(count_files(), 0);
}

static void existing_files_are_kept_unless_told(void **state)
{
    TlOutfile *file = NULL;
    TlDiag diag = {0};
    struct stat status;

    (void)state;
    put(in_folder("c.csv"), "old");
    chmod(in_folder("c.csv"), 0640);
    assert_int_equal(tl_outfile_open(&file, in_folder("c.csv"), 0, &diag), TL_EEXIST);
    assert_null(file);
    assert_non_null(strstr(diag.text, "c.csv"));
    assert_int_equal(tl_outfile_open(&file, in_folder("c.csv"), 1, NULL), TL_OK);
    fputs("new", tl_outfile_stream(file));
    expect_content(in_folder("c.csv"), "old");
    assert_int_equal(tl_outfile_commit(&file, NULL), TL_OK);
    expect_content(in_folder("c.csv"), "new");
    assert_int_equal(stat(in_folder("c.csv"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    unlink(in_folder("c.csv"));
}

static void a_file_that_came_meanwhile_is_kept(void **state)
{
    TlOutfile *file = NULL;

    (void)state;
    assert_int_equal(tl_outfile_open(&file, in_folder("d"), 0, NULL), TL_OK);
    put(in_folder("d"), "theirs");
    assert_int_equal(tl_outfile_commit(&file, NULL), TL_EEXIST);
    assert_null(file);
    expect_content(in_folder("d"), "theirs");
    assert_int_equal(count_files(), 1);
    unlink(in_folder("d"));
}

static void links_are_written_through(void **state)
{
    TlOutfile *file = NULL;
    struct stat status;
    char target[256];

    (void)state;
    put(in_folder("target"), "old");
    strcpy(target, in_folder("target"));
    assert_int_equal(symlink(target, in_folder("link")), 0);
    assert_int_equal(tl_outfile_open(&file, in_folder("link"), 1, NULL), TL_OK);
    fputs("new", tl_outfile_stream(file));
    assert_int_equal(tl_outfile_commit(&file, NULL), TL_OK);
    assert_int_equal(lstat(in_folder("link"), &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    expect_content(target, "new");
    unlink(in_folder("link"));
    unlink(target);
}

static void same_name_twice_and_leftovers(void **state)
{
    TlOutfile *one = NULL, *two = NULL;
    char name[300];

    (void)state;
    snprintf(name, sizeof name, "%s/.e.%ld.part", g_folder, (long)getpid());
    put(name, "left by an earlier process with this id");
    assert_int_equal(tl_outfile_open(&one, in_folder("e"), 1, NULL), TL_OK);
    assert_int_equal(tl_outfile_open(&two, in_folder("e"), 1, NULL), TL_OK);
    fputs("1", tl_outfile_stream(one));
    fputs("2", tl_outfile_stream(two));
    assert_int_equal(tl_outfile_commit(&one, NULL), TL_OK);
    assert_int_equal(tl_outfile_commit(&two, NULL), TL_OK);
    expect_content(in_folder("e"), "2");
    unlink(name);
    unlink(in_folder("e"));
    assert_int_equal(count_files(), 0);
}

static void hostile_names(void **state)
{
    TlOutfile *file = NULL;
    TlDiag diag = {0};
    char name[5000];

    (void)state;
    assert_int_equal(tl_outfile_open(&file, "", 0, NULL), TL_EUSAGE);
    assert_int_equal(tl_outfile_open(&file, NULL, 0, NULL), TL_EUSAGE);
    assert_int_equal(tl_outfile_open(&file, g_folder, 1, &diag), TL_EIO);
    assert_non_null(strstr(diag.text, "folder"));
    tl_diag_clear(&diag);
    assert_int_equal(tl_outfile_open(&file, in_folder("none/x.csv"), 0, &diag), TL_ENOENT);
    assert_non_null(strstr(diag.text, "no such folder"));
    assert_null(file);
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_true(tl_outfile_open(&file, name, 0, NULL) < 0);
    // The longest legal name still gets a temporary of at most 255 bytes.
    name[snprintf(name, sizeof name, "%s/", g_folder) + 255] = '\0';
    memset(name + strlen(g_folder) + 1, 'm', 255);
    assert_int_equal(tl_outfile_open(&file, name, 0, NULL), TL_OK);
    assert_int_equal(tl_outfile_commit(&file, NULL), TL_OK);
    unlink(name);
}

static void full_disk_is_told(void **state)
{
    TlOutfile *file = NULL;
    TlDiag diag = {0};
    struct stat before, after;

    (void)state;
    if (stat("/dev/full", &before) < 0)
        skip();
    assert_int_equal(tl_outfile_open(&file, "/dev/full", 1, &diag), TL_OK);
    for (int i = 0; i < 10000; i++)
        fputs("0123456789", tl_outfile_stream(file));
    assert_int_equal(tl_outfile_commit(&file, &diag), TL_ENOSPC);
    assert_non_null(strstr(diag.text, "/dev/full"));
    assert_int_equal(stat("/dev/full", &after), 0);
    assert_true(S_ISCHR(after.st_mode)); // the device itself is untouched
}

static void devices_are_written_directly(void **state)
{
    TlOutfile *file = NULL;

    (void)state;
    assert_int_equal(tl_outfile_open(&file, "/dev/null", 0, NULL), TL_OK);
    assert_string_equal(tl_outfile_temp_path(file), "/dev/null");
    fputs("gone", tl_outfile_stream(file));
    assert_int_equal(tl_outfile_commit(&file, NULL), TL_OK);
    assert_int_equal(tl_outfile_open(&file, "-", 0, NULL), TL_OK);
    assert_ptr_equal(tl_outfile_stream(file), stdout);
    assert_int_equal(tl_outfile_commit(&file, NULL), TL_OK);
    assert_int_equal(fileno(stdout), 1); // still open
}

static void unlink_all_removes_every_temporary(void **state)
{
    (void)state;
    pid_t child = fork();
    if (!child) {
        TlOutfile *files[3] = {NULL};
        char name[16];
        for (int i = 0; i < 3; i++) {
            snprintf(name, sizeof name, "f%d.csv", i);
            if (tl_outfile_open(&files[i], in_folder(name), 0, NULL) < 0)
                _exit(1);
            fputs("half", tl_outfile_stream(files[i]));
        }
        tl_outfile_abort(&files[1]);
        tl_outfile_unlink_all();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(count_files(), 0);
}

static void too_many_outputs(void **state)
{
    static TlOutfile *files[200];
    TlDiag diag = {0};
    char name[16];
    int opened = 0, ret = TL_OK;

    (void)state;
    for (; opened < 200 && ret == TL_OK; opened += ret == TL_OK) {
        snprintf(name, sizeof name, "g%d", opened);
        ret = tl_outfile_open(&files[opened], in_folder(name), 0, &diag);
    }
    assert_int_equal(opened, 128);
    assert_int_equal(ret, TL_ELIMIT);
    for (int i = 0; i < opened; i++)
        tl_outfile_abort(&files[i]);
    assert_int_equal(count_files(), 0);
}

static void errno_codes(void **state)
{
    (void)state;
    assert_int_equal(tl_errno_code(ENOSPC), TL_ENOSPC);
    assert_int_equal(tl_errno_code(EACCES), TL_EDENIED);
    assert_int_equal(tl_errno_code(ENOENT), TL_ENOENT);
    assert_int_equal(tl_errno_code(EPIPE), TL_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appears_on_commit_only),
        cmocka_unit_test(abort_leaves_nothing),
        cmocka_unit_test(existing_files_are_kept_unless_told),
        cmocka_unit_test(a_file_that_came_meanwhile_is_kept),
        cmocka_unit_test(links_are_written_through),
        cmocka_unit_test(same_name_twice_and_leftovers),
        cmocka_unit_test(hostile_names),
        cmocka_unit_test(full_disk_is_told),
        cmocka_unit_test(devices_are_written_directly),
        cmocka_unit_test(unlink_all_removes_every_temporary),
        cmocka_unit_test(too_many_outputs),
        cmocka_unit_test(errno_codes),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
