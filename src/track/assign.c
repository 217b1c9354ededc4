// Optimal assignment with the choice of staying alone.
//
// In: costs and the price of leaving a row unassigned. Out: the pairs.
// Shortest augmenting paths with dual variables (Jonker & Volgenant 1987; Crouse, "On implementing 2D rectangular
// assignment algorithms", 2016). "Staying alone" is a private column of each row. Nobody else can reach it, so it needs
// no place in the matrix: it is only one more possible end of a path, and a row that took it never moves again.
#include "track/assign.h"

#include <math.h>

#include "base/mem.h"

struct TlAssign {
    int max_rows, max_cols;
    double *u, *v;       // duals of rows and columns
    double *distance;    // of columns: shortest reduced path found so far
    double *reach;       // of rows in the tree: length of the path to them
    int *parent;         // of columns: the row it was reached from
    int *owner;          // of columns: assigned row or -1
    int *taken;          // of rows: assigned column or -1
    unsigned char *done; // of columns: in the tree
    int *tree;           // rows in the tree
};

TlAssign *tl_assign_create(int max_rows, int max_cols)
{
    TlAssign *a = tl_calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    size_t rows = (size_t)max_rows, cols = (size_t)max_cols;
    a->max_rows = max_rows;
    a->max_cols = max_cols;
    a->u = tl_calloc(rows, sizeof(double));
    a->v = tl_calloc(cols, sizeof(double));
    a->distance = tl_calloc(cols, sizeof(double));
    a->reach = tl_calloc(rows, sizeof(double));
    a->parent = tl_calloc(cols, sizeof(int));
    a->owner = tl_calloc(cols, sizeof(int));
    a->taken = tl_calloc(rows, sizeof(int));
    a->done = tl_calloc(cols, 1);
    a->tree = tl_calloc(rows, sizeof(int));
    if (!a->u || !a->v || !a->distance || !a->reach || !a->parent || !a->owner || !a->taken || !a->done || !a->tree)
        tl_assign_destroy(&a);
    return a;
}

void tl_assign_destroy(TlAssign **assign)
{
    TlAssign *a = assign ? *assign : NULL;
    if (!a)
        return;
    tl_free(&a->u);
    tl_free(&a->v);
    tl_free(&a->distance);
    tl_free(&a->reach);
    tl_free(&a->parent);
    tl_free(&a->owner);
    tl_free(&a->taken);
    tl_free(&a->done);
    tl_free(&a->tree);
    tl_free(assign);
}

// Hands column col to the row that reached it, that row's old column to the row before, up to the root.
static void flip_path(TlAssign *a, int col, int root)
{
    for (;;) {
        int row = a->parent[col], next = a->taken[row];
        a->owner[col] = row;
        a->taken[row] = col;
        if (row == root)
            return;
        col = next;
    }
}

// Grows the tree of shortest paths from row root until it meets a free column or the cheapest "alone".
static void augment(TlAssign *a, const double *cost, int cols, const double *miss, int root)
{
    double alone = INFINITY, here = 0;
    int alone_row = root, tree_count = 0, row = root, end = -1;
    for (int col = 0; col < cols; col++) {
        a->distance[col] = INFINITY;
        a->done[col] = 0;
    }
    while (end < 0) {
        a->tree[tree_count++] = row;
        a->reach[row] = here;
        double stay = here + miss[row] - a->u[row];
        if (stay < alone) {
            alone = stay;
            alone_row = row;
        }
        int nearest = -1;
        double shortest = INFINITY;
        for (int col = 0; col < cols; col++) {
            if (a->done[col])
                continue;
            double c = cost[(long)row * cols + col], through = here + c - a->u[row] - a->v[col];
            if (isfinite(c) && through < a->distance[col]) {
                a->distance[col] = through;
                a->parent[col] = row;
            }
            if (a->distance[col] < shortest) {
                shortest = a->distance[col];
                nearest = col;
            }
        }
        if (nearest < 0 || alone <= shortest) {
            here = alone;
            break;
        }
        here = shortest;
        a->done[nearest] = 1;
        if (a->owner[nearest] < 0)
            end = nearest;
        else
            row = a->owner[nearest];
    }
    for (int i = 0; i < tree_count; i++)
        a->u[a->tree[i]] += here - a->reach[a->tree[i]];
    for (int col = 0; col < cols; col++)
        if (a->done[col])
            a->v[col] -= here - a->distance[col];
    if (end >= 0) {
        flip_path(a, end, root);
        return;
    }
    int freed = a->taken[alone_row]; // alone_row leaves its column to the row before it on the path
    if (alone_row != root)
        flip_path(a, freed, root);
    a->taken[alone_row] = -1;
}

void tl_assign_solve(TlAssign *a, const double *cost, int rows, int cols, const double *miss, int *row_to_col,
                     int *col_to_row)
{
    rows = rows > a->max_rows ? a->max_rows : rows;
    cols = cols > a->max_cols ? a->max_cols : cols;
    for (int col = 0; col < cols; col++) {
        a->v[col] = 0;
        a->owner[col] = -1;
    }
    for (int row = 0; row < rows; row++) {
        a->u[row] = 0;
        a->taken[row] = -1;
    }
    for (int row = 0; row < rows; row++)
        augment(a, cost, cols, miss, row);
    for (int row = 0; row < rows; row++)
        row_to_col[row] = a->taken[row];
    for (int col = 0; col_to_row && col < cols; col++)
        col_to_row[col] = a->owner[col];
}
