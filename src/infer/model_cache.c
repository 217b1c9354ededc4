// Compiled models on disk (model_cache.h).
//
// File: the payload as the runtime wrote it, then 80 bytes: magic, payload length (little endian), key, and the
// BLAKE2b-256 digest of everything before the digest. The seal is at the end because runtimes write to a name, not to a
// stream.
#include "infer/model_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { MAGIC_BYTES = 8, LENGTH_BYTES = 8, HASH_BYTES = 32, SEAL_BYTES = MAGIC_BYTES + LENGTH_BYTES + 2 * HASH_BYTES };
static const char magic[MAGIC_BYTES] = {'T', 'L', 'C', 'A', 'C', 'H', 'E', '1'};
static const char suffix[] = ".tlcache";
static const int64_t payload_max = (int64_t)1 << 31;

static int make_folders(const char *dir)
{
    char path[1024];
    if (tl_strcpy(path, sizeof path, dir) < 0)
        return -1;
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            return -1;
        *p = '/';
    }
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

int tl_model_cache_init(TlModelCache *cache, const char *dir, const char *key_text)
{
    memset(cache, 0, sizeof *cache);
    if (!dir || !*dir)
        return TL_ENOENT;
    if (tl_strcpy(cache->dir, sizeof cache->dir, dir) < 0 || make_folders(dir) < 0)
        return TL_EIO;
    crypto_generichash(cache->key, sizeof cache->key, (const unsigned char *)key_text, strlen(key_text), NULL, 0);
    char hex[2 * 16 + 1];
    sodium_bin2hex(hex, sizeof hex, cache->key, 16);
    snprintf(cache->path, sizeof cache->path, "%s/%s%s", cache->dir, hex, suffix);
    return TL_OK;
}

static void write_seal(const TlModelCache *cache, const uint8_t *payload, size_t size, uint8_t seal[SEAL_BYTES])
{
    crypto_generichash_state state;
    uint8_t *digest = seal + SEAL_BYTES - HASH_BYTES;
    memcpy(seal, magic, MAGIC_BYTES);
    for (int i = 0; i < LENGTH_BYTES; i++)
        seal[MAGIC_BYTES + i] = (uint8_t)((uint64_t)size >> (8 * i));
    memcpy(seal + MAGIC_BYTES + LENGTH_BYTES, cache->key, HASH_BYTES);
    crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
    crypto_generichash_update(&state, payload, size);
    crypto_generichash_update(&state, seal, SEAL_BYTES - HASH_BYTES);
    crypto_generichash_final(&state, digest, HASH_BYTES);
}

// The whole file at path, NULL when it cannot be had.
static uint8_t *read_all(const char *path, size_t *size)
{
    struct stat info;
    uint8_t *data = NULL;
    *size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "rb");
    if (!file) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 && info.st_size <= payload_max &&
        (data = tl_calloc((size_t)info.st_size, 1))) {
        *size = (size_t)info.st_size;
        if (fread(data, 1, *size, file) != *size)
            tl_free(&data);
    }
    fclose(file);
    return data;
}

int tl_model_cache_load(const TlModelCache *cache, uint8_t **data, size_t *size)
{
    uint8_t seal[SEAL_BYTES];
    size_t bytes;
    *data = NULL;
    *size = 0;
    if (access(cache->path, F_OK) < 0)
        return TL_EAGAIN;
    uint8_t *file = read_all(cache->path, &bytes);
    if (file && bytes > SEAL_BYTES) {
        write_seal(cache, file, bytes - SEAL_BYTES, seal);
        if (!memcmp(seal, file + bytes - SEAL_BYTES, SEAL_BYTES)) {
            utimensat(AT_FDCWD, cache->path, NULL, 0); // used now: the oldest are deleted first
            *data = file;
            *size = bytes - SEAL_BYTES;
            return TL_OK;
        }
    }
    tl_free(&file);
    tl_model_cache_drop(cache);
    return TL_EAGAIN;
}

void tl_model_cache_drop(const TlModelCache *cache)
{
    unlink(cache->path);
}

int tl_model_cache_begin(const TlModelCache *cache, TlOutfile **file, TlDiag *diag)
{
    return tl_outfile_open(file, cache->path, 1, diag);
}

static int newer(const struct stat *a, const struct stat *b)
{
    if (a->st_mtim.tv_sec != b->st_mtim.tv_sec)
        return a->st_mtim.tv_sec > b->st_mtim.tv_sec;
    return a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

static int is_cache_name(const char *name)
{
    size_t length = strlen(name);
    return name[0] != '.' && length > sizeof suffix && !strcmp(name + length - (sizeof suffix - 1), suffix);
}

// Deletes the file used longest ago when there are more than `keep`; 1 when it did.
static int delete_oldest_beyond(const TlModelCache *cache, int keep)
{
    char path[1400], oldest[1400] = "";
    struct stat info, oldest_info = {0};
    struct dirent *entry;
    int count = 0;
    DIR *dir = opendir(cache->dir);
    while (dir && (entry = readdir(dir))) {
        if (!is_cache_name(entry->d_name))
            continue;
        snprintf(path, sizeof path, "%s/%s", cache->dir, entry->d_name);
        if (stat(path, &info) < 0)
            continue;
        count++;
        if (!oldest[0] || newer(&oldest_info, &info)) {
            tl_strcpy(oldest, sizeof oldest, path);
            oldest_info = info;
        }
    }
    if (dir)
        closedir(dir);
    return count > keep && strcmp(oldest, cache->path) != 0 && unlink(oldest) == 0;
}

int tl_model_cache_commit(const TlModelCache *cache, TlOutfile **file, TlDiag *diag)
{
    uint8_t seal[SEAL_BYTES];
    size_t size;
    int ret = TL_OK;
    uint8_t *payload = read_all(tl_outfile_temp_path(*file), &size);
    if (!payload)
        ret = tl_fail(diag, TL_EIO, "the compiled model could not be written to '%s'", cache->path);
    if (ret == TL_OK) {
        write_seal(cache, payload, size, seal);
        FILE *end = fopen(tl_outfile_temp_path(*file), "abe");
        size_t written = end ? fwrite(seal, 1, sizeof seal, end) : 0;
        if (!end || fclose(end) != 0 || written != sizeof seal)
            ret = tl_fail(diag, TL_EIO, "the compiled model could not be written to '%s'", cache->path);
    }
    tl_free(&payload);
    if (ret < 0) {
        tl_outfile_abort(file);
        return ret;
    }
    ret = tl_outfile_commit(file, diag);
    for (int more = ret == TL_OK; more;)
        more = delete_oldest_beyond(cache, TL_CACHE_FILES_MAX);
    return ret;
}
