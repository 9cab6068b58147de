/* What library.c (with the threads of pool.h) and kernel.c (arithmetic, compiled once per instruction set) share.
 *
 * All arrays are C-contiguous. Sizes: N rows of a pass, W rows whose prediction is wanted, V the vocabulary.
 * Halves (uint16_t) are float16, or bfloat16 where that is said.
 */
#pragma once
#include <stdint.h>

enum { PANEL = 32, BLOCK = 32 };

/* A packed matrix: see packing.py. panel [panels]: where each panel of 32 outputs begins. */
typedef struct {
    int32_t rows, columns, bits, group, mins, panels;
    const uint8_t *const *panel;
} dlm_matrix;

/* What an adapter adds to a projection: up · (down · x). bfloat16: down [in, rank], up [rank, out padded to panels];
 * the rank is a multiple of 16, filled up with zeros. rank 0: nothing. */
typedef struct {
    int64_t rank;
    const uint16_t *down, *up;
} dlm_low_rank;

enum { Q, K, V, O, GATE, UP, DOWN, PROJECTIONS };

typedef struct {
    dlm_matrix matrix[PROJECTIONS];
    dlm_low_rank low[PROJECTIONS];
    const float *input_norm, *post_norm, *bias[3];
} dlm_layer;

typedef struct {
    int64_t layers, width, heads, kv_heads, head_width, feed_forward, vocab;
    float norm_epsilon;
    dlm_matrix embedding; /* and head */
    const float *norm, *mask_embedding; /* the latter NULL where there is no adapter */
    const dlm_layer *layer;
} dlm_weights;

/* Keys and values, float16: keys [layers, kv_heads, blocks, head_width, BLOCK], values [layers, kv_heads, blocks · BLOCK,
 * head_width]. */
typedef struct {
    uint16_t *keys, *values;
    int64_t blocks;
} dlm_store;

/* One pass over n rows.
 *
 * at [n]: where each row's key and value go: in the context where it is `reading`, else in the scratch store. cos, sin
 * [n, head_width / 2]. context [n]: how many tokens of the context a row sees. Row r sees the scratch slots
 * sees[starts[r] … starts[r + 1]]. adapter: the rows carry it.
 *
 * wanted [W]; targets [W, target_n]; ids, log_probs [W, top]; target_log_probs [W, target_n]; entropy [W]; full [W, V] or
 * NULL.
 */
typedef struct {
    int64_t n, reading, adapter;
    const int64_t *ids, *at, *context, *sees, *starts;
    const float *cos, *sin;
    dlm_store stored, scratch;
    int64_t wanted_n, target_n, top;
    const int64_t *wanted, *targets;
    int64_t *best;
    float *log_probs, *target_log_probs, *entropy, *full;
} dlm_pass;

enum { DLM_DONE, DLM_NO_MEMORY };

/* Runs tile(job, number, thread) for every number below `tiles`, on all threads of the pool; returns when all are done. */
typedef void (*dlm_tile)(void *job, int number, int thread);
typedef struct dlm_pool dlm_pool;
void dlm_spread(dlm_pool *pool, dlm_tile tile, void *job, int tiles);
int dlm_threads(const dlm_pool *pool);

/* What each compilation of kernel.c offers. */
typedef struct {
    const char *name;
    void *(*open)(const dlm_weights *); /* NULL: no memory */
    void (*close)(void *network);
    int (*run)(void *network, dlm_pool *, const dlm_pass *); /* DLM_DONE, or why not */
} dlm_kernel;
