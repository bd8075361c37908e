// A stack of layers over a whole sequence, forward and backward, for one training step.
//
// ORDER OF TIME AND BATCH
//   Forward:  each thread takes some rows of the batch through all time steps of the lowest layer, then of the next; rows
//             never wait for each other.
//   Backward: some time steps at a time, the last ones first; in these, layers from the top, and in a layer time steps
//             from the last. A step turns the gradient of its output into gradients of its sums, and these into the
//             gradients of the output one step earlier and of the input. Rows are divided as before.
//   Weights:  after each layer of such a piece all threads meet. Each adds the contribution of all rows and steps of the
//             piece to the gradients of some sums' weights: one product whose inner dimension is time x batch. The piece
//             is as short as that product allows, so that nothing between the layers leaves the caches. A number is
//             summed in the same order with any number of threads, so that results do not depend on it.
//
//   A product takes its inner dimension in groups (products.hpp). The inner dimension of the gradient of the weights is
//   time x batch, so there the numbers of neighbouring rows are together; the batch is padded to whole groups.
#pragma once

#include "gradients.hpp"
#include "layers.hpp"
#include "threads.hpp"

namespace epigone {

// The gradients of a layer's weights, in the layout of the weights; null for those not wanted.
struct Gradients {
    float* ih = nullptr;
    float* hh = nullptr;
    float* bias_ih = nullptr;
    float* bias_hh = nullptr;
    bool any() const { return ih || hh || bias_ih || bias_hh; }
};

// The input: token ids or features, a state, and dropout masks for the input of each layer above the lowest.
struct Fed {
    int steps, batch;                    // T, B
    const int64_t* tokens = nullptr;     // (T, B)
    const float* features = nullptr;     // (T, B, I)
    const float* h = nullptr;            // (L, B, H)
    const float* c = nullptr;            // (L, B, H), or null
    std::vector<const float*> masks;     // for each layer (steps, B, H), or null
    int mask_steps = 1;                  // T, or 1 for one mask at all steps
};

// The result: outputs of the top layer (T, B, H) and the state after the last step, each (L, B, H).
struct Out {
    float* outputs;
    float* h;
    float* c;
};

// The gradients of `outputs`, `h` and `c` (null for zero) that come in, and those that go out.
struct Backward {
    const float* d_outputs;
    const float* d_h;
    const float* d_c;
    std::vector<Gradients> weights;   // for each layer
    float* d_features = nullptr;      // (T, B, I)
    float* d_h0 = nullptr;            // (L, B, H)
    float* d_c0 = nullptr;            // (L, B, H)
    int lowest = 0;                   // layers below need no gradients
};

// A sequence of any number format and cell.
class AnySequence {
   public:
    virtual ~AnySequence() = default;
    virtual void forward(const Out& out) = 0;
    virtual void backward(const Backward& asked) = 0;
};

template <class Format, class Cell>
class Sequence : public AnySequence {
    using Number = typename Format::Number;
    using L = Layer<Format, Cell>;
    static constexpr int PAIR = Format::GROUP;  // rows that are together for the gradients of the weights
    static constexpr bool CARRIES_C = std::is_same_v<Cell, Lstm>;
    static constexpr int CHUNK = DEPTH * PAIR;  // rows x steps at a time in the backward pass, at least

   public:
    Sequence(const Fed& fed, const std::vector<Weights>& weights, int units, int inputs, int tokens, int threads, bool keep)
        : fed_(fed), weights_(weights), keep_(keep) {
        padded_ = rounded_up(fed.batch, PAIR);
        threads_ = std::max(1, std::min(threads, padded_ / PAIR));
        const size_t steps = fed.steps;
        for (size_t l = 0; l < weights.size(); ++l) {
            layers_.emplace_back(units, l ? units : inputs, l || inputs ? 0 : tokens);
            const L& layer = layers_.back();
            const size_t row = size_t(padded_) * layer.width;
            h_.emplace_back((steps + 1) * row);
            carry_.emplace_back((keep ? steps + 1 : 1) * row);
            slots_.emplace_back(keep ? steps * fed.batch * layer.sums() : 0);
            x_.emplace_back(l ? (fed.masks[l] ? steps * row : 0) : steps * padded_ * layer.input_width);
        }
    }

    void forward(const Out& out) override {
        Team::run(threads_, [&](int member, Barrier& barrier) {
            for (size_t l = 0; l < layers_.size(); ++l) {
                const auto [from, to] = share_of(layers_[l].panels, member, threads_);
                layers_[l].pack(weights_[l], from, to);
            }
            barrier.wait();
            const auto [from, to] = rows_of(member);
            if (from < to)
                for (size_t l = 0; l < layers_.size(); ++l) forward_layer(l, out, from, to);
        });
    }

    void backward(const Backward& asked) override {
        const int count = int(layers_.size()), steps = fed_.steps;
        const int chunk = std::min(steps, rounded_up(CHUNK, padded_) / padded_);
        std::vector<Transposed> transposed(count);
        for (int l = asked.lowest; l < count; ++l) transposed[l] = Transposed(layers_[l], l > asked.lowest || (l == 0 && asked.d_features));
        Buffer<Number> dsums[2];
        for (auto& buffer : dsums) buffer = Buffer<Number>(size_t(chunk) * padded_ * layers_[0].sums());
        Team::run(threads_, [&](int member, Barrier& barrier) {
            for (int l = asked.lowest; l < count; ++l) transposed[l].pack(layers_[l], weights_[l], member, threads_);
            barrier.wait();
            const auto [from, to] = rows_of(member);
            const int rows = std::max(0, to - from);
            std::vector<Carried> carried(count);
            std::vector<Totals> totals(count);
            for (int l = asked.lowest; l < count; ++l) {
                carried[l] = Carried(l, asked, *this, from, rows);
                totals[l] = Totals(layers_[l], asked.weights[l], share_of(layers_[l].sums() / LANES, member, threads_));
            }
            Buffer<float> dx[2];  // of the layer above, of the layer below
            for (auto& buffer : dx) buffer = Buffer<float>(count > 1 ? size_t(chunk) * rows * rounded_up(layers_[0].units, PANEL) : 0);
            bool turn = false;  // a thread may be one layer ahead of the others, whose sums it must not overwrite
            for (int stop = steps; stop > 0; stop -= chunk) {
                const Span span{std::max(0, stop - chunk), stop};
                for (int l = count - 1; l >= asked.lowest; --l, turn = !turn) {
                    if (rows) backward_layer(l, asked, transposed[l], carried[l], dx[(l + 1) % 2], dx[l % 2], dsums[turn], span, from, rows);
                    barrier.wait();
                    add_gradients(l, totals[l], dsums[turn], span);
                }
            }
            for (int l = asked.lowest; l < count; ++l) {
                carried[l].finish(l, asked, *this, from, rows);
                totals[l].finish(layers_[l], asked.weights[l]);
            }
        });
    }

   private:
    // The weights of a layer with sums as the inner dimension: panels of PANEL units or inputs.
    struct Transposed {
        Buffer<int32_t> hh, ih;
        int sums = 0, units = 0, inputs = 0;  // panels of each

        Transposed() = default;
        Transposed(const L& layer, bool below)
            : sums(layer.sums()),
              units(rounded_up(layer.units, PANEL) / PANEL),
              inputs(below ? rounded_up(layer.inputs, PANEL) / PANEL : 0) {
            hh = Buffer<int32_t>(size_t(units) * sums / Format::GROUP * PANEL);
            ih = Buffer<int32_t>(size_t(inputs) * sums / Format::GROUP * PANEL);
        }

        void pack(const L& layer, const Weights& weights, int member, int members) {
            const int groups = sums / Format::GROUP;
            for (int group = groups * member / members; group < groups * (member + 1) / members; ++group) {
                pack_group(hh, units, group, layer, weights.hh, layer.units, Cell::STATE_GATE);
                if (inputs) pack_group(ih, inputs, group, layer, weights.ih, layer.inputs, Cell::INPUT_GATE);
            }
        }

        void pack_group(Buffer<int32_t>& to, int panels, int group, const L& layer, const float* matrix, int columns,
                        const int* gates) {
            const float* rows[Format::GROUP];
            for (int i = 0; i < Format::GROUP; ++i) {
                const auto at = L::place(group * Format::GROUP + i);
                const bool used = at.unit < layer.units && gates[at.slot] >= 0;
                rows[i] = used ? matrix + (ptrdiff_t(gates[at.slot]) * layer.units + at.unit) * columns : nullptr;
            }
            for (int panel = 0; panel < panels; ++panel) {
                Number* out = reinterpret_cast<Number*>(to.data() + (size_t(panel) * (sums / Format::GROUP) + group) * PANEL);
                const int width = std::min(PANEL, columns - panel * PANEL);
                for (int i = 0; i < Format::GROUP; ++i) {
                    int k = 0;
                    if (rows[i])
                        for (; k < width; ++k) out[k * Format::GROUP + i] = Format::number(rows[i][panel * PANEL + k]);
                    for (; k < PANEL; ++k) out[k * Format::GROUP + i] = 0;
                }
            }
        }
    };

    std::pair<int, int> rows_of(int member) const {  // whole groups, so that no two threads share one
        const auto [from, to] = share_of(padded_ / PAIR, member, threads_);
        return {from * PAIR, std::min(to * PAIR, fed_.batch)};
    }

    // (steps + 1, padded batch, width): the state before step t, row b.
    Number* h_at(size_t l, int t, int b) { return h_[l].data() + (size_t(t) * padded_ + b) * layers_[l].width; }
    float* carry_at(size_t l, int t, int b) {
        return carry_[l].data() + (size_t(keep_ ? t : 0) * padded_ + b) * layers_[l].width;
    }
    Number* slots_at(size_t l, int t, int b) { return slots_[l].data() + (size_t(t) * fed_.batch + b) * layers_[l].sums(); }
    // (steps, padded batch, padded inputs): the input of layer l; null for tokens.
    Number* x_at(size_t l, int t, int b) {
        if (l && !fed_.masks[l]) return h_at(l - 1, t + 1, b);
        return x_[l].empty() ? nullptr : x_[l].data() + (size_t(t) * padded_ + b) * layers_[l].input_width;
    }
    const float* mask_at(size_t l, int t, int b) const {
        return fed_.masks[l] + (size_t(fed_.mask_steps == 1 ? 0 : t) * fed_.batch + b) * layers_[l].units;
    }

    // Converts the numbers of a row and pads them with zeros.
    static void fill_row(Number* to, const float* from, int size, int width) {
        for (int i = 0; i < size; ++i) to[i] = Format::number(from[i]);
        std::fill(to + size, to + width, Number(0));
    }

    void forward_layer(size_t l, const Out& out, int from, int to) {
        const L& layer = layers_[l];
        const int units = layer.units, batch = fed_.batch, last = to == batch ? padded_ : to;
        for (int b = from; b < last; ++b) {
            const bool real = b < batch;
            const float* h0 = fed_.h + (l * batch + b) * units;
            const float* carried = CARRIES_C ? fed_.c + (l * batch + b) * units : h0;
            fill_row(h_at(l, 0, b), h0, real ? units : 0, layer.width);
            std::fill_n(carry_at(l, 0, b), layer.width, 0.0f);
            if (real) std::copy_n(carried, units, carry_at(l, 0, b));
            for (int t = 0; t < fed_.steps && !real; ++t) {  // empty rows that complete a group
                std::fill_n(h_at(l, t + 1, b), layer.width, Number(0));
                if (!x_[l].empty()) std::fill_n(x_at(l, t, b), layer.input_width, Number(0));
            }
            for (int t = 0; t < fed_.steps && real && l == 0 && layer.inputs; ++t)
                fill_row(x_at(0, t, b), fed_.features + (size_t(t) * batch + b) * layer.inputs, layer.inputs, layer.input_width);
        }
        const bool top = l + 1 == layers_.size();
        std::vector<const float*> start(to - from, layer.start.data());
        for (int t = 0; t < fed_.steps; ++t) {
            if (!layer.table.empty())
                for (int b = from; b < to; ++b) start[b - from] = layer.start_of(fed_.tokens[size_t(t) * batch + b]);
            Step<Format> step{to - from};
            step.x = x_at(l, t, from);
            step.h = h_at(l, t, from);
            step.start = start.data();
            step.carry = carry_at(l, t, from);
            step.next_carry = carry_at(l, t + 1, from);
            step.next_h = h_at(l, t + 1, from);
            if (keep_) step.slots = slots_at(l, t, from);
            if (top) step.output = out.outputs + (size_t(t) * batch + from) * units;
            else if (t + 1 == fed_.steps) step.output = out.h + (l * batch + from) * units;
            if (!top && fed_.masks[l + 1]) {
                step.mask = mask_at(l + 1, t, from);
                step.masked = x_at(l + 1, t, from);
            }
            step_rows(layer, step, 0, layer.panels);
        }
        if (top)
            std::copy_n(out.outputs + (size_t(fed_.steps - 1) * batch + from) * units, size_t(to - from) * units,
                        out.h + (l * batch + from) * units);
        if (CARRIES_C)
            for (int b = from; b < to; ++b) std::copy_n(carry_at(l, fed_.steps, b), units, out.c + (l * batch + b) * units);
    }

    // Steps from `start` up to `stop`.
    struct Span {
        int start, stop;
    };

    // The gradients of the state of some rows, carried from step to step.
    struct Carried {
        Buffer<float> dh, dcarry;  // (rows, padded units)
        int wide = 0;              // of a row of `dh`

        Carried() = default;
        Carried(size_t l, const Backward& asked, const Sequence& of, int from, int rows) : wide(rounded_up(of.layers_[l].units, PANEL)) {
            const L& layer = of.layers_[l];
            dh = Buffer<float>(size_t(rows) * wide, 0.0f);
            dcarry = Buffer<float>(size_t(rows) * layer.width, 0.0f);
            for (int r = 0; r < rows; ++r) {
                const size_t at = (l * of.fed_.batch + from + r) * layer.units;
                if (asked.d_h) std::copy_n(asked.d_h + at, layer.units, dh.data() + size_t(r) * wide);
                if (CARRIES_C && asked.d_c) std::copy_n(asked.d_c + at, layer.units, dcarry.data() + size_t(r) * layer.width);
            }
        }

        void finish(size_t l, const Backward& asked, const Sequence& of, int from, int rows) const {
            const L& layer = of.layers_[l];
            for (int r = 0; r < rows; ++r) {
                const size_t at = (l * of.fed_.batch + from + r) * layer.units;
                for (int i = 0; i < layer.units; ++i) {
                    const float direct = dcarry[size_t(r) * layer.width + i];
                    if (asked.d_h0) asked.d_h0[at + i] = dh[size_t(r) * wide + i] + (CARRIES_C ? 0.0f : direct);
                    if (CARRIES_C && asked.d_c0) asked.d_c0[at + i] = direct;
                }
            }
        }
    };

    void backward_layer(size_t l, const Backward& asked, const Transposed& transposed, Carried& carried, const Buffer<float>& above,
                        Buffer<float>& below, Buffer<Number>& dsums, Span span, int from, int rows) {
        const L& layer = layers_[l];
        const int units = layer.units, batch = fed_.batch, sums = layer.sums();
        const bool top = l + 1 == layers_.size();
        const int wide = carried.wide, wide_features = transposed.inputs * PANEL;
        Buffer<float>&dh = carried.dh, &dcarry = carried.dcarry;
        Buffer<float> dfeatures(l == 0 && asked.d_features ? size_t(rows) * wide_features : 0);
        Buffer<Number> now(PAIR == 1 ? 0 : size_t(rows) * sums);  // gradients of the sums at this step, row by row
        for (int t = span.stop - 1; t >= span.start; --t) {
            const size_t row = size_t(t - span.start) * rows;  // the first, in the arrays of this chunk
            const float* dout = top ? asked.d_outputs + (size_t(t) * batch + from) * units : above.data() + row * wide;
            const ptrdiff_t dout_row = top ? units : wide;
            Number* kept = dsums.data() + (size_t(t - span.start) * padded_ + from) * sums;
            for (int r = 0; r < rows; r += PAIR) {
                for (int panel = 0; panel < layer.panels; ++panel) {
                    for (int v = 0; v < 4; v += Cell::SLOTS) {
                        Floats slots[PAIR][Cell::SLOTS];
                        const int unit = panel * L::UNITS + (Cell::SLOTS == 1 ? v * LANES : 0), left = units - unit;
                        for (int i = 0; i < PAIR; ++i) {
                            if (r + i >= rows || left <= 0) {  // an empty row or padded units
                                std::fill_n(slots[i], Cell::SLOTS, Floats{});
                                continue;
                            }
                            const int b = from + r + i;
                            const Number* saved = slots_at(l, t, b) + panel * PANEL + v * LANES;
                            if (t) prefetch(slots_at(l, t - 1, b) + panel * PANEL + v * LANES, Cell::SLOTS * LANES * sizeof(Number));
                            for (int s = 0; s < Cell::SLOTS; ++s) slots[i][s] = Format::load(saved + s * LANES);
                            const ptrdiff_t at = ptrdiff_t(r + i) * layer.width + unit;
                            Floats dcarried = load(dcarry.data() + at);
                            const Floats d = load_part(dout + (r + i) * dout_row + unit, left) + load(dh.data() + ptrdiff_t(r + i) * wide + unit);
                            Cell::backward(slots[i], load(carry_at(l, t, b) + unit), load(carry_at(l, t + 1, b) + unit), d, dcarried);
                            store(dcarry.data() + at, dcarried);
                        }
                        for (int s = 0; s < Cell::SLOTS; ++s) {
                            const int sum = panel * PANEL + (v + s) * LANES;
                            keep_group<Format>(reinterpret_cast<int32_t*>(kept + ptrdiff_t(r) * sums) + sum, slots[0][s], slots[PAIR - 1][s]);
                            for (int i = 0; PAIR > 1 && i < PAIR && r + i < rows; ++i)
                                Format::store(now.data() + ptrdiff_t(r + i) * sums + sum, slots[i][s]);
                        }
                    }
                }
            }
            const Number* current = PAIR == 1 ? kept : now.data();
            spread<Format>(current, rows, sums, transposed.hh, transposed.units, dh.data(), wide);
            if (!transposed.inputs) continue;
            if (l == 0) {
                spread<Format>(current, rows, sums, transposed.ih, transposed.inputs, dfeatures.data(), wide_features);
                for (int r = 0; r < rows; ++r)
                    std::copy_n(dfeatures.data() + size_t(r) * wide_features, layer.inputs,
                                asked.d_features + (size_t(t) * batch + from + r) * layer.inputs);
            } else {
                float* dx = below.data() + row * wide;
                spread<Format>(current, rows, sums, transposed.ih, transposed.inputs, dx, wide);
                for (int r = 0; r < rows && fed_.masks[l]; ++r) {
                    const float* mask = mask_at(l, t, from + r);
                    for (int i = 0; i < units; ++i) dx[size_t(r) * wide + i] *= mask[i];
                }
            }
        }
    }

    // The gradients of the weights of some sums.
    struct Totals {
        Buffer<float> hh, ih, bias;  // (to - from, padded columns) each; (tokens, to - from) of a layer that reads tokens
        int from = 0, to = 0;        // sums

        Totals() = default;
        Totals(const L& layer, const Gradients& asked, std::pair<int, int> vectors) : from(vectors.first * LANES), to(vectors.second * LANES) {
            const size_t sums = to - from;
            if (asked.hh) hh = Buffer<float>(sums * rounded_up(layer.units, PANEL), 0.0f);
            if (asked.ih) ih = Buffer<float>(sums * (layer.inputs ? rounded_up(layer.inputs, PANEL) : layer.tokens), 0.0f);
            if (asked.bias_ih || asked.bias_hh) bias = Buffer<float>(sums, 0.0f);
        }

        void finish(const L& layer, const Gradients& asked) const {
            for (int sum = from; sum < to; ++sum) {
                const auto at = L::place(sum);
                if (at.unit >= layer.units) continue;
                const int by_input = Cell::INPUT_GATE[at.slot], by_state = Cell::STATE_GATE[at.slot];
                const ptrdiff_t input_row = ptrdiff_t(by_input) * layer.units + at.unit, state_row = ptrdiff_t(by_state) * layer.units + at.unit;
                if (asked.hh && by_state >= 0)
                    std::copy_n(hh.data() + size_t(sum - from) * rounded_up(layer.units, PANEL), layer.units, asked.hh + state_row * layer.units);
                if (asked.ih && by_input >= 0 && layer.inputs)
                    std::copy_n(ih.data() + size_t(sum - from) * rounded_up(layer.inputs, PANEL), layer.inputs, asked.ih + input_row * layer.inputs);
                if (asked.ih && by_input >= 0 && !layer.inputs)
                    for (ptrdiff_t token = 0; token < layer.tokens; ++token)
                        asked.ih[input_row * layer.tokens + token] = ih[token * (to - from) + sum - from];
                if (asked.bias_ih && by_input >= 0) asked.bias_ih[input_row] = bias[sum - from];
                if (asked.bias_hh && by_state >= 0) asked.bias_hh[state_row] = bias[sum - from];
            }
        }
    };

    // Adds the contribution of some steps of all rows to the gradients of the weights.
    void add_gradients(size_t l, Totals& totals, const Buffer<Number>& dsums, Span span) {
        const L& layer = layers_[l];
        const int sums = layer.sums(), from = totals.from, to = totals.to;
        if (from == to) return;
        const int32_t* left = reinterpret_cast<const int32_t*>(dsums.data());
        const int groups = (span.stop - span.start) * padded_ / PAIR, start = span.start;
        if (!totals.hh.empty()) add_product<Format>(totals.hh.data(), left, sums, from, to, h_at(l, start, 0), layer.width, layer.units, groups);
        if (!totals.ih.empty() && layer.inputs)
            add_product<Format>(totals.ih.data(), left, sums, from, to, x_at(l, start, 0), layer.input_width, layer.inputs, groups);
        if (!totals.ih.empty() && !layer.inputs) add_by_token(totals.ih.data(), left, sums, from, to, span);
        if (!totals.bias.empty()) add_rows<Format>(totals.bias.data(), left, sums, from, to, groups);
    }

    // Adds gradients of the sums to those of the token at the input: (tokens, to - from).
    void add_by_token(float* total, const int32_t* left, int sums, int from, int to, Span span) {
        for (int t = span.start; t < span.stop; ++t)
            for (int b = 0; b < fed_.batch; ++b) {
                const int32_t* group = left + (size_t(t - span.start) * padded_ + b) / PAIR * sums;
                float* row = total + size_t(fed_.tokens[size_t(t) * fed_.batch + b]) * (to - from);
                for (int sum = from; sum < to; sum += LANES, row += LANES) store(row, load(row) + row_of_group<Format>(group + sum, b % PAIR));
            }
    }

    const Fed fed_;
    const std::vector<Weights> weights_;
    const bool keep_;
    int padded_, threads_;
    std::vector<L> layers_;
    std::vector<Buffer<Number>> h_, x_, slots_;
    std::vector<Buffer<float>> carry_;
};

}  // namespace epigone
