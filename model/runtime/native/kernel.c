/* A pass of the built-in network. Weights are bfloat16, as they are stored; all else is float32, but where the processor
 * multiplies bfloat16 (avx512bf16): there rows, keys and values are rounded to it, too, and only sums are float32.
 *
 * Why our own: the matrices are small (192 × 576 and the like), so a general runtime spends its time between products,
 * not in them. Here a product runs at the speed of the multipliers from four rows on, and threads meet at tiles of a
 * few microseconds. Compiled once per instruction set; vectors are GCC's, so every other processor has a version, too.
 */
#include "head.h"

#include <time.h>

static int read_stream(void *model, dlm_pool *pool, const dlm_reading *r) {
    network *net = model;
    const dlm_sizes *s = &net->sizes;
    int64_t head = s->width / s->heads, keys = s->kv_heads * head, room = r->stream.room;
    pass p = {.net = net, .pool = pool, .n = r->n, .rotation = r->rotation, .ids = r->ids};
    if (!known(net, r->ids, r->n, 1) || !known(net, r->before, r->n, 1)) return DLM_UNKNOWN_TOKEN;
    if (r->start + r->n > r->rotation.positions) return DLM_BEYOND_ROTATION;
    if (room_made(&p, r->start + r->n, 0, r->n)) return DLM_NO_MEMORY;
    int64_t *at = malloc((size_t)r->n * 2 * sizeof(int64_t));
    if (!at) return DLM_NO_MEMORY;
    int64_t *seen = at + r->n;
    for (int64_t i = 0; i < r->n; i++) at[i] = r->start + i, seen[i] = r->start + i + 1;
    p.position = at, p.put_room = room, p.put_at = r->start;
    embed(&p, (int)r->side);
    for (int n = 0; n < s->layers; n++) {
        p.put_keys = (kept *)r->stream.keys + n * keys * room, p.put_values = (kept *)r->stream.values + n * keys * room;
        p.sets[0] = (seen_set){.keys = p.put_keys, .values = p.put_values, .room = room, .seen = seen};
        p.set_count = 1;
        layer_run(&p, net->layers + n);
    }
    normalised(&p, net->weights.norm);
    for (int64_t i = 0; i < r->n; i++) {
        embedded(net, r->ids[i], p.states + i * 2 * p.ld_width);
        embedded(net, r->before[i], p.states + i * 2 * p.ld_width + s->width);
    }
    multiply(&p, p.normed, p.ld_width, r->n, &net->pointer_states[r->side], NULL, p.queries, p.ld_pointer, STORE);
    multiply(&p, p.states, 2 * p.ld_width, r->n, &net->pointer_tokens, NULL, p.queries, p.ld_pointer, ADD);
    for (int64_t i = 0; i < r->n; i++) {
        float *into = r->stream.pointers + key_column(r->start + i, s->pointer);
        for (int64_t c = 0; c < s->pointer; c++) into[c * ROOM_STEP] = p.queries[i * p.ld_pointer + c];
    }
    free(at);
    return DLM_DONE;
}

static int predicted(void *model, dlm_pool *pool, const dlm_prediction *a) {
    network *net = model;
    const dlm_sizes *s = &net->sizes;
    int64_t head = s->width / s->heads, keys = s->kv_heads * head;
    pass p = {.net = net, .pool = pool, .n = a->n, .rotation = a->rotation, .ids = a->ids, .position = a->position,
              .back_position = a->back_position, .asked = a, .set_count = 3};
    if (!known(net, a->ids, a->n, 1) || !known(net, a->standing + 1, a->standing_n, 2)) return DLM_UNKNOWN_TOKEN;
    if (!within(&a->rotation, a->position, a->n) || !within(&a->rotation, a->back_position, a->n)) return DLM_BEYOND_ROTATION;
    int64_t near = 0, far = 0, own = a->own_start + a->n;
    for (int64_t i = 0; i < a->n; i++) {
        if (a->ahead_seen[i] > near) near = a->ahead_seen[i];
        if (a->back_seen[i] > far) far = a->back_seen[i];
    }
    int64_t own_room = a->own.keys ? a->own.room : padded(a->n);
    if (room_made(&p, near + far + own, a->own.keys ? 0 : own_room, smaller(HEAD_ROWS, a->rows_n))) return DLM_NO_MEMORY;
    p.put_room = own_room, p.put_at = a->own_start;
    embed(&p, 2);
    for (int n = 0; n < s->layers; n++) {
        p.put_keys = a->own.keys ? (kept *)a->own.keys + n * keys * own_room : p.own_keys;
        p.put_values = a->own.keys ? (kept *)a->own.values + n * keys * own_room : p.own_values;
        int64_t ahead = n * keys * a->ahead.room, back = n * keys * a->back.room;
        p.sets[0] = (seen_set){.keys = (const kept *)a->ahead.keys + ahead, .values = (const kept *)a->ahead.values + ahead,
                               .room = a->ahead.room, .seen = a->ahead_seen};
        p.sets[1] = (seen_set){.keys = (const kept *)a->back.keys + back, .values = (const kept *)a->back.values + back,
                               .room = a->back.room, .seen = a->back_seen, .back = 1};
        p.sets[2] = (seen_set){.keys = p.put_keys, .values = p.put_values, .room = own_room, .mask = a->own_seen,
                               .columns = own};
        layer_run(&p, net->layers + n);
    }
    predict_rows(&p);
    return DLM_DONE;
}

#if defined(__AVX512F__)
enum { TRIED_ROWS = ROW_TILE, TRIED_IN = 192, TRIED_OUT = 192, TRIALS = 24 };

/* Seconds that a product of about the network's size takes: the fastest of some, for others may use the machine, too. */
static double tried(void) {
    float *memory = aligned_alloc(64, TRIED_ROWS * (2 * TRIED_IN + TRIED_OUT) * sizeof(float));
    uint16_t *rows = calloc((size_t)TRIED_IN * TRIED_OUT, sizeof(uint16_t));
    matrix w = {0};
    double best = 1e9;
    if (memory && rows && !matrix_of(&w, TRIED_IN, TRIED_OUT, rows)) {
        float *halves = memory + TRIED_ROWS * TRIED_IN, *c = halves + TRIED_ROWS * TRIED_IN;
        memset(memory, 0, TRIED_ROWS * TRIED_IN * sizeof(float));
        for (int again = 0; again < TRIALS; again++) {
            struct timespec from, to;
            clock_gettime(CLOCK_MONOTONIC, &from);
            int64_t lda = TRIED_IN;
            const input *a = inputs_of(memory, &lda, TRIED_ROWS, TRIED_IN, halves);
            for (int64_t panel = 0; panel < w.panels; panel++)
                for (int64_t i = 0; i < TRIED_ROWS; i += ROWS)
                    panel_of((int)smaller(ROWS, TRIED_ROWS - i), steps_of(&w), a + i * lda, lda,
                             w.words + panel * panel_words(&w), c + i * TRIED_OUT + panel * PANEL, TRIED_OUT, NULL, STORE);
            clock_gettime(CLOCK_MONOTONIC, &to);
            double took = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
            if (took < best) best = took;
        }
    }
    free(memory), free(rows), free(w.words);
    return best;
}
#else
static double tried(void) { return 0; } /* there is no choice to be made */
#endif

const dlm_kernel JOINED(dlm_kernel_, VARIANT) = {
    .name = QUOTED(VARIANT), .kept_bytes = sizeof(kept), .try = tried,
    .open = opened, .close = closed, .read = read_stream, .predict = predicted,
};
