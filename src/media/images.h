// A folder of pictures as a list of files in natural order.
#ifndef TL_MEDIA_IMAGES_H
#define TL_MEDIA_IMAGES_H

#include <stddef.h>

#include <touchline/error.h>

// Legal as {0} to tl_image_list_deinit.
typedef struct TlImageList {
    char **paths; ///< folder/name
    size_t count, capacity;
} TlImageList;

// Pictures of a folder (by their endings; hidden files left out), sorted so that "2.png" stands before "10.png".
// Errors: TL_EEMPTY when there is none, TL_ENOENT, TL_EDENIED, TL_EIO, TL_ENOMEM.
TL_NODISCARD int tl_image_list_init(TlImageList *list, const char *folder, TlDiag *diag);
void tl_image_list_deinit(TlImageList *list);

// strcmp with runs of digits compared by their value; equal values fall back to strcmp, so the order is total.
int tl_natural_compare(const char *a, const char *b);

#endif
