/* The steps of a layer, each in tiles that threads share. */
#pragma once
#include "pass.h"

INLINE void normed_row(const pass *p, const float *x, const float *scale, float *into) {
    const dlm_sizes *s = &p->net->sizes;
    float by = 1.0f / sqrtf(dot(x, x, s->width) / (float)s->width + s->norm_eps);
    for (int64_t i = 0; i < s->width; i++) into[i] = x[i] * by * scale[i];
}

enum { SMALL_TILE = 16 };

static void norm_tile(void *job, int number, int thread) {
    pass *p = job;
    (void)thread;
    int64_t end = smaller(p->n, (int64_t)(number + 1) * SMALL_TILE);
    for (int64_t i = (int64_t)number * SMALL_TILE; i < end; i++)
        normed_row(p, p->x + i * p->ld_width, p->scale, p->normed + i * p->ld_width);
}

static int small_tiles(const pass *p) { return (int)((p->n + SMALL_TILE - 1) / SMALL_TILE); }

static void normalised(pass *p, const float *scale) {
    p->scale = scale;
    dlm_spread(p->pool, norm_tile, p, small_tiles(p));
}

static void multiply_tile(void *job, int number, int thread) {
    pass *p = job;
    int64_t row = number / p->multiply.panel_tiles * p->multiply.row_tile;
    int64_t rows = smaller(p->multiply.row_tile, p->multiply.rows - row);
    int64_t panel = number % p->multiply.panel_tiles * p->multiply.panel_tile;
    const matrix *w = p->multiply.weights;
    int64_t panels = smaller(panel + p->multiply.panel_tile, w->panels);
    int64_t step = p->multiply.end == GATED ? LANES : PANEL, lda = p->multiply.lda;
    const input *a = inputs_of(p->multiply.a + row * lda, &lda, rows, w->in, p->scratch + thread * p->scratch_size);
    for (; panel < panels; panel++)
        for (int64_t i = 0; i < rows; i += ROWS)
            panel_of((int)smaller(ROWS, rows - i), steps_of(w), a + i * lda, lda, w->words + panel * panel_words(w),
                     p->multiply.c + (row + i) * p->multiply.ldc + panel * step, p->multiply.ldc,
                     p->multiply.bias ? p->multiply.bias + panel * PANEL : NULL, p->multiply.end);
}

/* c (+)= a [rows, in] · weights, in tiles: enough of them for all threads, none too small to be worth it. */
static void multiply(pass *p, const float *a, int64_t lda, int64_t rows, const matrix *weights, const float *bias, float *c,
                     int64_t ldc, ending end) {
    int64_t row_tiles = (rows + ROW_TILE - 1) / ROW_TILE;
    int64_t groups = dlm_threads(p->pool) > 1 ? (WANTED_TILES + row_tiles - 1) / row_tiles : 1;
    int64_t panel_tile = (weights->panels + groups - 1) / groups;
    p->multiply.a = a, p->multiply.lda = lda, p->multiply.rows = rows, p->multiply.weights = weights;
    p->multiply.bias = bias, p->multiply.c = c, p->multiply.ldc = ldc, p->multiply.end = end;
    p->multiply.row_tile = ROW_TILE, p->multiply.panel_tile = panel_tile;
    p->multiply.panel_tiles = (weights->panels + panel_tile - 1) / panel_tile;
    dlm_spread(p->pool, multiply_tile, p, (int)(row_tiles * p->multiply.panel_tiles));
}

INLINE void rotated(const float *x, const float *cos, const float *sin, int64_t half, float by, float *into) {
    for (int64_t i = 0; i < half; i++) {
        float a = x[i] * by, b = x[half + i] * by;
        into[i] = a * cos[i] - b * sin[i];
        into[half + i] = a * sin[i] + b * cos[i];
    }
}

INLINE void head_normed(float *x, const float *scale, int64_t head, float eps) {
    float by = 1.0f / sqrtf(dot(x, x, head) / (float)head + eps);
    for (int64_t i = 0; i < head; i++) x[i] *= by * scale[i];
}

/* Queries rotated for both directions; keys and values put where they are kept. */
static void turn_tile(void *job, int number, int thread) {
    pass *p = job;
    const dlm_sizes *s = &p->net->sizes;
    const layer *l = p->layer;
    int64_t head = s->width / s->heads, half = head / 2, first = (int64_t)number * SMALL_TILE;
    int64_t end = smaller(p->n, first + SMALL_TILE);
    float scale = 1.0f / sqrtf((float)head);
    float *turned = p->scratch + thread * p->scratch_size; /* [head] */
    for (int64_t i = first; i < end; i++) {
        float *row = p->joined + i * p->ld_joined, *k = row + s->width;
        const float *cos = p->rotation.cos + p->position[i] * half, *sin = p->rotation.sin + p->position[i] * half;
        for (int64_t h = 0; h < s->heads; h++) {
            float *q = row + h * head;
            if (s->qk_norm) head_normed(q, l->q_norm, head, s->norm_eps);
            rotated(q, cos, sin, half, scale, p->q + i * p->ld_width + h * head);
            if (p->back_position) {
                int64_t at = p->back_position[i] * half;
                rotated(q, p->rotation.cos + at, p->rotation.sin + at, half, scale, p->q_back + i * p->ld_width + h * head);
            }
        }
        for (int64_t h = 0; h < s->kv_heads; h++) {
            if (s->qk_norm) head_normed(k + h * head, l->k_norm, head, s->norm_eps);
            rotated(k + h * head, cos, sin, half, 1.0f, turned);
            put_key(p->put_keys + h * head * p->put_room, p->put_at + i, head, turned);
        }
    }
    for (int64_t h = 0; h < s->kv_heads; h++)
        put_values(p->put_values + h * head * p->put_room, p->put_at + first, end - first, head,
                   p->joined + first * p->ld_joined + s->width + (s->kv_heads + h) * head, p->ld_joined, end == p->n);
}

/* In place: scores [columns] of one token become weights; unnormalised, their sum is added to `sum`. */
INLINE vec weighed(float *scores, int64_t columns, float most, vec sum) {
    for (int64_t j = 0; j < columns; j += LANES) {
        vec e = exponential(load(scores + j) - most);
        store(scores + j, e);
        sum += e;
    }
    return sum;
}

INLINE float largest(const float *x, int64_t columns) {
    vec most = all(-INFINITY);
    for (int64_t j = 0; j < columns; j += LANES) {
        vec y = load(x + j);
        ints more = y > most;
        most = (vec)(((ints)y & more) | ((ints)most & ~more));
    }
    return largest_of(most);
}

/* One head of up to ROWS tokens: one softmax over all that they see. */
static void attend_tile(void *job, int number, int thread) {
    pass *p = job;
    const dlm_sizes *s = &p->net->sizes;
    int64_t head = s->width / s->heads, h = number % s->heads, kv = h / (s->heads / s->kv_heads);
    int64_t first = number / s->heads * p->block_rows, rows = smaller(p->block_rows, p->n - first);
    int64_t used[3], at[4] = {0};
    for (int t = 0; t < p->set_count; t++) {
        const seen_set *set = p->sets + t;
        used[t] = set->seen ? 0 : set->columns;
        for (int64_t i = 0; set->seen && i < rows; i++)
            if (set->seen[first + i] > used[t]) used[t] = set->seen[first + i];
        at[t + 1] = at[t] + padded(used[t]);
    }
    float *scores = p->scratch + thread * p->scratch_size;
    int64_t lds = at[p->set_count];
    for (int t = 0; t < p->set_count; t++) {
        const float *q = (p->sets[t].back ? p->q_back : p->q) + first * p->ld_width + h * head;
        int64_t ldq = p->ld_width;
        const input *queries = inputs_of(q, &ldq, rows, head, scores + ROWS * lds);
        kept_scores(rows, padded(used[t]), head, queries, ldq, p->sets[t].keys + kv * head * p->sets[t].room, scores + at[t],
                    lds);
    }
    float sums[ROWS];
    for (int64_t i = 0; i < rows; i++) {
        float *row = scores + i * lds;
        for (int t = 0; t < p->set_count; t++) {
            const seen_set *set = p->sets + t;
            int64_t end = set->seen ? set->seen[first + i] : used[t];
            const uint8_t *mask = set->seen ? NULL : set->mask + (first + i) * set->columns;
            for (int64_t j = 0; mask && j < end; j++)
                if (!mask[j]) row[at[t] + j] = -INFINITY;
            for (int64_t j = at[t] + end; j < at[t + 1]; j++) row[j] = -INFINITY;
        }
        sums[i] = sum_of(weighed(row, lds, largest(row, lds), (vec){0}));
    }
    float *out = p->mixed + first * p->ld_width + h * head;
    int64_t ldw = lds;
    const input *weights = inputs_of(scores, &ldw, rows, lds, scores + ROWS * lds);
    for (int t = 0; t < p->set_count; t++)
        for (int64_t j = 0; j < used[t] || (!t && !j); j += VALUE_ROWS)
            kept_sum(rows, smaller(VALUE_ROWS, used[t] - j), head, weights + (at[t] + j) / INPUTS, ldw,
                     p->sets[t].values + (kv * p->sets[t].room + j) * head, out, p->ld_width, t > 0 || j > 0);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < head; j++) out[i * p->ld_width + j] /= sums[i];
}

static void layer_run(pass *p, const layer *l) {
    const dlm_sizes *s = &p->net->sizes;
    p->layer = l;
    normalised(p, l->attention_norm);
    multiply(p, p->normed, p->ld_width, p->n, &l->qkv, l->qkv_bias, p->joined, p->ld_joined, STORE);
    dlm_spread(p->pool, turn_tile, p, small_tiles(p));
    int64_t blocks = (p->n + ROWS - 1) / ROWS;
    if (blocks * s->heads < 2 * dlm_threads(p->pool)) blocks = smaller(p->n, 2);
    p->block_rows = (p->n + blocks - 1) / blocks;
    blocks = (p->n + p->block_rows - 1) / p->block_rows;
    dlm_spread(p->pool, attend_tile, p, (int)(blocks * s->heads));
    multiply(p, p->mixed, p->ld_width, p->n, &l->o, NULL, p->x, p->ld_width, ADD);
    normalised(p, l->feed_norm);
    multiply(p, p->normed, p->ld_width, p->n, &l->gate_up, NULL, p->fed, p->ld_fed, GATED);
    multiply(p, p->fed, p->ld_fed, p->n, &l->down, NULL, p->x, p->ld_width, ADD);
}

INLINE void embedded(const network *net, int64_t id, float *into) {
    const uint16_t *row = net->weights.embedding + id * net->sizes.width;
    for (int64_t i = 0; i < net->sizes.width; i++) into[i] = widened(row[i]);
}

static void embed(pass *p, int role) {
    const network *net = p->net;
    for (int64_t i = 0; i < p->n; i++) {
        float *x = p->x + i * p->ld_width;
        embedded(net, p->ids[i], x);
        for (int64_t c = 0; c < net->sizes.width; c++) x[c] += net->weights.role[role * net->sizes.width + c];
    }
}
