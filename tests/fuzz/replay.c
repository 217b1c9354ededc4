// Stands in for libFuzzer in the ordinary tests: runs a target on every file of the folders given, on their beginnings
// and on slightly damaged copies.
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

enum { INPUT_MAX = 1 << 20, CUTS = 24, FLIPS = 24 };

// The input in a block of exactly its size, so that a sanitizer sees every byte read too far.
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = calloc(size ? size : 1, 1);
    FUZZ_CHECK(copy);
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int run_file(const char *path)
{
    static uint8_t data[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    if (!file)
        return -1;
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    run(data, size);
    for (size_t i = 0; i < CUTS; i++)
        run(data, size * i / CUTS);
    for (size_t i = 0; i < FLIPS && size; i++) {
        size_t at = (i * 2654435761u) % size;
        uint8_t kept = data[at];
        data[at] = (uint8_t)(i % 3 ? kept ^ (1u << i % 8) : 0xff);
        run(data, size);
        data[at] = kept;
    }
    return 0;
}

int main(int argc, char **argv)
{
    int count = 0;
    run((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        const struct dirent *entry;
        while (folder && (entry = readdir(folder))) {
            char path[4096];
            snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            count += entry->d_name[0] != '.' && run_file(path) == 0;
        }
        if (folder)
            closedir(folder);
    }
    printf("%d inputs replayed\n", count);
    return count ? 0 : 1;
}
