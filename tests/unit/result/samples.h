// Records and temporary folders for the tests of the result formats.
#ifndef TL_TEST_RESULT_SAMPLES_H
#define TL_TEST_RESULT_SAMPLES_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <touchline/result.h>
#include <touchline/writer.h>

static inline TlStreamInfo sample_info(void)
{
    TlStreamInfo info = {.width = 1280, .height = 720, .fps = 25};
    strcpy(info.source, "clips/match \"one\".mp4");
    strcpy(info.player_model, "players");
    strcpy(info.pitch_model, "pitch");
    strcpy(info.settings, "FRAME_STRIDE=2");
    return info;
}

// Frame 4: a player on the pitch, a ball that is not, a filled goalkeeper of the other team; point 3 seen; a
// homography.
static inline TlRecord sample_record(void)
{
    TlRecord r = {.frame = 4, .time_s = 0.16, .has_homography = 1, .left_team = 2, .object_count = 3};
    r.objects[0] = (TlObject){.id = 1,
                              .class_id = TL_CLASS_PLAYER,
                              .bbox = {100, 200.5f, 140.25f, 300},
                              .score = 0.93f,
                              .pitch = {52.5f, 0.25f},
                              .has_pitch = 1,
                              .team = 2};
    r.objects[1] = (TlObject){.id = 2, .class_id = TL_CLASS_BALL, .bbox = {10, 20, 22, 32}, .score = 0.5f};
    r.objects[2] = (TlObject){.id = 7,
                              .class_id = TL_CLASS_GOALKEEPER,
                              .bbox = {0, 1, 2, 3},
                              .score = 1,
                              .filled = 1,
                              .pitch = {105, 68},
                              .has_pitch = 1,
                              .team = 1};
    r.points[3] = (TlPoint){640.125f, 0.5f, 0.875f};
    const double h[9] = {0.05, 0, 20, 0, 0.1, -20, 0, 1.25e-05, 1};
    memcpy(r.homography, h, sizeof h);
    return r;
}

static inline char *temp_folder(void)
{
    static char name[64];
    strcpy(name, "/tmp/tl-result-XXXXXX");
    return mkdtemp(name);
}

// Number of files in a folder (hidden ones too); with `remove` they are deleted and the folder as well.
static inline int count_files(const char *folder, int delete)
{
    DIR *dir = opendir(folder);
    int count = 0;
    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        count++;
        if (delete)
            unlinkat(dirfd(dir), e->d_name, 0);
    }
    if (dir)
        closedir(dir);
    if (delete)
        rmdir(folder);
    return count;
}

// Contents of folder/name, to be freed; NULL when there is no such file.
static inline char *read_file(const char *folder, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = calloc(1, (size_t)size + 1);
    size_t got = text ? fread(text, 1, (size_t)size, file) : 0;
    fclose(file);
    if (text && got != (size_t)size)
        text[0] = '\0';
    return text;
}

// Writes records with a format (NULL = by ending) to folder/name; the code of the first call that failed.
static inline int write_records(const char *folder, const char *name, const char *format, const TlRecord *records,
                                int count, TlDiag *diag)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    TlWriterParams params = {.path = path, .format = format};
    TlStreamInfo info = sample_info();
    TlWriter *writer = NULL;
    int ret = tl_writer_open(&writer, &params, &info, diag);
    for (int i = 0; ret == 0 && i < count; i++)
        ret = tl_writer_write(writer, &records[i], diag);
    if (ret < 0) {
        tl_writer_abort(&writer);
        return ret;
    }
    return tl_writer_commit(&writer, diag);
}

#endif
