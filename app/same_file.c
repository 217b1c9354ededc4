// Whether two names stand for one file, and whether an output would replace the input.
//
// An output is renamed into place when it is complete, or truncated when it is opened: either way an input of the same
// name is lost, whatever -y says. Names alone do not tell: "./a.mp4", a symbolic link and a hard link are all a.mp4.
#include "same_file.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <touchline/session.h>

// The folder with its links resolved, and the last part of the name as it is; -1 when there is no such folder.
static int resolve(const char *path, char *text, size_t size)
{
    char folder[TL_PATH_SIZE], name[TL_PATH_SIZE];

    if (strlen(path) >= sizeof folder)
        return -1;
    snprintf(folder, sizeof folder, "%s", path);
    snprintf(name, sizeof name, "%s", path);
    char *real = realpath(dirname(folder), NULL);
    int length = real ? snprintf(text, size, "%s/%s", real, basename(name)) : -1;
    free(real);
    return length < 0 || (size_t)length >= size ? -1 : 0;
}

static int is_stdout(const char *path)
{
    return !strcmp(path, "-") || !strcmp(path, "/dev/stdout");
}

int tl_same_file(const char *a, const char *b)
{
    char whole_a[2 * TL_PATH_SIZE], whole_b[2 * TL_PATH_SIZE];
    struct stat status_a, status_b;

    if (!strcmp(a, b) || (is_stdout(a) && is_stdout(b)))
        return 1;
    if (is_stdout(a) || is_stdout(b))
        return 0;
    int has_a = !stat(a, &status_a), has_b = !stat(b, &status_b);
    if (has_a && has_b)
        return S_ISREG(status_a.st_mode) && status_a.st_dev == status_b.st_dev && status_a.st_ino == status_b.st_ino;
    return !has_a && !has_b && !resolve(a, whole_a, sizeof whole_a) && !resolve(b, whole_b, sizeof whole_b) &&
           !strcmp(whole_a, whole_b);
}

// Ends the walk over the pictures with a code that is no failure of the listing.
static int compare_picture(void *output, const char *path, TlDiag *diag)
{
    (void)diag;
    return tl_same_file(path, output) ? TL_EEXIST : TL_OK;
}

int tl_keep_input(const char *path, const char *input, const char *option, TlDiag *diag)
{
    struct stat source, target;
    TlDiag ignored = {0};
    char name[TL_PATH_SIZE];

    int found = strcmp(input, "-") ? stat(input, &source) : fstat(STDIN_FILENO, &source);
    if (found < 0 || is_stdout(path) || stat(path, &target) < 0 || !S_ISREG(target.st_mode))
        return TL_OK;
    if (S_ISREG(source.st_mode) && source.st_dev == target.st_dev && source.st_ino == target.st_ino)
        return tl_fail(diag, TL_EUSAGE, "%s '%s' would replace the input; give it another name", option, path);
    if (!S_ISDIR(source.st_mode) || snprintf(name, sizeof name, "%s", path) >= (int)sizeof name)
        return TL_OK;
    if (tl_list_pictures(input, compare_picture, name, &ignored) == TL_EEXIST)
        return tl_fail(diag, TL_EUSAGE, "%s '%s' would replace a picture of the input '%s'; give it another name",
                       option, path, input);
    return TL_OK;
}
