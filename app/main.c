// The touchline command: finds the subcommand, parses its options, runs it and turns a failure into one sentence on
// standard error and an exit code of its own (the negated TlError).
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <touchline/log.h>

#include "command.h"
#include "interrupt.h"
#include "progress.h"

// A pipe whose reader has left, as `head` does: poll() tells by POLLERR.
static int is_reader_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

static int report(int code, const TlDiag *diag)
{
    tl_progress_clear();
    if (code == TL_EIO && is_reader_gone())
        return -code; // who has seen enough wants no complaint
    fprintf(stderr, "touchline: %s\n", diag->text[0] ? diag->text : tl_error_text(code));
    return -code;
}

static int run(const TlCommand *command, int argc, char **argv)
{
    static TlCommandLine line; // large: holds all settings
    TlDiag diag = {0};

    tl_log_set(tl_progress_log, NULL, TL_LOG_WARNING);
    int ret = tl_parse(&line, command, argc, argv, &diag);
    if (ret == TL_OK && line.help) {
        tl_help_command(command);
        return 0;
    }
    if (ret == TL_OK) {
        tl_log_set(tl_progress_log, NULL,
                   line.quiet          ? TL_LOG_ERROR
                   : line.verbose == 0 ? TL_LOG_WARNING
                   : line.verbose == 1 ? TL_LOG_INFO
                                       : TL_LOG_DEBUG);
        ret = command->run(&line, &diag);
    }
    if (ret == TL_OK && (fflush(stdout) || ferror(stdout)))
        ret = tl_fail(&diag, TL_EIO, "cannot write to standard output");
    return ret < 0 ? report(ret, &diag) : 0;
}

// A switch of every command that is as clear before the command as behind it.
static int is_early_switch(const char *word)
{
    return !strcmp(word, "--verbose") || !strcmp(word, "--quiet") ||
           (word[0] == '-' && word[1] && strspn(word + 1, "vq") == strlen(word + 1));
}

// "touchline -v process ..." becomes "touchline process -v ...".
static void swap_early_switches(int argc, char **argv)
{
    int at = 1;

    while (at < argc && is_early_switch(argv[at]))
        at++;
    if (at == argc)
        return;
    char *command = argv[at];
    memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof *argv);
    argv[1] = command;
}

int main(int argc, char **argv)
{
    TlDiag diag = {0};

    tl_interrupt_install();
    swap_early_switches(argc, argv);
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        tl_help_overview();
        return 0;
    }
    if (!strcmp(name, "--help") || !strcmp(name, "-h"))
        name = "help";
    else if (!strcmp(name, "--version") || !strcmp(name, "-V"))
        name = "version";
    const TlCommand *command = tl_command_find(name);
    if (!command && name[0] == '-')
        return report(tl_fail(&diag, TL_EUSAGE,
                              "'%s' stands before the command; options follow it: touchline COMMAND %s", name, name),
                      &diag);
    if (!command) {
        const char *hint = tl_command_near(name);
        return report(hint ? tl_fail(&diag, TL_EUSAGE, "unknown command '%s'; did you mean '%s'?", name, hint)
                           : tl_fail(&diag, TL_EUSAGE, "unknown command '%s'; 'touchline help' lists them", name),
                      &diag);
    }
    return run(command, argc - 2, argv + 2);
}
