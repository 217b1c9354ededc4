// Compiled models on disk: only whole files come back, damaged ones disappear, the oldest make room.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "infer/model_cache.h"

static char g_dir[64];

static void store(const TlModelCache *cache, const void *data, size_t size)
{
    TlOutfile *file = NULL;
    assert_int_equal(tl_model_cache_begin(cache, &file, NULL), TL_OK);
    FILE *stream = fopen(tl_outfile_temp_path(file), "wb"); // by name, as a runtime does
    assert_non_null(stream);
    assert_int_equal(fwrite(data, 1, size, stream), size);
    fclose(stream);
    assert_int_equal(tl_model_cache_commit(cache, &file, NULL), TL_OK);
}

static int count_files(void)
{
    int count = 0;
    DIR *dir = opendir(g_dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(dir);
    return count;
}

static int clean(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", g_dir);
    return system(command);
}

static void comes_back_whole(void **state)
{
    (void)state;
    TlModelCache cache, other;
    uint8_t *data;
    size_t size;
    char deep[100];
    snprintf(deep, sizeof deep, "%s/a/b/c", g_dir);
    assert_int_equal(tl_model_cache_init(&cache, deep, "key"), TL_OK);
    assert_int_equal(tl_model_cache_init(&other, deep, "another key"), TL_OK);
    assert_string_not_equal(cache.path, other.path);
    struct stat info;
    assert_int_equal(stat(deep, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(tl_model_cache_load(&cache, &data, &size), TL_EAGAIN);
    assert_null(data);
    store(&cache, "compiled", 8);
    assert_int_equal(tl_model_cache_load(&cache, &data, &size), TL_OK);
    assert_int_equal(size, 8);
    assert_memory_equal(data, "compiled", 8);
    tl_free(&data);
    assert_int_equal(tl_model_cache_load(&other, &data, &size), TL_EAGAIN);
    store(&cache, "replaced!", 9);
    assert_int_equal(tl_model_cache_load(&cache, &data, &size), TL_OK);
    assert_int_equal(size, 9);
    tl_free(&data);
    tl_model_cache_drop(&cache);
    assert_int_equal(tl_model_cache_load(&cache, &data, &size), TL_EAGAIN);
}

static void no_folder_is_said(void **state)
{
    (void)state;
    TlModelCache cache;
    char path[100];
    assert_int_equal(tl_model_cache_init(&cache, NULL, "key"), TL_ENOENT);
    assert_int_equal(tl_model_cache_init(&cache, "", "key"), TL_ENOENT);
    mkdir(g_dir, 0700);
    snprintf(path, sizeof path, "%s/file", g_dir);
    fclose(fopen(path, "w"));
    snprintf(path, sizeof path, "%s/file/sub", g_dir);
    assert_int_equal(tl_model_cache_init(&cache, path, "key"), TL_EIO);
}

static void rewrite(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

// Any single flipped byte and any cut: never served, and gone afterwards.
static void damage_is_never_served(void **state)
{
    (void)state;
    TlModelCache cache, other;
    uint8_t file[256], *data;
    size_t size, bytes;
    assert_int_equal(tl_model_cache_init(&cache, g_dir, "key"), TL_OK);
    assert_int_equal(tl_model_cache_init(&other, g_dir, "other"), TL_OK);
    store(&cache, "0123456789", 10);
    FILE *stream = fopen(cache.path, "rb");
    bytes = fread(file, 1, sizeof file, stream);
    fclose(stream);
    assert_int_equal(bytes, 10 + 80);
    for (size_t i = 0; i < bytes; i++) {
        file[i] ^= 0x20;
        rewrite(cache.path, file, bytes);
        assert_int_equal(tl_model_cache_load(&cache, &data, &size), TL_EAGAIN);
        assert_int_equal(access(cache.path, F_OK), -1);
        file[i] ^= 0x20;
        rewrite(cache.path, file, i);
        assert_int_equal(tl_model_cache_load(&cache, &data, &size), TL_EAGAIN);
        assert_int_equal(access(cache.path, F_OK), -1);
    }
    rewrite(other.path, file, bytes); // a sound file under another key's name
    assert_int_equal(tl_model_cache_load(&other, &data, &size), TL_EAGAIN);
    rewrite(cache.path, file, bytes);
    assert_int_equal(tl_model_cache_load(&cache, &data, &size), TL_OK);
    tl_free(&data);
}

static void an_empty_payload_is_no_model(void **state)
{
    (void)state;
    TlModelCache cache;
    TlOutfile *file = NULL;
    assert_int_equal(tl_model_cache_init(&cache, g_dir, "key"), TL_OK);
    assert_int_equal(tl_model_cache_begin(&cache, &file, NULL), TL_OK);
    assert_int_equal(tl_model_cache_commit(&cache, &file, NULL), TL_EIO);
    assert_int_equal(count_files(), 0);
}

static void the_oldest_make_room(void **state)
{
    (void)state;
    TlModelCache cache;
    uint8_t *data;
    size_t size;
    char key[32];
    for (int i = 0; i < TL_CACHE_FILES_MAX + 10; i++) {
        snprintf(key, sizeof key, "key %d", i);
        assert_int_equal(tl_model_cache_init(&cache, g_dir, key), TL_OK);
        store(&cache, key, strlen(key));
        struct timespec old[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};
        assert_int_equal(utimensat(AT_FDCWD, cache.path, old, 0), 0);
        if (i == TL_CACHE_FILES_MAX - 1) { // the first one is used again and so becomes the newest
            assert_int_equal(tl_model_cache_init(&cache, g_dir, "key 0"), TL_OK);
            assert_int_equal(tl_model_cache_load(&cache, &data, &size), TL_OK);
            tl_free(&data);
        }
    }
    assert_int_equal(count_files(), TL_CACHE_FILES_MAX);
    for (int i = 0; i < TL_CACHE_FILES_MAX + 10; i++) {
        snprintf(key, sizeof key, "key %d", i);
        assert_int_equal(tl_model_cache_init(&cache, g_dir, key), TL_OK);
        assert_int_equal(tl_model_cache_load(&cache, &data, &size), i == 0 || i > 10 ? TL_OK : TL_EAGAIN);
        tl_free(&data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(comes_back_whole, clean),
        cmocka_unit_test_teardown(no_folder_is_said, clean),
        cmocka_unit_test_teardown(damage_is_never_served, clean),
        cmocka_unit_test_teardown(an_empty_payload_is_no_model, clean),
        cmocka_unit_test_teardown(the_oldest_make_room, clean),
    };
    snprintf(g_dir, sizeof g_dir, "/tmp/tl_cache_%d", (int)getpid());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
