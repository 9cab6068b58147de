/* Products of bytes: each lane of `sums` gets the products of four codes (0 to 255) and four activations (-128 to 127).
 * dotted8: of codes of 8 bits; where SIGNED8 says so, the codes are taken less 128 each. */
#pragma once
#include "vectors.h"

/* The four activations at `at`, in every lane. */
INLINE bits four(const int8_t *at) {
    uint32_t word;
    memcpy(&word, at, 4);
    return word - (bits){0};
}

#if defined(__AVX512VNNI__)
INLINE ints dotted(ints sums, bits codes, bits a) { return (ints)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)codes, (__m512i)a); }
INLINE ints dotted8(ints sums, bits codes, bits a) { return dotted(sums, codes, a); }
#elif defined(__AVXVNNI__)
INLINE ints dotted(ints sums, bits codes, bits a) {
    return (ints)_mm256_dpbusd_avx_epi32((__m256i)sums, (__m256i)codes, (__m256i)a);
}
INLINE ints dotted8(ints sums, bits codes, bits a) { return dotted(sums, codes, a); }
#elif defined(__AVX2__)
/* No pair of products reaches 2^15: codes of 4 bits are below 16, and the others' magnitudes at most 128. */
INLINE ints dotted(ints sums, bits codes, bits a) {
    __m256i pairs = _mm256_maddubs_epi16((__m256i)codes, (__m256i)a);
    return sums + (ints)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}
INLINE ints dotted8(ints sums, bits codes, bits a) {
    __m256i less = (__m256i)(codes ^ 0x80808080u);
    return dotted(sums, (bits)_mm256_abs_epi8(less), (bits)_mm256_sign_epi8((__m256i)a, less));
}
#elif defined(__ARM_NEON)
INLINE ints dotted(ints sums, bits codes, bits a) {
    int8x16_t w = vreinterpretq_s8_u32((uint32x4_t)codes), x = vreinterpretq_s8_u32((uint32x4_t)a);
#if defined(__ARM_FEATURE_DOTPROD)
    return (ints)vdotq_s32((int32x4_t)sums, w, x);
#else
    int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(w), vget_low_s8(x)));
    int32x4_t high = vpaddlq_s16(vmull_s8(vget_high_s8(w), vget_high_s8(x)));
    return sums + (ints)vpaddq_s32(low, high);
#endif
}
INLINE ints dotted8(ints sums, bits codes, bits a) { return dotted(sums, codes ^ 0x80808080u, a); }
#elif defined(__SSE2__)
INLINE ints dotted(ints sums, bits codes, bits a) {
    __m128i none = _mm_setzero_si128(), x = (__m128i)a;
    __m128i wide = _mm_srai_epi16(_mm_unpacklo_epi8(none, x), 8); /* four activations, twice */
    __m128i low = _mm_madd_epi16(_mm_unpacklo_epi8((__m128i)codes, none), wide);
    __m128i high = _mm_madd_epi16(_mm_unpackhi_epi8((__m128i)codes, none), wide);
    __m128 first = _mm_castsi128_ps(low), second = _mm_castsi128_ps(high);
    return sums + (ints)_mm_shuffle_ps(first, second, 0x88) + (ints)_mm_shuffle_ps(first, second, 0xdd);
}
INLINE ints dotted8(ints sums, bits codes, bits a) { return dotted(sums, codes, a); }
#else
INLINE ints dotted(ints sums, bits codes, bits a) {
    for (int lane = 0; lane < LANES; lane++)
        for (int byte = 0; byte < 32; byte += 8)
            sums[lane] += (int32_t)(codes[lane] >> byte & 255) * (int8_t)(a[lane] >> byte & 255);
    return sums;
}
INLINE ints dotted8(ints sums, bits codes, bits a) { return dotted(sums, codes, a); }
#endif
