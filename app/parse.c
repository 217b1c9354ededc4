// One parser for all subcommands.
//
// In: argv, the command's own rows, the rows common to all, and those rows of the settings table whose group the
// command takes. Forms: --flag value, --flag=value, -o value, -ovalue, -yv, `--` before plain arguments. Out: values
// and settings by the precedence flag > environment > config file > default.
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <touchline/log.h>

#include "command.h"

static TlCommon g_common;

#define ROW(kind, field) .type = TL_OPTION_##kind, .offset = offsetof(TlCommon, field)

const TlCommandOption tl_common_options[] = {
    {.def = {.flag = "config",
             .group = "General",
             .value = "FILE",
             .deflt = "",
             .help = "settings as NAME=value lines; else the file that TOUCHLINE_CONFIG names",
             .max = TL_PATH_SIZE - 1,
             ROW(STRING, config)},
     .file = 1},
    {.def = {.flag = "quiet", .group = "General", .deflt = "0", .help = "errors only", .max = 1, ROW(BOOL, quiet)},
     .letter = 'q'},
    {.def = {.flag = "verbose",
             .group = "General",
             .deflt = "0",
             .help = "say what is being done; twice: more",
             .max = 1,
             ROW(BOOL, verbose)},
     .letter = 'v'},
    {.def = {.flag = "help", .group = "General", .deflt = "0", .help = "this text", .max = 1, ROW(BOOL, help)},
     .letter = 'h'},
    {.def = {.flag = NULL}},
};

// The two walks over argv: the first looks for --help and --config, the second sets everything.
enum Walk { WALK_COMMON, WALK_ALL };

enum { OUTPUT_MAX = 8 }; // options of one command that name an output

typedef struct Parser {
    TlCommandLine *line;
    const TlCommand *command;
    int argc, at, walk;
    char **argv;
    TlDiag *diag;
    struct {
        const TlOptionDef *def;
        const char *value;
    } output[OUTPUT_MAX]; ///< outputs named so far
    int output_count;
} Parser;

// An option as it stands in argv: a long name, not terminated, or a letter.
typedef struct Name {
    const char *text;
    size_t length;
    char letter; ///< 0 for a long name
} Name;

// What a name on the command line stands for.
typedef struct Target {
    const TlOptionDef *def;
    void *object;
    int many, common, output;
} Target;

// Is the word one of the list "a|b"? NULL is an empty list.
static int is_listed(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = list; at && *at; at += strcspn(at, "|"), at += *at == '|')
        if (strcspn(at, "|") == length && !strncmp(at, word, length))
            return 1;
    return 0;
}

int tl_command_takes(const TlCommand *command, const TlOptionDef *def)
{
    return is_listed(command->groups, def->group) && !is_listed(command->sets, def->flag);
}

static int same(const char *flag, const Name *name)
{
    return flag && strlen(flag) == name->length && !strncmp(flag, name->text, name->length);
}

static int find_in(const TlCommandOption *rows, void *object, const Name *name, Target *target)
{
    for (const TlCommandOption *row = rows; row && row->def.flag; row++) {
        int hit = name->letter ? row->letter == name->letter : same(row->def.flag, name) || same(row->def.alias, name);
        if (!hit)
            continue;
        *target = (Target){.def = &row->def,
                           .object = object,
                           .many = row->many,
                           .common = object == &g_common,
                           .output = row->output};
        return 1;
    }
    return 0;
}

static int find_target(Parser *parser, const Name *name, Target *target)
{
    if (find_in(parser->command->options, parser->command->values, name, target) ||
        find_in(tl_common_options, &g_common, name, target))
        return 1;
    if (name->letter)
        return 0;
    for (const TlOptionDef *def = tl_option_table(); def->flag; def++)
        if (tl_command_takes(parser->command, def) && (same(def->flag, name) || same(def->alias, name))) {
            *target = (Target){.def = def, .object = &parser->line->options};
            return 1;
        }
    return 0;
}

static void consider(const char *flag, const char *name, const char **best, int *best_distance)
{
    int distance = flag ? tl_option_distance(name, flag) : INT_MAX;

    if (distance < *best_distance) {
        *best = flag;
        *best_distance = distance;
    }
}

// "port" is the second part of "ADDRESS:PORT".
static int is_part_of_value(const TlOptionDef *def, const char *name)
{
    const char *part = def->value && strlen(name) > 2 ? strchr(def->value, ':') : NULL;

    return part && !strcasecmp(part + 1, name);
}

// The nearest long flag within two slips, or one that the name begins or that begins it.
static const char *suggest(const TlCommand *command, const char *name)
{
    const char *best = NULL;
    int best_distance = strlen(name) < 4 ? 2 : 3;
    const TlCommandOption *const tables[] = {command->options, tl_common_options};

    for (int i = 0; i < 2; i++)
        for (const TlCommandOption *row = tables[i]; row && row->def.flag; row++) {
            consider(row->def.flag, name, &best, &best_distance);
            consider(row->def.alias, name, &best, &best_distance);
            if (!best && is_part_of_value(&row->def, name))
                best = row->def.flag;
        }
    for (const TlOptionDef *def = tl_option_table(); def->flag; def++) {
        if (!tl_command_takes(command, def))
            continue;
        consider(def->flag, name, &best, &best_distance);
        consider(def->alias, name, &best, &best_distance);
        if (!best && strlen(name) > 3 && (strstr(def->flag, name) || strstr(name, def->flag)))
            best = def->flag;
    }
    return best;
}

static int fail_unknown(Parser *parser, const Name *name)
{
    char word[64];
    const char *hint;

    for (const TlOptionDef *def = tl_option_table(); def->flag; def++)
        if (is_listed(parser->command->sets, def->flag) && (same(def->flag, name) || same(def->alias, name)))
            return tl_fail(parser->diag, TL_EUSAGE, "'%s' sets --%s itself; 'touchline %s --help' tells how",
                           parser->command->name, def->flag, parser->command->name);
    snprintf(word, sizeof word, "%.*s", (int)(name->length < sizeof word ? name->length : sizeof word - 1), name->text);
    hint = suggest(parser->command, word);
    if (hint)
        return tl_fail(parser->diag, TL_EUSAGE, "unknown option '--%s'; did you mean --%s?", word, hint);
    return tl_fail(parser->diag, TL_EUSAGE, "unknown option '--%s'; 'touchline %s --help' lists the options", word,
                   parser->command->name);
}

// No list gets longer than the command line; the service, which parses the same one again, uses the room again.
static int add_text(Parser *parser, TlTextList *list, const char *text)
{
    if (!list->item)
        list->item = calloc((size_t)parser->argc, sizeof *list->item);
    if (!list->item)
        return tl_fail(parser->diag, TL_ENOMEM, "out of memory for the command line");
    list->item[list->count++] = text;
    return TL_OK;
}

// Of a setting the last word counts; a file that was asked for and silently not written would be missed too late.
static int note_output(Parser *parser, const TlOptionDef *def, const char *value, const char *subject)
{
    for (int i = 0; i < parser->output_count; i++)
        if (parser->output[i].def == def && strcmp(parser->output[i].value, value) != 0)
            return tl_fail(parser->diag, TL_EUSAGE, "%s is given twice, '%s' and '%s', and writes one file only",
                           subject, parser->output[i].value, value);
    if (parser->output_count < OUTPUT_MAX) {
        parser->output[parser->output_count].def = def;
        parser->output[parser->output_count++].value = value;
    }
    return TL_OK;
}

static int apply(Parser *parser, const Target *target, const char *value, const char *subject)
{
    if (parser->walk == WALK_COMMON && !target->common)
        return TL_OK;
    if (parser->walk == WALK_ALL && target->common)
        return TL_OK;
    if (target->many) {
        return add_text(parser, (TlTextList *)((char *)target->object + target->def->offset), value);
    }
    if (target->common && target->def->offset == offsetof(TlCommon, verbose)) {
        g_common.verbose++;
        return TL_OK;
    }
    int ret = target->output ? note_output(parser, target->def, value, subject) : TL_OK;
    return ret < 0 ? ret : tl_option_set_field(target->def, target->object, value, subject, parser->diag);
}

// The next word of argv as the value of an option.
static const char *next_value(Parser *parser)
{
    if (parser->at + 1 >= parser->argc)
        return NULL;
    const char *value = parser->argv[parser->at + 1];
    if (!strncmp(value, "--", 2) && value[2])
        return NULL;
    parser->at++;
    return value;
}

static int parse_long(Parser *parser, const char *word)
{
    Target target;
    char subject[96];
    const char *equals = strchr(word, '=');
    const Name name = {.text = word + 2, .length = equals ? (size_t)(equals - word - 2) : strlen(word + 2)};

    if (!find_target(parser, &name, &target))
        return fail_unknown(parser, &name);
    snprintf(subject, sizeof subject, "--%.*s", (int)name.length, name.text);
    const char *value = equals ? equals + 1 : target.def->value ? next_value(parser) : "1";
    if (!value)
        return tl_fail(parser->diag, TL_EUSAGE, "%s needs a value: %s", subject, target.def->value);
    return apply(parser, &target, value, subject);
}

// "-y", "-yv", "-o FILE", "-oFILE".
static int parse_letters(Parser *parser, const char *word)
{
    Target target;
    char subject[8];

    for (const char *at = word + 1; *at; at++) {
        const Name name = {.text = "", .letter = *at};
        if (!find_target(parser, &name, &target))
            return tl_fail(parser->diag, TL_EUSAGE, "unknown option '-%c'; 'touchline %s --help' lists the options",
                           *at, parser->command->name);
        snprintf(subject, sizeof subject, "-%c", *at);
        const char *value = !target.def->value ? "1" : at[1] ? at + 1 : next_value(parser);
        if (!value)
            return tl_fail(parser->diag, TL_EUSAGE, "%s needs a value: %s", subject, target.def->value);
        int ret = apply(parser, &target, value, subject);
        if (ret < 0 || target.def->value)
            return ret;
    }
    return TL_OK;
}

static int take_argument(Parser *parser, const char *word)
{
    TlTextList *list = &parser->line->arguments;
    int most = parser->command->max_arguments;

    if (parser->walk == WALK_COMMON)
        return TL_OK;
    if (list->count >= most)
        return most
                   ? tl_fail(parser->diag, TL_EUSAGE, "'%s' is one argument too many: '%s' takes %s", word,
                             parser->command->name, parser->command->arguments)
                   : tl_fail(parser->diag, TL_EUSAGE, "'%s' takes no arguments, got '%s'", parser->command->name, word);
    return add_text(parser, list, word);
}

static int walk(Parser *parser, int what)
{
    int ret = TL_OK, plain = 0;

    parser->walk = what;
    for (parser->at = 0; parser->at < parser->argc && ret == TL_OK; parser->at++) {
        const char *word = parser->argv[parser->at];
        if (plain || word[0] != '-' || !word[1])
            ret = take_argument(parser, word);
        else if (!strcmp(word, "--"))
            plain = 1;
        else if (word[1] == '-')
            ret = parse_long(parser, word);
        else
            ret = parse_letters(parser, word);
        if (g_common.help)
            break;
    }
    return ret;
}

static int set_own_defaults(const TlCommand *command)
{
    for (const TlCommandOption *row = command->options; row && row->def.flag; row++) {
        if (row->many || !row->def.deflt)
            continue;
        int ret = tl_option_set_field(&row->def, command->values, row->def.deflt, row->def.flag, NULL);
        if (ret < 0)
            return ret;
    }
    return TL_OK;
}

// The own row of a command with this environment name.
static const TlOptionDef *find_env(const TlCommand *command, const char *name)
{
    for (const TlCommandOption *row = command->options; row && row->def.flag; row++)
        if (row->def.env && !row->many && !strcmp(row->def.env, name))
            return &row->def;
    return NULL;
}

static int set_own(const TlCommand *command, const TlOptionDef *def, const char *value, const char *where, TlDiag *diag)
{
    char subject[256];

    snprintf(subject, sizeof subject, "%s (%.180s)", def->env, where);
    return tl_option_set_field(def, command->values, value, subject, diag);
}

// One entry of the config file. A file may be shared by all commands: names of the others are no mistakes.
static int take_entry(void *opaque, const char *name, const char *value, const char *where, TlDiag *diag)
{
    TlCommandLine *line = opaque;
    const TlCommand *command;
    const TlOptionDef *def = find_env(line->command, name);

    if (def)
        return *value ? set_own(line->command, def, value, where, diag) : TL_OK;
    for (int i = 0; (command = tl_command_at(i)); i++)
        if (find_env(command, name))
            return TL_OK;
    return tl_options_take(&line->options, name, value, where, diag);
}

static int load_own_env(const TlCommand *command, TlDiag *diag)
{
    int ret = TL_OK;

    for (const TlCommandOption *row = command->options; row && row->def.flag && ret == TL_OK; row++) {
        const char *value = row->def.env && !row->many ? getenv(row->def.env) : NULL;
        if (value && value[strspn(value, " \t\r\n")])
            ret = set_own(command, &row->def, value, "environment", diag);
    }
    return ret;
}

// A name of ours that nothing reads is a slip of the finger; the environment is no place for errors about it.
static void warn_of_unknown_env(TlCommandLine *line)
{
    static TlCommandLine scratch; // large
    char name[64];
    TlDiag diag;

    scratch = *line;
    for (char **entry = environ; *entry; entry++) {
        size_t length = strcspn(*entry, "=");
        if (strncmp(*entry, "TOUCHLINE_", 10) != 0 || length >= sizeof name)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)length, *entry);
        tl_diag_clear(&diag);
        if (!find_env(line->command, name) && take_entry(&scratch, name, "1", "environment", &diag) < 0 &&
            !strncmp(diag.text, "unknown", 7))
            tl_log(TL_LOG_WARNING, "%s", diag.text);
    }
}

// Config file, then environment, over the defaults.
static int load_sources(TlCommandLine *line, TlDiag *diag)
{
    const char *config = g_common.config[0] ? g_common.config : getenv("TOUCHLINE_CONFIG");
    int ret = TL_OK;

    if (config && *config)
        ret = tl_config_read(config, take_entry, line, diag);
    if (ret == TL_OK)
        ret = tl_options_load_env(&line->options, diag);
    if (ret == TL_OK)
        ret = load_own_env(line->command, diag);
    if (ret == TL_OK)
        warn_of_unknown_env(line);
    return ret;
}

int tl_parse(TlCommandLine *line, const TlCommand *command, int argc, char **argv, TlDiag *diag)
{
    Parser parser = {.line = line, .command = command, .argc = argc, .argv = argv, .diag = diag};

    *line = (TlCommandLine){.command = command, .arguments.item = line->arguments.item, .argc = argc, .argv = argv};
    g_common = (TlCommon){0};
    tl_options_default(&line->options);
    int ret = set_own_defaults(command);
    if (ret == TL_OK)
        ret = walk(&parser, WALK_COMMON);
    line->help = g_common.help;
    if (ret < 0 || line->help)
        return ret;
    line->quiet = g_common.quiet;
    line->verbose = g_common.verbose;
    if (command->groups)
        ret = load_sources(line, diag);
    if (ret == TL_OK)
        ret = walk(&parser, WALK_ALL);
    if (ret == TL_OK && line->arguments.count < command->min_arguments)
        ret = tl_fail(diag, TL_EUSAGE, "'%s' needs %s; 'touchline %s --help' tells more", command->name,
                      command->arguments, command->name);
    return ret;
}
