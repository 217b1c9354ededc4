// Common to the fuzz targets: libFuzzer's entry point, and input as a file that exists in memory only.
#ifndef TL_TEST_FUZZ_H
#define TL_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// Reads one input; returns 0. Called many times in one process.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Ends the run loudly when something that must hold does not.
#define FUZZ_CHECK(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

typedef struct FuzzFile {
    int fd;
    char path[32];
} FuzzFile;

// The input as a regular file at file->path; close file->fd afterwards. -1 when the system has none to give.
static inline int fuzz_file(FuzzFile *file, const uint8_t *data, size_t size)
{
    file->fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (file->fd < 0)
        return -1;
    if (write(file->fd, data, size) != (ssize_t)size || lseek(file->fd, 0, SEEK_SET) != 0) {
        close(file->fd);
        return -1;
    }
    snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->fd);
    return 0;
}

#endif
