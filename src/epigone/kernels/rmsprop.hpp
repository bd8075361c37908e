// One step of RMSprop (Hinton 2012) in one pass over the numbers, because reading and writing them takes longest.
#pragma once

#include "threads.hpp"
#include "vectors.hpp"

namespace epigone {

// A weight, its gradient, and the running mean of the gradient's squares.
struct Learning {
    float* weight;
    const float* gradient;
    float* square;
    int64_t size;
};

class Rmsprop {
   public:
    Rmsprop(double lr, double alpha, double eps, double weight_decay)
        : lr_(float(lr)), kept_(float(alpha)), added_(float(1 - alpha)), eps_(float(eps)), weight_decay_(float(weight_decay)) {}

    void step(const std::vector<Learning>& all, int threads) const {
        Team::run(threads, [&](int member, Barrier&) {
            for (const Learning& each : all) {
                const auto [from, to] = share_of(each.size, member, threads);
                for (int64_t i = from; i < to; i += LANES) part(each, i, int(std::min<int64_t>(LANES, to - i)));
            }
        });
    }

   private:
    void part(const Learning& each, int64_t at, int count) const {
        const Floats weight = load_part(each.weight + at, count);
        const Floats gradient = load_part(each.gradient + at, count) + weight_decay_ * weight;
        const Floats square = kept_ * load_part(each.square + at, count) + added_ * gradient * gradient;
        store_part(each.square + at, square, count);
        store_part(each.weight + at, weight - lr_ * gradient / (sqrt(square) + eps_), count);
    }

    const float lr_, kept_, added_, eps_, weight_decay_;
};

}  // namespace epigone
