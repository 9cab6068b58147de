/* Predictions: log-probabilities of the best ids, of ids that are asked for, or of all, and their entropy. */
#pragma once
#include "steps.h"

typedef struct {
    const pass *p;
    int64_t first; /* of the wanted rows, whose logits these are */
} head_step;

enum { LOOKED_AT = 64 };

/* The k largest of logits [vocab], best first, of equals the smaller id; nothing is done for what is below the k-th. */
static void best_of(const float *logits, int64_t vocab, int64_t k, int64_t *ids, float *values) {
    int64_t have = 0;
    for (int64_t from = 0; from < vocab; from += LOOKED_AT) {
        int64_t to = smaller(from + LOOKED_AT, vocab), i = from;
        if (have == k) {
            vec most = all(-INFINITY);
            for (; i + LANES <= to; i += LANES) most = larger_of(most, load(logits + i));
            float largest = largest_of(most);
            for (; i < to; i++) largest = logits[i] > largest ? logits[i] : largest;
            if (!(largest > values[k - 1])) continue;
        }
        for (i = from; i < to; i++) {
            if (have == k && !(logits[i] > values[k - 1])) continue;
            int64_t place = have < k ? have++ : k - 1;
            for (; place > 0 && logits[i] > values[place - 1]; place--) ids[place] = ids[place - 1], values[place] = values[place - 1];
            ids[place] = i, values[place] = logits[i];
        }
    }
}

static void head_tile(void *job, int number, int thread) {
    const head_step *s = job;
    const dlm_pass *of = s->p->asked_for;
    int64_t vocab = s->p->net->weights.vocab, row = s->first + number;
    const float *logits = s->p->logits + number * s->p->vocab_ld;
    vec most = all(-INFINITY), total = all(0), weighted = all(0);
    int64_t i = 0;
    (void)thread;
    for (; i + LANES <= vocab; i += LANES) most = larger_of(most, load(logits + i));
    float largest = largest_of(most);
    for (; i < vocab; i++) largest = logits[i] > largest ? logits[i] : largest;
    for (i = 0; i + LANES <= vocab; i += LANES) {
        vec x = load(logits + i) - largest, odds = exponential(x);
        total += odds, weighted += odds * x;
    }
    float sum = sum_of(total), mean = sum_of(weighted);
    for (; i < vocab; i++) {
        float x = logits[i] - largest, odds = expf(x);
        sum += odds, mean += odds * x;
    }
    float log_sum = largest + logf(sum);
    of->entropy[row] = logf(sum) - mean / sum;
    for (int64_t t = 0; t < of->target_n; t++)
        of->target_log_probs[row * of->target_n + t] = logits[of->targets[row * of->target_n + t]] - log_sum;
    if (of->full)
        for (i = 0; i < vocab; i++) of->full[row * vocab + i] = logits[i] - log_sum;
    if (!of->top) return;
    best_of(logits, vocab, of->top, of->best + row * of->top, of->log_probs + row * of->top);
    for (i = 0; i < of->top; i++) of->log_probs[row * of->top + i] -= log_sum;
}

/* Norm and activations of wanted rows from `first` on. */
static void head_rows(pass *p, int64_t first, int64_t count) {
    const dlm_weights *w = &p->net->weights;
    for (int64_t i = 0; i < count; i++) {
        float *normed = p->normed + i * w->width;
        normalised(p->states + p->asked_for->wanted[first + i] * w->width, w->norm, w->width, w->norm_epsilon, normed);
        quantised(normed, w->width, &p->by_head, i, 0);
    }
}

static void predicted(pass *p) {
    const dlm_weights *w = &p->net->weights;
    for (int64_t first = 0; first < p->asked_for->wanted_n; first += HEAD_ROWS) {
        int64_t count = smaller(HEAD_ROWS, p->asked_for->wanted_n - first);
        head_rows(p, first, count);
        product logits = {.parts = {{.w = &w->embedding, .out = p->logits, .ld = p->vocab_ld}}, .count = 1, .n = count,
                          .tile = 4, .a = &p->by_head};
        multiplied(p->pool, &logits);
        head_step step = {p, first};
        dlm_spread(p->pool, head_tile, &step, (int)count);
    }
}
