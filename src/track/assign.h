// Optimal assignment of rows (tracks) to columns (detections) on a rectangular cost matrix.
#ifndef TL_TRACK_ASSIGN_H
#define TL_TRACK_ASSIGN_H

typedef struct TlAssign TlAssign;

TlAssign *tl_assign_create(int max_rows, int max_cols); // NULL when out of memory
void tl_assign_destroy(TlAssign **assign);

// Minimises the sum of cost[row * cols + col] of the pairs plus miss[row] of the rows left alone, so a pair is never
// dearer than leaving its row alone unless that frees a better one. Infinite or NaN cost = forbidden pair. Writes
// row_to_col (-1 = alone) and, when not NULL, col_to_row. Deterministic: among equals the lowest column wins.
void tl_assign_solve(TlAssign *assign, const double *cost, int rows, int cols, const double *miss, int *row_to_col,
                     int *col_to_row);

#endif
