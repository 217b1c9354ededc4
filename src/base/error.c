// Error codes as names and texts, and the first-error-wins sentence of a TlDiag.
//
// In: a code of include/touchline/error.h. Out: static strings, or a formatted sentence in the caller's TlDiag.
#include <touchline/error.h>

#include <stdarg.h>
#include <stdio.h>

const char *tl_error_name(int code)
{
    switch (code) {
#define TL_ERROR_NAME(name, value, text)                                                                               \
    case value:                                                                                                        \
        return #name;
        TL_ERROR_MAP(TL_ERROR_NAME)
#undef TL_ERROR_NAME
    default:
        return "EUNKNOWN";
    }
}

const char *tl_error_text(int code)
{
    switch (code) {
#define TL_ERROR_TEXT(name, value, text)                                                                               \
    case value:                                                                                                        \
        return text;
        TL_ERROR_MAP(TL_ERROR_TEXT)
#undef TL_ERROR_TEXT
    default:
        return "unknown error";
    }
}

// A sentence stays one line whatever file names or library messages went into it.
static void flatten(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = ' ';
}

int tl_fail(TlDiag *diag, int code, const char *fmt, ...)
{
    va_list args;

    if (!diag || diag->code)
        return code;
    diag->code = code;
    va_start(args, fmt);
    int length = vsnprintf(diag->text, sizeof diag->text, fmt, args);
    va_end(args);
    if (length < 0)
        snprintf(diag->text, sizeof diag->text, "%s", tl_error_text(code));
    if (length >= (int)sizeof diag->text) {
        // Cut between characters: drop the continuation bytes of a UTF-8 sequence that lost its end.
        size_t end = sizeof diag->text - 1;
        while (end > 0 && ((unsigned char)diag->text[end - 1] & 0xC0) == 0x80)
            end--;
        if (end > 0 && (unsigned char)diag->text[end - 1] >= 0xC0)
            end--;
        diag->text[end] = '\0';
    }
    flatten(diag->text);
    return code;
}

void tl_diag_clear(TlDiag *diag)
{
    if (!diag)
        return;
    diag->code = 0;
    diag->text[0] = '\0';
}
