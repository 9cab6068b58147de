/* Products with weights: many rows with one matrix that never changes. */
#pragma once
#include "vectors.h"

/* A weight matrix [out, in] in panels of PANEL outputs. Outputs and inputs that do not exist are 0.
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
