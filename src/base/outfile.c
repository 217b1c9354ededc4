// Files that appear whole or not at all.
//
// In: a path. Out: a stream on ".<name>.<pid>.part<suffix>" in the same folder, renamed to the path on commit. Every
// temporary name stands in a fixed table of lock-free slots, so that a signal handler can unlink them all.
// Devices, pipes and "-" are written directly: renaming over /dev/null would destroy it.
#include "base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { PATH_BYTES = 2048, SLOT_COUNT = 128, ATTEMPTS = 100 };
enum SlotState { SLOT_FREE = 0, SLOT_CLAIMED, SLOT_ARMED };

typedef struct Slot {
    atomic_int state;
    char path[PATH_BYTES];
} Slot;

static Slot g_slots[SLOT_COUNT];

struct TlOutfile {
    FILE *stream;
    char path[PATH_BYTES]; // final name, links resolved
    char temp[PATH_BYTES]; // name to write to; the final name itself when direct
    Slot *slot;            // NULL when direct
    int overwrite, is_stdout;
};

int tl_errno_code(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return TL_ENOENT;
    case EACCES:
    case EPERM:
    case EROFS:
        return TL_EDENIED;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return TL_ENOSPC;
    case ENOMEM:
        return TL_ENOMEM;
    case EEXIST:
        return TL_EEXIST;
    case EINTR:
        return TL_EINTERRUPTED;
    case ENAMETOOLONG:
    case EMFILE:
    case ENFILE:
        return TL_ELIMIT;
    default:
        return TL_EIO;
    }
}

static Slot *claim_slot(const char *path)
{
    for (int i = 0; i < SLOT_COUNT; i++) {
        int expected = SLOT_FREE;
        if (!atomic_compare_exchange_strong(&g_slots[i].state, &expected, SLOT_CLAIMED))
            continue;
        tl_strcpy(g_slots[i].path, sizeof g_slots[i].path, path);
        atomic_store(&g_slots[i].state, SLOT_ARMED);
        return &g_slots[i];
    }
    return NULL;
}

static void release_slot(Slot **slot)
{
    if (*slot)
        atomic_store(&(*slot)->state, SLOT_FREE);
    *slot = NULL;
}

// Only loads of lock-free atomics and unlink(2): legal inside a handler.
void tl_outfile_unlink_all(void)
{
    int saved = errno;

    for (int i = 0; i < SLOT_COUNT; i++)
        if (atomic_load(&g_slots[i].state) == SLOT_ARMED)
            unlink(g_slots[i].path);
    errno = saved;
}

// Looks at what is there under the name. *direct: write to it without a temporary; *mode: permissions to keep.
static int examine(TlOutfile *file, const char *path, int *direct, mode_t *mode, TlDiag *diag)
{
    struct stat status;
    char resolved[PATH_MAX];

    *direct = 0;
    *mode = 0;
    if (tl_strcpy(file->path, sizeof file->path, path) < 0)
        return tl_fail(diag, TL_ELIMIT, "the name of the output '%.60s...' is too long", path);
    if (stat(path, &status) < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return TL_OK; // a missing folder is reported when the temporary is made
        return tl_fail(diag, tl_errno_code(errno), "cannot write '%s': %s", path, strerror(errno));
    }
    if (S_ISDIR(status.st_mode))
        return tl_fail(diag, TL_EIO, "cannot write '%s': it is a folder", path);
    if (!S_ISREG(status.st_mode)) {
        *direct = 1;
        return TL_OK;
    }
    if (!file->overwrite)
        return tl_fail(diag, TL_EEXIST, "'%s' exists already; -y overwrites it", path);
    if (access(path, W_OK) < 0)
        return tl_fail(diag, tl_errno_code(errno), "cannot overwrite '%s': %s", path, strerror(errno));
    *mode = status.st_mode & 0777;
    // The target of a link is replaced, not the link.
    if (realpath(path, resolved) && tl_strcpy(file->path, sizeof file->path, resolved) < 0)
        return tl_fail(diag, TL_ELIMIT, "the name of the output '%.60s...' is too long", resolved);
    return TL_OK;
}

// ".<name>.<number>.part<suffix>" beside the final name. Libraries choose the container by the suffix.
static int temp_name(TlOutfile *file, long number)
{
    const char *slash = strrchr(file->path, '/');
    const char *name = slash ? slash + 1 : file->path;
    const char *dot = strrchr(name, '.');
    const char *suffix = dot && dot != name && strlen(dot) < 32 ? dot : "";
    int stem = (int)(strlen(name) - strlen(suffix));

    // 190: names may have at most 255 bytes.
    int length = snprintf(file->temp, sizeof file->temp, "%.*s.%.*s.%ld.part%s", (int)(name - file->path), file->path,
                          stem > 190 ? 190 : stem, name, number, suffix);
    return length < 0 || length >= (int)sizeof file->temp ? -1 : 0;
}

// The number is the process id; a leftover of an earlier process with the same id (containers) or a second output of
// the same name makes it count on.
static int create_temp(TlOutfile *file, mode_t mode, TlDiag *diag)
{
    int fd = -1;

    for (int i = 0; i < ATTEMPTS && fd < 0; i++) {
        if (temp_name(file, (long)getpid() + i) < 0)
            return tl_fail(diag, TL_ELIMIT, "the name of the output '%.60s...' is too long", file->path);
        fd = open(file->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd < 0) {
        const char *why = errno == ENOENT ? "there is no such folder" : strerror(errno);
        return tl_fail(diag, tl_errno_code(errno), "cannot write '%s': %s", file->path, why);
    }
    file->slot = claim_slot(file->temp);
    file->stream = file->slot ? fdopen(fd, "wb") : NULL;
    if (!file->stream) {
        int code = file->slot ? TL_ENOMEM : TL_ELIMIT;
        close(fd);
        unlink(file->temp);
        release_slot(&file->slot);
        return tl_fail(diag, code, "cannot write '%s': too many outputs are open", file->path);
    }
    if (mode)
        (void)!fchmod(fd, mode);
    return TL_OK;
}

static int open_direct(TlOutfile *file, TlDiag *diag)
{
    tl_strcpy(file->temp, sizeof file->temp, file->path);
    file->stream = fopen(file->path, "wbe");
    if (!file->stream)
        return tl_fail(diag, tl_errno_code(errno), "cannot write '%s': %s", file->path, strerror(errno));
    return TL_OK;
}

int tl_outfile_open(TlOutfile **out, const char *path, int overwrite, TlDiag *diag)
{
    int direct = 0, ret;
    mode_t mode = 0;

    *out = NULL;
    if (!path || !*path)
        return tl_fail(diag, TL_EUSAGE, "the name of the output is empty");
    TlOutfile *file = tl_calloc(1, sizeof *file);
    if (!file)
        return tl_fail(diag, TL_ENOMEM, "out of memory for the output '%s'", path);
    file->overwrite = overwrite;
    if (!strcmp(path, "-") || !strcmp(path, "/dev/stdout")) {
        file->is_stdout = 1;
        file->stream = stdout;
        tl_strcpy(file->path, sizeof file->path, "standard output");
        tl_strcpy(file->temp, sizeof file->temp, "/dev/stdout");
        *out = file;
        return TL_OK;
    }
    ret = examine(file, path, &direct, &mode, diag);
    if (!ret)
        ret = direct ? open_direct(file, diag) : create_temp(file, mode, diag);
    if (ret < 0)
        tl_free(&file);
    *out = file;
    return ret;
}

FILE *tl_outfile_stream(TlOutfile *file)
{
    return file->stream;
}

const char *tl_outfile_temp_path(const TlOutfile *file)
{
    return file->temp;
}

// Everything to the system. The errno of a failed earlier write is gone by now, so one more byte asks for the reason;
// the file is thrown away afterwards.
static int finish_stream(TlOutfile *file, TlDiag *diag)
{
    int error = 0;

    errno = 0;
    if (fflush(file->stream) || ferror(file->stream)) {
        error = errno;
        if (!error && !file->is_stdout && write(fileno(file->stream), "", 1) < 0)
            error = errno;
        if (!error)
            error = EIO;
    }
    if (!file->is_stdout && fclose(file->stream) && !error)
        error = errno ? errno : EIO;
    file->stream = NULL;
    if (error)
        return tl_fail(diag, tl_errno_code(error), "cannot write '%s': %s", file->path, strerror(error));
    return TL_OK;
}

// Without overwrite a file that came into being meanwhile is not replaced, where the file system can promise that.
static int move_into_place(TlOutfile *file, TlDiag *diag)
{
    if (!file->overwrite) {
        if (!renameat2(AT_FDCWD, file->temp, AT_FDCWD, file->path, RENAME_NOREPLACE))
            return TL_OK;
        if (errno == EEXIST)
            return tl_fail(diag, TL_EEXIST, "'%s' exists already; -y overwrites it", file->path);
        if (errno != EINVAL && errno != ENOSYS)
            return tl_fail(diag, tl_errno_code(errno), "cannot write '%s': %s", file->path, strerror(errno));
    }
    if (rename(file->temp, file->path) < 0)
        return tl_fail(diag, tl_errno_code(errno), "cannot write '%s': %s", file->path, strerror(errno));
    return TL_OK;
}

int tl_outfile_commit(TlOutfile **out, TlDiag *diag)
{
    if (!out || !*out)
        return TL_OK;
    TlOutfile *file = *out;
    int ret = finish_stream(file, diag);
    if (file->slot) {
        if (!ret)
            ret = move_into_place(file, diag);
        if (ret < 0)
            unlink(file->temp);
        release_slot(&file->slot);
    }
    tl_free(out);
    return ret;
}

void tl_outfile_abort(TlOutfile **out)
{
    if (!out || !*out)
        return;
    TlOutfile *file = *out;
    if (file->is_stdout)
        fflush(stdout);
    else if (file->stream)
        fclose(file->stream);
    if (file->slot)
        unlink(file->temp);
    release_slot(&file->slot);
    tl_free(out);
}
