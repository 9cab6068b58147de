/* A pass: what its steps work on, the memory for that, and whether all that it asks for is there. */
#pragma once
#include "network.h"

/* Keys that some tokens see: of one layer and one stream, or of the canvas. */
typedef struct {
    const kept *keys, *values;
    int64_t room;
    const int64_t *seen;  /* [N], or NULL: `mask` says it */
    const uint8_t *mask;  /* [N, columns] */
    int64_t columns;
    int back;             /* which query looks at them */
} seen_set;

typedef struct {
    network *net;
    dlm_pool *pool;
    int64_t n;
    dlm_rotation rotation;
    const int64_t *ids, *position, *back_position;
    float *x, *normed, *joined, *q, *q_back, *mixed, *fed, *scratch;
    kept *own_keys, *own_values;
    int64_t scratch_size; /* floats, of each thread */
    int64_t ld_width, ld_joined, ld_fed, ld_pointer, ld_vocab;
    /* of the step that is being run */
    const layer *layer;
    const float *scale;
    seen_set sets[3];
    int set_count;
    kept *put_keys, *put_values;
    int64_t put_room, put_at;
    int64_t block_rows;
    struct {
        const float *a;
        int64_t lda, rows, row_tile, panel_tile, panel_tiles, ldc;
        const matrix *weights;
        const float *bias;
        float *c;
        ending end;
    } multiply;
    /* of the head */
    const dlm_prediction *asked;
    int64_t first_row, row_count, row_group;
    float *states, *logits, *queries;
} pass;

/* ---- memory of a pass ---- */

typedef struct {
    char *at;
    size_t used, size;
} taken;

static void *some(taken *t, int64_t floats) {
    size_t from = t->used;
    t->used += ((size_t)floats * sizeof(float) + 63) / 64 * 64;
    return t->at && t->used <= t->size ? t->at + from : NULL;
}

static void laid_out(pass *p, taken *t, int64_t keys_seen, int64_t own_columns, int64_t head_rows) {
    const dlm_sizes *s = &p->net->sizes;
    int64_t n = p->n, head = s->width / s->heads, keys = s->kv_heads * head;
    p->ld_width = padded(s->width);
    p->ld_joined = padded(s->width + 2 * keys);
    p->ld_fed = padded(s->feed_forward), p->ld_pointer = padded(s->pointer), p->ld_vocab = padded(s->vocab);
    p->x = some(t, n * p->ld_width), p->normed = some(t, n * p->ld_width), p->mixed = some(t, n * p->ld_width);
    p->q = some(t, n * p->ld_width), p->q_back = some(t, n * p->ld_width), p->joined = some(t, n * p->ld_joined);
    p->fed = some(t, n * p->ld_fed);
    p->own_keys = (kept *)some(t, keys * own_columns), p->own_values = (kept *)some(t, keys * own_columns);
    p->states = some(t, head_rows * 2 * p->ld_width), p->queries = some(t, head_rows * p->ld_pointer);
    p->logits = some(t, head_rows * p->ld_vocab);
    /* Scores, and the same or queries as inputs; rows as inputs of a product. */
    int64_t scores = ROWS * (padded(keys_seen) + 3 * ROOM_STEP), most_inputs = larger(s->feed_forward, 2 * s->width);
    p->scratch_size = larger(2 * scores + ROWS * padded(head), ROW_TILE * padded(most_inputs));
    p->scratch = some(t, dlm_threads(p->pool) * p->scratch_size);
}

/* The arrays of a pass, in memory that the next one uses again. Nonzero: there is none. */
static int room_made(pass *p, int64_t keys_seen, int64_t own_columns, int64_t head_rows) {
    workspace *room = &p->net->room;
    taken counted = {0};
    laid_out(p, &counted, keys_seen, own_columns, head_rows);
    if (counted.used > room->size) {
        free(room->memory);
        room->memory = aligned_alloc(64, counted.used);
        room->size = room->memory ? counted.used : 0;
        if (!room->memory) return 1;
        memset(room->memory, 0, room->size);
    }
    taken given = {.at = room->memory, .size = room->size};
    laid_out(p, &given, keys_seen, own_columns, head_rows);
    return 0;
}

/* ---- what is asked for is there ---- */

static int known(const network *net, const int64_t *ids, int64_t count, int64_t apart) {
    for (int64_t i = 0; i < count; i++)
        if (ids[i * apart] < 0 || ids[i * apart] >= net->sizes.vocab) return 0;
    return 1;
}

static int within(const dlm_rotation *rotation, const int64_t *positions, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (positions[i] < 0 || positions[i] >= rotation->positions) return 0;
    return 1;
}
