// Error codes of libtouchline.
//
// Every function that can fail returns int: 0 or one of the negative codes below. The code says what
// went wrong; the sentence in a TlDiag says why and what to do next. One list generates the enum, the
// names and the texts, so they cannot drift apart. Exit codes of the command are -code.
#ifndef TOUCHLINE_ERROR_H
#define TOUCHLINE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TL_API               __attribute__((visibility("default")))
#define TL_NODISCARD         __attribute__((warn_unused_result))
#define TL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define TL_API
#define TL_NODISCARD
#define TL_PRINTF(fmt, args)
#endif

// X(name, value, text). Values are stable: scripts test them as exit codes. 1 is left to the shell.
#define TL_ERROR_MAP(X)                                                                                                \
    X(OK, 0, "success")                                                                                                \
    X(EUSAGE, -2, "unknown option or value")                                                                           \
    X(ENOENT, -3, "no such file or address")                                                                           \
    X(EIO, -4, "reading or writing failed")                                                                            \
    X(ENOSPC, -5, "no space left")                                                                                     \
    X(ENOMEM, -6, "out of memory")                                                                                     \
    X(EFORMAT, -7, "not a video or picture that can be read")                                                          \
    X(ENOVIDEO, -8, "no video stream")                                                                                 \
    X(EEMPTY, -9, "no frame in the input")                                                                             \
    X(ETRUNCATED, -10, "input ends too early")                                                                         \
    X(ELIMIT, -11, "a size or limit is exceeded")                                                                      \
    X(EMODEL, -12, "model cannot be used")                                                                             \
    X(EBACKEND, -13, "inference backend failed")                                                                       \
    X(ENET, -14, "network transfer failed")                                                                            \
    X(EDENIED, -15, "not allowed")                                                                                     \
    X(ETIMEOUT, -16, "time ran out")                                                                                   \
    X(EEXIST, -17, "output exists already")                                                                            \
    X(ECONFIG, -18, "configuration file is wrong")                                                                     \
    X(EINTERNAL, -19, "internal error")                                                                                \
    X(EINTERRUPTED, -20, "interrupted")                                                                                \
    X(EAGAIN, -21, "nothing ready yet")                                                                                \
    X(EOF, -22, "end of stream")

#define TL_ERROR_ENUM(name, value, text) TL_##name = value,
enum TlError { TL_ERROR_MAP(TL_ERROR_ENUM) };
#undef TL_ERROR_ENUM

enum { TL_DIAG_SIZE = 512 };

// The sentence that explains a code. Caller's storage, legal as {0}; the first error wins.
// Thread-safety: one thread at a time.
typedef struct TlDiag {
    int code;                ///< the code of the first error, 0 when none
    char text[TL_DIAG_SIZE]; ///< one sentence without a full stop or newline, UTF-8, NUL-terminated
} TlDiag;

// Short name of a code ("ENOENT") and its general text. Static strings, never NULL. Thread-safety: safe.
TL_API const char *tl_error_name(int code);
TL_API const char *tl_error_text(int code);

// Writes a formatted sentence into diag unless it already holds one, and returns code, so that
// `return tl_fail(diag, TL_ENOENT, "cannot open '%s'", path)` is the usual form. diag may be NULL.
TL_API int tl_fail(TlDiag *diag, int code, const char *fmt, ...) TL_PRINTF(3, 4);

// Empties a diag.
TL_API void tl_diag_clear(TlDiag *diag);

#ifdef __cplusplus
}
#endif
#endif
