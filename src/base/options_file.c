// Config files: KEY=VALUE lines as .env files have them.
//
// In: a file of lines, with '#' comments (also after a blank behind a value), single or double quotes, `export`, CRLF
// and a byte order mark. Out: settings, or one sentence with file and line. Readers of .env files differ in what they
// allow; this one takes what python-dotenv and Docker Compose take.
#include <touchline/options.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <touchline/log.h>

#include "base/mem.h"
#include "base/options_file.h"
#include "base/outfile.h"

enum { LINE_MAX_BYTES = 4096 };

// Names of the prefix that are no settings of a session: read elsewhere, so not mistakes.
static const char *const g_foreign[] = {"TOUCHLINE_MODELS", "TOUCHLINE_CONFIG", NULL};

static int is_foreign(const char *name)
{
    for (int i = 0; g_foreign[i]; i++)
        if (!strcmp(name, g_foreign[i]))
            return 1;
    return 0;
}

static int is_setting(const char *name)
{
    for (const TlOptionDef *def = tl_option_table(); def->flag; def++)
        if (!strcmp(name, def->env))
            return 1;
    return 0;
}

static char *skip_blanks(char *at)
{
    return at + strspn(at, " \t");
}

// Cuts the value out of the rest of a line, in place. NULL and a reason when the quotes are wrong.
static char *cut_value(char *at, const char **reason)
{
    at = skip_blanks(at);
    if (*at == '"' || *at == '\'') {
        char *end = strchr(at + 1, *at);
        if (!end) {
            *reason = "a quote is not closed";
            return NULL;
        }
        *end = '\0';
        char *rest = skip_blanks(end + 1);
        if (*rest && *rest != '#') {
            *reason = "there is text behind the closing quote";
            return NULL;
        }
        return at + 1;
    }
    for (char *end = at; *end; end++)
        if (*end == '#' && (end == at || end[-1] == ' ' || end[-1] == '\t')) {
            *end = '\0';
            break;
        }
    size_t length = strlen(at);
    while (length && (at[length - 1] == ' ' || at[length - 1] == '\t'))
        at[--length] = '\0';
    return at;
}

int tl_options_take(void *options, const char *name, const char *value, const char *where, TlDiag *diag)
{
    TlDiag inner = {0};

    if (!*value)
        return TL_OK;
    if (!is_setting(name)) {
        const char *near = tl_option_near_name(name);
        if (!near && !strncmp(name, "TOUCHLINE_", 10)) // many settings stand without the prefix
            near = tl_option_near_name(name + 10);
        if (!strncmp(name, "TOUCHLINE_", 10) && !is_foreign(name))
            return tl_fail(diag, TL_ECONFIG, "unknown setting '%s' (%s)%s%s%s", name, where,
                           near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        if (near)
            tl_log(TL_LOG_WARNING, "'%s' (%s) is no setting of this program; is '%s' meant?", name, where, near);
        return TL_OK;
    }
    if (tl_options_set(options, name, value, where, &inner) < 0)
        return tl_fail(diag, TL_ECONFIG, "%s", inner.text);
    return TL_OK;
}

typedef struct Reader {
    TlConfigEntry *entry;
    void *opaque;
} Reader;

// One line without its end.
static int parse_line(const Reader *reader, char *line, const char *where, TlDiag *diag)
{
    const char *reason = NULL;
    char *name = skip_blanks(line);

    if (!*name || *name == '#')
        return TL_OK;
    if (!strncmp(name, "export", 6) && (name[6] == ' ' || name[6] == '\t'))
        name = skip_blanks(name + 6);
    size_t length = 0;
    while (isalnum((unsigned char)name[length]) || name[length] == '_' || name[length] == '.' || name[length] == '-')
        length++;
    char *equals = skip_blanks(name + length);
    if (!length || *equals != '=')
        return tl_fail(diag, TL_ECONFIG, "%s is not a line of the form NAME=value", where);
    name[length] = '\0';
    char *value = cut_value(equals + 1, &reason);
    if (!value)
        return tl_fail(diag, TL_ECONFIG, "%s cannot be read: %s", where, reason);
    return reader->entry(reader->opaque, name, value, where, diag);
}

// Reads one line without CR and LF. 1, 0 at the end, -1 when it is too long or holds a zero byte.
static int read_line(FILE *file, char *line)
{
    int c, length = 0;

    while ((c = getc(file)) != EOF && c != '\n') {
        if (!c || length == LINE_MAX_BYTES - 1)
            return -1;
        line[length++] = (char)c;
    }
    if (c == EOF && !length)
        return 0;
    if (length && line[length - 1] == '\r')
        length--;
    line[length] = '\0';
    return 1;
}

int tl_config_read(const char *path, TlConfigEntry *entry, void *opaque, TlDiag *diag)
{
    const Reader reader = {.entry = entry, .opaque = opaque};
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    char line[LINE_MAX_BYTES], where[TL_DIAG_SIZE / 2];
    int ret = TL_OK, more;
    FILE *file = fopen(path, "re");

    if (!file)
        return tl_fail(diag, tl_errno_code(errno), "cannot read the configuration '%s': %s", path, strerror(errno));
    for (int number = 1; ret == TL_OK && (more = read_line(file, line)); number++) {
        size_t skip = number == 1 && !strncmp(line, byte_order_mark, 3) ? 3 : 0;
        snprintf(where, sizeof where, "%s:%d", path, number);
        ret = more < 0 ? tl_fail(diag, TL_ECONFIG, "%s is not a line of text", where)
                       : parse_line(&reader, line + skip, where, diag);
    }
    if (ret == TL_OK && ferror(file))
        ret = tl_fail(diag, tl_errno_code(errno), "cannot read the configuration '%s': %s", path, strerror(errno));
    fclose(file);
    return ret;
}

int tl_options_load_file(TlOptions *options, const char *path, TlDiag *diag)
{
    return tl_config_read(path, tl_options_take, options, diag);
}
