// The manual page touchline(1) as roff source (man macros), generated from the tables.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <touchline/session.h>

#include "command.h"

// One character beyond ASCII as \[uXXXX]; roff reads Latin-1. Returns its bytes; the tables hold valid UTF-8.
static int put_unicode(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    int length = c[0] >= 0xF0 ? 4 : c[0] >= 0xE0 ? 3 : 2;
    unsigned code = c[0] & (0xFFu >> (length + 1));

    for (int i = 1; i < length && c[i]; i++)
        code = code << 6 | (c[i] & 0x3Fu);
    printf("\\[u%04X]", code);
    return length;
}

// Escapes what roff would interpret; at_start: at the beginning of a line.
static void put_text(const char *text, int at_start)
{
    for (; *text; text++) {
        if ((unsigned char)*text >= 0xC0) {
            text += put_unicode(text) - 1;
            at_start = 0;
            continue;
        }
        if (at_start && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        at_start = *text == '\n';
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '\'')
            fputs("\\(aq", stdout);
        else if (*text == '`')
            fputs("\\(ga", stdout);
        else if (*text == '~')
            fputs("\\(ti", stdout);
        else if (*text == '^')
            fputs("\\(ha", stdout);
        else
            putchar(*text);
    }
}

static void put_line(const char *text)
{
    put_text(text, 1);
    putchar('\n');
}

static void put_option(const TlOptionDef *def, char letter)
{
    char range[160];

    fputs(".TP\n", stdout);
    if (letter)
        printf("\\fB\\-%c\\fR, ", letter);
    fputs("\\fB\\-\\-", stdout);
    put_text(def->flag, 0);
    fputs("\\fR", stdout);
    if (def->alias) {
        fputs(", \\fB\\-\\-", stdout);
        put_text(def->alias, 0);
        fputs("\\fR", stdout);
    }
    if (def->value) {
        fputs(" \\fI", stdout);
        put_text(def->value, 0);
        fputs("\\fR", stdout);
    }
    putchar('\n');
    put_text(def->help, 1);
    tl_help_range(def, range, sizeof range);
    if (range[0])
        printf("; ");
    put_text(range, 0);
    if (def->value && def->deflt && def->deflt[0]) {
        fputs("; default ", stdout);
        put_text(def->deflt, 0);
    }
    fputs(".\n", stdout);
    if (def->env)
        printf("Environment: \\fB%s\\fR.\n", def->env);
}

static void put_rows(const TlCommandOption *rows)
{
    for (const TlCommandOption *row = rows; row && row->def.flag; row++)
        put_option(&row->def, row->letter);
}

// A text whose newlines separate paragraphs.
static void put_paragraphs(const char *text)
{
    char paragraph[1024];

    while (*text) {
        size_t length = strcspn(text, "\n");
        snprintf(paragraph, sizeof paragraph, "%.*s", (int)length, text);
        put_line(paragraph);
        text += length + (text[length] == '\n');
        if (*text)
            fputs(".PP\n", stdout);
    }
}

static void put_command(const TlCommand *command)
{
    printf(".SS \"touchline %s", command->name);
    if (command->arguments[0]) {
        putchar(' ');
        put_text(command->arguments, 0);
    }
    printf(" [options]\"\n");
    put_paragraphs(command->description);
    put_rows(command->options);
    if (!command->groups)
        return;
    fputs(".PP\nTakes the settings of the groups ", stdout);
    for (const char *at = command->groups; *at; at++)
        if (*at == '|')
            fputs(", ", stdout);
        else
            putchar(*at);
    fputs(command->sets ? " below, but for what it sets itself.\n" : " below.\n", stdout);
}

static void put_settings(void)
{
    const char *group = "";

    fputs(".SH SETTINGS\nEach comes from its flag, from the environment or from the config file: flag over environment "
          "over config file over default.\n",
          stdout);
    for (const TlOptionDef *def = tl_option_table(); def->flag; def++) {
        if (strcmp(group, def->group) != 0)
            printf(".SS %s\n", def->group);
        group = def->group;
        put_option(def, 0);
    }
}

static void put_exit_status(void)
{
    static const struct {
        int code;
        const char *text;
    } codes[] = {
#define CODE_ROW(name, value, text) {value, text},
        TL_ERROR_MAP(CODE_ROW)
#undef CODE_ROW
    };

    fputs(".SH \"EXIT STATUS\"\n", stdout);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].code == TL_EAGAIN || codes[i].code == TL_EOF)
            continue; // never the end of a command
        printf(".TP\n%d\n%c%s\n", -codes[i].code, toupper((unsigned char)codes[i].text[0]), codes[i].text + 1);
    }
}

static void put_examples(void)
{
    const TlCommand *command;

    fputs(".SH EXAMPLES\n", stdout);
    for (int i = 0; (command = tl_command_at(i)); i++)
        for (const TlExample *example = command->examples; example && example->line; example++) {
            fputs(".TP\n\\fB", stdout);
            put_text(example->line, 0);
            fputs("\\fR\n", stdout);
            put_line(example->text);
        }
}

void tl_help_man(void)
{
    const TlCommand *command;

    printf(".TH TOUCHLINE 1 \"\" \"touchline %s\" \"User Commands\"\n", tl_version());
    fputs(
        ".SH NAME\ntouchline \\- football video to data\n"
        ".SH SYNOPSIS\n\\fBtouchline\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]\n"
        ".SH DESCRIPTION\nTouchline tells who is where in a football video, on the picture and on the pitch, in every "
        "frame.\nErrors are one sentence on standard error; data goes to files or standard output.\n.SH COMMANDS\n",
        stdout);
    for (int i = 0; (command = tl_command_at(i)); i++)
        put_command(command);
    fputs(".SH \"COMMON OPTIONS\"\n", stdout);
    put_rows(tl_common_options);
    put_settings();
    fputs(".SH ENVIRONMENT\nThe names of the settings above, and:\n.TP\n\\fBTOUCHLINE_CONFIG\\fR\n"
          "Config file when \\fB\\-\\-config\\fR is not given.\n.TP\n\\fBTOUCHLINE_MODELS\\fR\n"
          "Folder of the shipped networks.\n.TP\n\\fBXDG_CACHE_HOME\\fR\n"
          "Compiled networks are kept in its folder touchline, else in \\fI\\(ti/.cache/touchline\\fR.\n",
          stdout);
    put_exit_status();
    put_examples();
    fputs(".SH \"SEE ALSO\"\n\\fBffmpeg\\fR(1)\n", stdout);
}
