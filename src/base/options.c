// Settings by name and text: parsing, ranges, defaults, environment.
//
// In: a row of an option table and a text from a flag, the environment or a file. Out: the field that the row
// describes, or one sentence that names the option, what it takes and where the text came from. Numbers are read
// without the locale.
#include <touchline/options.h>

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "base/options_file.h"
#include "base/strbuf.h"

enum { NUMBER_TEXT = 48, WORD_MAX = 63 };

// Text without the blanks around it; 0, or -1 when it does not fit.
static int trim(const char *text, char *out, size_t size)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length && isspace((unsigned char)text[length - 1]))
        length--;
    if (length >= size)
        return -1;
    memcpy(out, text, length);
    out[length] = '\0';
    return 0;
}

// Decimal number, whole text. Exact for up to 15 digits and a scale up to 1e22 (the usual fast path of strtod: both are
// exact doubles and one operation rounds once); 1e-16 relative beyond.
static int parse_double(const char *text, double *value)
{
    const char *at = text;
    uint64_t mantissa = 0;
    int scale = 0, digits = 0, exponent = 0, negative_exponent = 0;
    int negative = *at == '-';

    at += *at == '-' || *at == '+';
    for (int point = 0; isdigit((unsigned char)*at) || (*at == '.' && !point); at++) {
        if (*at == '.') {
            point = 1;
            continue;
        }
        digits++;
        if (mantissa <= (UINT64_MAX - 9) / 10) {
            mantissa = mantissa * 10 + (uint64_t)(*at - '0');
            scale -= point;
        } else {
            scale += !point;
        }
    }
    if (!digits)
        return -1;
    if (*at == 'e' || *at == 'E') {
        at++;
        negative_exponent = *at == '-';
        at += *at == '-' || *at == '+';
        if (!isdigit((unsigned char)*at))
            return -1;
        for (; isdigit((unsigned char)*at); at++)
            exponent = exponent < 10000 ? exponent * 10 + (*at - '0') : exponent;
    }
    if (*at)
        return -1;
    scale += negative_exponent ? -exponent : exponent;
    double power = pow(10.0, abs(scale));
    double magnitude = scale < 0 ? (double)mantissa / power : (double)mantissa * power;
    if (!isfinite(magnitude) || isnan(power))
        return -1;
    *value = negative ? -magnitude : magnitude;
    return 0;
}

static int parse_integer(const char *text, int64_t *value)
{
    const char *digits = text + (*text == '-' || *text == '+');

    if (!*digits || strspn(digits, "0123456789") != strlen(digits))
        return -1;
    errno = 0;
    *value = strtoll(text, NULL, 10);
    if (errno) // too large for any range: a value outside all of them
        *value = *text == '-' ? INT64_MIN : INT64_MAX;
    return 0;
}

static int parse_bool(const char *text, int *value)
{
    static const char *const words[2][4] = {{"0", "false", "no", "off"}, {"1", "true", "yes", "on"}};

    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 4; j++)
            if (!strcasecmp(text, words[i][j])) {
                *value = i;
                return 0;
            }
    return -1;
}

// Names as dav1d's --cpumask has them, each with everything below it; or a number.
static int parse_mask(const char *text, unsigned *value)
{
    static const struct {
        const char *name;
        unsigned mask;
    } names[] = {{"all", ~0u},
                 {"none", 0},
                 {"avx2", TL_CPU_AVX2},
                 {"avx512", TL_CPU_AVX2 | TL_CPU_AVX512},
                 {"vnni", TL_CPU_AVX2 | TL_CPU_AVX512 | TL_CPU_VNNI}};
    char *end;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcasecmp(text, names[i].name)) {
            *value = names[i].mask;
            return 0;
        }
    if (!isdigit((unsigned char)*text))
        return -1;
    errno = 0;
    unsigned long number = strtoul(text, &end, 0);
    if (errno || *end || number > UINT_MAX)
        return -1;
    *value = (unsigned)number;
    return 0;
}

// "A:B" with A < B, either side may be empty.
static int check_range(const char *text)
{
    const char *colon = strchr(text, ':');

    if (!*text)
        return 0;
    if (!colon || strspn(text, "0123456789") != (size_t)(colon - text) ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1) || strlen(text) > 36)
        return -1;
    if (colon[1] && strtoll(text, NULL, 10) >= strtoll(colon + 1, NULL, 10))
        return -1;
    return 0;
}

// Does text match one choice: the same word, or for "x:N" x: and a number?
static int matches(const char *choice, size_t length, const char *text)
{
    if (length < 3 || strncmp(choice + length - 2, ":N", 2) != 0)
        return strlen(text) == length && !strncmp(choice, text, length);
    const char *number = text + length - 1;
    return !strncmp(choice, text, length - 1) && *number && strlen(number) < 4 &&
           strspn(number, "0123456789") == strlen(number);
}

// Is text one of "a|b|x:N"?
static int is_choice(const char *choices, const char *text)
{
    while (*choices) {
        size_t length = strcspn(choices, "|");
        if (matches(choices, length, text))
            return 1;
        choices += length + (choices[length] == '|');
    }
    return 0;
}

static void number_text(double value, char text[NUMBER_TEXT])
{
    TlStrbuf buf = {0};

    tl_strbuf_fixed(&buf, value, 6);
    tl_strcpy(text, NUMBER_TEXT, buf.data ? buf.data : "?");
    tl_strbuf_deinit(&buf);
}

static int fail_number(const TlOptionDef *def, const char *value, const char *subject, TlDiag *diag)
{
    char low[NUMBER_TEXT], high[NUMBER_TEXT];

    number_text(def->min, low);
    number_text(def->max, high);
    return tl_fail(diag, TL_EUSAGE, "%s must be %s%s from %s to %s, not '%s'", subject,
                   def->deflt && !strcmp(def->deflt, "auto") ? "auto or " : "",
                   def->type == TL_OPTION_INT ? "a whole number" : "a number", low, high, value);
}

// "a, b or c" out of "a|b|c".
static void choices_text(const char *choices, char *text, size_t size)
{
    size_t at = 0;

    for (; *choices && at + 8 < size; choices++) {
        const char *join = !strchr(choices, '|') || strchr(strchr(choices, '|') + 1, '|') ? ", " : " or ";
        if (*choices == '|')
            at += (size_t)snprintf(text + at, size - at, "%s", join);
        else
            text[at++] = *choices;
    }
    text[at] = '\0';
}

static int set_number(const TlOptionDef *def, void *field, const char *text, const char *subject, TlDiag *diag)
{
    int has_auto = def->deflt && !strcmp(def->deflt, "auto");
    int is_auto = has_auto && (!strcasecmp(text, "auto") || (def->type == TL_OPTION_INT && !strcmp(text, "0")));
    int64_t integer = 0;
    double number = -1;

    if (def->type == TL_OPTION_INT) {
        if (!is_auto && (parse_integer(text, &integer) < 0 || (double)integer < def->min || (double)integer > def->max))
            return fail_number(def, text, subject, diag);
        *(int *)field = (int)integer;
    } else {
        if (!is_auto && (parse_double(text, &number) < 0 || number < def->min || number > def->max))
            return fail_number(def, text, subject, diag);
        *(double *)field = number;
    }
    return TL_OK;
}

static int set_string(const TlOptionDef *def, char *field, const char *text, const char *subject, TlDiag *diag)
{
    char list[160];

    if (def->choices && !is_choice(def->choices, text)) {
        choices_text(def->choices, list, sizeof list);
        return tl_fail(diag, TL_EUSAGE, "%s must be %s, not '%s'", subject, list, text);
    }
    if (def->value && !strcmp(def->value, "A:B") && check_range(text) < 0)
        return tl_fail(diag, TL_EUSAGE,
                       "%s must be A:B with whole numbers, A below B, either may be left out, not '%s'", subject, text);
    if (tl_strcpy(field, (size_t)def->max + 1, text) < 0)
        return tl_fail(diag, TL_EUSAGE, "%s takes at most %d characters", subject, (int)def->max);
    return TL_OK;
}

int tl_option_set_field(const TlOptionDef *def, void *object, const char *value, const char *subject, TlDiag *diag)
{
    char *field = (char *)object + def->offset;
    char text[TL_PATH_SIZE] = "", list[160];

    if (trim(value, text, sizeof text) < 0)
        return tl_fail(diag, TL_EUSAGE, "%s takes at most %d characters", subject, TL_PATH_SIZE - 1);
    switch (def->type) {
    case TL_OPTION_INT:
    case TL_OPTION_DOUBLE:
        return set_number(def, field, text, subject, diag);
    case TL_OPTION_BOOL:
        if (parse_bool(text, (int *)field) < 0)
            return tl_fail(diag, TL_EUSAGE, "%s must be 0 or 1 (also false, true, no, yes, off, on), not '%s'", subject,
                           text);
        return TL_OK;
    case TL_OPTION_MASK:
        if (parse_mask(text, (unsigned *)field) < 0) {
            choices_text(def->choices, list, sizeof list);
            return tl_fail(diag, TL_EUSAGE, "%s must be %s or a number, not '%s'", subject, list, text);
        }
        return TL_OK;
    default:
        return set_string(def, field, text, subject, diag);
    }
}

static int equals(const char *a, const char *b)
{
    return a && b && !strcmp(a, b);
}

static const TlOptionDef *find(const char *name)
{
    for (const TlOptionDef *def = tl_option_table(); def->flag; def++)
        if (equals(name, def->flag) || equals(name, def->alias) || equals(name, def->env))
            return def;
    return NULL;
}

// The nearest name of the table within two slips, NULL when none is near.
static const char *nearest(const char *name)
{
    const char *best = NULL;
    int best_distance = 3;

    for (const TlOptionDef *def = tl_option_table(); def->flag; def++) {
        const char *const names[] = {def->flag, def->alias, def->env};
        for (int i = 0; i < 3; i++) {
            int distance = names[i] ? tl_option_distance(name, names[i]) : INT_MAX;
            if (distance < best_distance) {
                best_distance = distance;
                best = names[i];
            }
        }
    }
    return best;
}

int tl_options_set(TlOptions *options, const char *name, const char *value, const char *origin, TlDiag *diag)
{
    char subject[256];
    const TlOptionDef *def = find(name);
    const char *where = origin && *origin ? origin : name;

    if (!def) {
        const char *hint = nearest(name);
        return tl_fail(diag, TL_EUSAGE, "unknown option '%s'%s%s%s%s%s%s", name, *where == '-' ? "" : " (",
                       *where == '-' ? "" : where, *where == '-' ? "" : ")", hint ? "; did you mean '" : "",
                       hint ? hint : "", hint ? "'?" : "");
    }
    if (*where == '-' || where == name)
        tl_strcpy(subject, sizeof subject, where);
    else
        snprintf(subject, sizeof subject, "%s (%.180s)", name, where);
    return tl_option_set_field(def, options, value, subject, diag);
}

void tl_options_default(TlOptions *options)
{
    memset(options, 0, sizeof *options);
    // The rows' own texts are always legal: a test sets every one of them.
    for (const TlOptionDef *def = tl_option_table(); def->flag; def++)
        (void)!tl_option_set_field(def, options, def->deflt, def->flag, NULL);
}

int tl_options_load_env(TlOptions *options, TlDiag *diag)
{
    for (const TlOptionDef *def = tl_option_table(); def->flag; def++) {
        const char *value = getenv(def->env);
        if (!value || !value[strspn(value, " \t\r\n")])
            continue;
        int ret = tl_options_set(options, def->env, value, "environment", diag);
        if (ret < 0)
            return ret;
    }
    return TL_OK;
}

const char *tl_option_near_name(const char *name)
{
    return nearest(name);
}

static void append_value(TlStrbuf *buf, const TlOptionDef *def, const void *field)
{
    const char *text = field;

    switch (def->type) {
    case TL_OPTION_INT:
    case TL_OPTION_BOOL:
        tl_strbuf_int(buf, *(const int *)field);
        break;
    case TL_OPTION_DOUBLE:
        tl_strbuf_fixed(buf, *(const double *)field, 9);
        break;
    case TL_OPTION_MASK:
        tl_strbuf_printf(buf, "0x%x", *(const unsigned *)field);
        break;
    default:
        tl_strbuf_printf(buf, text[strcspn(text, " \t")] ? "\"%s\"" : "%s", text);
    }
}

static int differs(const TlOptionDef *def, const void *a, const void *b)
{
    switch (def->type) {
    case TL_OPTION_DOUBLE:
        return *(const double *)a < *(const double *)b || *(const double *)a > *(const double *)b;
    case TL_OPTION_STRING:
        return strcmp(a, b) != 0;
    default:
        return *(const int *)a != *(const int *)b;
    }
}

void tl_options_describe(const TlOptions *options, char *text, size_t size)
{
    TlOptions plain;
    TlStrbuf buf = {0};

    tl_options_default(&plain);
    for (const TlOptionDef *def = tl_option_table(); def->flag; def++) {
        const char *field = (const char *)options + def->offset;
        if (def->speed_only || !differs(def, field, (const char *)&plain + def->offset))
            continue;
        tl_strbuf_printf(&buf, "%s%s=", buf.length ? " " : "", def->env);
        append_value(&buf, def, field);
    }
    tl_strcpy(text, size, buf.length ? buf.data : "");
    tl_strbuf_deinit(&buf);
}

int tl_option_distance(const char *a, const char *b)
{
    // Rows of the dynamic programme: two before, one before, current.
    int rows[3][WORD_MAX + 1];
    size_t a_length = strlen(a), b_length = strlen(b);

    if (a_length > WORD_MAX || b_length > WORD_MAX)
        return INT_MAX;
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = (int)j;
    for (size_t i = 1; i <= a_length; i++) {
        int *row = rows[i % 3], *above = rows[(i - 1) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = (int)i;
        for (size_t j = 1; j <= b_length; j++) {
            int best = above[j - 1] + (a[i - 1] != b[j - 1]);
            best = above[j] + 1 < best ? above[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && two_above[j - 2] + 1 < best)
                best = two_above[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[a_length % 3][b_length];
}
