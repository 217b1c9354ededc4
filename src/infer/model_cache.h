// Compiled models on disk.
//
// One file per key; a file is only used when its length, key and digest are right, and deleted otherwise, so that a cut
// or flipped file costs time but never a crash or a wrong answer. (The folder is the user's own: the digest guards
// against damage, not against an attacker who may write there.) Failing to write is never an error of the caller.
#ifndef TL_INFER_MODEL_CACHE_H
#define TL_INFER_MODEL_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include <touchline/error.h>

#include "base/outfile.h"

enum { TL_CACHE_FILES_MAX = 48 };

typedef struct TlModelCache {
    char dir[1024], path[1200];
    uint8_t key[32];
} TlModelCache;

// Everything that the compiled form depends on goes into key_text. Makes the folder (0700) when it is missing.
// TL_ENOENT without a folder (NULL or ""), TL_EIO when it cannot be made.
TL_NODISCARD int tl_model_cache_init(TlModelCache *cache, const char *dir, const char *key_text);

// The bytes of a sound file, to be freed with tl_free; TL_EAGAIN when there is none (a damaged one is gone then).
TL_NODISCARD int tl_model_cache_load(const TlModelCache *cache, uint8_t **data, size_t *size);
void tl_model_cache_drop(const TlModelCache *cache);

// begin gives a file whose tl_outfile_temp_path() the caller fills by name; commit seals it and deletes the files used
// longest ago beyond TL_CACHE_FILES_MAX. On failure nothing is left behind.
TL_NODISCARD int tl_model_cache_begin(const TlModelCache *cache, TlOutfile **file, TlDiag *diag);
TL_NODISCARD int tl_model_cache_commit(const TlModelCache *cache, TlOutfile **file, TlDiag *diag);

#endif
