// What the reader of config files needs of the option table beside the public calls.
#ifndef TL_BASE_OPTIONS_FILE_H
#define TL_BASE_OPTIONS_FILE_H

const char *tl_option_near_name(const char *name); // nearest name within two slips, NULL when none is near

#endif
