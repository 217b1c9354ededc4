// The subcommands of the touchline command: one const TlCommand each, listed in commands.c.
//
// Adding one: a file that ends with a filled TlCommand, one line in commands.c. Parsing, --help, man page and
// completions follow from its rows. Front ends see the public headers of include/touchline only.
#ifndef TL_APP_COMMAND_H
#define TL_APP_COMMAND_H

#include <limits.h>
#include <touchline/options.h>

enum { TL_ANY_NUMBER = INT_MAX }; // of arguments

// Plain arguments, or the values of an option that may be repeated. The texts belong to argv; the parser makes room for
// as many as there are words, once for the life of the process. Legal as {0}.
typedef struct TlTextList {
    int count;
    const char **item;
} TlTextList;

// A row of a command's own table. def.offset points into the command's values. With def.env the option also comes from
// the environment and the config file, except repeated ones.
typedef struct TlCommandOption {
    TlOptionDef def;
    char letter;       ///< of the short form, 0 = none
    int many;          ///< 1: may be repeated; the field is a TlTextList
    int file;          ///< 1: the value is a file or folder, for completions
    const char *words; ///< "a|b": what completions offer, where def has no choices
    int output;        ///< 1: one file that is written, so two different ones on the command line are a mistake
} TlCommandOption;

typedef struct TlExample {
    const char *line, *text;
} TlExample;

typedef struct TlCommandLine {
    const struct TlCommand *command;
    TlOptions options; ///< defaults, then config file, environment, flags
    TlTextList arguments;
    int help, quiet, verbose; ///< common switches; with help nothing else is filled in
    int argc;                 ///< what it was parsed from: the service parses it again at SIGHUP
    char **argv;
} TlCommandLine;

typedef struct TlCommand {
    const char *name, *arguments, *summary; ///< "process", "INPUT", half a sentence
    const char *description;                ///< paragraphs of --help, separated by newlines
    const TlCommandOption *options;         ///< ended by a row whose flag is NULL; may be NULL
    void *values;                           ///< object of the rows
    const char *groups;                     ///< settings the command takes, "Networks|Frames"; NULL = none
    const char *sets;                       ///< flags of settings that it sets itself and refuses, "a|b"; NULL = none
    const TlExample *examples;              ///< ended by NULL
    int min_arguments, max_arguments;
    int (*run)(const TlCommandLine *line, TlDiag *diag); ///< 0 or a code with its sentence in diag
} TlCommand;

extern const TlCommand tl_command_process, tl_command_detect, tl_command_synth, tl_command_models, tl_command_doctor,
    tl_command_version, tl_command_help, tl_command_serve, tl_command_bench, tl_command_eval, tl_command_register,
    tl_command_challenge, tl_command_score, tl_command_diagnose;

const TlCommand *tl_command_at(int i);              // i-th command, NULL behind the last
const TlCommand *tl_command_find(const char *name); // NULL when unknown
const char *tl_command_near(const char *name);      // nearest name for "did you mean", or NULL

// --- options every command takes (parse.c)
typedef struct TlCommon {
    int help, quiet, verbose;
    char config[TL_PATH_SIZE];
} TlCommon;
extern const TlCommandOption tl_common_options[];

// Fills `line` from argv (behind the subcommand's name).
TL_NODISCARD int tl_parse(TlCommandLine *line, const TlCommand *command, int argc, char **argv, TlDiag *diag);
// Is def in one of the command's groups, and not one that the command sets itself?
int tl_command_takes(const TlCommand *command, const TlOptionDef *def);

// --- generated documents (help*.c), all to standard output
void tl_help_command(const TlCommand *command);
void tl_help_overview(void);
void tl_help_man(void);
void tl_help_env(void);
TL_NODISCARD int tl_help_completion(const char *shell, TlDiag *diag);
// "auto or 0 to 1000", "a, b or c", "" when anything goes.
void tl_help_range(const TlOptionDef *def, char *text, size_t size);

#endif
