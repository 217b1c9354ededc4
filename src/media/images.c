// Folders of pictures: which files, in which order.
#include "media/images.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/outfile.h"

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Compares two runs of digits by value without a limit of length; both are moved behind their run.
static int compare_numbers(const char **a, const char **b)
{
    size_t length_a, length_b;

    while (**a == '0')
        (*a)++;
    while (**b == '0')
        (*b)++;
    for (length_a = 0; is_digit((*a)[length_a]);)
        length_a++;
    for (length_b = 0; is_digit((*b)[length_b]);)
        length_b++;
    int order = length_a != length_b ? (length_a < length_b ? -1 : 1) : strncmp(*a, *b, length_a);
    *a += length_a;
    *b += length_b;
    return order;
}

int tl_natural_compare(const char *a, const char *b)
{
    const char *whole_a = a, *whole_b = b;

    while (*a && *b) {
        if (is_digit(*a) && is_digit(*b)) {
            int order = compare_numbers(&a, &b);
            if (order)
                return order;
        } else if (*a != *b) {
            break;
        } else {
            a++;
            b++;
        }
    }
    if (*a != *b)
        return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
    return strcmp(whole_a, whole_b);
}

static int compare_paths(const void *a, const void *b)
{
    return tl_natural_compare(*(char *const *)a, *(char *const *)b);
}

static int is_picture_name(const char *name)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff",
                                          ".ppm", ".pgm",  ".pnm", ".tga", ".jp2",  NULL};
    const char *ending = strrchr(name, '.');

    if (!ending || ending == name || name[0] == '.')
        return 0;
    for (int i = 0; endings[i]; i++)
        if (!strcasecmp(ending, endings[i]))
            return 1;
    return 0;
}

static int append(TlImageList *list, const char *folder, const char *name)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 256;
        char **paths = tl_calloc(capacity, sizeof *paths);
        if (!paths)
            return -1;
        if (list->count)
            memcpy(paths, list->paths, list->count * sizeof *paths);
        tl_free(&list->paths);
        list->paths = paths;
        list->capacity = capacity;
    }
    size_t size = strlen(folder) + strlen(name) + 2, length = strlen(folder);
    char *path = tl_calloc(1, size);
    if (!path)
        return -1;
    snprintf(path, size, "%s%s%s", folder, length && folder[length - 1] == '/' ? "" : "/", name);
    list->paths[list->count++] = path;
    return 0;
}

int tl_image_list_init(TlImageList *list, const char *folder, TlDiag *diag)
{
    int ret = TL_OK;

    *list = (TlImageList){0};
    DIR *directory = opendir(folder);
    if (!directory)
        return tl_fail(diag, tl_errno_code(errno), "cannot read the folder '%.200s': %s", folder, strerror(errno));
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (!entry) {
            if (errno)
                ret = tl_fail(diag, TL_EIO, "cannot read the folder '%.200s': %s", folder, strerror(errno));
            break;
        }
        if (!is_picture_name(entry->d_name) || entry->d_type == DT_DIR)
            continue;
        if (append(list, folder, entry->d_name) < 0) {
            ret = tl_fail(diag, TL_ENOMEM, "out of memory for the names in the folder '%.200s'", folder);
            break;
        }
    }
    closedir(directory);
    if (!ret && !list->count)
        ret = tl_fail(diag, TL_EEMPTY, "there is no picture in the folder '%.200s'", folder);
    if (ret < 0)
        tl_image_list_deinit(list);
    else
        qsort(list->paths, list->count, sizeof *list->paths, compare_paths);
    return ret;
}

void tl_image_list_deinit(TlImageList *list)
{
    for (size_t i = 0; i < list->count; i++)
        tl_free(&list->paths[i]);
    tl_free(&list->paths);
    *list = (TlImageList){0};
}
