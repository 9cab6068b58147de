/* What a pass does row by row between its products. */
#pragma once
#include "pass.h"

/* Row `id` of the embedding, into x [width]. */
static void embedded(const network *net, int64_t id, float *x) {
    const dlm_matrix *w = &net->weights.embedding;
    if (id >= net->weights.vocab) {
        memcpy(x, net->weights.mask_embedding, (size_t)net->weights.width * sizeof(float));
        return;
    }
    const uint8_t *group = w->panel[id / PANEL];
    int64_t lane = id % PANEL, head = w->mins ? 4 * PANEL : 2 * PANEL;
    for (int64_t first = 0; first < w->columns; first += w->group) {
        const uint16_t *scale = (const uint16_t *)group;
        float unit = half_value(scale[lane]), least = w->mins ? half_value(scale[PANEL + lane]) : -(float)(1 << (w->bits - 1)) * unit;
        const uint8_t *codes = group + head;
        for (int64_t k = 0; k < w->group; k++) {
            int64_t quad = k / 4;
            uint8_t code = w->bits == 8 ? codes[(quad * PANEL + lane) * 4 + k % 4]
                                        : codes[(quad / 2 * PANEL + lane) * 4 + k % 4] >> (quad % 2 * 4) & 15;
            x[first + k] = unit * (float)code + least;
        }
        group += head + (int64_t)PANEL * w->group * w->bits / 8;
    }
}

/* Root mean square norm of x [k]. */
INLINE void normalised(const float *x, const float *weight, int64_t k, float epsilon, float *out) {
    vec square = all(0);
    for (int64_t i = 0; i < k; i += LANES) square += load(x + i) * load(x + i);
    float scale = 1.0f / sqrtf(sum_of(square) / (float)k + epsilon);
    for (int64_t i = 0; i < k; i += LANES) store(out + i, load(x + i) * scale * load(weight + i));
}

/* down · x of an adapter: x [k], out [rank]. */
static void reduced(const dlm_low_rank *low, const float *x, int64_t k, float *out) {
    for (int64_t j = 0; j < low->rank; j += LANES) {
        vec sums[4] = {{0}};
        int64_t i = 0;
        for (; i + 4 <= k; i += 4)
#pragma GCC unroll 4
            for (int s = 0; s < 4; s++) sums[s] += load_upper(low->down + (i + s) * low->rank + j) * x[i + s];
        for (; i < k; i++) sums[0] += load_upper(low->down + i * low->rank + j) * x[i];
        store(out + j, (sums[0] + sums[1]) + (sums[2] + sums[3]));
    }
}

/* A step over rows: norm (where there is a weight), activations `into`, and what adapters make of it. */
typedef struct {
    const pass *p;
    const float *x, *weight; /* [n, k] */
    int64_t n, k;
    const activation *into; /* or NULL */
    const dlm_low_rank *low; /* `low_n` of them, or none */
    int low_n;
} row_step;

INLINE float *reduced_at(const pass *p, int number, int64_t row, int64_t rank) {
    return p->reduced + number * p->n * p->rank + row * rank;
}

static void row_tile(void *job, int number, int thread) {
    const row_step *s = job;
    (void)thread;
    for (int64_t row = number * ROWS_TILE; row < smaller(s->n, (number + 1) * ROWS_TILE); row++) {
        const float *x = s->x + row * s->k;
        if (s->weight) {
            float *normed = s->p->normed + row * s->k;
            normalised(x, s->weight, s->k, s->p->net->weights.norm_epsilon, normed);
            x = normed;
        }
        if (s->into) quantised(x, s->k, s->into, row, 0);
        for (int i = 0; i < s->low_n; i++) reduced(s->low + i, x, s->k, reduced_at(s->p, i, row, s->low[i].rank));
    }
}

static void rows_run(const pass *p, row_step *s) {
    s->p = p;
    dlm_spread(p->pool, row_tile, s, (int)((s->n + ROWS_TILE - 1) / ROWS_TILE));
}

/* Rotates queries and keys of rows, and puts keys and values where they belong. */
typedef struct {
    const pass *p;
    uint16_t *keys, *values; /* of this layer */
    int64_t blocks;
} put_step;

INLINE void rotated(float *x, const float *cos, const float *sin, int64_t half, float scale) {
    for (int64_t i = 0; i < half; i += LANES) {
        vec low = load(x + i), high = load(x + half + i), c = load(cos + i) * scale, s = load(sin + i) * scale;
        store(x + i, low * c - high * s);
        store(x + half + i, high * c + low * s);
    }
}

static void put_tile(void *job, int number, int thread) {
    const put_step *s = job;
    const pass *p = s->p;
    const dlm_weights *w = &p->net->weights;
    int64_t head = w->head_width, half = head / 2;
    float scale = 1.0f / sqrtf((float)head);
    (void)thread;
    for (int64_t row = number * ROWS_TILE; row < smaller(p->n, (number + 1) * ROWS_TILE); row++) {
        float *x = p->asked + row * p->ask_ld, *keys = x + p->queries_n, *values = keys + p->keys_n;
        const float *cos = p->asked_for->cos + row * half, *sin = p->asked_for->sin + row * half;
        int64_t at = p->asked_for->at[row];
        for (int64_t h = 0; h < w->heads; h++) rotated(x + h * head, cos, sin, half, scale);
        for (int64_t kv = 0; kv < w->kv_heads; kv++) {
            rotated(keys + kv * head, cos, sin, half, 1);
            uint16_t *key = s->keys + (kv * s->blocks + at / BLOCK) * head * BLOCK + at % BLOCK;
            uint16_t *value = s->values + (kv * s->blocks * BLOCK + at) * head;
            for (int64_t d = 0; d < head; d++) {
                key[d * BLOCK] = half_of(keys[kv * head + d]);
                value[d] = half_of(values[kv * head + d]);
            }
        }
    }
}
