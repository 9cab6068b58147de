/* Vectors of the instruction set that this is compiled for, and what is computed on them. */
#pragma once
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
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
    float part[LANES];
    memcpy(part, &x, sizeof part);
    for (int half = LANES / 2; half; half /= 2) /* in halves: one after another, the additions would wait for each other */
        for (int i = 0; i < half; i++) part[i] += part[i + half];
    return part[0];
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
