// Ctrl-C and SIGTERM: the first asks the running clip to end, the second ends the process at once. Either way no
// half-written file is left.
#ifndef TL_APP_INTERRUPT_H
#define TL_APP_INTERRUPT_H

#include <stdatomic.h>

#include <touchline/session.h>

void tl_interrupt_install(void);
void tl_interrupt_watch(TlSession *session); // the session to cancel, NULL = none
int tl_interrupted(void);                    // 1 after the first signal
const atomic_int *tl_interrupt_flag(void);   // the same for those who look themselves: not 0 after the first signal

#endif
