// The head: a linear layer from the top outputs to logits, and the loss with its gradients.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "gradients.hpp"
#include "threads.hpp"

namespace epigone {

// A linear layer: weights (V, H), bias (V,), packed like the state part of a layer.
template <class Format>
struct Head {
    using Number = typename Format::Number;
    int outputs, width, panels;
    ptrdiff_t panel_size;
    Buffer<int32_t> packed;
    Buffer<float> bias, factors;

    Head(const float* weight, const float* offsets, const float* scales, int outputs, int inputs, int width)
        : outputs(outputs),
          width(width),
          panels(rounded_up(outputs, PANEL) / PANEL),
          panel_size(ptrdiff_t(width) / Format::GROUP * PANEL),
          packed(panels * panel_size),
          bias(size_t(panels) * PANEL, 0.0f),
          factors(size_t(panels) * PANEL, 0.0f) {
        for (int row = 0; row < panels * PANEL; ++row) {
            const bool used = row < outputs;
            const float* from = used ? weight + ptrdiff_t(row) * inputs : nullptr;
            const float scale = used && scales ? scales[row] : 1.0f;
            pack_row<Format>(packed.data() + row / PANEL * panel_size + row % PANEL, PANEL, from, inputs, width, scale);
            if (!used) continue;
            bias[row] = offsets[row];
            if constexpr (std::is_same_v<Format, Int8>) bias[row] -= shift(from, inputs, scale, factors[row]);
        }
    }

    int row() const { return panels * PANEL; }

    void run(const Number* h, int rows, float* logits, int from, int to) const {
        for (int panel = from; panel < to; ++panel)
            in_tiles<Format>(rows, [&](auto constant, int row) {
                constexpr int R = decltype(constant)::value;
                typename Format::Sums sums[R][4]{};
                multiply<Format, R, 0, 4>(sums, h + row * width, width / Format::GROUP, 1, packed.data() + panel * panel_size, width / Format::GROUP);
#pragma GCC unroll 8
                for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
                    for (int v = 0; v < 4; ++v) {
                        const int at = panel * PANEL + v * LANES;
                        store(logits + ptrdiff_t(row + r) * this->row() + at, load(bias.data() + at) + worth<Format>(sums[r][v], factors.data() + at));
                    }
            });
    }
};

// Returns the nats of the target under logits with any padding, and tells if no token is likelier. The logits become
// `share` times the gradient of these nats.
inline float softmax_gradient(float* logits, int outputs, int padded, int64_t target, float share, uint8_t& hit) {
    for (int i = outputs; i < padded; ++i) logits[i] = -std::numeric_limits<float>::infinity();
    Floats most = load(logits);
    for (int i = LANES; i < padded; i += LANES) {
        const Floats x = load(logits + i);
        most = x > most ? x : most;
    }
    const float best = largest(most), wanted = logits[target];
    hit = wanted == best && std::find(logits, logits + target, best) == logits + target;  // the first of equals
    Floats total{};
    for (int i = 0; i < padded; i += LANES) {
        const Floats x = load(logits + i) - best;
        const Floats e = x > -87.0f ? exp(x) : (x == x ? Floats{} : x);
        store(logits + i, e);
        total += e;
    }
    const float all = sum(total), part = share / all;
    for (int i = 0; i < padded; i += LANES) store(logits + i, load(logits + i) * part);
    logits[target] -= share;
    return std::log(all) + best - wanted;
}

// Returns the mean cross-entropy of rows (N, H) through a head, fills in which targets were the likeliest, and the
// wanted gradients (null for the others). Logits exist for a chunk of rows at a time, which saves memory with a large
// vocabulary.
template <class Format>
double cross_entropy(const float* x, int64_t rows, int inputs, const float* weight, const float* bias, int outputs,
                     const int64_t* targets, int threads, uint8_t* hits, float* dx, float* dweight, float* dbias) {
    using Number = typename Format::Number;
    constexpr int CHUNK = 512, PAIR = Format::GROUP;
    const int width = rounded_up(inputs, LANES), wide = rounded_up(inputs, PANEL);
    const Head<Format> head(weight, bias, nullptr, outputs, inputs, width);
    const int sums = head.row(), groups_of_sums = sums / PAIR;
    Buffer<int32_t> transposed(dx ? size_t(wide / PANEL) * groups_of_sums * PANEL : 0, 0);
    for (int sum = 0; sum < outputs && dx; ++sum)
        for (int i = 0; i < inputs; ++i)
            reinterpret_cast<Number*>(transposed.data())[((size_t(i / PANEL) * groups_of_sums + sum / PAIR) * PANEL + i % PANEL) * PAIR + sum % PAIR] =
                Format::number(weight[size_t(sum) * inputs + i]);
    Buffer<Number> numbers(size_t(CHUNK) * width), now(size_t(CHUNK) * sums);
    Buffer<int32_t> kept(size_t(CHUNK) / PAIR * sums);
    Buffer<float> logits(size_t(CHUNK) * sums), spread_out(dx ? size_t(CHUNK) * wide : 0);
    Buffer<float> dweights(dweight ? size_t(sums) * wide : 0, 0.0f), dbiases(sums, 0.0f), losses(rows);
    const float share_of_row = 1.0f / float(rows);
    Team::run(threads, [&](int member, Barrier& barrier) {
        for (int64_t begin = 0; begin < rows; begin += CHUNK) {
            const int count = int(std::min<int64_t>(CHUNK, rows - begin)), groups = (count + PAIR - 1) / PAIR;
            const auto [first_group, last_group] = share_of(groups, member, threads);
            const int from = first_group * PAIR, to = std::min(last_group * PAIR, count);
            if (from < to) {
                for (int r = from; r < to; ++r) {
                    Number* row = numbers.data() + size_t(r) * width;
                    const float* given = x + (begin + r) * inputs;
                    int i = 0;
                    for (; i + LANES <= inputs; i += LANES) Format::store(row + i, load(given + i));
                    for (; i < width; ++i) row[i] = i < inputs ? Format::number(given[i]) : Number(0);
                }
                head.run(numbers.data() + size_t(from) * width, to - from, logits.data() + size_t(from) * sums, 0, head.panels);
                for (int r = from; r < to; ++r)
                    losses[begin + r] = softmax_gradient(logits.data() + size_t(r) * sums, outputs, sums, targets[begin + r], share_of_row, hits[begin + r]);
                for (int r = from; r < to; r += PAIR)
                    for (int sum = 0; sum < sums; sum += LANES) {
                        const Floats first = load(logits.data() + size_t(r) * sums + sum);
                        const Floats second = r + 1 < to ? load(logits.data() + size_t(r + 1) * sums + sum) : Floats{};
                        keep_group<Format>(kept.data() + size_t(r / PAIR) * sums + sum, first, second);
                        if (PAIR > 1 && dx) {
                            Format::store(now.data() + size_t(r) * sums + sum, first);
                            if (r + 1 < to) Format::store(now.data() + size_t(r + 1) * sums + sum, second);
                        }
                    }
                if (to == count && count % PAIR) std::fill_n(numbers.data() + size_t(count) * width, width, Number(0));
                if (dx) {
                    const Number* current = PAIR > 1 ? now.data() : reinterpret_cast<const Number*>(kept.data());
                    spread<Format>(current + size_t(from) * sums, to - from, sums, transposed, wide / PANEL, spread_out.data() + size_t(from) * wide, wide);
                    for (int r = from; r < to; ++r) std::copy_n(spread_out.data() + size_t(r) * wide, inputs, dx + (begin + r) * inputs);
                }
            }
            barrier.wait();
            const auto [first_vector, last_vector] = share_of(sums / LANES, member, threads);
            const int first = first_vector * LANES, last = last_vector * LANES;
            if (dweight && first < last)
                add_product<Format>(dweights.data() + size_t(first) * wide, kept.data(), sums, first, last, numbers.data(), width, inputs, groups);
            if (dbias) add_rows<Format>(dbiases.data() + first, kept.data(), sums, first, last, groups);
            barrier.wait();
        }
    });
    for (int sum = 0; sum < outputs && dweight; ++sum) std::copy_n(dweights.data() + size_t(sum) * wide, inputs, dweight + size_t(sum) * inputs);
    if (dbias) std::copy_n(dbiases.data(), outputs, dbias);
    double total = 0;
    for (const float loss : losses) total += loss;
    return total / double(rows);
}

}  // namespace epigone
