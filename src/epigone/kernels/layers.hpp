// One layer: its packed weights, and one step for some rows.
//
// PACKING
//   The units of a layer are cut into panels with four vectors of sums each (see cells.hpp). A panel holds its weights in
//   the order in which a step reads them: for each group of inputs (32 bits: 1, 2 or 4 numbers) the vectors of the panel,
//   then the same for each group of the state. So a step reads every weight once, front to back.
//
//       panel p:  [input group 0: v0 v1 v2 v3] [input group 1: ...] ... [state group 0: v0 v1 v2 v3] ...
//
//   Units are padded to whole panels with weights of zero; a padded unit stays at zero, or at a constant that no
//   weight reads. If the input is a token, its contribution is a row of a table and the input part is empty.
//
// A STEP
//   For each panel, for each tile of rows: the sums grow over input and state, become the cell's slots while they are
//   in registers, and leave as the new state. A panel stays in the nearest cache while the rows pass.
#pragma once

#include "buffers.hpp"
#include "cells.hpp"
#include "products.hpp"

namespace epigone {

constexpr int PANEL = 4 * LANES;  // sums in a panel

inline int rounded_up(int size, int to) { return (size + to - 1) / to * to; }

// A layer's weights in PyTorch's layout: rows are gates x units.
struct Weights {
    const float* ih;  // (G*H, I)
    const float* hh;  // (G*H, H)
    const float* bias_ih;
    const float* bias_hh;
    const float* scales_ih;  // (G*H,) of int8 weights, null otherwise
    const float* scales_hh;
};

// Converts a weight to a format; for int8 it comes divided by its row's scale.
template <class Format>
inline typename Format::Number packed_weight(float x) {
    if constexpr (std::is_same_v<Format, Int8>) return int8_t(std::lrintf(x));
    else return Format::number(x);
}

// Packs one row of a matrix (null for zeros) into its lane: a group every `stride` groups, padded with zeros.
template <class Format>
inline void pack_row(int32_t* to, ptrdiff_t stride, const float* from, int columns, int padded, float scale) {
    for (int k = 0; k < padded; k += Format::GROUP, to += stride) {
        typename Format::Number group[Format::GROUP];
        for (int i = 0; i < Format::GROUP; ++i)
            group[i] = from && k + i < columns ? packed_weight<Format>(from[k + i] / scale) : 0;
        std::memcpy(to, group, 4);
    }
}

// Returns the surplus in the sum of a row of int8 weights due to shifted activations, and sets the value of a sum of 1.
inline float shift(const float* row, int columns, float scale, float& factor) {
    double total = 0;
    for (int k = 0; k < columns; ++k) total += packed_weight<Int8>(row[k] / scale);
    factor = scale / Int8::UNIT;
    return float(total * Int8::SHIFT * factor);
}

// Converts sums to floats; int8 sums count multiples of `factors`.
template <class Format>
inline Floats worth(typename Format::Sums sums, const float* factors) {
    if constexpr (Format::WHOLE)
        return __builtin_convertvector(sums, Floats) * load(factors);
    else if constexpr (std::is_same_v<Format, Int8>)
        return sums * load(factors);
    else
        return sums;
}

template <class Format, class Cell>
struct Layer {
    using Number = typename Format::Number;
    static constexpr int UNITS = PANEL / Cell::SLOTS;  // in a panel

    int units, width;            // H, and padded
    int inputs, input_width;     // I, and padded; 0 where the input is a token
    int panels;
    ptrdiff_t panel_size;        // in groups
    Buffer<int32_t> packed;
    Buffer<float> start;         // the first values of the sums (biases): panels * PANEL
    Buffer<float> table;         // (V, panels * PANEL): the same for each token, with its weights
    Buffer<float> by_input, by_state;  // for int8, the value of a sum of 1 over the input and over the state
    int tokens = 0;

    int sums() const { return panels * PANEL; }
    const float* start_of(int64_t token) const { return table.empty() ? start.data() : table.data() + token * sums(); }

    // The slot and the unit of a sum.
    struct Place {
        int slot, unit;
    };
    static Place place(int sum) {
        const int panel = sum / PANEL, vector = sum % PANEL / LANES, lane = sum % LANES;
        if constexpr (Cell::SLOTS == 1) return {0, panel * UNITS + vector * LANES + lane};
        return {vector, panel * UNITS + lane};
    }

    // For a layer that reads tokens, `tokens` is V and `inputs` 0.
    Layer(int units, int inputs, int tokens)
        : units(units),
          width(rounded_up(units, UNITS)),
          inputs(inputs),
          input_width(rounded_up(inputs, UNITS)),
          panels(width / UNITS),
          panel_size(ptrdiff_t(input_width + width) / Format::GROUP * Cell::VECTORS * LANES),
          packed(panels * panel_size),
          start(sums()),
          table(size_t(tokens) * sums()),
          by_input(std::is_same_v<Format, Int8> ? sums() : 0, 0.0f),
          by_state(by_input.size(), 0.0f),
          tokens(tokens) {}

    // Packs the panels from `from` to `to` of a layer's weights.
    void pack(const Weights& weights, int from, int to) {
        for (int panel = from; panel < to; ++panel) {
            int32_t* to_input = packed.data() + panel * panel_size;
            int32_t* to_state = to_input + ptrdiff_t(input_width) / Format::GROUP * Cell::VECTORS * LANES;
            for (int v = 0; v < Cell::VECTORS; ++v)
                for (int lane = 0; lane < LANES; ++lane) {
                    const int at = panel * PANEL + v * LANES + lane;
                    if (inputs) pack_gate(to_input + v * LANES + lane, at + Cell::INPUT_FROM * LANES, weights.ih, inputs, input_width, Cell::INPUT_GATE, weights.scales_ih);
                    pack_gate(to_state + v * LANES + lane, at + Cell::STATE_FROM * LANES, weights.hh, units, width, Cell::STATE_GATE, weights.scales_hh);
                }
            for (int sum = panel * PANEL; sum < (panel + 1) * PANEL; ++sum) begin(weights, sum);
        }
    }

   private:
    void pack_gate(int32_t* to, int sum, const float* matrix, int columns, int padded, const int* gates, const float* scales) {
        const Place at = place(sum);
        const bool used = at.unit < units && gates[at.slot] >= 0;
        const ptrdiff_t row = used ? ptrdiff_t(gates[at.slot]) * units + at.unit : 0;
        pack_row<Format>(to, Cell::VECTORS * LANES, used ? matrix + row * columns : nullptr, columns, padded, scales ? scales[row] : 1.0f);
    }

    // Sets the first value of a sum: biases, the token's weights, and for int8 minus the surplus of shifted activations.
    void begin(const Weights& weights, int sum) {
        const Place at = place(sum);
        const int input_gate = at.unit < units ? Cell::INPUT_GATE[at.slot] : -1;
        const int state_gate = at.unit < units ? Cell::STATE_GATE[at.slot] : -1;
        const ptrdiff_t input_row = ptrdiff_t(input_gate) * units + at.unit;
        const ptrdiff_t state_row = ptrdiff_t(state_gate) * units + at.unit;
        float bias = 0;
        if (input_gate >= 0) bias += weights.bias_ih[input_row];
        if (state_gate >= 0) bias += weights.bias_hh[state_row];
        if constexpr (std::is_same_v<Format, Int8>) {
            if (input_gate >= 0 && inputs) bias -= shift(weights.ih + input_row * inputs, inputs, weights.scales_ih[input_row], by_input[sum]);
            if (state_gate >= 0) bias -= shift(weights.hh + state_row * units, units, weights.scales_hh[state_row], by_state[sum]);
        }
        start[sum] = bias;
        for (int64_t token = 0; token < tokens; ++token)
            table[token * sums() + sum] = bias + (input_gate >= 0 ? weights.ih[input_row * tokens + token] : 0.0f);
    }
};

// The inputs and outputs of one step of some rows. A row of a Number array is as wide as the padded layer; null means
// not wanted, or not there.
template <class Format>
struct Step {
    using Number = typename Format::Number;
    int rows;
    const Number* x = nullptr;              // (rows, padded inputs)
    const Number* h = nullptr;              // (rows, width)
    const float* const* start = nullptr;    // (rows): the first values of each row's sums
    const float* carry = nullptr;           // (rows, width)
    float* next_carry = nullptr;            // (rows, width); may be the same
    Number* next_h = nullptr;               // (rows, width)
    Number* slots = nullptr;                // (rows, sums), for the backward pass
    float* output = nullptr;                // (rows, H)
    const float* mask = nullptr;            // (rows, H): dropout on the input of the layer above
    Number* masked = nullptr;               // (rows, width)
    const float* held_h = nullptr;          // (width): the values at which units are held, or NaN
    const float* held_carry = nullptr;      // (width), if the former is there
};

template <int R, class Format, class Cell>
inline void step_tile(const Layer<Format, Cell>& layer, const Step<Format>& step, int panel, int row) {
    typename Format::Sums sums[R][4]{};
    const int32_t* w = layer.packed.data() + panel * layer.panel_size;
    const ptrdiff_t x_row = layer.input_width / Format::GROUP, h_row = layer.width / Format::GROUP;
    if (layer.inputs) {
        multiply<Format, R, Cell::INPUT_FROM, Cell::VECTORS>(sums, step.x + row * layer.input_width, x_row, 1, w, x_row);
        w += x_row * Cell::VECTORS * LANES;
    }
    Floats slots[R][4];
    const int first = panel * PANEL;
    if constexpr (std::is_same_v<Format, Int8>) {  // the state has another scale: sums over the input end here
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
            for (int v = 0; v < 4; ++v) {
                slots[r][v] = worth<Format>(sums[r][v], layer.by_input.data() + first + v * LANES);
                sums[r][v] = typename Format::Sums{};
            }
    }
    multiply<Format, R, Cell::STATE_FROM, Cell::VECTORS>(sums, step.h + row * layer.width, h_row, 1, w, h_row);

#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < 4; ++v) {
            const Floats found = load(step.start[row + r] + first + v * LANES) + worth<Format>(sums[r][v], layer.by_state.data() + first + v * LANES);
            if constexpr (std::is_same_v<Format, Int8>) slots[r][v] += found;
            else slots[r][v] = found;
        }

    for (int r = 0; r < R; ++r) {
        for (int v = 0; v < 4; v += Cell::SLOTS) {
            const int unit = panel * layer.UNITS + (Cell::SLOTS == 1 ? v * LANES : 0), left = layer.units - unit;
            const ptrdiff_t at = ptrdiff_t(row + r) * layer.width + unit;
            Floats h, next;
            Cell::forward(slots[r] + v, load(step.carry + at), h, next);
            if (step.held_h) Cell::hold(slots[r] + v, load(step.held_h + unit), load(step.held_carry + unit), h, next);
            store(step.next_carry + at, next);
            Format::store(step.next_h + at, h);
            if (step.slots)
                for (int s = 0; s < Cell::SLOTS; ++s)
                    Format::store(step.slots + ptrdiff_t(row + r) * layer.sums() + panel * PANEL + (v + s) * LANES, slots[r][v + s]);
            if (step.masked && left <= 0) Format::store(step.masked + at, Floats{});
            if (left <= 0) continue;
            const ptrdiff_t plain = ptrdiff_t(row + r) * layer.units + unit;
            if (step.output) store_part(step.output + plain, h, left);
            if (step.masked) Format::store(step.masked + at, h * load_part(step.mask + plain, left));
        }
    }
}

// Makes one step of the panels from `from` to `to`.
template <class Format, class Cell>
void step_rows(const Layer<Format, Cell>& layer, const Step<Format>& step, int from, int to) {
    for (int panel = from; panel < to; ++panel)
        in_tiles<Format>(step.rows, [&](auto r, int row) { step_tile<decltype(r)::value>(layer, step, panel, row); });
}

}  // namespace epigone
