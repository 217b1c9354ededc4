// Memory: checked sizes, 64-byte alignment and padding, and a counter of allocations for tests.
//
// All library memory goes through these. Out of memory is an error, never an abort.
#ifndef TL_BASE_MEM_H
#define TL_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

// Zeroed memory for count objects of size bytes, aligned to 64 bytes and padded to a multiple of 64 so that kernels may
// read past the end. NULL when the product overflows or memory is out. Free with tl_free.
void *tl_calloc(size_t count, size_t size);

// Frees *pointer and nulls it. Call as tl_free(&p) with any object pointer type.
void tl_free(void *pointer_to_pointer);

// Copy of a string, NULL when text is NULL or memory is out.
char *tl_strdup(const char *text);

// Number of successful tl_calloc/tl_strdup calls of the process so far. Thread-safety: safe.
uint64_t tl_alloc_count(void);

// Copies src into dst of size bytes, always terminated. Returns 0, or -1 when it was cut.
int tl_strcpy(char *dst, size_t size, const char *src);

#endif
