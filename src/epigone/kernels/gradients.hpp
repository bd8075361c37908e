// The two products of a backward pass: gradients of sums times weights, and gradients of sums times inputs.
//
// "Sums" are the values of a layer or the head before its nonlinearity. Their gradients are stored in groups of rows
// (products.hpp), because rows are the inner dimension of the gradient of the weights: for bfloat16 the numbers of two
// neighbouring rows are side by side.
#pragma once

#include "layers.hpp"

namespace epigone {

constexpr int DEPTH = 256;  // groups of rows at a time in a product for weights, so that its packed panel stays in the cache

// Multiplies the gradients of some rows' sums (rows, sums), row by row, with packed weights (panels of PANEL columns
// with the sums as inner dimension), into rows that are `to_row` apart.
template <class Format>
void spread(const typename Format::Number* dsums, int rows, int sums, const Buffer<int32_t>& weights, int panels, float* to, ptrdiff_t to_row) {
    const ptrdiff_t groups = sums / Format::GROUP;
    for (int panel = 0; panel < panels; ++panel)
        in_tiles<Format>(rows, [&](auto constant, int row) {
            constexpr int R = decltype(constant)::value;
            Floats totals[R][4]{};
            multiply<Format, R, 0, 4>(totals, dsums + row * sums, groups, 1, weights.data() + panel * groups * PANEL, int(groups));
#pragma GCC unroll 8
            for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
                for (int v = 0; v < 4; ++v) store(to + (row + r) * to_row + panel * PANEL + v * LANES, totals[r][v]);
        });
}

// Packs PANEL columns of some rows in groups.
template <class Format>
void pack_panel(int32_t* to, const typename Format::Number* from, int width, int column, int groups) {
    const int count = std::min(PANEL, width - column);
    for (int k = 0; k < groups; ++k, to += PANEL, from += size_t(Format::GROUP) * width) {
        for (int c = 0; c < count; c += LANES) *reinterpret_cast<LooseInts*>(to + c) = Format::grouped(from + column + c, width);
        std::fill(to + count, to + PANEL, 0);
    }
}

// `add_product` in tiles, which want the groups of a sum side by side: `left` is turned once, and all panels are packed.
template <class Format>
void add_product_in_tiles(float* total, const int32_t* left, int sums, int from, int to, const typename Format::Number* right, int width, int columns, int groups) {
    constexpr int TALL = 2 * TILE;
    const int wide = rounded_up(columns, PANEL);
    Buffer<int32_t> panels(size_t(DEPTH) * wide), turned(size_t(TALL) * DEPTH);
    configure_tiles(TILE);
    for (int begin = 0; begin < groups; begin += DEPTH) {
        const int depth = std::min(DEPTH, groups - begin);
        for (int column = 0; column < wide; column += PANEL)
            pack_panel<Format>(panels.data() + size_t(column) * depth, right + size_t(begin) * Format::GROUP * width, width, column, depth);
        for (int sum = from; sum < to; sum += TALL) {
            const bool tall = to - sum >= TALL;
            for (int more = 0; more < (tall ? TALL : TILE); more += TILE)
                turn_columns(turned.data() + more * DEPTH, DEPTH, left + size_t(begin) * sums + sum + more, sums, depth);
            for (int column = 0; column < wide; column += PANEL) {
                float* const at = total + size_t(sum - from) * wide + column;
                const int32_t* const panel = panels.data() + size_t(column) * depth;
                if (tall) add_in_tiles<TALL, 4>(at, wide, turned.data(), DEPTH, panel, depth);
                else add_in_tiles<TILE, 4>(at, wide, turned.data(), DEPTH, panel, depth);
            }
        }
    }
    release_tiles();
}

// Adds the transpose of `left` (groups of rows, sums) times `right` (rows, width) to `total` (to - from, padded columns).
template <class Format>
void add_product(float* total, const int32_t* left, int sums, int from, int to, const typename Format::Number* right, int width, int columns, int groups) {
    const int wide = rounded_up(columns, PANEL);
    if constexpr (TILED<Format>) return add_product_in_tiles<Format>(total, left, sums, from, to, right, width, columns, groups);
    Buffer<int32_t> panel(size_t(DEPTH) * PANEL);
    for (int begin = 0; begin < groups; begin += DEPTH) {
        const int depth = std::min(DEPTH, groups - begin);
        for (int column = 0; column < wide; column += PANEL) {
            pack_panel<Format>(panel.data(), right + size_t(begin) * Format::GROUP * width, width, column, depth);
            in_tiles<Format>(to - from, [&](auto constant, int row) {
                constexpr int R = decltype(constant)::value;
                Floats tile[R][4];
                float* at = total + size_t(row) * wide + column;
#pragma GCC unroll 8
                for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
                    for (int v = 0; v < 4; ++v) tile[r][v] = load(at + r * wide + v * LANES);
                multiply<Format, R, 0, 4>(tile, left + size_t(begin) * sums + from + row, 1, sums, panel.data(), depth);
#pragma GCC unroll 8
                for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
                    for (int v = 0; v < 4; ++v) store(at + r * wide + v * LANES, tile[r][v]);
            });
        }
    }
}

// Returns row i of a group of gradients as floats.
template <class Format>
inline Floats row_of_group(const int32_t* group, int i) {
    const Ints both = *reinterpret_cast<const LooseInts*>(group);
    if constexpr (Format::GROUP == 1) return reinterpret_cast<Floats>(both);
    return reinterpret_cast<Floats>(i ? both & int32_t(0xffff0000) : both << 16);
}

// Adds up the rows of gradients.
template <class Format>
void add_rows(float* total, const int32_t* left, int sums, int from, int to, int groups) {
    for (int group = 0; group < groups; ++group)
        for (int sum = from; sum < to; sum += LANES) {
            Floats found = load(total + sum - from);
            for (int i = 0; i < Format::GROUP; ++i) found += row_of_group<Format>(left + size_t(group) * sums + sum, i);
            store(total + sum - from, found);
        }
}

// Stores LANES gradients of one row, or of two neighbouring rows, as a group.
template <class Format>
inline void keep_group(int32_t* to, Floats first, Floats second) {
    if constexpr (Format::GROUP == 1) store(reinterpret_cast<float*>(to), first);
    else *reinterpret_cast<LooseInts*>(to) = Format::paired(first, second);
}

}  // namespace epigone
