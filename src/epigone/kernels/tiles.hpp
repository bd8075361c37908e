// Products of bfloat16 in the tile registers of AMX: 16 rows of 16 sums at a time.
//
// A tile of the left operand holds 16 rows of 16 groups, one of the right operand 16 groups of 16 columns, as the panels
// are packed for vectors too. A row of sums grows in the same order in a tile of any number of rows, so a result depends
// neither on the rows beside it nor on the number of threads.
#pragma once

#include "vectors.hpp"

namespace epigone {

constexpr int TILE = 16;  // rows, groups and columns of a tile

#if !defined(__AMX_BF16__)

// Builds without tiles need the names of what they never call.
constexpr bool TILES = false;
void configure_tiles(int rows);
void release_tiles();
template <int R, int N>
void add_in_tiles(float* sums, ptrdiff_t to_sums, const void* left, ptrdiff_t to_left, const int32_t* w, int groups);
void turn_columns(int32_t* to, ptrdiff_t to_next, const int32_t* from, ptrdiff_t width, int depth);

#else

constexpr bool TILES = true;

// Has everything written that was assigned: GCC does not know that the instructions of tiles read memory.
inline void written() { asm volatile("" ::: "memory"); }

// Sets the rows of the tiles of sums and of the left operand, 1 to 16, for the products of this thread that follow.
// PyTorch uses the same registers, so nothing is remembered from call to call.
inline void configure_tiles(int rows) {
    struct alignas(64) {
        uint8_t palette = 1, start = 0, reserved[14] = {};
        uint16_t columns[16] = {64, 64, 64, 64, 64, 64, 64, 64};  // bytes
        uint8_t rows[16] = {};
    } shape;
    for (int tile = 0; tile < 8; ++tile) shape.rows[tile] = uint8_t(tile < 6 ? rows : TILE);
    written();
    _tile_loadconfig(&shape);
}

inline void release_tiles() { _tile_release(); }

// sums (rows, N x 16) += left (rows, 16 chunks) . w over `chunks` x 16 groups, for up to 16 rows. The tiles 0 to 3 are
// the sums, 4 and 5 the left operand, and 6 and 7 the right one. Rows are `to_sums` and `to_left` bytes apart.
template <int N>
[[gnu::always_inline]] inline void add_tiles(float* sums, ptrdiff_t to_sums, const char* left, ptrdiff_t to_left, const int32_t* w, int chunks) {
    _tile_loadd(0, sums, to_sums);
    if constexpr (N > 1) _tile_loadd(1, sums + TILE, to_sums);
    if constexpr (N > 2) _tile_loadd(2, sums + 2 * TILE, to_sums);
    if constexpr (N > 3) _tile_loadd(3, sums + 3 * TILE, to_sums);
    for (int k = 0; k < chunks; ++k, left += 64, w += TILE * N * TILE) {
        _tile_loadd(4, left, to_left);
        _tile_loadd(6, w, N * 64);
        _tile_dpbf16ps(0, 4, 6);
        if constexpr (N > 1) {
            _tile_loadd(7, w + TILE, N * 64);
            _tile_dpbf16ps(1, 4, 7);
        }
        if constexpr (N > 2) {
            _tile_loadd(6, w + 2 * TILE, N * 64);
            _tile_dpbf16ps(2, 4, 6);
        }
        if constexpr (N > 3) {
            _tile_loadd(7, w + 3 * TILE, N * 64);
            _tile_dpbf16ps(3, 4, 7);
        }
    }
    _tile_stored(0, sums, to_sums);
    if constexpr (N > 1) _tile_stored(1, sums + TILE, to_sums);
    if constexpr (N > 2) _tile_stored(2, sums + 2 * TILE, to_sums);
    if constexpr (N > 3) _tile_stored(3, sums + 3 * TILE, to_sums);
}

// The same for 32 rows and the columns of one or two tiles, COUNT, of a panel of N, so that the panel is read once.
template <int COUNT, int N>
[[gnu::always_inline]] inline void add_tall_tiles(float* sums, ptrdiff_t to_sums, const char* left, ptrdiff_t to_left, const int32_t* w, int chunks) {
    float* const lower = sums + TILE * to_sums / 4;
    _tile_loadd(0, sums, to_sums);
    _tile_loadd(2, lower, to_sums);
    if constexpr (COUNT > 1) {
        _tile_loadd(1, sums + TILE, to_sums);
        _tile_loadd(3, lower + TILE, to_sums);
    }
    for (int k = 0; k < chunks; ++k, left += 64, w += TILE * N * TILE) {
        _tile_loadd(4, left, to_left);
        _tile_loadd(6, w, N * 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, left + TILE * to_left, to_left);
        _tile_dpbf16ps(2, 5, 6);
        if constexpr (COUNT > 1) {
            _tile_loadd(7, w + TILE, N * 64);
            _tile_dpbf16ps(1, 4, 7);
            _tile_dpbf16ps(3, 5, 7);
        }
    }
    _tile_stored(0, sums, to_sums);
    _tile_stored(2, lower, to_sums);
    if constexpr (COUNT > 1) {
        _tile_stored(1, sums + TILE, to_sums);
        _tile_stored(3, lower + TILE, to_sums);
    }
}

// sums (R, N x 16) += left . w over `groups` groups, R at most 16 or 32, with rows `to_sums` floats and `to_left` groups
// apart. The groups beyond whole tiles are added one by one.
template <int R, int N>
[[gnu::always_inline]] inline void add_in_tiles(float* sums, ptrdiff_t to_sums, const void* a, ptrdiff_t to_left, const int32_t* w, int groups) {
    static_assert(R <= TILE || R == 2 * TILE);
    const char* left = static_cast<const char*>(a);
    const int chunks = groups / TILE, done = chunks * TILE;
    if (chunks) {
        written();
        if constexpr (R <= TILE) {
            add_tiles<N>(sums, to_sums * 4, left, to_left * 4, w, chunks);
        } else {
            add_tall_tiles<(N > 1 ? 2 : 1), N>(sums, to_sums * 4, left, to_left * 4, w, chunks);
            if constexpr (N > 2) add_tall_tiles<N - 2, N>(sums + 2 * TILE, to_sums * 4, left, to_left * 4, w + 2 * TILE, chunks);
        }
        written();
    }
    if (done == groups) return;
    for (int r = 0; r < R; ++r)
        for (int n = 0; n < N; ++n) {
            float* const at = sums + r * to_sums + n * TILE;
            Floats found = load(at);
            for (int k = done; k < groups; ++k) {
                int32_t group;
                std::memcpy(&group, left + (r * to_left + k) * 4, 4);
                const Ints right = *reinterpret_cast<const LooseInts*>(w + (ptrdiff_t(k) * N + n) * TILE);
                found = (Floats)_mm512_dpbf16_ps((__m512)found, (__m512bh)right, (__m512bh)_mm512_set1_epi32(group));
            }
            store(at, found);
        }
}

// Turns a square of 16 x 16 numbers of 32 bits: to[c][k] = from[k][c]. Rows are `to_next` and `width` numbers apart.
inline void turn_square(int32_t* to, ptrdiff_t to_next, const int32_t* from, ptrdiff_t width) {
    __m512i x[16], y[16];
#pragma GCC unroll 16
    for (int k = 0; k < 16; ++k) x[k] = _mm512_loadu_si512(from + k * width);
#pragma GCC unroll 8
    for (int k = 0; k < 16; k += 2) {
        y[k] = _mm512_unpacklo_epi32(x[k], x[k + 1]);
        y[k + 1] = _mm512_unpackhi_epi32(x[k], x[k + 1]);
    }
#pragma GCC unroll 4
    for (int k = 0; k < 16; k += 4) {
        x[k] = _mm512_unpacklo_epi64(y[k], y[k + 2]);
        x[k + 1] = _mm512_unpackhi_epi64(y[k], y[k + 2]);
        x[k + 2] = _mm512_unpacklo_epi64(y[k + 1], y[k + 3]);
        x[k + 3] = _mm512_unpackhi_epi64(y[k + 1], y[k + 3]);
    }
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {  // lane q of x[k + c] has column 4 q + c of rows k to k + 3
        const __m512i even = _mm512_shuffle_i32x4(x[c], x[4 + c], 0x88), odd = _mm512_shuffle_i32x4(x[c], x[4 + c], 0xdd);
        const __m512i even_below = _mm512_shuffle_i32x4(x[8 + c], x[12 + c], 0x88), odd_below = _mm512_shuffle_i32x4(x[8 + c], x[12 + c], 0xdd);
        _mm512_storeu_si512(to + c * to_next, _mm512_shuffle_i32x4(even, even_below, 0x88));
        _mm512_storeu_si512(to + (4 + c) * to_next, _mm512_shuffle_i32x4(odd, odd_below, 0x88));
        _mm512_storeu_si512(to + (8 + c) * to_next, _mm512_shuffle_i32x4(even, even_below, 0xdd));
        _mm512_storeu_si512(to + (12 + c) * to_next, _mm512_shuffle_i32x4(odd, odd_below, 0xdd));
    }
}

// Writes 16 columns as rows: to[c][k] = from[k][c] for `depth` rows.
inline void turn_columns(int32_t* to, ptrdiff_t to_next, const int32_t* from, ptrdiff_t width, int depth) {
    int k = 0;
    for (; k + TILE <= depth; k += TILE) turn_square(to + k, to_next, from + k * width, width);
    for (; k < depth; ++k)
        for (int c = 0; c < TILE; ++c) to[c * to_next + k] = from[k * width + c];
}

#endif

}  // namespace epigone
