// Nonces of signed requests. A hash table of fixed size with open addressing, rebuilt in place when it is half stale;
// and a file of the same entries, one a line, which a restart begins with.
#include "nonce.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/outfile.h"

enum { LINES_STALE = 1000 }; // lines of a file that are no longer needed before it is written anew

typedef struct Entry {
    uint8_t hash[16]; ///< BLAKE2b of the text
    int64_t stamp_ns; ///< 0 = empty
} Entry;

struct TlNonceStore {
    pthread_mutex_t mutex;
    Entry *table, *spare; ///< size entries each
    uint32_t size;        ///< power of two, twice the capacity
    int count, capacity;
    int64_t window_ns;
    char *path; ///< NULL when nothing is kept
    FILE *kept; ///< lines are appended; NULL when it cannot be written
};

TlNonceStore *tl_nonce_store_create(int capacity, int64_t window_ns)
{
    TlNonceStore *store = tl_calloc(1, sizeof *store);
    if (!store)
        return NULL;
    pthread_mutex_init(&store->mutex, NULL);
    store->capacity = capacity;
    store->window_ns = window_ns;
    for (store->size = 16; store->size < 2u * (uint32_t)capacity;)
        store->size *= 2;
    store->table = tl_calloc(store->size, sizeof *store->table);
    store->spare = tl_calloc(store->size, sizeof *store->spare);
    if (!store->table || !store->spare)
        tl_nonce_store_destroy(&store);
    return store;
}

void tl_nonce_store_destroy(TlNonceStore **store)
{
    if (!*store)
        return;
    tl_free(&(*store)->table);
    tl_free(&(*store)->spare);
    tl_free(&(*store)->path);
    if ((*store)->kept)
        fclose((*store)->kept);
    pthread_mutex_destroy(&(*store)->mutex);
    tl_free(store);
}

// Digits before the first '_' (or all of it), at most 20 of them and within the range of int64.
static int parse_stamp(const char *nonce, int64_t *stamp_ns)
{
    size_t digits = strspn(nonce, "0123456789");
    if (digits < 1 || digits > 20 || (nonce[digits] && nonce[digits] != '_') ||
        strnlen(nonce, TL_NONCE_TEXT_MAX + 1) > TL_NONCE_TEXT_MAX)
        return TL_EFORMAT;
    int64_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        if (value > (INT64_MAX - 9) / 10)
            return TL_EFORMAT;
        value = value * 10 + (nonce[i] - '0');
    }
    *stamp_ns = value;
    return value > 0 ? TL_OK : TL_ETIMEOUT;
}

static void hash_of(const char *nonce, uint8_t hash[16])
{
    crypto_generichash(hash, 16, (const uint8_t *)nonce, strlen(nonce), NULL, 0);
}

static Entry *find(Entry *table, uint32_t size, const uint8_t hash[16])
{
    uint32_t at;
    memcpy(&at, hash, sizeof at);
    for (;; at++) {
        Entry *entry = &table[at & (size - 1)];
        if (entry->stamp_ns == 0 || memcmp(entry->hash, hash, 16) == 0)
            return entry;
    }
}

// Keeps only entries whose stamp is still inside the window.
static void purge(TlNonceStore *store, int64_t now_ns)
{
    memset(store->spare, 0, store->size * sizeof *store->spare);
    store->count = 0;
    for (uint32_t i = 0; i < store->size; i++) {
        const Entry *entry = &store->table[i];
        if (entry->stamp_ns == 0 || now_ns - entry->stamp_ns > store->window_ns)
            continue;
        *find(store->spare, store->size, entry->hash) = *entry;
        store->count++;
    }
    Entry *old = store->table;
    store->table = store->spare;
    store->spare = old;
}

// --- the file

static void write_entry(FILE *file, const Entry *entry)
{
    char hex[2 * sizeof entry->hash + 1];
    fprintf(file, "%s %lld\n", sodium_bin2hex(hex, sizeof hex, entry->hash, sizeof entry->hash),
            (long long)entry->stamp_ns);
}

// Lines that make no sense are passed over; what left the window is not taken. Number of lines.
static int read_entries(TlNonceStore *store, FILE *file, int64_t now_ns)
{
    char line[128];
    int lines = 0;
    for (; store->count < store->capacity && fgets(line, sizeof line, file); lines++) {
        Entry entry;
        size_t length = 0;
        long long stamp = 0;
        line[strcspn(line, "\n")] = 0;
        if (strlen(line) < 2 * sizeof entry.hash + 2 || sscanf(line + 2 * sizeof entry.hash, " %19lld", &stamp) != 1 ||
            sodium_hex2bin(entry.hash, sizeof entry.hash, line, 2 * sizeof entry.hash, NULL, &length, NULL) != 0 ||
            length != sizeof entry.hash || stamp <= 0 || now_ns - stamp > store->window_ns ||
            stamp - now_ns > store->window_ns)
            continue;
        entry.stamp_ns = stamp;
        Entry *place = find(store->table, store->size, entry.hash);
        store->count += place->stamp_ns == 0;
        *place = entry;
    }
    return lines;
}

static int open_for_more(TlNonceStore *store, TlDiag *diag)
{
    store->kept = fopen(store->path, "ae");
    return store->kept ? TL_OK : tl_fail(diag, TL_EIO, "'%s' cannot be written", store->path);
}

// The file anew, with what is in the table, and open for more.
static int rewrite(TlNonceStore *store, TlDiag *diag)
{
    TlOutfile *file = NULL;
    if (store->kept)
        fclose(store->kept);
    store->kept = NULL;
    int ret = tl_outfile_open(&file, store->path, 1, diag);
    for (uint32_t i = 0; ret == TL_OK && i < store->size; i++)
        if (store->table[i].stamp_ns != 0)
            write_entry(tl_outfile_stream(file), &store->table[i]);
    if (ret == TL_OK)
        ret = tl_outfile_commit(&file, diag);
    return ret == TL_OK ? open_for_more(store, diag) : ret;
}

int tl_nonce_store_keep(TlNonceStore *store, const char *path, int64_t now_ns, TlDiag *diag)
{
    int ret, lines = 0;
    pthread_mutex_lock(&store->mutex);
    FILE *file = fopen(path, "re");
    if (file) {
        lines = read_entries(store, file, now_ns);
        fclose(file);
    }
    store->path = tl_strdup(path);
    if (!store->path)
        ret = tl_fail(diag, TL_ENOMEM, "out of memory for the nonces");
    else // only when it pays: another service of the same hotkey may be writing to it
        ret = lines > store->count + LINES_STALE ? rewrite(store, diag) : open_for_more(store, diag);
    pthread_mutex_unlock(&store->mutex);
    return ret;
}

// --- checks

static int check_locked(TlNonceStore *store, const char *nonce, int64_t now_ns, uint8_t hash[16], int64_t *stamp_ns)
{
    int ret = parse_stamp(nonce, stamp_ns);
    if (ret < 0)
        return ret;
    hash_of(nonce, hash);
    if (find(store->table, store->size, hash)->stamp_ns != 0)
        return TL_EEXIST;
    int64_t age = now_ns - *stamp_ns;
    return age > store->window_ns || age < -store->window_ns ? TL_ETIMEOUT : TL_OK;
}

int tl_nonce_check(TlNonceStore *store, const char *nonce, int64_t now_ns)
{
    uint8_t hash[16];
    int64_t stamp;
    pthread_mutex_lock(&store->mutex);
    int ret = check_locked(store, nonce, now_ns, hash, &stamp);
    pthread_mutex_unlock(&store->mutex);
    return ret;
}

int tl_nonce_skew(const char *nonce, int64_t now_ns, int64_t *skew_ns)
{
    int64_t stamp_ns;
    if (parse_stamp(nonce, &stamp_ns) == TL_EFORMAT) // a time of 0 is a time
        return TL_EFORMAT;
    *skew_ns = stamp_ns - now_ns;
    return TL_OK;
}

int tl_nonce_accept(TlNonceStore *store, const char *nonce, int64_t now_ns)
{
    uint8_t hash[16];
    int64_t stamp;
    pthread_mutex_lock(&store->mutex);
    int ret = check_locked(store, nonce, now_ns, hash, &stamp);
    if (ret == TL_OK && store->count >= store->capacity) {
        purge(store, now_ns);
        if (store->kept)
            (void)!rewrite(store, NULL);
    }
    if (ret == TL_OK && store->count >= store->capacity)
        ret = TL_ELIMIT;
    if (ret == TL_OK) {
        Entry *entry = find(store->table, store->size, hash);
        memcpy(entry->hash, hash, 16);
        entry->stamp_ns = stamp;
        store->count++;
        if (store->kept) {
            write_entry(store->kept, entry);
            (void)fflush(store->kept);
        }
    }
    pthread_mutex_unlock(&store->mutex);
    return ret;
}

void tl_nonce_make(char *text, int size, int64_t now_ns)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char suffix[11] = {0};
    for (int i = 0; i < 10; i++)
        suffix[i] = letters[randombytes_uniform(sizeof letters - 1)];
    snprintf(text, (size_t)size, "%lld_%s", (long long)now_ns, suffix);
}
