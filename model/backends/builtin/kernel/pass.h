/* What a network keeps, and the memory of a pass. */
#pragma once
#include "attention.h"

typedef struct {
    dlm_weights weights;
    dlm_layer *layers;
    int low_rank; /* the largest rank of an adapter */
    uint8_t *memory;
    size_t memory_bytes;
} network;

enum { HEAD_ROWS = 32, ROWS_TILE = 8 };

/* Rows of a pass: states, normed [n, width]; asked [n, ask_ld]: queries, keys and values; wide [n, feed_forward] or [n,
 * heads · head_width], where an adapter needs floats; reduced [3, n, rank]; logits [HEAD_ROWS, vocab_ld]. */
typedef struct {
    network *net;
    dlm_pool *pool;
    const dlm_pass *asked_for;
    int64_t n, queries_n, keys_n, ask_ld, vocab_ld, room, rank;
    float *states, *normed, *asked, *wide, *reduced, *logits, *scores;
    const uint16_t **places;
    activation by_width, by_heads, by_feed, by_head; /* of what q, o, down and the head read */
    slots_seen seen;
} pass;

/* The next `bytes` of the pass's memory; counts only where there is none yet. */
INLINE void *taken(const network *net, size_t *used, size_t bytes) {
    void *at = net->memory ? net->memory + *used : NULL;
    *used += (bytes + 63) / 64 * 64;
    return at;
}

/* The groups are those of the matrix that reads it. */
INLINE void grouped(activation *a, int64_t group) { a->group = group, a->groups = a->ld / group; }

static void activation_made(const network *net, size_t *used, int64_t n, int64_t k, activation *a) {
    a->ld = k;
    grouped(a, STEP); /* the smallest there are: room for any */
    a->codes = taken(net, used, (size_t)(n * k));
    a->scales = taken(net, used, (size_t)(n * a->groups) * sizeof(float));
    a->sums = taken(net, used, (size_t)(n * a->groups) * sizeof(int32_t));
}

static size_t laid_out(pass *p) {
    const network *net = p->net;
    const dlm_weights *w = &net->weights;
    const dlm_pass *of = p->asked_for;
    int64_t n = p->n, widest = larger(w->feed_forward, p->queries_n), threads = dlm_threads(p->pool);
    size_t used = 0;
    p->states = taken(net, &used, (size_t)(n * w->width) * sizeof(float));
    p->normed = taken(net, &used, (size_t)(larger(n, HEAD_ROWS) * w->width) * sizeof(float));
    p->asked = taken(net, &used, (size_t)(n * p->ask_ld) * sizeof(float));
    if (p->rank) {
        p->wide = taken(net, &used, (size_t)(n * widest) * sizeof(float));
        p->reduced = taken(net, &used, (size_t)(3 * n * p->rank) * sizeof(float));
    }
    activation_made(net, &used, n, w->width, &p->by_width);
    activation_made(net, &used, n, p->queries_n, &p->by_heads);
    activation_made(net, &used, n, w->feed_forward, &p->by_feed);
    activation_made(net, &used, HEAD_ROWS, w->width, &p->by_head);
    grouped(&p->by_head, w->embedding.group);
    if (of->wanted_n) p->logits = taken(net, &used, (size_t)(smaller(of->wanted_n, HEAD_ROWS) * p->vocab_ld) * sizeof(float));
    p->scores = taken(net, &used, (size_t)(threads * TILE * p->room) * sizeof(float));
    p->places = taken(net, &used, (size_t)(threads * p->room / BLOCK) * sizeof(uint16_t *));
    if (!of->reading) {
        p->seen.blocks = taken(net, &used, (size_t)of->scratch.blocks * sizeof(int64_t));
        p->seen.hidden = taken(net, &used, (size_t)(n * p->seen.used * BLOCK) * sizeof(float));
        p->seen.touched = taken(net, &used, (size_t)(n * p->seen.used));
    }
    return used;
}

/* The scratch blocks that any row sees: into `blocks`, or counted only where that is NULL. */
static int64_t blocks_seen(const dlm_pass *of, int64_t *blocks) {
    int64_t used = 0, seen_n = of->starts[of->n];
    for (int64_t b = 0; b < of->scratch.blocks; b++) {
        int any = 0;
        for (int64_t i = 0; i < seen_n && !any; i++) any = of->sees[i] / BLOCK == b;
        if (any && blocks) blocks[used] = b;
        used += any;
    }
    return used;
}

static void seen_made(pass *p) {
    const dlm_pass *of = p->asked_for;
    slots_seen *seen = &p->seen;
    blocks_seen(of, seen->blocks);
    memset(seen->touched, 0, (size_t)(p->n * seen->used));
    for (int64_t i = 0; i < p->n * seen->used * BLOCK; i++) seen->hidden[i] = -INFINITY;
    for (int64_t row = 0; row < p->n; row++)
        for (int64_t i = of->starts[row]; i < of->starts[row + 1]; i++) {
            int64_t block = of->sees[i] / BLOCK, used = 0;
            while (seen->blocks[used] != block) used++;
            seen->touched[row * seen->used + used] = 1;
            seen->hidden[(row * seen->used + used) * BLOCK + of->sees[i] % BLOCK] = 0;
        }
}

/* Memory for the pass, which stays with the network for the next one; DLM_NO_MEMORY if there is none. */
static int memory_made(pass *p) {
    network *net = p->net;
    const dlm_weights *w = &net->weights;
    const dlm_pass *of = p->asked_for;
    int64_t reach = 0;
    p->n = of->n;
    p->queries_n = w->heads * w->head_width, p->keys_n = w->kv_heads * w->head_width;
    p->ask_ld = p->queries_n + 2 * p->keys_n, p->vocab_ld = (int64_t)w->embedding.panels * PANEL;
    p->rank = of->adapter ? net->low_rank : 0;
    for (int64_t i = 0; i < p->n; i++) reach = larger(reach, of->context[i]);
    p->seen.used = of->reading ? 0 : blocks_seen(of, NULL);
    p->room = up_to(reach, BLOCK) + p->seen.used * BLOCK;
    uint8_t *before = net->memory;
    net->memory = NULL;
    size_t needed = laid_out(p);
    net->memory = before;
    if (needed > net->memory_bytes) {
        size_t bytes = needed + needed / 4;
        bytes = (bytes + 63) / 64 * 64;
        free(before);
        net->memory_bytes = 0;
        net->memory = aligned_alloc(64, bytes);
        if (!net->memory) return DLM_NO_MEMORY;
        net->memory_bytes = bytes;
    }
    laid_out(p);
    if (!of->reading) seen_made(p);
    return DLM_DONE;
}
