// Memory of the library: checked products, 64-byte alignment and padding, and a count of allocations.
//
// In: object counts and sizes. Out: zeroed memory or NULL; nothing here aborts.
#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static atomic_uint_fast64_t g_alloc_count;

void *tl_calloc(size_t count, size_t size)
{
    size_t bytes;
    void *memory = NULL;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX - ALIGNMENT)
        return NULL;
    bytes = bytes ? (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
    if (posix_memalign(&memory, ALIGNMENT, bytes))
        return NULL;
    memset(memory, 0, bytes);
    atomic_fetch_add_explicit(&g_alloc_count, 1, memory_order_relaxed);
    return memory;
}

void tl_free(void *pointer_to_pointer)
{
    void *memory;
    void *const null = NULL;

    if (!pointer_to_pointer)
        return;
    // Copied as bytes: the caller's object is some T *, not a void *.
    memcpy(&memory, pointer_to_pointer, sizeof memory);
    memcpy(pointer_to_pointer, &null, sizeof null);
    free(memory);
}

char *tl_strdup(const char *text)
{
    if (!text)
        return NULL;
    size_t bytes = strlen(text) + 1;
    char *copy = tl_calloc(bytes, 1);
    if (copy)
        memcpy(copy, text, bytes);
    return copy;
}

uint64_t tl_alloc_count(void)
{
    return atomic_load_explicit(&g_alloc_count, memory_order_relaxed);
}

int tl_strcpy(char *dst, size_t size, const char *src)
{
    if (!size)
        return -1;
    size_t length = src ? strlen(src) : 0;
    int cut = length >= size;
    if (cut)
        length = size - 1;
    if (length)
        memcpy(dst, src, length);
    dst[length] = '\0';
    return cut ? -1 : 0;
}
