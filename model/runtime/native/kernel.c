/* A pass of the built-in network, in float32, with its weights in bfloat16 (which is how they are stored).
 *
 * Why our own: the matrices are small (192 × 576 and the like), so a general runtime spends its time between products,
 * not in them. Here a product runs at the speed of the multipliers from four rows on, and threads meet at tiles of a
 * few microseconds. Compiled once per instruction set; vectors are GCC's, so every other processor has a version, too.
 */
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { LANES = 16, ROWS = 12 };
#elif defined(__AVX2__)
enum { LANES = 8, ROWS = 4 };
#elif defined(__aarch64__)
enum { LANES = 4, ROWS = 8 };
#else
enum { LANES = 4, ROWS = 4 };
#endif
/* VALUE_ROWS: so many values of a head stay in the first cache from one group of rows to the next. */
enum { PANEL = 2 * LANES, ROW_TILE = 48, VALUE_ROWS = 64, HEAD_ROWS = 48, WANTED_TILES = 8 };

#define JOINED_(a, b) a##b
#define JOINED(a, b) JOINED_(a, b)
#define QUOTED_(a) #a
#define QUOTED(a) QUOTED_(a)
#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t bits __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t ints __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

INLINE int64_t padded(int64_t n) { return (n + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP; }
INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
INLINE vec all(float x) { return x - (vec){0}; }
INLINE vec load(const float *at) { return *(const vec *)at; }
INLINE void store(float *at, vec x) { *(vec *)at = x; }

INLINE float widened(uint16_t half) {
    uint32_t word = (uint32_t)half << 16;
    float x;
    memcpy(&x, &word, 4);
    return x;
}

INLINE float sum_of(vec x) {
    float sum = 0;
    for (int i = 0; i < LANES; i++) sum += x[i];
    return sum;
}

INLINE float dot(const float *a, const float *b, int64_t n) {
    vec sum = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) sum += load(a + i) * load(b + i);
    float rest = sum_of(sum);
    for (; i < n; i++) rest += a[i] * b[i];
    return rest;
}

INLINE float largest_of(vec x) {
    float most = x[0];
    for (int i = 1; i < LANES; i++) most = x[i] > most ? x[i] : most;
    return most;
}

/* exp(x) for x <= 88, to 2 units in the last place; 0 below -87. (Cephes' polynomial.) */
INLINE vec exponential(vec x) {
    const float round = 12582912.0f; /* 1.5 · 2^23: adding it rounds to a whole number */
    vec n = x * 1.44269504088896341f + round - round;
    vec r = x - n * 0.693359375f + n * 2.12194440e-4f;
    vec y = all(1.9875691500e-4f);
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * r * r + r + 1.0f;
    ints there = x > -87.0f;
    ints scaled = ((ints)y) + (__builtin_convertvector(n, ints) << 23);
    return (vec)(scaled & there);
}

/* log(x) for normal x > 0. (Cephes.) */
INLINE vec logarithm(vec x) {
    ints word = (ints)x;
    ints exponent = ((word >> 23) & 0xff) - 126;
    vec m = (vec)((word & 0x007fffff) | 0x3f000000); /* [0.5, 1) */
    ints low = m < 0.707106781186547524f;
    vec e = __builtin_convertvector(exponent + low, vec); /* true is -1 */
    m = m + (vec)((ints)m & low) - 1.0f;
    vec z = m * m, y = all(7.0376836292e-2f);
    y = y * m - 1.1514610310e-1f;
    y = y * m + 1.1676998740e-1f;
    y = y * m - 1.2420140846e-1f;
    y = y * m + 1.4249322787e-1f;
    y = y * m - 1.6668057665e-1f;
    y = y * m + 2.0000714765e-1f;
    y = y * m - 2.4999993993e-1f;
    y = y * m + 3.3333331174e-1f;
    return m + (m * z * y - e * 2.12194440e-4f - 0.5f * z) + e * 0.693359375f;
}

INLINE vec sigmoid(vec x) {
    vec below = (vec)((ints)x & (x > -87.0f)) + (vec)((ints)all(-87.0f) & (x <= -87.0f));
    vec clipped = (vec)((ints)below & (below < 87.0f)) + (vec)((ints)all(87.0f) & (below >= 87.0f));
    return 1.0f / (1.0f + exponential(-clipped));
}

/* ---- products with weights ----
 *
 * A weight matrix [out, in] in panels of PANEL outputs. Outputs and inputs that do not exist are 0.
 *
 * In general: [panels, in, LANES] pairs of bfloat16, of which the low half is output `lane` of the panel and the high half
 * output LANES + lane. Rows that are multiplied stay as they are, float32.
 *
 * Where the processor multiplies pairs of bfloat16 (and adds in float32): [panels, in / 2, PANEL] pairs, of which the low
 * half is input 2k and the high half input 2k + 1 of the panel's output `lane`. Rows are rounded to bfloat16, too.
 */
typedef struct {
    uint32_t *words;
    int64_t in, panels;
} matrix;

#if defined(__AVX512BF16__)
typedef uint32_t input; /* two inputs of a row */
enum { INPUTS = 2 };
#else
typedef float input;
enum { INPUTS = 1 };
#endif

/* Keys and values are kept as what they are multiplied with: the same pairs of bfloat16, or float32. */
#if defined(__AVX512BF16__)
typedef uint16_t kept;
#else
typedef float kept;
#endif

INLINE int64_t steps_of(const matrix *w) { return (w->in + INPUTS - 1) / INPUTS; }
INLINE int64_t panel_words(const matrix *w) { return steps_of(w) * LANES * INPUTS; }

static int matrix_made(matrix *made, int64_t in, int64_t outs) {
    made->in = in;
    made->panels = (outs + PANEL - 1) / PANEL;
    size_t size = (size_t)(made->panels * panel_words(made)) * sizeof(uint32_t);
    made->words = aligned_alloc(64, (size + 63) / 64 * 64);
    if (made->words) memset(made->words, 0, size);
    return made->words == NULL;
}

/* Put row `of` of a bfloat16 matrix where output `out` is computed. */
static void matrix_row(matrix *into, int64_t out, const uint16_t *row) {
    uint32_t *panel = into->words + out / PANEL * panel_words(into);
    int64_t lane = out % PANEL;
#if defined(__AVX512BF16__)
    for (int64_t k = 0; k < into->in; k++) panel[k / 2 * PANEL + lane] |= (uint32_t)row[k] << (k % 2 * 16);
#else
    int shift = lane >= LANES ? 16 : 0;
    for (int64_t k = 0; k < into->in; k++) panel[k * LANES + lane % LANES] |= (uint32_t)row[k] << shift;
#endif
}

static int matrix_of(matrix *made, int64_t in, int64_t outs, const uint16_t *rows) {
    if (matrix_made(made, in, outs)) return 1;
    for (int64_t out = 0; out < outs; out++) matrix_row(made, out, rows + out * in);
    return 0;
}

/* Rows of inputs as products take them; `*lda` becomes how far apart they are. */
INLINE const input *inputs_of(const float *a, int64_t *lda, int64_t rows, int64_t in, float *scratch) {
#if defined(__AVX512BF16__)
    uint32_t *made = (uint32_t *)scratch;
    int64_t apart = padded(in) / 2;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < in; k += 16) {
            __mmask16 there = in - k < 16 ? (__mmask16)((1u << (in - k)) - 1) : 0xffff;
            __m512 wide = _mm512_maskz_loadu_ps(there, a + i * *lda + k);
            _mm256_storeu_si256((__m256i *)(made + i * apart + k / 2), (__m256i)_mm512_cvtneps_pbh(wide));
        }
    *lda = apart;
    return made;
#else
    (void)lda, (void)rows, (void)in, (void)scratch;
    return a;
#endif
}

typedef enum { STORE, ADD, GATED } ending;

INLINE void panel_rows(int m, int64_t steps, const input *a, int64_t lda, const uint32_t *b, float *c, int64_t ldc,
                       const float *bias, ending end) {
    vec sum[ROWS][2];
    for (int i = 0; i < m; i++) {
        sum[i][0] = bias ? load(bias) : (vec){0};
        sum[i][1] = bias ? load(bias + LANES) : (vec){0};
    }
    for (int64_t k = 0; k < steps; k++) {
#if defined(__AVX512BF16__)
        __m512bh low = (__m512bh)_mm512_loadu_si512(b + k * PANEL), high = (__m512bh)_mm512_loadu_si512(b + k * PANEL + LANES);
        for (int i = 0; i < m; i++) {
            __m512bh x = (__m512bh)_mm512_set1_epi32((int)a[i * lda + k]);
            sum[i][0] = (vec)_mm512_dpbf16_ps((__m512)sum[i][0], x, low);
            sum[i][1] = (vec)_mm512_dpbf16_ps((__m512)sum[i][1], x, high);
        }
#else
        bits words = *(const bits *)(b + k * LANES);
        vec low = (vec)(words << 16), high = (vec)(words & 0xffff0000u);
        for (int i = 0; i < m; i++) {
            float x = a[i * lda + k];
            sum[i][0] += x * low;
            sum[i][1] += x * high;
        }
#endif
    }
    for (int i = 0; i < m; i++, c += ldc) {
        if (end == GATED) {
            store(c, sum[i][0] * sigmoid(sum[i][0]) * sum[i][1]);
        } else {
            if (end == ADD) sum[i][0] += load(c), sum[i][1] += load(c + LANES);
            store(c, sum[i][0]);
            store(c + LANES, sum[i][1]);
        }
    }
}

/* One panel of outputs for up to ROWS rows; a loop of known length for each number of rows. */
static void panel_of(int m, int64_t steps, const input *a, int64_t lda, const uint32_t *b, float *c, int64_t ldc,
                     const float *bias, ending end) {
#define WITH(n) \
    case n: \
        if (end == STORE) panel_rows(n, steps, a, lda, b, c, ldc, bias, STORE); \
        else if (end == ADD) panel_rows(n, steps, a, lda, b, c, ldc, NULL, ADD); \
        else panel_rows(n, steps, a, lda, b, c, ldc, NULL, GATED); \
        break;
    switch (m) {
        WITH(1) WITH(2) WITH(3) WITH(4)
#if defined(__AVX512F__) || defined(__aarch64__)
        WITH(5) WITH(6) WITH(7) WITH(8)
#endif
#if defined(__AVX512F__)
        WITH(9) WITH(10) WITH(11) WITH(12)
#endif
    }
#undef WITH
}

/* ---- products with what the text has left ---- */

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

/* ---- the network ---- */

typedef struct {
    matrix qkv, o, gate_up, down;
    float *qkv_bias;
    const float *attention_norm, *feed_norm, *q_norm, *k_norm;
} layer;

typedef struct {
    char *memory;
    size_t size;
} workspace;

typedef struct {
    dlm_sizes sizes;
    dlm_weights weights;
    layer *layers;
    matrix head, pointer_query, pointer_states[2], pointer_tokens;
    workspace room;
} network;

static void closed(void *model) {
    network *net = model;
    for (int n = 0; net->layers && n < net->sizes.layers; n++) {
        layer *l = net->layers + n;
        free(l->qkv.words), free(l->o.words), free(l->gate_up.words), free(l->down.words), free(l->qkv_bias);
    }
    free(net->layers), free(net->head.words), free(net->pointer_query.words), free(net->pointer_tokens.words);
    free(net->pointer_states[0].words), free(net->pointer_states[1].words), free(net->room.memory), free(net);
}

static int layer_opened(layer *l, const dlm_sizes *s, const dlm_layer *w) {
    int64_t width = s->width, head = width / s->heads, keys = s->kv_heads * head, inner = s->feed_forward;
    l->attention_norm = w->attention_norm, l->feed_norm = w->feed_norm, l->q_norm = w->q_norm, l->k_norm = w->k_norm;
    if (matrix_made(&l->qkv, width, width + 2 * keys)) return 1;
    for (int64_t i = 0; i < width; i++) matrix_row(&l->qkv, i, w->q + i * width);
    for (int64_t i = 0; i < keys; i++) {
        matrix_row(&l->qkv, width + i, w->k + i * width);
        matrix_row(&l->qkv, width + keys + i, w->v + i * width);
    }
    if (s->qkv_bias) {
        l->qkv_bias = calloc((size_t)(l->qkv.panels * PANEL), sizeof(float));
        if (!l->qkv_bias) return 1;
        memcpy(l->qkv_bias, w->q_bias, (size_t)width * sizeof(float));
        memcpy(l->qkv_bias + width, w->k_bias, (size_t)keys * sizeof(float));
        memcpy(l->qkv_bias + width + keys, w->v_bias, (size_t)keys * sizeof(float));
    }
    /* Gate and up of the same channels lie in one panel: they meet in registers. */
    if (matrix_made(&l->gate_up, width, (inner + LANES - 1) / LANES * PANEL)) return 1;
    for (int64_t i = 0; i < inner; i++) {
        int64_t at = i / LANES * PANEL + i % LANES;
        matrix_row(&l->gate_up, at, w->gate + i * width);
        matrix_row(&l->gate_up, at + LANES, w->up + i * width);
    }
    return matrix_of(&l->o, width, width, w->o) || matrix_of(&l->down, inner, width, w->down);
}

static void *opened(const dlm_sizes *s, const dlm_weights *w) {
    network *net = calloc(1, sizeof *net);
    if (!net) return NULL;
    net->sizes = *s, net->weights = *w;
    net->layers = calloc((size_t)s->layers, sizeof(layer));
    int failed = net->layers == NULL;
    for (int n = 0; n < s->layers && !failed; n++) failed = layer_opened(net->layers + n, s, w->layers + n);
    failed = failed || matrix_of(&net->head, s->width, s->vocab, w->head);
    failed = failed || matrix_of(&net->pointer_query, s->width, s->pointer, w->pointer_query);
    failed = failed || matrix_of(&net->pointer_tokens, 2 * s->width, s->pointer, w->pointer_tokens);
    for (int side = 0; side < 2; side++)
        failed = failed || matrix_of(&net->pointer_states[side], s->width, s->pointer, w->pointer_states[side]);
    if (!failed) return net;
    closed(net);
    return NULL;
}

/* ---- a pass ---- */

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
    int64_t first_row, row_count;
    float *states, *logits, *queries;
} pass;

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

/* ---- reading a stream ---- */

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

/* ---- predicting ---- */

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

/* How likely a copy is, and from where: weights of `keys` tokens of each stream are added to what they would copy. */
static void add_copies(const pass *p, const float *query, int64_t token, float copy, float *scores, float *probs) {
    const dlm_prediction *a = p->asked;
    const dlm_sizes *s = &p->net->sizes;
    int64_t near = a->ahead_seen[token] - 1, far = a->back_seen[token] - 1; /* what follows the last is the hole */
    if (near < 0) near = 0;
    if (far < 1) far = 0;
    int64_t from = padded(near), columns = from + padded(far);
    float by = 1.0f / sqrtf((float)s->pointer);
    key_product(1, from, s->pointer, query, p->ld_pointer, a->ahead.pointers, scores, columns);
    key_product(1, columns - from, s->pointer, query, p->ld_pointer, a->back.pointers, scores + from, columns);
    for (int64_t j = 0; j < columns; j += LANES) store(scores + j, load(scores + j) * by);
    for (int64_t j = near; j < from; j++) scores[j] = -INFINITY;
    for (int64_t j = from + far; j < columns; j++) scores[j] = -INFINITY;
    if (far) scores[from] = -INFINITY; /* nothing is behind the last token of the text */
    float sum = sum_of(weighed(scores, columns, largest(scores, columns), (vec){0}));
    for (int64_t j = 0; j < near; j++) probs[a->ahead.ids[j + 1]] += scores[j] * (copy / sum);
    for (int64_t j = 1; j < far; j++) probs[a->back.ids[j - 1]] += scores[from + j] * (copy / sum);
}

static void row_tile(void *job, int number, int thread) {
    pass *p = job;
    const dlm_prediction *a = p->asked;
    const dlm_sizes *s = &p->net->sizes;
    int64_t r = p->first_row + number, token = a->rows[r], text = s->vocab - a->first_id;
    float *probs = p->logits + number * p->ld_vocab;
    const float *state = p->states + number * p->ld_width;
    for (int64_t j = s->vocab; j < p->ld_vocab; j++) probs[j] = -INFINITY;
    float sum = sum_of(weighed(probs, p->ld_vocab, largest(probs, p->ld_vocab), (vec){0}));
    float copy = 0;
    if (a->ahead_seen[token] > 1 || a->back_seen[token] > 2) {
        float odds = dot(state, p->net->weights.pointer_gate, s->width) + p->net->weights.pointer_gate_bias;
        copy = 1.0f / (1.0f + expf(-odds));
    }
    float write = (1.0f - copy) / sum;
    for (int64_t j = 0; j < p->ld_vocab; j += LANES) store(probs + j, load(probs + j) * write);
    if (copy > 0)
        add_copies(p, p->queries + number * p->ld_pointer, token, copy, p->scratch + thread * p->scratch_size, probs);
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

static void predict_rows(pass *p) {
    const network *net = p->net;
    const dlm_prediction *a = p->asked;
    for (p->first_row = 0; p->first_row < a->rows_n; p->first_row += HEAD_ROWS) {
        int64_t rows = smaller(HEAD_ROWS, a->rows_n - p->first_row);
        for (int64_t i = 0; i < rows; i++)
            normed_row(p, p->x + a->rows[p->first_row + i] * p->ld_width, net->weights.norm, p->states + i * p->ld_width);
        multiply(p, p->states, p->ld_width, rows, &net->head, NULL, p->logits, p->ld_vocab, STORE);
        multiply(p, p->states, p->ld_width, rows, &net->pointer_query, NULL, p->queries, p->ld_pointer, STORE);
        dlm_spread(p->pool, row_tile, p, (int)rows);
    }
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
        p.sets[0] = (seen_set){.keys = (const kept *)a->ahead.keys + ahead, .values = (const kept *)a->ahead.values + ahead, .room = a->ahead.room,
                               .seen = a->ahead_seen};
        p.sets[1] = (seen_set){.keys = (const kept *)a->back.keys + back, .values = (const kept *)a->back.values + back, .room = a->back.room,
                               .seen = a->back_seen, .back = 1};
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
    .name = QUOTED(VARIANT), .kept_bytes = sizeof(kept), .try = tried, .open = opened, .close = closed, .read = read_stream, .predict = predicted,
};
