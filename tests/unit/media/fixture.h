// Shared by the tests of media: a temporary folder, inputs made by the ffmpeg command, frames compared with its output.
#ifndef TL_TEST_MEDIA_FIXTURE_H
#define TL_TEST_MEDIA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/media.h"

enum { SKIPPED = 77 };

static char g_folder[256];

// Runs a shell command inside the temporary folder; fails the test when it fails.
__attribute__((format(printf, 1, 2))) static inline void shell(const char *format, ...)
{
    char command[4096];
    va_list args;
    int length = snprintf(command, sizeof command, "cd '%s' && ", g_folder);

    va_start(args, format);
    vsnprintf(command + length, sizeof command - (size_t)length, format, args);
    va_end(args);
    if (system(command) != 0) // NOLINT(cert-env33-c): test inputs only
        fail_msg("failed: %s", command);
}

// Name of a file in the temporary folder; four names may be in use at a time.
static inline const char *in_folder(const char *name)
{
    static char paths[4][512];
    static int turn;
    char *path = paths[turn++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", g_folder, name);
    return path;
}

static inline int make_folder(void **state)
{
    const char *base = getenv("TMPDIR");

    (void)state;
    snprintf(g_folder, sizeof g_folder, "%s/touchline-media-XXXXXX", base ? base : "/tmp");
    return mkdtemp(g_folder) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    char command[512];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", g_folder);
    return system(command); // NOLINT(cert-env33-c)
}

// For main(): leaves with "skipped" where the ffmpeg command is missing.
static inline void need_ffmpeg(void)
{
    if (system("ffmpeg -version >/dev/null 2>&1") != 0) { // NOLINT(cert-env33-c)
        fprintf(stderr, "skipped: the ffmpeg command is not installed\n");
        exit(SKIPPED);
    }
}

static inline uint64_t hash_bytes(uint64_t hash, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ data[i]) * 1099511628211u;
    return hash;
}

static inline uint64_t hash_picture(const TlPicture *picture)
{
    uint64_t hash = 14695981039346656037u;

    for (int i = 0; i < 3; i++) {
        int width = i ? (picture->width + 1) / 2 : picture->width,
            height = i ? (picture->height + 1) / 2 : picture->height;
        for (int y = 0; y < height; y++)
            hash = hash_bytes(hash, picture->plane[i] + (ptrdiff_t)y * picture->stride[i], (size_t)width);
    }
    return hash;
}

// Packs the visible part of a picture: Y, U, V without padding. Caller frees.
static inline uint8_t *pack_picture(const TlPicture *picture, size_t *size)
{
    size_t chroma = (size_t)((picture->width + 1) / 2) * (size_t)((picture->height + 1) / 2);
    uint8_t *packed = malloc((size_t)picture->width * (size_t)picture->height + 2 * chroma), *to = packed;

    for (int i = 0; i < 3; i++) {
        int width = i ? (picture->width + 1) / 2 : picture->width,
            height = i ? (picture->height + 1) / 2 : picture->height;
        for (int y = 0; y < height; y++, to += width)
            memcpy(to, picture->plane[i] + (ptrdiff_t)y * picture->stride[i], (size_t)width);
    }
    *size = (size_t)(to - packed);
    return packed;
}

static inline TlReader *open_reader(const TlReaderParams *params)
{
    TlReader *reader = NULL;
    TlDiag diag = {0};
    int ret = tl_reader_open(&reader, params, &diag);

    if (ret < 0)
        fail_msg("open '%s': %s (%s)", params->input ? params->input : "bytes", diag.text, tl_error_name(ret));
    return reader;
}

// What a whole run over an input gave.
typedef struct Run {
    int open_ret, end; // codes of open and of the last next
    TlDiag diag;
    TlStreamInfo info;
    int64_t count, decoded, first_index;
    int in_order;     // indices follow one another, times grow
    double *times;    // [count]
    uint64_t *hashes; // [count], 0 for frames without pixels
} Run;

static inline void free_run(Run *run)
{
    free(run->times);
    free(run->hashes);
}

static inline Run run_params(const TlReaderParams *params)
{
    Run run = {.in_order = 1};
    TlReader *reader = NULL;
    TlFrame *frame = NULL;
    size_t capacity = 0;

    run.open_ret = tl_reader_open(&reader, params, &run.diag);
    if (run.open_ret < 0) {
        assert_null(reader);
        return run;
    }
    tl_reader_info(reader, &run.info);
    while ((run.end = tl_reader_next(reader, &frame, &run.diag)) == 0) {
        if ((size_t)run.count == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            run.times = realloc(run.times, capacity * sizeof *run.times);
            run.hashes = realloc(run.hashes, capacity * sizeof *run.hashes);
        }
        if (!run.count)
            run.first_index = frame->index;
        else if (frame->time_s <= run.times[run.count - 1])
            run.in_order = 0;
        if (frame->index != run.first_index + run.count)
            run.in_order = 0;
        if (frame->picture.width &&
            (frame->picture.width != run.info.width || frame->picture.height != run.info.height))
            run.in_order = 0;
        run.times[run.count] = frame->time_s;
        run.hashes[run.count] = frame->picture.width ? hash_picture(&frame->picture) : 0;
        run.decoded += frame->picture.width != 0;
        run.count++;
        tl_frame_unref(&frame);
    }
    assert_null(frame);
    assert_int_equal(tl_reader_next(reader, &frame, NULL), run.end); // the end stays the end
    tl_reader_close(&reader);
    assert_null(reader);
    return run;
}

static inline Run run_file(const char *path)
{
    return run_params(&(TlReaderParams){.input = path, .threads = 2});
}

// Hashes of the pictures that the ffmpeg command makes of an input, raw 4:2:0 of the given size. Caller frees.
static inline uint64_t *reference_hashes(const char *arguments, int width, int height, int64_t *count)
{
    char command[1024];
    size_t chroma = (size_t)((width + 1) / 2) * (size_t)((height + 1) / 2);
    size_t size = (size_t)width * (size_t)height + 2 * chroma;
    uint8_t *data = malloc(size);
    uint64_t *hashes = NULL;

    snprintf(command, sizeof command, "cd '%s' && ffmpeg -v error %s -an -fps_mode passthrough -f rawvideo -", g_folder,
             arguments);
    FILE *pipe = popen(command, "r"); // NOLINT(cert-env33-c)
    assert_non_null(pipe);
    for (*count = 0; fread(data, 1, size, pipe) == size; (*count)++) {
        hashes = realloc(hashes, (size_t)(*count + 1) * sizeof *hashes);
        hashes[*count] = hash_bytes(14695981039346656037u, data, size);
    }
    assert_int_equal(pclose(pipe), 0);
    free(data);
    return hashes;
}

#endif
