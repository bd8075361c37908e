// The three number formats of a product, and the one loop that multiplies in all of them.
//
// A product takes its inner dimension in groups of 32 bits: one float, two bfloat16 or four int8. It broadcasts a group
// of the left operand, multiplies a vector of LANES groups of the packed right operand with it, and adds to LANES sums.
// So the formats differ in `dot` alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "tiles.hpp"
#include "vectors.hpp"

namespace epigone {

template <class To, class From>
inline To bits(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}

struct Fp32 {
    using Number = float;
    using Sums = Floats;
    static constexpr int GROUP = 1;
    static constexpr bool WHOLE = false;  // true if sums are whole numbers
    static Sums dot(Sums sums, Ints w, int32_t a) { return sums + reinterpret_cast<Floats>(w) * bits<float>(a); }
    static Number number(float x) { return x; }
    static void store(Number* to, Floats x) { epigone::store(to, x); }
    static Floats load(const Number* from) { return epigone::load(from); }
    // The groups of one row are the row.
    static Ints grouped(const Number* row, ptrdiff_t /*to_next*/) { return *reinterpret_cast<const LooseInts*>(row); }
};

struct Bf16 {
    using Number = uint16_t;
    using Sums = Floats;
    static constexpr int GROUP = 2;
    static constexpr bool WHOLE = false;
    static Sums dot(Sums sums, Ints w, int32_t a) {
#if defined(__AVX512BF16__)
        return (Floats)_mm512_dpbf16_ps((__m512)sums, (__m512bh)w, (__m512bh)_mm512_set1_epi32(a));
#else
        sums += reinterpret_cast<Floats>(w << 16) * bits<float>(uint32_t(a) << 16);
        return sums + reinterpret_cast<Floats>(w & int32_t(0xffff0000)) * bits<float>(uint32_t(a) & 0xffff0000u);
#endif
    }
    static Number number(float x) {  // to the nearest, ties to even; NaN stays NaN
        const uint32_t b = bits<uint32_t>(x);
        return x != x ? 0x7fc0 : (b + 0x7fff + ((b >> 16) & 1)) >> 16;
    }
    // Puts two rows side by side: in each 32 bits the number of `low`, above it that of `high`.
    static Ints paired(Floats low, Floats high) {
#if defined(__AVX512BF16__)
        const __m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
        const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                               21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
        return (Ints)_mm512_permutexvar_epi16(order, both);
#else
        return rounded(low) | (rounded(high) << 16);
#endif
    }
    static Floats load(const Number* from) { return reinterpret_cast<Floats>(widened(from) << 16); }
    // Groups the numbers of two rows side by side.
    static Ints grouped(const Number* row, ptrdiff_t to_next) { return widened(row) | (widened(row + to_next) << 16); }
    static void store(Number* to, Floats x) {
#if defined(__AVX512BF16__)
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), (__m256i)_mm512_cvtneps_pbh((__m512)x));
#else
        const Ints halves = rounded(x);
        for (int i = 0; i < LANES; ++i) to[i] = Number(halves[i]);
#endif
    }

   private:
    static Ints widened(const Number* from) {
#if defined(__AVX512F__)
        return (Ints)_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
#else
        typedef Number Halves __attribute__((vector_size(LANES * 2), may_alias, aligned(2)));
        return __builtin_convertvector(*reinterpret_cast<const Halves*>(from), Ints);
#endif
    }
    static Ints rounded(Floats x) {
        const Ints b = reinterpret_cast<Ints>(x);
        const Ints halves = ((b + 0x7fff + ((b >> 16) & 1)) >> 16) & 0xffff;
        return x == x ? halves : (Ints{} + 0x7fc0);
    }
};

// Activations of a recurrent layer are between -1 and 1 and become round(127 h); weights have a scale for each row.
struct Int8 {
    using Number = int8_t;
#if defined(__AVX2__)
    using Sums = Ints;
    static constexpr bool WHOLE = true;
#else
    static constexpr bool WHOLE = false;
    using Sums = Floats;  // without such an instruction whole numbers in floats are quicker, and as exact
#endif
    static constexpr int GROUP = 4;
    static constexpr float UNIT = 127.0f;
#if defined(__AVX512VNNI__)
    // The instruction takes the left operand without a sign, so it is shifted up and the surplus subtracted.
    static constexpr int SHIFT = 128;
    static Sums dot(Sums sums, Ints w, int32_t a) {
        return (Ints)_mm512_dpbusd_epi32((__m512i)sums, _mm512_set1_epi32(a), (__m512i)w);
    }
#else
    static constexpr int SHIFT = 0;
    static Sums dot(Sums sums, Ints w, int32_t a) {
        // Numbers are multiplied in pairs. Magnitudes are on the left and signs move to the right, so that no sum of two
        // products leaves 16 bits.
#if defined(__AVX512BW__)
        const __m512i left = _mm512_set1_epi32(a), right = (__m512i)w;
        const __m512i turned = _mm512_mask_sub_epi8(left, _mm512_movepi8_mask(right), __m512i{}, left);
        const __m512i pairs = _mm512_maddubs_epi16(_mm512_abs_epi8(right), turned);
        return sums + (Ints)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
#elif defined(__AVX2__)
        const __m256i left = _mm256_set1_epi32(a), right = (__m256i)w;
        const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(right), _mm256_sign_epi8(left, right));
        return sums + (Ints)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
#else
        for (int i = 0; i < 4; ++i) {
            const float left = float(int8_t(uint32_t(a) >> (8 * i)));
            sums += __builtin_convertvector((w << (24 - 8 * i)) >> 24, Floats) * left;
        }
        return sums;
#endif
    }
#endif
    static Number number(float x) { return Number(uint8_t(int(std::lrintf(x * UNIT)) + SHIFT)); }
    static void store(Number* to, Floats x) {
        constexpr float ROUND = 12582912.0f;
        const Ints whole = __builtin_convertvector((x == x ? x : Floats{}) * UNIT + ROUND - ROUND, Ints) + SHIFT;
#if defined(__AVX512F__)
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8((__m512i)whole));
#else
        for (int i = 0; i < LANES; ++i) to[i] = Number(whole[i]);
#endif
    }
};

// Tells if products in a format use tiles of rows (tiles.hpp) instead of vectors.
template <class Format>
constexpr bool TILED = TILES && std::is_same_v<Format, Bf16>;

inline int32_t group_at(const void* from, ptrdiff_t index) {
    int32_t group;
    std::memcpy(&group, static_cast<const char*>(from) + index * 4, 4);
    return group;
}

// sums[r][FROM + n] += a[r] . w[n] over `groups` groups. Row r of the left operand begins at group r * row, and its
// groups are `step` apart (1 in tiles); the right operand is packed: N vectors for each group, one after the other.
template <class Format, int R, int FROM, int N, int ALL>
[[gnu::always_inline]] inline void multiply(typename Format::Sums (&sums)[R][ALL], const void* a, ptrdiff_t row,
                                                    ptrdiff_t step, const int32_t* w, int groups) {
    if constexpr (TILED<Format>) return add_in_tiles<R, N>(reinterpret_cast<float*>(&sums[0][FROM]), ALL * LANES, a, row, w, groups);
    const char* left = static_cast<const char*>(a);
    for (int k = 0; k < groups; ++k) {
        Ints right[N];
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) right[n] = *reinterpret_cast<const LooseInts*>(w + n * LANES);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
            const int32_t group = group_at(left, r * row);
#pragma GCC unroll 8
            for (int n = 0; n < N; ++n) sums[r][FROM + n] = Format::dot(sums[r][FROM + n], right[n], group);
        }
        left += step * 4;
        w += N * LANES;
    }
}

// Calls f(constant R, first row) for all rows in tiles of at most ROWS, as equal as possible: a tile of one row idles.
template <class Format, class F>
inline void in_tiles(int rows, F&& f) {
    if constexpr (TILED<Format>) {
        int row = 0;
        const auto next = [&](auto size) {
            if (rows - row < size) return;
            configure_tiles(std::min(int(size), TILE));
            for (; rows - row >= size; row += size) f(size, row);
        };
        next(std::integral_constant<int, 32>{});
        next(std::integral_constant<int, 16>{});
        next(std::integral_constant<int, 8>{});
        next(std::integral_constant<int, 4>{});
        next(std::integral_constant<int, 2>{});
        next(std::integral_constant<int, 1>{});
        release_tiles();
        return;
    }
    const int tiles = (rows + ROWS - 1) / ROWS;
    for (int tile = 0, row = 0; tile < tiles; ++tile) {
        const int size = rows / tiles + (tile < rows % tiles);
        if (size == 1) f(std::integral_constant<int, 1>{}, row);
        if (size == 2) f(std::integral_constant<int, 2>{}, row);
        if (size == 3) f(std::integral_constant<int, 3>{}, row);
        if constexpr (ROWS > 3) {
            if (size == 4) f(std::integral_constant<int, 4>{}, row);
            if (size == 5) f(std::integral_constant<int, 5>{}, row);
            if (size == 6) f(std::integral_constant<int, 6>{}, row);
        }
        row += size;
    }
}

}  // namespace epigone
