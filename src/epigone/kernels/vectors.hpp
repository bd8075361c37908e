// The vector of the instruction set of this build, and the functions on vectors that a cell needs.
//
// Everything is written with the vector extensions of GCC and Clang, so that the same text serves AVX-512, AVX2, NEON
// and plain SSE2. Intrinsics are only used for instructions without another name.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

namespace epigone {

#if defined(__AVX512F__)
constexpr int LANES = 16, ROWS = 6;  // ROWS x 4 accumulators fill the registers
#elif defined(__AVX2__)
constexpr int LANES = 8, ROWS = 3;
#elif defined(__aarch64__)
constexpr int LANES = 4, ROWS = 6;
#else
constexpr int LANES = 4, ROWS = 3;
#endif

typedef float Floats __attribute__((vector_size(LANES * 4), may_alias));
typedef float LooseFloats __attribute__((vector_size(LANES * 4), may_alias, aligned(4)));
typedef int32_t Ints __attribute__((vector_size(LANES * 4), may_alias));
typedef int32_t LooseInts __attribute__((vector_size(LANES * 4), may_alias, aligned(4)));

inline Floats load(const float* from) { return *reinterpret_cast<const LooseFloats*>(from); }
inline void store(float* to, Floats x) { *reinterpret_cast<LooseFloats*>(to) = x; }
inline Floats filled(float x) { return Floats{} + x; }

// Asks for bytes that are needed soon and may have left the nearest cache.
inline void prefetch(const void* from, size_t bytes) {
    for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(static_cast<const char*>(from) + at);
}

// Loads the first `count` lanes; the others are zero.
inline Floats load_part(const float* from, int count) {
    if (count >= LANES) return load(from);
    Floats x{};
    for (int i = 0; i < count; ++i) x[i] = from[i];
    return x;
}

inline void store_part(float* to, Floats x, int count) {
    if (count >= LANES) return store(to, x);
    for (int i = 0; i < count; ++i) to[i] = x[i];
}

// Rounds to the nearest whole number.
inline Floats nearest(Floats x) {
#if defined(__AVX512F__)
    return (Floats)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
    constexpr float ROUND = 12582912.0f;  // 1.5 * 2^23: adding it leaves no fractional bits
    return (x + ROUND) - ROUND;
#endif
}

inline Floats sqrt(Floats x) {
#if defined(__AVX512F__)
    return (Floats)_mm512_mask_sqrt_ps((__m512)x, 0xffff, (__m512)x);
#elif defined(__AVX2__)
    return (Floats)_mm256_sqrt_ps((__m256)x);
#else
    for (int i = 0; i < LANES; ++i) x[i] = std::sqrt(x[i]);
    return x;
#endif
}

// Returns x 2^n for a whole n; NaN stays NaN.
inline Floats times_power(Floats x, Floats n) {
#if defined(__AVX512F__)
    return (Floats)_mm512_scalef_ps((__m512)x, (__m512)n);
#else
    const Ints power = __builtin_convertvector(n == n ? n : Floats{}, Ints);
    return reinterpret_cast<Floats>(reinterpret_cast<Ints>(x) + (power << 23));
#endif
}

// Limits x to two bounds; NaN passes.
inline Floats clamped(Floats x, float low, float high) {
#if defined(__AVX512F__)
    return (Floats)_mm512_max_ps(_mm512_set1_ps(low), _mm512_min_ps(_mm512_set1_ps(high), (__m512)x));
#else
    x = x > high ? filled(high) : x;
    return x < low ? filled(low) : x;
#endif
}

// Returns e^x with a relative error of 1e-7: e^x = 2^n e^r with |r| <= ln 2 / 2 and a minimax polynomial for e^r, fitted
// for this file. Always inline: a call would send every vector through memory.
[[gnu::always_inline]] inline Floats exp(Floats x) {
    x = clamped(x, -87.0f, 88.0f);
    const Floats n = nearest(x * 1.44269504089f);
    const Floats r = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // ln 2 in two parts, the first exact in a product
    Floats q = filled(0.0013814613093987f);
    q = q * r + 0.00836870996142362f;
    q = q * r + 0.041668387373895104f;
    q = q * r + 0.16666520688656036f;
    q = q * r + 0.4999999345162591f;
    return times_power(q * r * r + r + 1.0f, n);
}

[[gnu::always_inline]] inline Floats sigmoid(Floats x) { return 1.0f / (1.0f + exp(-x)); }

// Returns tanh x, computed for |x|: so close to 1 the difference from 1, which gradients need, keeps its digits on both
// sides of 0.
[[gnu::always_inline]] inline Floats tanh(Floats x) {
    const Ints bits = reinterpret_cast<Ints>(x), sign = bits & INT32_MIN;
    const Floats size = reinterpret_cast<Floats>(bits ^ sign);
    return reinterpret_cast<Floats>(reinterpret_cast<Ints>(1.0f - 2.0f / (1.0f + exp(size + size))) | sign);
}

inline float sum(Floats x) {
    float total = 0;
    for (int i = 0; i < LANES; ++i) total += x[i];
    return total;
}

inline float largest(Floats x) {
    float best = x[0];
    for (int i = 1; i < LANES; ++i) best = x[i] > best ? x[i] : best;
    return best;
}

}  // namespace epigone
