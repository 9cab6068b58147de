/* Attention of the rows of a pass: over the context, and over the scratch slots that each of them sees.
 *
 * The heads that share keys ask together: their queries and those of a few rows make a tile, for which a block of keys,
 * then of values, is read once.
 */
#pragma once
#include "product.h"

enum { TILE = 12 };

/* What rows see of the scratch slots: the blocks that anybody sees, numbered in their order; hidden [n, used · BLOCK]: 0
 * where a row sees the slot, else -inf; touched [n, used]: whether it sees any slot of the block. */
typedef struct {
    int64_t used, *blocks;
    float *hidden;
    uint8_t *touched;
} slots_seen;

typedef struct {
    const float *queries; /* [n, ld], rotated and scaled */
    const uint16_t *keys, *values, *scratch_keys, *scratch_values; /* of this layer */
    int64_t n, ld, heads, kv_heads, head, blocks, scratch_blocks, tiles, room;
    const int64_t *context;
    const slots_seen *seen;
    float *scores; /* [threads, TILE, room] */
    const uint16_t **places; /* [threads, room / BLOCK] */
    const activation *next;
    float *wide; /* [n, heads · head] or NULL */
} attention;

#if defined(__AVX512F__)
#define BY_COUNT(CALL)                                                                                                  \
    switch (count) {                                                                                                    \
    case 1: CALL(1); break;                                                                                             \
    case 2: CALL(2); break;                                                                                             \
    case 3: CALL(3); break;                                                                                             \
    case 4: CALL(4); break;                                                                                             \
    case 5: CALL(5); break;                                                                                             \
    case 6: CALL(6); break;                                                                                             \
    case 7: CALL(7); break;                                                                                             \
    case 8: CALL(8); break;                                                                                             \
    case 9: CALL(9); break;                                                                                             \
    case 10: CALL(10); break;                                                                                           \
    case 11: CALL(11); break;                                                                                           \
    default: CALL(12); break;                                                                                           \
    }
#else
#define BY_COUNT(CALL)                                                                                                  \
    if (count == 1) CALL(1);                                                                                            \
    else CALL(2);
#endif

enum { SPAN = BLOCK / LANES };

/* scores [count, room]: queries [head, TILE] times a block of keys [head, BLOCK]. */
INLINE void block_scores(const int count, const float *queries, const uint16_t *keys, int64_t head, float *scores, int64_t room) {
    vec sums[ASKING][SPAN];
#pragma GCC unroll 12
    for (int i = 0; i < count; i++)
#pragma GCC unroll 8
        for (int v = 0; v < SPAN; v++) sums[i][v] = all(0);
    for (int64_t d = 0; d < head; d++) {
        vec key[SPAN];
#pragma GCC unroll 8
        for (int v = 0; v < SPAN; v++) key[v] = load_halves(keys + d * BLOCK + v * LANES);
#pragma GCC unroll 12
        for (int i = 0; i < count; i++)
#pragma GCC unroll 8
            for (int v = 0; v < SPAN; v++) sums[i][v] += key[v] * queries[d * TILE + i];
    }
#pragma GCC unroll 12
    for (int i = 0; i < count; i++)
#pragma GCC unroll 8
        for (int v = 0; v < SPAN; v++) store(scores + i * room + v * LANES, sums[i][v]);
}

/* out [count, head], BLOCK channels from `channel` on: odds [count, room] times values, block by block of tokens. */
INLINE void mixed_values(const int count, const float *odds, int64_t room, const uint16_t *const *values, int64_t blocks,
                         int64_t head, int64_t channel, float *out) {
    vec sums[ASKING][SPAN];
#pragma GCC unroll 12
    for (int i = 0; i < count; i++)
#pragma GCC unroll 8
        for (int v = 0; v < SPAN; v++) sums[i][v] = all(0);
    for (int64_t b = 0; b < blocks; b++)
        for (int64_t t = 0; t < BLOCK; t++) {
            vec value[SPAN];
#pragma GCC unroll 8
            for (int v = 0; v < SPAN; v++) value[v] = load_halves(values[b] + t * head + channel + v * LANES);
#pragma GCC unroll 12
            for (int i = 0; i < count; i++)
#pragma GCC unroll 8
                for (int v = 0; v < SPAN; v++) sums[i][v] += value[v] * odds[i * room + b * BLOCK + t];
        }
#pragma GCC unroll 12
    for (int i = 0; i < count; i++)
#pragma GCC unroll 8
        for (int v = 0; v < SPAN; v++) store(out + i * head + channel + v * LANES, sums[i][v]);
}

static __attribute__((noinline)) void scores_of(int count, const float *queries, const uint16_t *keys, int64_t head,
                                                float *scores, int64_t room) {
#define SCORES(n) block_scores(n, queries, keys, head, scores, room)
    BY_COUNT(SCORES)
#undef SCORES
}

static __attribute__((noinline)) void values_of(int count, const float *odds, int64_t room, const uint16_t *const *values,
                                                int64_t blocks, int64_t head, int64_t channel, float *out) {
#define VALUES(n) mixed_values(n, odds, room, values, blocks, head, channel, out)
    BY_COUNT(VALUES)
#undef VALUES
}

/* scores [columns] become odds, whose sum is returned. */
INLINE float odds_of(float *scores, int64_t columns) {
    vec most = all(-INFINITY), total = all(0);
    for (int64_t c = 0; c < columns; c += LANES) most = larger_of(most, load(scores + c));
    float largest = largest_of(most);
    for (int64_t c = 0; c < columns; c += LANES) {
        vec odds = exponential(load(scores + c) - largest);
        total += odds;
        store(scores + c, odds);
    }
    return sum_of(total);
}

/* The queries of `count` of a tile's rows and heads, from number `first` on. */
static void attend(void *job, int number, int thread) {
    const attention *a = job;
    const slots_seen *seen = a->seen;
    int64_t kv = number / a->tiles, share = a->heads / a->kv_heads, first = number % a->tiles * TILE, head = a->head;
    int64_t count = smaller(TILE, a->n * share - first), room = a->room, reach = 0;
    int64_t low = first / share, high = (first + count - 1) / share;
    float *scores = a->scores + thread * TILE * room;
    const uint16_t **places = a->places + thread * (room / BLOCK);
    float queries[128 * TILE], out[TILE * 128];
    for (int64_t i = 0; i < count; i++) {
        const float *from = a->queries + (first + i) / share * a->ld + (kv * share + (first + i) % share) * head;
        for (int64_t d = 0; d < head; d++) queries[d * TILE + i] = from[d];
    }
    for (int64_t row = low; row <= high; row++) reach = larger(reach, a->context[row]);
    int64_t columns = 0;
    for (int64_t b = 0; b * BLOCK < reach; b++, columns += BLOCK) {
        const uint16_t *keys = a->keys + (kv * a->blocks + b) * head * BLOCK;
        for (int64_t i = 0; i < count; i += ASKING)
            scores_of((int)smaller(ASKING, count - i), queries + i, keys, head, scores + i * room + columns, room);
        places[b] = a->values + (kv * a->blocks + b) * BLOCK * head;
    }
    for (int64_t i = 0; i < count; i++)
        for (int64_t c = a->context[(first + i) / share]; c < columns; c++) scores[i * room + c] = -INFINITY;
    for (int64_t used = 0; used < seen->used; used++) {
        int touched = 0;
        for (int64_t row = low; row <= high; row++) touched |= seen->touched[row * seen->used + used];
        if (!touched) continue;
        int64_t at = kv * a->scratch_blocks + seen->blocks[used];
        for (int64_t i = 0; i < count; i += ASKING)
            scores_of((int)smaller(ASKING, count - i), queries + i, a->scratch_keys + at * head * BLOCK, head,
                      scores + i * room + columns, room);
        for (int64_t i = 0; i < count; i++) {
            const float *hidden = seen->hidden + ((first + i) / share * seen->used + used) * BLOCK;
            float *into = scores + i * room + columns;
            for (int c = 0; c < BLOCK; c += LANES) store(into + c, load(into + c) + load(hidden + c));
        }
        places[columns / BLOCK] = a->scratch_values + at * BLOCK * head;
        columns += BLOCK;
    }
    float total[TILE];
    for (int64_t i = 0; i < count; i++) total[i] = odds_of(scores + i * room, columns);
    for (int64_t i = 0; i < count; i += ASKING)
        for (int64_t channel = 0; channel < head; channel += BLOCK)
            values_of((int)smaller(ASKING, count - i), scores + i * room, room, places, columns / BLOCK, head, channel,
                      out + i * head);
    for (int64_t i = 0; i < count; i++) {
        int64_t row = (first + i) / share, at = (kv * share + (first + i) % share) * head;
        for (int64_t d = 0; d < head; d += LANES) store(out + i * head + d, load(out + i * head + d) / total[i]);
        quantised(out + i * head, head, a->next, row, at);
        if (a->wide) memcpy(a->wide + row * a->heads * head + at, out + i * head, (size_t)head * sizeof(float));
    }
}
