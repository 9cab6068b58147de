/* From states to predictions: vocabulary, copies, the likeliest of both. */
#pragma once
#include "steps.h"

/* The k likeliest of probs [count], numbered from `first`, into a list that is ordered: of equals, the first one found. */
static void best_of(const float *probs, int64_t count, int64_t first, float *top, int64_t *ids, int64_t k) {
    for (int64_t j = 0; j < count; j++) {
        if (j + LANES <= count) {
            ints more = load(probs + j) > top[k - 1];
            int any = 0;
            for (int i = 0; i < LANES; i++) any |= more[i];
            if (!any) {
                j += LANES - 1;
                continue;
            }
        }
        int64_t end = smaller(j + LANES, count);
        for (; j < end; j++) {
            if (!(probs[j] > top[k - 1])) continue;
            int64_t at = k - 1;
            for (; at > 0 && probs[j] > top[at - 1]; at--) top[at] = top[at - 1], ids[at] = ids[at - 1];
            top[at] = probs[j], ids[at] = first + j;
        }
        j--;
    }
}

INLINE double entropy_part(const float *probs, int64_t count) {
    vec sum = {0};
    int64_t j = 0;
    for (; j + LANES <= count; j += LANES) {
        vec x = load(probs + j);
        ints there = x > 1e-12f;
        sum += x * logarithm((vec)(((ints)x & there) | ((ints)all(1e-12f) & ~there)));
    }
    double rest = sum_of(sum);
    for (; j < count; j++) rest += probs[j] * logf(probs[j] > 1e-12f ? probs[j] : 1e-12f);
    return rest;
}

INLINE double total_of(const float *probs, int64_t count) {
    vec sum = {0};
    int64_t j = 0;
    for (; j + LANES <= count; j += LANES) sum += load(probs + j);
    double rest = sum_of(sum);
    for (; j < count; j++) rest += probs[j];
    return rest;
}

/* How many keys of the two streams a token may copy from: what follows the last one is the hole. */
INLINE int64_t near_of(const dlm_prediction *a, int64_t token) { return larger(a->ahead_seen[token] - 1, 0); }
INLINE int64_t far_of(const dlm_prediction *a, int64_t token) { return a->back_seen[token] > 2 ? a->back_seen[token] - 1 : 0; }

/* What is copied, at `copy` in all: scores of keys of the first stream and, from `from` on, of the second become weights,
 * which are added to what stands behind the keys. */
static void add_copies(const dlm_prediction *a, int64_t token, float copy, float *scores, int64_t from, int64_t columns,
                       float *probs) {
    int64_t near = near_of(a, token), far = far_of(a, token);
    for (int64_t j = near; j < from; j++) scores[j] = -INFINITY;
    for (int64_t j = from + far; j < columns; j++) scores[j] = -INFINITY;
    if (far) scores[from] = -INFINITY; /* nothing is behind the last token of the text */
    float sum = sum_of(weighed(scores, columns, largest(scores, columns), (vec){0}));
    for (int64_t j = 0; j < near; j++) probs[a->ahead.ids[j + 1]] += scores[j] * (copy / sum);
    for (int64_t j = 1; j < far; j++) probs[a->back.ids[j - 1]] += scores[from + j] * (copy / sum);
}

/* One prediction. scores [columns]: of the keys that it may copy from. */
static void predict_row(const pass *p, int64_t number, float *scores, int64_t from, int64_t columns) {
    const dlm_prediction *a = p->asked;
    const dlm_sizes *s = &p->net->sizes;
    int64_t r = p->first_row + number, token = a->rows[r], text = s->vocab - a->first_id;
    float *probs = p->logits + number * p->ld_vocab;
    const float *state = p->states + number * p->ld_width;
    for (int64_t j = s->vocab; j < p->ld_vocab; j++) probs[j] = -INFINITY;
    float sum = sum_of(weighed(probs, p->ld_vocab, largest(probs, p->ld_vocab), (vec){0}));
    float copy = 0;
    if (near_of(a, token) || far_of(a, token)) {
        float odds = dot(state, p->net->weights.pointer_gate, s->width) + p->net->weights.pointer_gate_bias;
        copy = 1.0f / (1.0f + expf(-odds));
    }
    float write = (1.0f - copy) / sum;
    for (int64_t j = 0; j < p->ld_vocab; j += LANES) store(probs + j, load(probs + j) * write);
    if (copy > 0) add_copies(a, token, copy, scores, from, columns, probs);
    float *top = a->top + r * a->top_k;
    int64_t *ids = a->top_ids + r * a->top_k;
    for (int64_t k = 0; k < a->top_k; k++) top[k] = -1, ids[k] = 0;
    best_of(probs + a->end_id, 1, 0, top, ids, a->top_k);
    best_of(probs + a->first_id, text, 1, top, ids, a->top_k);
    a->total[r] = (float)(probs[a->end_id] + total_of(probs + a->first_id, text));
    if (a->entropies)
        a->plogp[r] = (float)(entropy_part(probs + a->end_id, 1) + entropy_part(probs + a->first_id, text));
    for (int64_t q = 0; q < a->standing_n; q++)
        if (a->standing[2 * q] == r) a->current[q] = probs[a->standing[2 * q + 1]];
    for (int64_t w = 0; w < a->whole_n; w++) {
        if (a->whole[w] != r) continue;
        float *into = a->distributions + w * (text + 1);
        into[0] = probs[a->end_id];
        memcpy(into + 1, probs + a->first_id, (size_t)text * sizeof(float));
    }
}

/* Some predictions, which read the keys that they may copy from together. */
static void row_tile(void *job, int number, int thread) {
    pass *p = job;
    const dlm_prediction *a = p->asked;
    const dlm_sizes *s = &p->net->sizes;
    int64_t first = number * p->row_group, rows = smaller(p->row_group, p->row_count - first), near = 0, far = 0;
    for (int64_t i = first; i < first + rows; i++) {
        near = larger(near, near_of(a, a->rows[p->first_row + i]));
        far = larger(far, far_of(a, a->rows[p->first_row + i]));
    }
    int64_t from = padded(near), columns = from + padded(far);
    float *scores = p->scratch + thread * p->scratch_size, by = 1.0f / sqrtf((float)s->pointer);
    const float *query = p->queries + first * p->ld_pointer;
    key_product(rows, from, s->pointer, query, p->ld_pointer, a->ahead.pointers, scores, columns);
    key_product(rows, columns - from, s->pointer, query, p->ld_pointer, a->back.pointers, scores + from, columns);
    for (int64_t j = 0; j < rows * columns; j += LANES) store(scores + j, load(scores + j) * by);
    for (int64_t i = 0; i < rows; i++) predict_row(p, first + i, scores + i * columns, from, columns);
}

static void predict_rows(pass *p) {
    const network *net = p->net;
    const dlm_prediction *a = p->asked;
    for (p->first_row = 0; p->first_row < a->rows_n; p->first_row += HEAD_ROWS) {
        int64_t rows = smaller(HEAD_ROWS, a->rows_n - p->first_row);
        for (int64_t i = 0; i < rows; i++)
            normed_row(p, p->x + a->rows[p->first_row + i] * p->ld_width, net->weights.norm, p->states + i * p->ld_width);
        multiply(p, p->states, p->ld_width, rows, &net->head, NULL, p->logits, p->ld_vocab, STORE);
        multiply(p, p->states, p->ld_width, rows, &net->pointer_query, NULL, p->queries, p->ld_pointer, STORE);
        int64_t shares = 2 * dlm_threads(p->pool);
        p->row_count = rows, p->row_group = smaller((rows + shares - 1) / shares, ROWS);
        dlm_spread(p->pool, row_tile, p, (int)((rows + p->row_group - 1) / p->row_group));
    }
}
