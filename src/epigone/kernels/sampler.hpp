// From logits to the next token of one stream, by the rules of generation/rules in the order of NATIVE_RULES.
#pragma once

#include <array>
#include <limits>
#include <numeric>
#include <vector>

#include "buffers.hpp"
#include "vectors.hpp"

namespace epigone {

// PCG64 (O'Neill 2014), with the same numbers as NumPy's from the same state.
class Random {
   public:
    Random(uint64_t state_high, uint64_t state_low, uint64_t step_high, uint64_t step_low)
        : state_(wide(state_high, state_low)), step_(wide(step_high, step_low)) {}

    double next() {  // in [0, 1), with the 53 bits of a double
        state_ = state_ * wide(0x2360ed051fc65da4, 0x4385df649fccf645) + step_;
        const uint64_t folded = uint64_t(state_ >> 64) ^ uint64_t(state_);
        const int turn = int(state_ >> 122);
        return double(((folded >> turn) | (folded << (-turn & 63))) >> 11) * 0x1p-53;
    }

   private:
    __extension__ typedef unsigned __int128 Wide;
    static Wide wide(uint64_t high, uint64_t low) { return Wide(high) << 64 | low; }
    Wide state_, step_;
};

struct SamplerOptions {
    double repetition_penalty = 1, temperature = 1, top_p = 1, min_p = 0;
    int repetition_window = 0, top_k = 0;
};

class Sampler {
   public:
    Sampler(const SamplerOptions& options, int vocabulary, const uint8_t* forbidden)
        : options_(options),
          size_(vocabulary),
          padded_((vocabulary + LANES - 1) / LANES * LANES),
          forbidden_(forbidden, forbidden + vocabulary),
          weights_(padded_, 0.0f) {
        if (options.repetition_penalty != 1) seen_.assign(vocabulary, 0);
    }

    // Draws one token. `recent` are the last tokens, `barred` those forbidden now (-1 is none). Returns a negative number
    // if the logits are not numbers or no token is allowed.
    int draw(const float* logits, double uniform, const std::array<int, 2>& barred, const std::vector<int>& recent) {
        constexpr float NONE = -std::numeric_limits<float>::infinity();
        float* w = weights_.data();
        std::copy_n(logits, size_, w);
        std::fill(w + size_, w + padded_, NONE);
        if (options_.repetition_penalty != 1) penalise(w, recent);
        for (int i = 0; i < size_; ++i) w[i] = forbidden_[i] ? NONE : w[i];
        for (const int token : barred)
            if (token >= 0) w[token] = NONE;
        const float best = highest(w);
        if (!(best < std::numeric_limits<float>::infinity()) || best == NONE) return -1;
        if (options_.temperature == 0) return int(std::find(w, w + size_, best) - w);
        const float temperature = float(std::max(options_.temperature, 1e-30));
        for (int i = 0; i < padded_; i += LANES) {
            const Floats x = (load(w + i) - best) / temperature;
            store(w + i, x > -87.0f ? exp(x) : Floats{});
        }
        if (options_.top_k > 0 && options_.top_k < size_) keep_top_k(w);
        if (options_.top_p < 1) keep_top_p(w);
        if (options_.min_p > 0)
            for (int i = 0; i < size_; ++i) w[i] = w[i] >= options_.min_p ? w[i] : 0.0f;
        return by_inversion(w, uniform);
    }

   private:
    float highest(const float* w) const {
        Floats best = load(w), poison{};
        for (int i = 0; i < padded_; i += LANES) {
            const Floats x = load(w + i);
            best = x > best ? x : best;
            poison = x == x ? poison : x;
        }
        return sum(poison) != 0 || sum(poison) != sum(poison) ? std::numeric_limits<float>::quiet_NaN() : largest(best);
    }

    void penalise(float* w, const std::vector<int>& recent) {
        const float penalty = float(options_.repetition_penalty);
        for (int token : recent)
            if (!seen_[token]) {
                seen_[token] = 1;
                w[token] = w[token] > 0 ? w[token] / penalty : w[token] * penalty;
            }
        for (int token : recent) seen_[token] = 0;
    }

    void keep_top_k(float* w) {
        rank(w);
        for (int i = options_.top_k; i < size_; ++i) w[order_[i]] = 0;
    }

    void keep_top_p(float* w) {
        rank(w);
        const double total = std::accumulate(w, w + size_, 0.0);
        double before = 0;
        for (int i = 0; i < size_; ++i) {
            const double weight = w[order_[i]];
            if (!(before < options_.top_p * total)) w[order_[i]] = 0;
            before += weight;
        }
    }

    void rank(const float* w) {  // likeliest first, among equals the lower id first
        order_.resize(size_);
        std::iota(order_.begin(), order_.end(), 0);
        std::stable_sort(order_.begin(), order_.end(), [w](int a, int b) { return w[a] > w[b]; });
    }

    // Finds the first token whose cumulative weight is above uniform x total, by blocks and then inside one.
    int by_inversion(const float* w, double uniform) const {
        double total = 0;
        for (int i = 0; i < padded_; i += LANES) total += sum(load(w + i));
        double threshold = uniform * total;
        int last = 0;
        for (int i = 0; i < padded_; i += LANES) {
            const double block = sum(load(w + i));
            if (block > threshold) {
                for (int k = i; k < i + LANES; ++k) {
                    if (w[k] > threshold) return k;
                    threshold -= w[k];
                    if (w[k] > 0) last = k;
                }
                return last;  // rounding left nothing of the block
            }
            threshold -= block;
            if (block > 0)
                for (int k = i; k < i + LANES; ++k) last = w[k] > 0 ? k : last;
        }
        return last;
    }

    const SamplerOptions options_;
    const int size_, padded_;
    const std::vector<uint8_t> forbidden_;
    Buffer<float> weights_;
    std::vector<uint8_t> seen_;
    std::vector<int> order_;
};

}  // namespace epigone
