// Signals of the command. The handler only stores flags, cancels the session (async-signal-safe by contract) and, the
// second time, unlinks the temporary files and leaves.
#include "interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include <touchline/writer.h>

static atomic_int g_count;
static _Atomic(TlSession *) g_session;

static void on_signal(int number)
{
    (void)number;
    if (atomic_fetch_add(&g_count, 1) > 0) {
        tl_outfile_unlink_all();
        _exit(-TL_EINTERRUPTED);
    }
    TlSession *session = atomic_load(&g_session);
    if (session)
        tl_session_cancel(session);
}

void tl_interrupt_install(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, inherited;

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (sigaction(SIGHUP, NULL, &inherited) || inherited.sa_handler != SIG_IGN) // else started by nohup: stay
        sigaction(SIGHUP, &action, NULL);
    // A reader that goes away and a limit on file sizes show up as failed writes, which clean up like any failure.
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

void tl_interrupt_watch(TlSession *session)
{
    atomic_store(&g_session, session);
    if (session && tl_interrupted())
        tl_session_cancel(session);
}

int tl_interrupted(void)
{
    return atomic_load(&g_count) > 0;
}

const atomic_int *tl_interrupt_flag(void)
{
    return &g_count;
}
