// The equations of models/cells/ on vectors of units, forward and backward.
//
// A cell has SLOTS sums for each unit, one for each gate. A GRU has two for its new gate, one over the input and one
// over the state. Beside the output a cell carries one number from step to step: c of an LSTM, h of the others. The sums
// come in panels of four vectors: the four slots of LANES units, or one slot of 4 LANES units.
//
// `hold` sets the units of a step to the values that clamps hold them at; NaN leaves a unit free.
#pragma once

#include "vectors.hpp"

namespace epigone {

// Elman (1990). The slot keeps the output.
struct Rnn {
    static constexpr int SLOTS = 1;
    static constexpr int INPUT_FROM = 0, STATE_FROM = 0, VECTORS = 4;
    static constexpr int INPUT_GATE[] = {0}, STATE_GATE[] = {0};

    static void hold(const Floats* /*slots*/, Floats hidden, Floats /*carry*/, Floats& h, Floats& next) {
        h = next = hidden == hidden ? hidden : h;
    }

    [[gnu::always_inline]] static void forward(Floats* slots, Floats /*carry*/, Floats& h, Floats& next) {
        slots[0] = h = next = tanh(slots[0]);
    }

    [[gnu::always_inline]] static void backward(Floats* slots, Floats /*carry*/, Floats /*next*/, Floats dh, Floats& dcarry) {
        slots[0] = (dh + dcarry) * (1.0f - slots[0] * slots[0]);
        dcarry = Floats{};
    }
};

// An Elman cell with a rectifier (Le et al. 2015).
struct RnnRelu : Rnn {
    [[gnu::always_inline]] static void forward(Floats* slots, Floats /*carry*/, Floats& h, Floats& next) {
        slots[0] = h = next = slots[0] < 0.0f ? Floats{} : slots[0];  // NaN passes
    }

    [[gnu::always_inline]] static void backward(Floats* slots, Floats /*carry*/, Floats /*next*/, Floats dh, Floats& dcarry) {
        const Floats passed = dh + dcarry + (slots[0] - slots[0]);  // NaN stays NaN
        slots[0] = slots[0] == 0.0f ? Floats{} : passed;
        dcarry = Floats{};
    }
};

// Gers et al. (2000): i, f, g, o.
struct Lstm {
    static constexpr int SLOTS = 4;
    static constexpr int INPUT_FROM = 0, STATE_FROM = 0, VECTORS = 4;
    static constexpr int INPUT_GATE[] = {0, 1, 2, 3}, STATE_GATE[] = {0, 1, 2, 3};

    static void hold(const Floats* slots, Floats hidden, Floats carry, Floats& h, Floats& next) {
        h = carry == carry ? slots[3] * tanh(carry) : h;  // by the output gate
        next = carry == carry ? carry : next;
        h = hidden == hidden ? hidden : h;
    }

    [[gnu::always_inline]] static void forward(Floats* slots, Floats carry, Floats& h, Floats& next) {
        const Floats i = sigmoid(slots[0]), f = sigmoid(slots[1]), g = tanh(slots[2]), o = sigmoid(slots[3]);
        next = f * carry + i * g;
        h = o * tanh(next);
        slots[0] = i, slots[1] = f, slots[2] = g, slots[3] = o;
    }

    [[gnu::always_inline]] static void backward(Floats* slots, Floats carry, Floats next, Floats dh, Floats& dcarry) {
        const Floats i = slots[0], f = slots[1], g = slots[2], o = slots[3], squashed = tanh(next);
        const Floats dc = dcarry + dh * o * (1.0f - squashed * squashed);
        slots[0] = dc * g * i * (1.0f - i);
        slots[1] = dc * carry * f * (1.0f - f);
        slots[2] = dc * i * (1.0f - g * g);
        slots[3] = dh * squashed * o * (1.0f - o);
        dcarry = dc * f;
    }
};

// Cho et al. (2014), with the reset gate after the product. Slots: new gate over the input, r, z, new gate over the
// state. So the input reaches the first three and the state the last three.
struct Gru {
    static constexpr int SLOTS = 4;
    static constexpr int INPUT_FROM = 0, STATE_FROM = 1, VECTORS = 3;
    static constexpr int INPUT_GATE[] = {2, 0, 1, -1}, STATE_GATE[] = {-1, 0, 1, 2};  // the gate of each slot's rows

    static void hold(const Floats* /*slots*/, Floats hidden, Floats /*carry*/, Floats& h, Floats& next) {
        h = next = hidden == hidden ? hidden : h;
    }

    [[gnu::always_inline]] static void forward(Floats* slots, Floats carry, Floats& h, Floats& next) {
        const Floats r = sigmoid(slots[1]), z = sigmoid(slots[2]), n = tanh(slots[0] + r * slots[3]);
        h = next = n + z * (carry - n);
        slots[0] = n, slots[1] = r, slots[2] = z;
    }

    [[gnu::always_inline]] static void backward(Floats* slots, Floats carry, Floats /*next*/, Floats dh, Floats& dcarry) {
        const Floats n = slots[0], r = slots[1], z = slots[2], by_state = slots[3];
        const Floats d = dh + dcarry;
        const Floats dn = d * (1.0f - z) * (1.0f - n * n);
        slots[0] = dn;
        slots[1] = dn * by_state * r * (1.0f - r);
        slots[2] = d * (carry - n) * z * (1.0f - z);
        slots[3] = dn * r;
        dcarry = d * z;
    }
};

}  // namespace epigone
