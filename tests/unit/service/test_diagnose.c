// The advice of touchline diagnose: about the step that costs most, and nothing that this program cannot do.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "diagnose.h"

static const int waited_for[] = {TL_DIAGNOSE_RESOLVE,  TL_DIAGNOSE_CONNECT, TL_DIAGNOSE_FIRST_BYTE,
                                 TL_DIAGNOSE_DOWNLOAD, TL_DIAGNOSE_DECODE,  TL_DIAGNOSE_NETWORKS,
                                 TL_DIAGNOSE_REST};

static void the_largest_step_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof waited_for / sizeof *waited_for; i++) {
        TlDiagnosis d = {0};
        int step = -1;
        for (int k = 0; k < TL_DIAGNOSE_STEP_COUNT; k++)
            d.seconds[k] = 0.1;
        d.seconds[waited_for[i]] = 2;
        const char *advice = tl_diagnose_advice(&d, &step);
        assert_int_equal(step, waited_for[i]);
        assert_null(strstr(advice, "GPU")); // no backend here has one
    }
}

// A file has no download, and what loads once a start or is a sum of the others is no step of a challenge.
static void what_is_no_part_of_a_challenge_is_not_named(void **state)
{
    (void)state;
    TlDiagnosis d = {0};
    int step = -1;
    for (int k = 0; k < TL_DIAGNOSE_STEP_COUNT; k++)
        d.seconds[k] = k < TL_DIAGNOSE_OPEN ? -1 : 9;
    d.seconds[TL_DIAGNOSE_DECODE] = 0.2;
    d.seconds[TL_DIAGNOSE_NETWORKS] = 0.3;
    d.seconds[TL_DIAGNOSE_REST] = 0.1;
    (void)tl_diagnose_advice(&d, &step);
    assert_int_equal(step, TL_DIAGNOSE_NETWORKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_step_is_named),
        cmocka_unit_test(what_is_no_part_of_a_challenge_is_not_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
