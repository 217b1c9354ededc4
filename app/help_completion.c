// Completion scripts of bash, zsh and fish, generated from the tables.
//
// Each shell gets the same facts: the commands, the flags of each, which flags take files and which take fixed words.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

// One flag as a completion sees it.
typedef struct Flag {
    const char *name; ///< long name
    char letter;
    const TlOptionDef *def;
    int file;
    const char *words; ///< values, "a|b", or NULL
} Flag;

typedef void FlagVisitor(const TlCommand *command, const Flag *flag);

static int takes_file(const TlOptionDef *def)
{
    return def->value && (!strncmp(def->value, "FILE", 4) || !strcmp(def->value, "DIR"));
}

static void visit(const TlCommand *command, const TlOptionDef *def, const TlCommandOption *row, FlagVisitor *visitor)
{
    Flag flag = {.name = def->flag,
                 .letter = row ? row->letter : 0,
                 .def = def,
                 .file = (row && row->file) || takes_file(def),
                 .words = row && row->words ? row->words : def->choices};

    visitor(command, &flag);
    if (def->alias) {
        flag.name = def->alias;
        flag.letter = 0;
        visitor(command, &flag);
    }
}

// All flags of a command: its own, its settings, the common ones.
static void visit_flags(const TlCommand *command, FlagVisitor *visitor)
{
    for (const TlCommandOption *row = command->options; row && row->def.flag; row++)
        visit(command, &row->def, row, visitor);
    for (const TlOptionDef *def = tl_option_table(); def->flag; def++)
        if (tl_command_takes(command, def))
            visit(command, def, NULL, visitor);
    for (const TlCommandOption *row = tl_common_options; row->def.flag; row++)
        visit(command, &row->def, row, visitor);
}

static void put_commands(void)
{
    const TlCommand *command;

    for (int i = 0; (command = tl_command_at(i)); i++)
        printf("%s%s", i ? " " : "", command->name);
}

// Is the first argument one of a few words? "[COMMAND]" stands for the commands, a word in small letters for itself.
static int takes_word(const TlCommand *command)
{
    return !strcmp(command->arguments, "[COMMAND]") || islower((unsigned char)command->arguments[0]);
}

static void put_argument(const TlCommand *command)
{
    if (command->arguments[0] == '[')
        put_commands();
    else
        printf("%.*s", (int)strcspn(command->arguments, " "), command->arguments);
}

static void put_words(const char *choices)
{
    for (; *choices; choices++)
        putchar(*choices == '|' ? ' ' : *choices);
}

// Text inside single quotes of a shell.
static void put_quoted(const char *text, const char *drop, const char *escape)
{
    for (; *text; text++) {
        if (strchr(escape, *text))
            putchar('\\');
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (!strchr(drop, *text))
            putchar(*text);
    }
}

// --- bash

static void bash_flag(const TlCommand *command, const Flag *flag)
{
    (void)command;
    printf(" --%s", flag->name);
    if (flag->letter)
        printf(" -%c", flag->letter);
}

static void bash_value(const TlCommand *command, const Flag *flag)
{
    if (!flag->def->value)
        return;
    printf("        %s:--%s", command->name, flag->name);
    if (flag->letter)
        printf("|%s:-%c", command->name, flag->letter);
    if (flag->words) {
        fputs(") COMPREPLY=($(compgen -W '", stdout);
        put_words(flag->words);
        fputs("' -- \"$current\")); return ;;\n", stdout);
    } else {
        printf(") %sreturn ;;\n", flag->file ? "compopt -o default; " : "");
    }
}

static void put_bash(void)
{
    const TlCommand *command;

    fputs("# bash completion of touchline\n_touchline() {\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}\n"
          "    COMPREPLY=()\n    if ((COMP_CWORD == 1)); then\n        COMPREPLY=($(compgen -W '",
          stdout);
    put_commands();
    fputs("' -- \"$current\"))\n        return\n    fi\n    case $command:$previous in\n", stdout);
    for (int i = 0; (command = tl_command_at(i)); i++)
        visit_flags(command, bash_value);
    fputs("    esac\n    if [[ $current != -* ]]; then\n        case $command:$COMP_CWORD in\n", stdout);
    for (int i = 0; (command = tl_command_at(i)); i++) {
        if (!takes_word(command))
            continue;
        printf("        %s:2) COMPREPLY=($(compgen -W '", command->name);
        put_argument(command);
        fputs("' -- \"$current\")); return ;;\n", stdout);
    }
    fputs("        esac\n        compopt -o default\n        return\n    fi\n"
          "    case $command in\n",
          stdout);
    for (int i = 0; (command = tl_command_at(i)); i++) {
        printf("        %s) COMPREPLY=($(compgen -W '", command->name);
        visit_flags(command, bash_flag);
        fputs("' -- \"$current\")) ;;\n", stdout);
    }
    fputs("    esac\n}\ncomplete -F _touchline touchline\n", stdout);
}

// --- zsh

static void zsh_flag(const TlCommand *command, const Flag *flag)
{
    (void)command;
    for (int form = 0; form < (flag->letter ? 2 : 1); form++) {
        if (form)
            printf(" \\\n                '-%c[", flag->letter);
        else
            printf(" \\\n                '--%s[", flag->name);
        put_quoted(flag->def->help, "", "[]"); // a colon is none of zsh's within the brackets
        putchar(']');
        if (flag->def->value) {
            putchar(':');
            put_quoted(flag->def->value, "", ":");
            putchar(':');
            if (flag->words) {
                putchar('(');
                put_words(flag->words);
                putchar(')');
            } else if (flag->file) {
                fputs("_files", stdout);
            }
        }
        putchar('\'');
    }
}

static void put_zsh(void)
{
    const TlCommand *command;

    fputs("#compdef touchline\n# zsh completion of touchline\n_touchline() {\n    local -a commands\n    commands=(\n",
          stdout);
    for (int i = 0; (command = tl_command_at(i)); i++) {
        printf("        '%s:", command->name);
        put_quoted(command->summary, "", ":");
        fputs("'\n", stdout);
    }
    fputs("    )\n    if ((CURRENT == 2)); then\n        _describe command commands\n        return\n    fi\n"
          "    local command=$words[2]\n    shift words\n    ((CURRENT--))\n    case $command in\n",
          stdout);
    for (int i = 0; (command = tl_command_at(i)); i++) {
        printf("        %s)\n            _arguments -s", command->name);
        visit_flags(command, zsh_flag);
        if (takes_word(command)) {
            fputs(" \\\n                '1:word:(", stdout);
            put_argument(command);
            fputs(")'", stdout);
        }
        fputs(" \\\n                '*:file:_files' ;;\n", stdout);
    }
    fputs("    esac\n}\n_touchline \"$@\"\n", stdout);
}

// --- fish

static void fish_flag(const TlCommand *command, const Flag *flag)
{
    printf("complete -c touchline -n '__fish_seen_subcommand_from %s' -l %s", command->name, flag->name);
    if (flag->letter)
        printf(" -s %c", flag->letter);
    if (flag->def->value)
        fputs(flag->file ? " -r -F" : " -x", stdout);
    if (flag->words) {
        fputs(" -a '", stdout);
        put_words(flag->words);
        putchar('\'');
    }
    fputs(" -d '", stdout);
    for (const char *c = flag->def->help; *c; c++) {
        if (*c == '\'' || *c == '\\')
            putchar('\\');
        putchar(*c);
    }
    fputs("'\n", stdout);
}

static void put_fish(void)
{
    const TlCommand *command;

    fputs("# fish completion of touchline\n", stdout);
    for (int i = 0; (command = tl_command_at(i)); i++) {
        printf("complete -c touchline -n __fish_use_subcommand -f -a %s -d '", command->name);
        put_quoted(command->summary, "\\'", "");
        fputs("'\n", stdout);
    }
    for (int i = 0; (command = tl_command_at(i)); i++) {
        if (takes_word(command)) {
            printf("complete -c touchline -n '__fish_seen_subcommand_from %s' -a '", command->name);
            put_argument(command);
            fputs("'\n", stdout);
        }
        visit_flags(command, fish_flag);
    }
}

int tl_help_completion(const char *shell, TlDiag *diag)
{
    static const struct {
        const char *name;
        void (*put)(void);
    } shells[] = {{"bash", put_bash}, {"zsh", put_zsh}, {"fish", put_fish}};

    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (!strcmp(shell, shells[i].name)) {
            shells[i].put();
            return TL_OK;
        }
    return tl_fail(diag, TL_EUSAGE, "--completion must be bash, zsh or fish, not '%s'", shell);
}
