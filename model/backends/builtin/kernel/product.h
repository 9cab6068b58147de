/* Products of quantised activations and packed weights.
 *
 * A product runs panel by panel: 32 outputs for all rows, a few rows at a time, whose sums stay in registers. So weights
 * come from memory once a pass, and what several rows share is unpacked once for all of them.
 */
#pragma once
#include "dot.h"

/* Rows of whole numbers with a scale for each group: codes [n, ld], scales, sums (of the codes) [n, groups]. */
typedef struct {
    int8_t *codes;
    float *scales;
    int32_t *sums;
    int64_t ld, groups, group;
} activation;

/* Of each group of the panel at `panel`, the bytes `from` to `to` are fetched while another panel is multiplied: memory
 * then works beside the multipliers also where many rows keep them busy. NULL: nothing. */
typedef struct {
    const uint8_t *panel;
    int64_t from, to;
} fetched;

enum { STEP = 32, LINE = 64 };

/* x [k] as row `row` of `a`, from input `first` on (a multiple of the group). */
INLINE void quantised(const float *x, int64_t k, const activation *a, int64_t row, int64_t first) {
    typedef int8_t small __attribute__((vector_size(LANES), aligned(1), may_alias));
    const float round = 12582912.0f; /* 1.5 · 2^23: adding it rounds to a whole number */
    for (int64_t from = 0; from < k; from += a->group) {
        int64_t at = row * a->groups + (first + from) / a->group;
        vec most = {0};
        for (int64_t i = from; i < from + a->group; i += LANES) most = larger_of(most, absolute(load(x + i)));
        float largest = largest_of(most), back = largest > 0 ? 127.0f / largest : 0;
        ints total = {0};
        int8_t *into = a->codes + row * a->ld + first;
        for (int64_t i = from; i < from + a->group; i += LANES) {
            ints whole = __builtin_convertvector(load(x + i) * back + round - round, ints);
            total += whole;
            *(small *)(into + i) = __builtin_convertvector(whole, small);
        }
        int32_t sum = 0;
        for (int lane = 0; lane < LANES; lane++) sum += total[lane];
        a->scales[at] = largest / 127.0f, a->sums[at] = sum;
    }
}

/* out [rows, PANEL]: `width` vectors of outputs of a panel from vector `column` on, for `rows` rows from `row` on. */
INLINE void columns_of(const int rows, const int width, const int wide, const dlm_matrix *w, const uint8_t *panel,
                       const int column, const activation *a, int64_t row, const fetched *ahead, float (*out)[PANEL]) {
    const int64_t head = w->mins ? 4 * PANEL : 2 * PANEL, step = wide ? 32 * PANEL : 16 * PANEL;
    const int64_t size = head + w->group / STEP * step;
    const int32_t zero = (w->mins ? 0 : wide ? -128 : -8) + (wide && SIGNED8 ? 128 : 0);
    const int8_t *codes = a->codes + row * a->ld;
    const float *scales = a->scales + row * a->groups;
    const int32_t *totals = a->sums + row * a->groups;
    vec sums[MOST_ROWS][8];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < width; v++) sums[r][v] = all(0);
    for (int64_t g = 0; g < a->groups; g++) {
        const uint8_t *body = panel + head + column * 4 * LANES;
        ints dots[MOST_ROWS][8];
        if (column == 0 && ahead->panel)
            for (int64_t line = ahead->from; line < ahead->to; line += LINE) __builtin_prefetch(ahead->panel + g * size + line, 0, 2);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
            for (int v = 0; v < width; v++) dots[r][v] = all_ints(totals[r * a->groups + g] * zero);
        for (int64_t k = 0; k < w->group; k += STEP, codes += STEP, body += step) {
#pragma GCC unroll 8
            for (int quad = 0; quad < STEP / 4; quad++) {
#pragma GCC unroll 8
                for (int v = 0; v < width; v++) {
                    bits there;
                    if (wide) there = load_bits(body + quad * 4 * PANEL + v * 4 * LANES);
                    else there = load_bits(body + quad / 2 * 4 * PANEL + v * 4 * LANES) >> (quad % 2 * 4) & 0x0f0f0f0fu;
#pragma GCC unroll 8
                    for (int r = 0; r < rows; r++) {
                        bits x = four(codes + r * a->ld + 4 * quad);
                        dots[r][v] = wide ? dotted8(dots[r][v], there, x) : dotted(dots[r][v], there, x);
                    }
                }
            }
        }
        const uint16_t *scale = (const uint16_t *)panel + column * LANES;
#pragma GCC unroll 8
        for (int v = 0; v < width; v++) {
            vec unit = load_halves(scale + v * LANES);
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++)
                sums[r][v] += __builtin_convertvector(dots[r][v], vec) * (unit * scales[r * a->groups + g]);
        }
        if (w->mins) {
#pragma GCC unroll 8
            for (int v = 0; v < width; v++) {
                vec least = load_halves(scale + PANEL + v * LANES);
#pragma GCC unroll 8
                for (int r = 0; r < rows; r++)
                    sums[r][v] += least * (scales[r * a->groups + g] * (float)totals[r * a->groups + g]);
            }
        }
        panel += size;
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < width; v++) store(out[r] + (column + v) * LANES, sums[r][v]);
}

#define PANEL_ROWS(R)                                                                                                   \
    static __attribute__((noinline)) void panel_##R(const dlm_matrix *w, const uint8_t *panel, const activation *a,     \
                                                    int64_t row, const fetched *ahead, float (*out)[PANEL]) {           \
        for (int column = 0; column < PANEL / LANES; column += WIDTH(R)) {                                              \
            if (w->bits == 8) columns_of(R, WIDTH(R), 1, w, panel, column, a, row, ahead, out);                         \
            else columns_of(R, WIDTH(R), 0, w, panel, column, a, row, ahead, out);                                      \
        }                                                                                                               \
    }
PANEL_ROWS(1)
PANEL_ROWS(2)
#if defined(__AVX2__) || defined(__ARM_NEON)
PANEL_ROWS(3)
#endif
#if defined(__AVX512VNNI__)
PANEL_ROWS(4)
PANEL_ROWS(5)
PANEL_ROWS(6)
#endif

/* `rows` of the n rows, from `row` on; meanwhile their share of panel `next` is fetched. */
static void panel_of(int rows, const dlm_matrix *w, int64_t number, int64_t next, const activation *a, int64_t row, int64_t n,
                     float (*out)[PANEL]) {
    const uint8_t *panel = w->panel[number];
    int64_t lines = ((w->mins ? 4 * PANEL : 2 * PANEL) + (int64_t)PANEL * w->group * w->bits / 8) / LINE;
    const fetched ahead = {.panel = next >= 0 && next < w->panels ? w->panel[next] : NULL,
                           .from = lines * row / n * LINE, .to = lines * (row + rows) / n * LINE};
    switch (rows) {
    case 1: panel_1(w, panel, a, row, &ahead, out); break;
    case 2: panel_2(w, panel, a, row, &ahead, out); break;
#if defined(__AVX2__) || defined(__ARM_NEON)
    case 3: panel_3(w, panel, a, row, &ahead, out); break;
#endif
#if defined(__AVX512VNNI__)
    case 4: panel_4(w, panel, a, row, &ahead, out); break;
    case 5: panel_5(w, panel, a, row, &ahead, out); break;
    case 6: panel_6(w, panel, a, row, &ahead, out); break;
#endif
    default: break;
    }
}

/* How many of the n rows from `row` on are taken together: about as many each time. */
INLINE int rows_now(int64_t n, int64_t row) {
    int64_t times = (n - row + MOST_ROWS - 1) / MOST_ROWS;
    return (int)((n - row + times - 1) / times);
}

/* One matrix of a product. out [n, ld]: set, or added to. bias [rows] or NULL. reduced [n, rank]: down · x of the adapter,
 * or NULL. */
typedef struct {
    const dlm_matrix *w;
    const float *bias, *reduced;
    const dlm_low_rank *low;
    float *out;
    int64_t ld;
    int add;
} part;

typedef struct {
    part parts[3];
    int count;
    int64_t n, tile;
    const activation *a;
} product;

/* Adds what the adapter says to `rows` rows of a panel. */
INLINE void lowered(const part *p, int64_t panel, int64_t row, int rows, float (*out)[PANEL]) {
    if (!p->reduced) return;
    const dlm_low_rank *low = p->low;
    int64_t ld = (int64_t)p->w->panels * PANEL;
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < PANEL; v += LANES) {
            vec sum = load(out[r] + v);
            for (int64_t j = 0; j < low->rank; j++)
                sum += load_upper(low->up + j * ld + panel * PANEL + v) * p->reduced[(row + r) * low->rank + j];
            store(out[r] + v, sum);
        }
}

static void panel_stored(const part *p, int64_t panel, int64_t next, int64_t n, const activation *a) {
    float out[MOST_ROWS][PANEL];
    for (int64_t row = 0, rows; row < n; row += rows) {
        rows = rows_now(n, row);
        panel_of((int)rows, p->w, panel, next, a, row, n, out);
        lowered(p, panel, row, (int)rows, out);
        for (int r = 0; r < rows; r++) {
            float *into = p->out + (row + r) * p->ld + panel * PANEL;
            for (int v = 0; v < PANEL; v += LANES) {
                vec sum = load(out[r] + v);
                if (p->bias) sum += load(p->bias + panel * PANEL + v);
                if (p->add) sum += load(into + v);
                store(into + v, sum);
            }
        }
    }
}

static void product_tile(void *job, int number, int thread) {
    const product *job_ = job;
    for (int64_t i = 0; i < job_->tile; i++) {
        int64_t panel = number * job_->tile + i;
        /* Every second thread takes tiles from the back: see pool.h. */
        int64_t step = i + 1 < job_->tile || thread % 2 == 0 ? 1 : 1 - 2 * job_->tile;
        for (int m = 0; m < job_->count; panel -= job_->parts[m++].w->panels)
            if (panel < job_->parts[m].w->panels) {
                panel_stored(&job_->parts[m], panel, panel + step, job_->n, job_->a);
                break;
            }
    }
}

static void multiplied(dlm_pool *pool, product *job) {
    int64_t panels = 0;
    for (int i = 0; i < job->count; i++) panels += job->parts[i].w->panels;
    dlm_spread(pool, product_tile, job, (int)((panels + job->tile - 1) / job->tile));
}

/* silu(gate · x) · (up · x), as activations of the next product; float, too, where `wide` is there [n, ld]. */
typedef struct {
    part gate, up;
    int64_t n, ld;
    const activation *a, *next;
    float *wide;
} gated;

enum { GATED_PANELS = 2 };

static void gated_tile(void *job, int number, int thread) {
    const gated *g = job;
    int64_t next = thread % 2 ? -GATED_PANELS : GATED_PANELS; /* see pool.h */
    int64_t first = number * GATED_PANELS, count = smaller(GATED_PANELS, g->gate.w->panels - first);
    for (int64_t row = 0, rows; row < g->n; row += rows) {
        float out[MOST_ROWS][PANEL], up[MOST_ROWS][PANEL], both[MOST_ROWS][GATED_PANELS * PANEL];
        rows = rows_now(g->n, row);
        for (int64_t panel = 0; panel < count; panel++) {
            panel_of((int)rows, g->gate.w, first + panel, first + panel + next, g->a, row, g->n, out);
            panel_of((int)rows, g->up.w, first + panel, first + panel + next, g->a, row, g->n, up);
            lowered(&g->gate, first + panel, row, (int)rows, out);
            lowered(&g->up, first + panel, row, (int)rows, up);
            for (int r = 0; r < rows; r++)
                for (int v = 0; v < PANEL; v += LANES)
                    store(both[r] + panel * PANEL + v, silu(load(out[r] + v)) * load(up[r] + v));
        }
        for (int r = 0; r < rows; r++) {
            quantised(both[r], count * PANEL, g->next, row + r, first * PANEL);
            if (g->wide) memcpy(g->wide + (row + r) * g->ld + first * PANEL, both[r], (size_t)(count * PANEL) * sizeof(float));
        }
    }
}
