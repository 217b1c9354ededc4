// --help of a command and the overview, generated from the tables.
#include <stdio.h>
#include <string.h>

#include <touchline/session.h>

#include "command.h"

enum { COLUMN = 30, WIDTH = 100 };

// Prints text from column `at` on, wrapped at WIDTH and indented by `indent`; newlines in it are kept.
static void wrap(const char *text, int at, int indent)
{
    while (*text) {
        int length = (int)strcspn(text, " \n");
        if (at > indent && at + 1 + length > WIDTH) {
            printf("\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            putchar(' ');
            at++;
        }
        printf("%.*s", length, text);
        at += length;
        text += length;
        if (*text == '\n') {
            printf("\n%*s", indent, "");
            at = indent;
        }
        text += *text != '\0';
    }
    putchar('\n');
}

static void number_text(double value, char text[32])
{
    snprintf(text, 32, "%.15g", value);
}

void tl_help_range(const TlOptionDef *def, char *text, size_t size)
{
    char low[32], high[32];
    int is_auto = def->deflt && !strcmp(def->deflt, "auto");

    text[0] = '\0';
    if (def->choices) {
        size_t at = 0;
        for (const char *c = def->choices; *c && at + 3 < size; c++) {
            text[at++] = *c == '|' ? ',' : *c;
            if (*c == '|')
                text[at++] = ' ';
        }
        text[at] = '\0';
    } else if (def->type == TL_OPTION_INT || def->type == TL_OPTION_DOUBLE) {
        number_text(def->min, low);
        number_text(def->max, high);
        const char *other = !is_auto ? "" : def->type == TL_OPTION_INT ? "0 = auto, or " : "auto or ";
        snprintf(text, size, "%s%s to %s", other, low, high);
    }
}

static void print_option(const TlOptionDef *def, char letter)
{
    char left[96], text[1024], range[160];
    int at;

    at = letter ? snprintf(left, sizeof left, "  -%c, --%s", letter, def->flag)
                : snprintf(left, sizeof left, "      --%s", def->flag);
    if (def->alias)
        at += snprintf(left + at, sizeof left - (size_t)at, ", --%s", def->alias);
    if (def->value)
        at += snprintf(left + at, sizeof left - (size_t)at, " %s", def->value);
    printf("%s", left);
    if (at + 2 > COLUMN) {
        printf("\n%*s", COLUMN, "");
    } else {
        printf("%*s", COLUMN - at, "");
    }
    tl_help_range(def, range, sizeof range);
    int length = snprintf(text, sizeof text, "%s", def->help);
    const char *sign = " [";
    if (def->value && def->deflt && def->deflt[0]) {
        length += snprintf(text + length, sizeof text - (size_t)length, "%sdefault %s", sign, def->deflt);
        sign = "; ";
    }
    if (range[0]) {
        length += snprintf(text + length, sizeof text - (size_t)length, "%s%s", sign, range);
        sign = "; ";
    }
    if (def->env) {
        length += snprintf(text + length, sizeof text - (size_t)length, "%s%s", sign, def->env);
        sign = "; ";
    }
    snprintf(text + length, sizeof text - (size_t)length, "%s", *sign == ';' ? "]" : "");
    wrap(text, COLUMN, COLUMN);
}

static int first_of_group(const TlCommandOption *rows, const TlCommandOption *row)
{
    for (const TlCommandOption *other = rows; other != row; other++)
        if (!strcmp(other->def.group, row->def.group))
            return 0;
    return 1;
}

// Group by group in the order of their first rows, wherever the others stand.
static void print_rows(const TlCommandOption *rows)
{
    for (const TlCommandOption *first = rows; first && first->def.flag; first++) {
        if (!first_of_group(rows, first))
            continue;
        printf("\n%s:\n", first->def.group);
        for (const TlCommandOption *row = first; row->def.flag; row++)
            if (!strcmp(row->def.group, first->def.group))
                print_option(&row->def, row->letter);
    }
}

static void print_settings(const TlCommand *command)
{
    const char *group = "";

    for (const TlOptionDef *def = tl_option_table(); def->flag; def++) {
        if (!tl_command_takes(command, def))
            continue;
        if (strcmp(group, def->group) != 0)
            printf("\n%s:\n", def->group);
        group = def->group;
        print_option(def, 0);
    }
}

void tl_help_command(const TlCommand *command)
{
    printf("touchline %s: %s\n\n", command->name, command->summary);
    printf("Usage: touchline %s%s%s [options]\n\n", command->name, command->arguments[0] ? " " : "",
           command->arguments);
    wrap(command->description, 0, 0);
    print_rows(command->options);
    print_settings(command);
    print_rows(tl_common_options);
    if (command->groups)
        printf("\nEach setting with a NAME in capitals also comes from the environment and from the config file:\n"
               "flag > environment > config file > default. `touchline help --env` prints a commented template.\n");
    printf("\nExamples:\n");
    for (const TlExample *example = command->examples; example && example->line; example++)
        printf("  %s\n      %s\n", example->line, example->text);
    printf("\nExit code: 0, or one for each kind of failure; `touchline help` lists them, so does the manual page\n"
           "(touchline help --man).\n");
}

static void print_exit_codes(void)
{
    static const struct {
        int code;
        const char *text;
    } codes[] = {
#define CODE_ROW(name, value, text) {value, text},
        TL_ERROR_MAP(CODE_ROW)
#undef CODE_ROW
    };
    int column = 0;

    printf("\nExit codes:\n");
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].code == TL_EAGAIN || codes[i].code == TL_EOF)
            continue; // never the end of a command
        if (column)
            printf("  %2d  %s\n", -codes[i].code, codes[i].text);
        else
            printf("  %2d  %-42s", -codes[i].code, codes[i].text);
        column = !column;
    }
    if (column)
        putchar('\n');
}

void tl_help_overview(void)
{
    const TlCommand *command;

    printf("touchline %s: a football video in, data out: who is where, on the picture and on the pitch, in every "
           "frame\n\nUsage: touchline COMMAND [options]\n\nCommands:\n",
           tl_version());
    for (int i = 0; (command = tl_command_at(i)); i++)
        printf("  %-10s %s\n", command->name, command->summary);
    printf("\n`touchline COMMAND --help` lists the options of a command.\n"
           "\nExamples:\n"
           "  touchline process match.mp4                     writes match.jsonl\n"
           "  touchline process match.mp4 --overlay seen.mp4  the video with everything drawn in\n"
           "  touchline doctor                                is this machine ready?\n");
    print_exit_codes();
}
