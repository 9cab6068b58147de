/* Products with what the text has left: keys and values, which every pass adds to. */
#pragma once
#include "weights.h"

INLINE void shared_rows(int m, int vectors, int64_t in, const float *a, int64_t lda, const float *b, int64_t ldb, float *c,
                        int64_t ldc, int add) {
    vec sum[ROWS][4];
    for (int i = 0; i < m; i++)
        for (int j = 0; j < vectors; j++) sum[i][j] = add ? load(c + i * ldc + j * LANES) : (vec){0};
    for (int64_t k = 0; k < in; k++) {
        vec row[4];
        for (int j = 0; j < vectors; j++) row[j] = load(b + k * ldb + j * LANES);
        for (int i = 0; i < m; i++)
            for (int j = 0; j < vectors; j++) sum[i][j] += a[i * lda + k] * row[j];
    }
    for (int i = 0; i < m; i++)
        for (int j = 0; j < vectors; j++) store(c + i * ldc + j * LANES, sum[i][j]);
}

/* Up to ROWS rows of one or two vectors, or half as many of four: each way, the sums fill the registers. */
static void shared_columns(int m, int vectors, int64_t in, const float *a, int64_t lda, const float *b, int64_t ldb,
                           float *c, int64_t ldc, int add) {
#define WIDE(n) \
    case 10 * n + 4: shared_rows(n, 4, in, a, lda, b, ldb, c, ldc, add); break;
#define WITH(n) \
    case 10 * n + 2: shared_rows(n, 2, in, a, lda, b, ldb, c, ldc, add); break; \
    case 10 * n + 1: shared_rows(n, 1, in, a, lda, b, ldb, c, ldc, add); break;
    switch (10 * m + vectors) {
        WITH(1) WITH(2) WITH(3) WITH(4) WIDE(1) WIDE(2)
#if defined(__AVX512F__) || defined(__aarch64__)
        WITH(5) WITH(6) WITH(7) WITH(8) WIDE(3) WIDE(4)
#endif
#if defined(__AVX512F__)
        WITH(9) WITH(10) WITH(11) WITH(12) WIDE(5) WIDE(6)
#endif
    }
#undef WITH
#undef WIDE
}

/* c [m, n] = (c +) a [m, in] · b [in, n], rows lda, ldb, ldc apart. */
static void product(int64_t m, int64_t n, int64_t in, const float *a, int64_t lda, const float *b, int64_t ldb, float *c,
                    int64_t ldc, int add) {
    int64_t column = 0;
    while (column < n) {
        int64_t left = n - column;
        int vectors = left >= 2 * PANEL ? 4 : left >= PANEL ? 2 : left >= LANES ? 1 : 0;
        int64_t most = vectors == 4 ? ROWS / 2 : ROWS;
        for (int64_t row = 0; row < m; row += most) {
            int64_t rows = smaller(most, m - row);
            const float *from = a + row * lda, *by = b + column;
            float *to = c + row * ldc + column;
            if (vectors) {
                shared_columns((int)rows, vectors, in, from, lda, by, ldb, to, ldc, add);
                continue;
            }
            for (int64_t i = 0; i < rows; i++)
                for (int64_t j = 0; j < left; j++) {
                    float sum = add ? to[i * ldc + j] : 0;
                    for (int64_t k = 0; k < in; k++) sum += from[i * lda + k] * by[k * ldb + j];
                    to[i * ldc + j] = sum;
                }
        }
        column += vectors ? vectors * LANES : left;
    }
}

/* scores [m, columns] of queries a [m, in] and keys [blocks, in, ROOM_STEP]; columns: of whole blocks. */
static void key_product(int64_t m, int64_t columns, int64_t in, const float *a, int64_t lda, const float *keys, float *scores,
                        int64_t lds) {
    for (int64_t at = 0; at < columns; at += ROOM_STEP)
        product(m, ROOM_STEP, in, a, lda, keys + at * in, ROOM_STEP, scores + at, lds, 0);
}

/* Where the numbers of column `at` begin in keys [blocks, in, ROOM_STEP]: they are ROOM_STEP apart. */
INLINE int64_t key_column(int64_t at, int64_t in) { return at / ROOM_STEP * in * ROOM_STEP + at % ROOM_STEP; }

#if defined(__AVX512BF16__)

INLINE uint16_t rounded(float x) {
    uint32_t word;
    memcpy(&word, &x, 4);
    return (uint16_t)((word + 0x7fff + (word >> 16 & 1)) >> 16);
}

/* keys [blocks, head / 2, ROOM_STEP, 2]: the layout of a panel of weights. */
INLINE void put_key(kept *keys, int64_t at, int64_t head, const float *key) {
    uint32_t *into = (uint32_t *)(keys + at / ROOM_STEP * head * ROOM_STEP) + at % ROOM_STEP;
    for (int64_t c = 0; c < head / 2; c++)
        into[c * ROOM_STEP] = rounded(key[2 * c]) | (uint32_t)rounded(key[2 * c + 1]) << 16;
}

/* n rows, ld apart, into values [room / 2, head, 2]. What stands beside the `last` of a pass is multiplied by 0, so it
 * has to be a number; what stands beside the last of a tile is another thread's. */
INLINE void put_values(kept *values, int64_t at, int64_t n, int64_t head, const float *rows, int64_t ld, int last) {
    for (int64_t i = 0; i < n; i++, rows += ld) {
        kept *into = values + (at + i) / 2 * head * 2;
        int both = (at + i) % 2 == 0 && i + 1 < n;
        if (both) {
            uint32_t *words = (uint32_t *)into;
            for (int64_t c = 0; c < head; c++) words[c] = rounded(rows[c]) | (uint32_t)rounded(rows[ld + c]) << 16;
            i++, rows += ld;
            continue;
        }
        int64_t half = (at + i) % 2;
        for (int64_t c = 0; c < head; c++) into[2 * c + half] = rounded(rows[c]);
        for (int64_t c = 0; last && !half && c < head; c++) into[2 * c + 1] = 0;
    }
}

static void kept_scores(int64_t m, int64_t columns, int64_t head, const input *q, int64_t ldq, const kept *keys, float *scores,
                        int64_t lds) {
    for (int64_t at = 0; at < columns; at += ROOM_STEP)
        for (int64_t row = 0; row < m; row += ROWS)
            panel_of((int)smaller(ROWS, m - row), head / 2, q + row * ldq, ldq, (const uint32_t *)(keys + at * head),
                     scores + row * lds + at, lds, NULL, STORE);
}

INLINE void kept_rows(int m, int vectors, int64_t pairs, const input *a, int64_t lda, const uint32_t *b, int64_t ldb, float *c,
                      int64_t ldc, int add) {
    __m512 sum[ROWS][4];
    for (int i = 0; i < m; i++)
        for (int j = 0; j < vectors; j++) sum[i][j] = add ? (__m512)load(c + i * ldc + j * LANES) : _mm512_setzero_ps();
    for (int64_t k = 0; k < pairs; k++) {
        __m512bh row[4];
        for (int j = 0; j < vectors; j++) row[j] = (__m512bh)_mm512_loadu_si512(b + k * ldb + j * LANES);
        for (int i = 0; i < m; i++) {
            __m512bh x = (__m512bh)_mm512_set1_epi32((int)a[i * lda + k]);
            for (int j = 0; j < vectors; j++) sum[i][j] = _mm512_dpbf16_ps(sum[i][j], x, row[j]);
        }
    }
    for (int i = 0; i < m; i++)
        for (int j = 0; j < vectors; j++) store(c + i * ldc + j * LANES, (vec)sum[i][j]);
}

/* out [m, head] = (out +) weights [m, pairs] · values [pairs, head, 2] */
static void kept_sum(int64_t m, int64_t columns, int64_t head, const input *weights, int64_t ldw, const kept *values,
                     float *out, int64_t ldo, int add) {
    const uint32_t *words = (const uint32_t *)values;
    int64_t pairs = (columns + 1) / 2, column = 0;
    while (column < head) {
        int vectors = head - column >= 4 * LANES ? 4 : head - column >= LANES ? 1 : 0;
        for (int64_t row = 0; row < m; row += ROWS / 2) {
            int rows = (int)smaller(ROWS / 2, m - row);
            const input *from = weights + row * ldw;
            float *to = out + row * ldo + column;
#define WITH(n) \
    case 10 * n + 4: kept_rows(n, 4, pairs, from, ldw, words + column, head, to, ldo, add); break; \
    case 10 * n + 1: kept_rows(n, 1, pairs, from, ldw, words + column, head, to, ldo, add); break;
            switch (10 * rows + vectors) {
                WITH(1) WITH(2) WITH(3) WITH(4) WITH(5) WITH(6)
            default: /* a head of no multiple of LANES channels */
                for (int i = 0; i < rows; i++)
                    for (int64_t c = 0; c < head - column; c++) {
                        float sum = add ? to[i * ldo + c] : 0;
                        for (int64_t k = 0; k < pairs; k++) {
                            uint32_t x = from[i * ldw + k], y = words[k * head + column + c];
                            sum += widened((uint16_t)x) * widened((uint16_t)y);
                            sum += widened((uint16_t)(x >> 16)) * widened((uint16_t)(y >> 16));
                        }
                        to[i * ldo + c] = sum;
                    }
            }
#undef WITH
        }
        column += vectors ? vectors * LANES : head - column;
    }
}

#else

INLINE void put_key(kept *keys, int64_t at, int64_t head, const float *key) {
    kept *into = keys + key_column(at, head);
    for (int64_t c = 0; c < head; c++) into[c * ROOM_STEP] = key[c];
}

INLINE void put_values(kept *values, int64_t at, int64_t n, int64_t head, const float *rows, int64_t ld, int last) {
    (void)last;
    for (int64_t i = 0; i < n; i++) memcpy(values + (at + i) * head, rows + i * ld, (size_t)head * sizeof(float));
}

static void kept_scores(int64_t m, int64_t columns, int64_t head, const input *q, int64_t ldq, const kept *keys, float *scores,
                        int64_t lds) {
    key_product(m, columns, head, q, ldq, keys, scores, lds);
}

static void kept_sum(int64_t m, int64_t columns, int64_t head, const input *weights, int64_t ldw, const kept *values,
                     float *out, int64_t ldo, int add) {
    product(m, head, columns, weights, ldw, values, head, out, ldo, add);
}

#endif
