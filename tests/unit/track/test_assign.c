// Optimal assignment against brute force and against an independent Hungarian solver.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "score.h"
#include "track/assign.h"

static uint64_t g_state = 88172645463325252ULL;

static double uniform(void)
{
    g_state ^= g_state << 13;
    g_state ^= g_state >> 7;
    g_state ^= g_state << 17;
    return (double)(g_state >> 11) / 9007199254740992.0;
}

// The least total over all ways, row by row.
static double brute_force(const double *cost, int rows, int cols, const double *miss, int row, unsigned used)
{
    if (row == rows)
        return 0;
    double best = miss[row] + brute_force(cost, rows, cols, miss, row + 1, used);
    for (int col = 0; col < cols; col++) {
        double c = cost[row * cols + col];
        if ((used >> col & 1) || !isfinite(c))
            continue;
        best = fmin(best, c + brute_force(cost, rows, cols, miss, row + 1, used | 1u << col));
    }
    return best;
}

static double total(const double *cost, int rows, int cols, const double *miss, const int *taken)
{
    double sum = 0;
    unsigned long long used[8] = {0};
    for (int row = 0; row < rows; row++) {
        int col = taken[row];
        if (col < 0) {
            sum += miss[row];
            continue;
        }
        assert_in_range(col, 0, cols - 1);
        assert_false(used[col / 64] >> (col % 64) & 1);
        used[col / 64] |= 1ULL << (col % 64);
        assert_true(isfinite(cost[row * cols + col]));
        sum += cost[row * cols + col];
    }
    return sum;
}

static void test_brute_force(void **state)
{
    (void)state;
    TlAssign *a = tl_assign_create(8, 8);
    for (int trial = 0; trial < 3000; trial++) {
        double cost[36], miss[6];
        int rows = 1 + (int)(6 * uniform()), cols = 1 + (int)(6 * uniform()), row_to_col[6], col_to_row[6];
        for (int i = 0; i < rows * cols; i++) {
            double r = uniform();
            cost[i] = r < 0.15    ? INFINITY
                      : r < 0.18  ? (double)NAN
                      : trial % 3 ? 20 * uniform() - 4
                                  : floor(4 * uniform());
        }
        for (int i = 0; i < rows; i++)
            miss[i] = trial % 2 ? 12 * uniform() : 9;
        tl_assign_solve(a, cost, rows, cols, miss, row_to_col, col_to_row);
        double best = brute_force(cost, rows, cols, miss, 0, 0);
        assert_true(fabs(total(cost, rows, cols, miss, row_to_col) - best) < 1e-9);
        for (int col = 0; col < cols; col++)
            assert_true(col_to_row[col] < 0 || row_to_col[col_to_row[col]] == col);
    }
    tl_assign_destroy(&a);
    assert_null(a);
    tl_assign_destroy(&a);
}

// 60 x 50 with private columns for staying alone, solved by the other solver.
static void test_large(void **state)
{
    (void)state;
    enum { ROWS = 60, COLS = 50, WIDE = COLS + ROWS };
    static double cost[ROWS * COLS], wide[ROWS * WIDE], miss[ROWS];
    int taken[ROWS], column[ROWS];
    TlAssign *a = tl_assign_create(256, 300);
    for (int trial = 0; trial < 20; trial++) {
        for (int i = 0; i < ROWS; i++) {
            miss[i] = 3 + 3 * uniform();
            for (int k = 0; k < WIDE; k++)
                wide[i * WIDE + k] = k == COLS + i ? miss[i] : 1e6;
            for (int k = 0; k < COLS; k++)
                wide[i * WIDE + k] = cost[i * COLS + k] = uniform() < 0.7 ? 1e6 : 40 * uniform() * uniform();
        }
        tl_assign_solve(a, cost, ROWS, COLS, miss, taken, NULL);
        score_assign(wide, ROWS, WIDE, column);
        double other = 0;
        for (int i = 0; i < ROWS; i++)
            other += wide[i * WIDE + column[i]];
        assert_true(fabs(total(cost, ROWS, COLS, miss, taken) - other) < 1e-7);
    }
    tl_assign_destroy(&a);
}

static void test_ties(void **state)
{
    (void)state;
    const double cost[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, miss[3] = {5, 5, 5};
    int first[3], again[3];
    TlAssign *a = tl_assign_create(3, 3);
    tl_assign_solve(a, cost, 3, 3, miss, first, NULL);
    assert_int_equal(first[0], 0);
    for (int i = 0; i < 5; i++) {
        tl_assign_solve(a, cost, 3, 3, miss, again, NULL);
        assert_memory_equal(first, again, sizeof first);
    }
    tl_assign_solve(a, cost, 3, 0, miss, again, NULL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(again[i], -1);
    tl_assign_destroy(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_brute_force), cmocka_unit_test(test_large),
                                       cmocka_unit_test(test_ties)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
