/* Vectors of the instruction set that this is compiled for, and what is computed on them. */
#pragma once
#include "kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

/* LANES: numbers of a vector. MOST_ROWS, WIDTH(rows): rows and vectors of outputs whose sums a product keeps in registers.
 * ASKING: queries of a tile of attention. SIGNED8: dotted() takes codes of 8 bits as signed, less 128. */
#if defined(__AVX512VNNI__)
enum { LANES = 16, MOST_ROWS = 6, ASKING = 12, SIGNED8 = 0 };
#define WIDTH(rows) 2
#elif defined(__AVXVNNI__)
enum { LANES = 8, MOST_ROWS = 3, ASKING = 2, SIGNED8 = 0 };
#define WIDTH(rows) ((rows) == 1 ? 4 : 2)
#elif defined(__AVX2__)
enum { LANES = 8, MOST_ROWS = 3, ASKING = 2, SIGNED8 = 1 };
#define WIDTH(rows) ((rows) == 1 ? 4 : 2)
#elif defined(__ARM_NEON)
enum { LANES = 4, MOST_ROWS = 3, ASKING = 2, SIGNED8 = 1 };
#define WIDTH(rows) 4
#else
enum { LANES = 4, MOST_ROWS = 2, ASKING = 2, SIGNED8 = 0 };
#define WIDTH(rows) 2
#endif

#define JOINED_(a, b) a##b
#define JOINED(a, b) JOINED_(a, b)
#define QUOTED_(a) #a
#define QUOTED(a) QUOTED_(a)
#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t bits __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t ints __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint16_t shorts __attribute__((vector_size(2 * LANES), aligned(2), may_alias));

INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
INLINE int64_t up_to(int64_t n, int64_t step) { return (n + step - 1) / step * step; }
INLINE vec all(float x) { return x - (vec){0}; }
INLINE ints all_ints(int32_t x) { return x - (ints){0}; }
INLINE vec load(const float *at) { return *(const vec *)at; }
INLINE bits load_bits(const void *at) { return *(const bits *)at; }
INLINE void store(float *at, vec x) { *(vec *)at = x; }
INLINE vec larger_of(vec a, vec b) {
    ints first = a > b;
    return (vec)(((ints)a & first) | ((ints)b & ~first));
}
INLINE vec absolute(vec x) { return (vec)((ints)x & 0x7fffffff); }

/* float16 to float32 and back; the base of x86 has no instruction for it. */
INLINE float half_value(uint16_t half) {
    uint32_t word = (uint32_t)(half & 0x7fff) << 13, sign = (uint32_t)(half & 0x8000) << 16;
    float x, scale = 0x1p112f; /* the exponents' biases differ by 112; so numbers below 2^-14 come right, too */
    memcpy(&x, &word, 4);
    x *= scale;
    memcpy(&word, &x, 4);
    word |= sign;
    memcpy(&x, &word, 4);
    return x;
}

INLINE uint16_t half_of(float x) {
    uint32_t word, magnitude;
    memcpy(&word, &x, 4);
    magnitude = word & 0x7fffffff;
    uint16_t sign = (uint16_t)(word >> 16 & 0x8000);
    if (magnitude >= 0x477fe000) return sign | 0x7bff; /* 65504, the largest */
    if (magnitude < 0x38800000) { /* below 2^-14: adding 1/2 rounds to a multiple of 2^-24 */
        float small;
        memcpy(&small, &magnitude, 4);
        small += 0.5f;
        memcpy(&magnitude, &small, 4);
        return sign | (uint16_t)(magnitude - 0x3f000000);
    }
    magnitude += 0xfff + (magnitude >> 13 & 1); /* to the nearest, half-way to even */
    return sign | (uint16_t)((magnitude >> 13) - (112 << 10));
}

INLINE vec load_halves(const uint16_t *at) {
#if defined(__AVX512F__)
    return (vec)_mm512_cvtph_ps(_mm256_loadu_si256((const void *)at));
#elif defined(__F16C__)
    return (vec)_mm256_cvtph_ps(_mm_loadu_si128((const void *)at));
#elif defined(__ARM_NEON)
    return (vec)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(at)));
#else
    vec x;
    for (int i = 0; i < LANES; i++) x[i] = half_value(at[i]);
    return x;
#endif
}

/* bfloat16: the upper half of a float. */
INLINE vec load_upper(const uint16_t *at) {
    return (vec)(__builtin_convertvector(*(const shorts *)at, bits) << 16);
}

INLINE float sum_of(vec x) {
    float part[LANES];
    memcpy(part, &x, sizeof part);
    for (int half = LANES / 2; half; half /= 2) /* in halves: one after another, the additions would wait for each other */
        for (int i = 0; i < half; i++) part[i] += part[i + half];
    return part[0];
}

INLINE float largest_of(vec x) {
    float part[LANES];
    memcpy(part, &x, sizeof part);
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++) part[i] = part[i] > part[i + half] ? part[i] : part[i + half];
    return part[0];
}

/* exp(x) for x <= 88, to 2 units in the last place; 0 below -87. (Cephes' polynomial.) */
INLINE vec exponential(vec x) {
    const float round = 12582912.0f; /* 1.5 · 2^23: adding it rounds to a whole number */
    ints there = x > -87.0f;
    x = (vec)((ints)x & there); /* no number of a whole part that no exponent has */
    vec n = x * 1.44269504088896341f + round - round;
    vec r = x - n * 0.693359375f + n * 2.12194440e-4f;
    vec y = all(1.9875691500e-4f);
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * r * r + r + 1.0f;
    ints scaled = ((ints)y) + (__builtin_convertvector(n, ints) << 23);
    return (vec)(scaled & there);
}

/* x / (1 + exp(-x)) */
INLINE vec silu(vec x) {
    ints low = x < -87.0f, high = x > 87.0f;
    vec clipped = (vec)(((ints)x & ~low & ~high) | ((ints)all(-87.0f) & low) | ((ints)all(87.0f) & high));
    return x / (1.0f + exponential(-clipped));
}
