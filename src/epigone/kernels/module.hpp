// The Python module. A file that defines MODULE_NAME and includes this is a build for one instruction set, with the
// compiler flags of setup.py; kernels/__init__.py chooses among the builds.
#pragma once

#include <limits>
#include <string>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "rmsprop.hpp"
#include "sequences.hpp"
#include "walker.hpp"

namespace py = pybind11;
using namespace epigone;

namespace {

using FloatArray = py::array_t<float, py::array::c_style>;
using IntArray = py::array_t<int64_t, py::array::c_style>;
using MaybeFloats = std::optional<FloatArray>;

const float* pointer(const MaybeFloats& array) { return array ? array->data() : nullptr; }

// Calls f with the number format or the cell as a type.
template <class F>
auto with_format(const std::string& precision, F&& f) {
    if (precision == "fp32") return f(Fp32{});
    if (precision == "bf16") return f(Bf16{});
    throw std::invalid_argument("There is no native training in " + precision + ".");
}

template <class F>
auto with_any_format(const std::string& precision, F&& f) {
    if (precision == "int8") return f(Int8{});
    return with_format(precision, f);
}

template <class F>
auto with_cell(const std::string& cell, F&& f) {
    if (cell == "lstm") return f(Lstm{});
    if (cell == "gru") return f(Gru{});
    if (cell == "rnn") return f(Rnn{});
    if (cell == "rnn_relu") return f(RnnRelu{});
    throw std::invalid_argument("There is no native cell " + cell + ".");
}

// Callers in Python are wrong where this fails; without it they would read memory that is not theirs.
void expect(bool holds, const std::string& said) {
    if (!holds) throw std::invalid_argument(said);
}

// Expects an array of this shape, each size at least 1.
template <class Array>
void expect_shape(const Array& array, const std::vector<ssize_t>& shape, const std::string& name) {
    bool fits = array.ndim() == ssize_t(shape.size());
    std::string wanted;
    for (size_t i = 0; i < shape.size(); ++i) {
        fits = fits && shape[i] > 0 && array.shape(i) == shape[i];
        wanted += (i ? ", " : "") + std::to_string(shape[i]);
    }
    expect(fits, "The shape of " + name + " must be (" + wanted + ").");
}

int int_of(ssize_t size, const std::string& name) {
    expect(size > 0 && size <= std::numeric_limits<int>::max(), "There must be " + name + ", and no more than an int counts.");
    return int(size);
}

void check_ids(const IntArray& ids, int vocabulary) {  // ids index tables
    for (ssize_t i = 0; i < ids.size(); ++i)
        if (ids.data()[i] < 0 || ids.data()[i] >= vocabulary)
            throw py::index_error("The id " + std::to_string(ids.data()[i]) + " is not one of " + std::to_string(vocabulary) + " tokens.");
}

// A layer's weights as arrays: ih, hh, bias_ih, bias_hh, and for int8 the scales of the rows of ih and hh.
struct LayerArrays {
    FloatArray ih, hh, bias_ih, bias_hh;
    MaybeFloats scales_ih, scales_hh;
    Weights weights() const { return {ih.data(), hh.data(), bias_ih.data(), bias_hh.data(), pointer(scales_ih), pointer(scales_hh)}; }
};

std::vector<LayerArrays> layer_arrays(const py::list& layers) {
    std::vector<LayerArrays> arrays;
    for (const py::handle& each : layers) {
        const auto layer = each.cast<py::tuple>();
        expect(layer.size() >= 4, "A layer has two matrices and two biases.");
        arrays.push_back({layer[0].cast<FloatArray>(), layer[1].cast<FloatArray>(), layer[2].cast<FloatArray>(),
                          layer[3].cast<FloatArray>(), layer.size() > 4 ? layer[4].cast<MaybeFloats>() : std::nullopt,
                          layer.size() > 5 ? layer[5].cast<MaybeFloats>() : std::nullopt});
    }
    return arrays;
}

int gates_of(const std::string& cell) {
    return with_cell(cell, [](auto kind) {
        using Kind = decltype(kind);
        return std::is_same_v<Kind, Lstm> ? 4 : std::is_same_v<Kind, Gru> ? 3 : 1;
    });
}

// Expects layers of a cell, each of so many units, with `inputs` columns in the lowest input matrix; for int8 with scales.
void check_layers(const std::vector<LayerArrays>& layers, int gates, const std::vector<int>& units, int inputs, bool scaled) {
    expect(!layers.empty(), "A network has layers.");
    for (size_t l = 0; l < layers.size(); ++l) {
        const ssize_t rows = ssize_t(gates) * units[l];
        expect_shape(layers[l].ih, {rows, l ? units[l - 1] : inputs}, "the input's matrix of a layer");
        expect_shape(layers[l].hh, {rows, units[l]}, "the state's matrix of a layer");
        expect_shape(layers[l].bias_ih, {rows}, "the input's bias of a layer");
        expect_shape(layers[l].bias_hh, {rows}, "the state's bias of a layer");
        if (!scaled) continue;
        expect(layers[l].scales_ih && layers[l].scales_hh, "Matrices of whole numbers need scales.");
        expect_shape(*layers[l].scales_ih, {rows}, "the scales of a layer");
        expect_shape(*layers[l].scales_hh, {rows}, "the scales of a layer");
    }
}

// A forward pass with the memory of its backward pass. It keeps alive the arrays that it points to.
struct Tape {
    std::unique_ptr<AnySequence> sequence;
    std::vector<py::object> kept;
    int steps, batch, units, inputs, layers;
    bool carries_c;
};

py::tuple forward(const std::string& cell, const std::string& precision, std::optional<IntArray> tokens, MaybeFloats features,
                  FloatArray h, MaybeFloats c, const py::list& layers, const std::vector<MaybeFloats>& masks, int threads, bool keep) {
    const auto arrays = layer_arrays(layers);
    std::vector<Weights> weights;
    for (const auto& each : arrays) weights.push_back(each.weights());
    expect(bool(tokens) != bool(features), "A sequence is of tokens or of features.");
    expect(tokens ? tokens->ndim() == 2 : features->ndim() == 3, "Tokens have two dimensions, and features three.");
    expect(h.ndim() == 3 && bool(c) == (cell == "lstm"), "The state has three dimensions, and an LSTM has two of them.");
    Fed fed;
    fed.steps = int_of(tokens ? tokens->shape(0) : features->shape(0), "steps");
    fed.batch = int_of(tokens ? tokens->shape(1) : features->shape(1), "texts");
    fed.tokens = tokens ? tokens->data() : nullptr;
    fed.features = pointer(features);
    fed.h = h.data();
    fed.c = pointer(c);
    const int units = int_of(h.shape(2), "units"), inputs = features ? int_of(features->shape(2), "features") : 0;
    const int count = int(weights.size());
    const int vocabulary = tokens && count && arrays[0].ih.ndim() == 2 ? int(arrays[0].ih.shape(1)) : 0;
    check_layers(arrays, gates_of(cell), std::vector<int>(arrays.size(), units), tokens ? vocabulary : inputs, false);
    expect_shape(h, {count, fed.batch, units}, "the state");
    if (c) expect_shape(*c, {count, fed.batch, units}, "the state");
    expect(int(masks.size()) == count, "There is one mask, or none, for each layer.");
    bool masked = false;
    for (const auto& mask : masks) {
        fed.masks.push_back(pointer(mask));
        if (!mask) continue;
        expect(mask->ndim() == 3 && (mask->shape(0) == 1 || mask->shape(0) == fed.steps), "A mask is of one step or of all.");
        expect(!masked || mask->shape(0) == fed.mask_steps, "All masks are of one step, or all of all.");
        expect_shape(*mask, {mask->shape(0), fed.batch, fed.masks.size() == 1 ? mask->shape(2) : units}, "a mask");
        fed.mask_steps = int(mask->shape(0)), masked = true;
    }
    if (tokens) check_ids(*tokens, vocabulary);
    py::array_t<float> outputs({fed.steps, fed.batch, units}), last_h({count, fed.batch, units});
    std::optional<py::array_t<float>> last_c;
    if (c) last_c = py::array_t<float>({count, fed.batch, units});
    Out out{outputs.mutable_data(), last_h.mutable_data(), last_c ? last_c->mutable_data() : nullptr};
    auto tape = std::make_unique<Tape>();
    {
        py::gil_scoped_release free;
        tape->sequence = with_format(precision, [&](auto format) {
            return with_cell(cell, [&](auto kind) -> std::unique_ptr<AnySequence> {
                return std::make_unique<Sequence<decltype(format), decltype(kind)>>(fed, weights, units, inputs, vocabulary, threads, keep);
            });
        });
        tape->sequence->forward(out);
    }
    if (!keep) return py::make_tuple(outputs, last_h, last_c, py::none());
    tape->kept = {layers, py::cast(tokens), py::cast(features), h, py::cast(c), py::cast(masks)};
    for (const auto& each : arrays)
        for (const py::object& array : {py::object(each.ih), py::object(each.hh), py::object(each.bias_ih), py::object(each.bias_hh)}) tape->kept.push_back(array);
    tape->steps = fed.steps, tape->batch = fed.batch, tape->units = units, tape->inputs = inputs, tape->layers = count;
    tape->carries_c = bool(c);
    return py::make_tuple(outputs, last_h, last_c, std::move(tape));
}

// Returns the gradients of the features, of h and c at the beginning, and of each weight that `wanted` (L, 4) names.
py::tuple backward(Tape& tape, FloatArray d_outputs, MaybeFloats d_h, MaybeFloats d_c, const std::vector<std::array<bool, 4>>& wanted, bool features, bool state) {
    if (!tape.sequence) throw std::runtime_error("The backward pass of a native sequence can be run once.");
    expect_shape(d_outputs, {tape.steps, tape.batch, tape.units}, "the gradients of the outputs");
    if (d_h) expect_shape(*d_h, {tape.layers, tape.batch, tape.units}, "the gradients of the state");
    if (d_c) expect_shape(*d_c, {tape.layers, tape.batch, tape.units}, "the gradients of the state");
    expect(!d_c || tape.carries_c, "This cell has one state.");
    expect(int(wanted.size()) == tape.layers, "Gradients are wanted, or not, of each layer.");
    Backward asked;
    asked.d_outputs = d_outputs.data();
    asked.d_h = pointer(d_h);
    asked.d_c = pointer(d_c);
    py::list gradients;
    const auto kept = layer_arrays(tape.kept[0].cast<py::list>());
    asked.lowest = tape.layers;
    for (int l = tape.layers - 1; l >= 0; --l)
        if (features || state || wanted[l][0] || wanted[l][1] || wanted[l][2] || wanted[l][3]) asked.lowest = l;
    for (int l = 0; l < tape.layers; ++l) {
        Gradients pointers;
        py::list mine;
        const FloatArray* like[] = {&kept[l].ih, &kept[l].hh, &kept[l].bias_ih, &kept[l].bias_hh};
        float** to[] = {&pointers.ih, &pointers.hh, &pointers.bias_ih, &pointers.bias_hh};
        for (int i = 0; i < 4; ++i) {
            if (!wanted[l][i]) {
                mine.append(py::none());
                continue;
            }
            py::array_t<float> gradient(std::vector<ssize_t>(like[i]->shape(), like[i]->shape() + like[i]->ndim()));
            *to[i] = gradient.mutable_data();
            mine.append(gradient);
        }
        asked.weights.push_back(pointers);
        gradients.append(mine);
    }
    py::object d_features = py::none(), d_h0 = py::none(), d_c0 = py::none();
    if (features && tape.inputs) {
        py::array_t<float> made({tape.steps, tape.batch, tape.inputs});
        asked.d_features = made.mutable_data();
        d_features = made;
    }
    if (state) {
        py::array_t<float> made({tape.layers, tape.batch, tape.units});
        asked.d_h0 = made.mutable_data();
        d_h0 = made;
        if (tape.carries_c) {
            py::array_t<float> more({tape.layers, tape.batch, tape.units});
            asked.d_c0 = more.mutable_data();
            d_c0 = more;
        }
    }
    {
        py::gil_scoped_release free;
        tape.sequence->backward(asked);
        tape.sequence.reset();
    }
    return py::make_tuple(d_features, d_h0, d_c0, gradients);
}

// Returns the mean loss (nats) of outputs (N, H) through a head, which targets were the likeliest (N,), and the wanted
// gradients of outputs, weight and bias.
py::tuple loss(const std::string& precision, const FloatArray& outputs, const FloatArray& weight, const FloatArray& bias, const IntArray& targets,
               int threads, const std::array<bool, 3>& wanted) {
    expect(weight.ndim() == 2, "The weight of a head has two dimensions.");
    const ssize_t count = int_of(targets.size(), "targets");
    int_of(weight.shape(0), "tokens"), int_of(weight.shape(1), "units");
    expect(outputs.ndim() >= 1 && outputs.shape(outputs.ndim() - 1) == weight.shape(1) && outputs.size() == count * weight.shape(1),
           "There must be one row of outputs, as wide as the head, for each target.");
    expect_shape(bias, {weight.shape(0)}, "the bias of a head");
    check_ids(targets, int(weight.shape(0)));
    const auto like = [](const FloatArray& array, bool is_wanted) -> std::optional<py::array_t<float>> {
        if (!is_wanted) return std::nullopt;
        return py::array_t<float>(std::vector<ssize_t>(array.shape(), array.shape() + array.ndim()));
    };
    auto dx = like(outputs, wanted[0]), dweight = like(weight, wanted[1]), dbias = like(bias, wanted[2]);
    const auto at = [](std::optional<py::array_t<float>>& array) { return array ? array->mutable_data() : nullptr; };
    const int64_t rows = targets.size();
    const int inputs = int(weight.shape(1)), tokens = int(weight.shape(0));
    float *to_x = at(dx), *to_weight = at(dweight), *to_bias = at(dbias);
    py::array_t<uint8_t> hits(rows);
    uint8_t* to_hits = hits.mutable_data();
    double mean;
    {
        py::gil_scoped_release free;
        mean = with_format(precision, [&](auto format) {
            return cross_entropy<decltype(format)>(outputs.data(), rows, inputs, weight.data(), bias.data(), tokens, targets.data(), std::max(1, threads), to_hits, to_x, to_weight, to_bias);
        });
    }
    return py::make_tuple(mean, hits, dx, dweight, dbias);
}

// Makes one step of RMSprop on each (weight, gradient, mean of squares).
void rmsprop(const std::vector<std::tuple<py::array, py::array, py::array>>& arrays, double lr, double alpha, double eps, double weight_decay, int threads) {
    std::vector<Learning> all;
    for (auto [weight, gradient, square] : arrays) {
        for (const py::array& array : {weight, gradient, square})  // a copy would lose the step
            expect(FloatArray::check_(array), "Weights and gradients must be arrays of float32 without gaps.");
        expect(gradient.size() == weight.size() && square.size() == weight.size(), "A weight and its gradient differ in size.");
        expect(weight.writeable() && square.writeable(), "A weight cannot be written to.");
        all.push_back({static_cast<float*>(weight.mutable_data()), static_cast<const float*>(gradient.data()),
                       static_cast<float*>(square.mutable_data()), weight.size()});
    }
    py::gil_scoped_release free;
    Rmsprop(lr, alpha, eps, weight_decay).step(all, std::max(1, threads));
}

// The walker of walker.hpp for Python.
class PyWalker {
   public:
    PyWalker(const std::string& cell, const std::string& precision, const py::list& layers, MaybeFloats embedding,
             const FloatArray& head, const FloatArray& bias, const MaybeFloats& scales, int threads,
             const std::vector<FloatArray>& start, const std::vector<std::tuple<int, int, int, float>>& clamps) {
        const auto arrays = layer_arrays(layers);
        std::vector<Weights> weights;
        for (const auto& each : arrays) weights.push_back(each.weights());
        expect(head.ndim() == 2 && (!embedding || embedding->ndim() == 2), "The head and the embedding have two dimensions.");
        const int top = int_of(head.shape(1), "units"), tokens = int_of(head.shape(0), "tokens");
        std::vector<int> units;
        for (const auto& each : arrays) units.push_back(each.hh.ndim() == 2 ? int_of(each.hh.shape(1), "units") : 0);
        expect(!units.empty() && units.back() == top, "The head must be as wide as the top layer.");
        const int inputs = embedding ? int_of(embedding->shape(1), "columns of the embedding") : 0;
        const bool scaled = precision == "int8";
        check_layers(arrays, gates_of(cell), units, embedding ? inputs : tokens, scaled);
        if (embedding) expect_shape(*embedding, {tokens, inputs}, "the embedding");
        expect_shape(bias, {tokens}, "the bias of the head");
        expect(!scaled || scales, "Matrices of whole numbers need scales.");
        if (scales) expect_shape(*scales, {tokens}, "the scales of the head");
        const size_t states = cell == "lstm" ? 2 : 1;
        expect(start.empty() || start.size() == states, "A beginning has a vector for each state of the cell.");
        Beginning first;
        for (const FloatArray& each : start) {
            first.width = *std::max_element(units.begin(), units.end());
            expect_shape(each, {ssize_t(units.size()), first.width}, "the state at the beginning");
            (first.h ? first.c : first.h) = each.data();
        }
        std::vector<Clamp> held;
        for (const auto& [layer, state, unit, value] : clamps) {
            expect(layer >= 0 && layer < int(units.size()) && state >= 0 && state < int(states) && unit >= 0 && unit < units[layer], "A clamp names no unit of the model.");
            held.push_back({layer, state, unit, value});
        }
        const Weights over{nullptr, head.data(), nullptr, bias.data(), nullptr, pointer(scales)};
        walker_ = with_any_format(precision, [&](auto format) {
            return with_cell(cell, [&](auto kind) -> std::unique_ptr<AnyWalker> {
                return std::make_unique<Walker<decltype(format), decltype(kind)>>(weights, units, tokens, pointer(embedding), inputs, over, threads, first, held);
            });
        });
    }

    void start(int streams) {
        expect(streams >= 1, "A walk has at least one stream.");
        walker_->start(streams);
    }

    py::array_t<float> step(const IntArray& tokens) {
        check(tokens, tokens.size() == walker_->streams());
        py::array_t<float> logits({walker_->streams(), walker_->vocabulary()});
        const auto* from = tokens.data();
        auto* to = logits.mutable_data();
        py::gil_scoped_release free;
        walker_->step(from, to);
        return logits;
    }

    py::tuple score(const IntArray& tokens, const IntArray& targets) {
        check(tokens, tokens.ndim() == 2 && tokens.shape(0) > 0 && tokens.shape(1) == walker_->streams());
        check(targets, targets.ndim() == 2 && targets.shape(0) == tokens.shape(0) && targets.shape(1) == tokens.shape(1));
        const int steps = int(tokens.shape(0));
        py::array_t<double> nats({tokens.shape(0), tokens.shape(1)});
        py::array_t<uint8_t> hits({tokens.shape(0), tokens.shape(1)});
        {
            const auto* from = tokens.data();
            const auto* wanted = targets.data();
            auto* to = nats.mutable_data();
            auto* hit = hits.mutable_data();
            py::gil_scoped_release free;
            walker_->score(from, wanted, steps, to, hit);
        }
        return py::make_tuple(nats, hits);
    }

    py::bytes state() const { return py::bytes(walker_->state()); }

    void set_state(const std::string& bytes) { expect(walker_->set_state(bytes), "The state is not one of this model and as many streams."); }

    void keep(int streams) {
        expect(streams >= 1 && streams <= walker_->streams(), "No more streams can be kept than there are, and no fewer than one.");
        walker_->keep(streams);
    }

    void read(const IntArray& prompt) {
        check(prompt, prompt.size() > 0);
        const std::vector<int64_t> tokens(prompt.data(), prompt.data() + prompt.size());
        py::gil_scoped_release free;
        walker_->read(tokens);
    }

    // Returns texts, each with the reason of its end and the number of its tokens.
    py::list write(const py::array_t<uint64_t, py::array::c_style>& randoms, const py::dict& choosing,
                   const std::vector<std::u32string>& vocabulary, const std::vector<uint8_t>& spaces,
                   const std::vector<std::u32string>& stops, int64_t room, int64_t most, int end, int joiner,
                   bool whole_document, const py::array_t<uint8_t, py::array::c_style>& forbidden, const py::object& listener) {
        Writing writing;
        expect(randoms.ndim() == 2 && randoms.shape(0) > 0 && randoms.shape(1) == 4, "Each stream has random numbers of four words.");
        for (ssize_t i = 0; i < randoms.shape(0); ++i) {
            const uint64_t* words = randoms.data(i, 0);
            writing.randoms.emplace_back(words[0], words[1], words[2], words[3]);
        }
        writing.sampling = {choosing["repetition_penalty"].cast<double>(), choosing["temperature"].cast<double>(),
                            choosing["top_p"].cast<double>(), choosing["min_p"].cast<double>(),
                            choosing["repetition_window"].cast<int>(), choosing["top_k"].cast<int>()};
        const int size = walker_->vocabulary();
        expect(int(spaces.size()) == size, "The spaces are not those of the vocabulary.");
        expect(vocabulary.empty() ? size <= 256 : int(vocabulary.size()) == size, "The vocabulary is not that of the model.");
        expect(forbidden.ndim() == 1 && forbidden.shape(0) == size, "The forbidden tokens are not those of the vocabulary.");
        expect(end >= 0 && end < size && joiner >= -1 && joiner < size, "The end or the joiner is not in the vocabulary.");
        expect(room >= 0, "The room for characters is negative.");
        expect(writing.sampling.repetition_window >= 1 || writing.sampling.repetition_penalty == 1, "A penalty needs a window of at least one token.");
        writing.extent = {vocabulary, spaces, stops, room, most, end, joiner, whole_document};
        writing.forbidden = forbidden.data();
        if (!listener.is_none())
            writing.listener = [&](int index, const std::u32string& text) {
                py::gil_scoped_acquire hold;
                listener(index, text);
            };
        writing.pulse = [] {
            py::gil_scoped_acquire hold;
            if (PyErr_CheckSignals()) throw py::error_already_set();
        };
        std::vector<Written> written;
        {
            py::gil_scoped_release free;
            written = walker_->write(writing);
        }
        py::list result;
        for (const Written& each : written) {
            static const char* endings[] = {"", "length", "stop", "end"};
            result.append(py::make_tuple(each.text, endings[int(each.ending)], each.tokens));
        }
        return result;
    }

   private:
    void check(const IntArray& tokens, bool fits) const {
        expect(fits && tokens.size() > 0, "The shape of the tokens does not fit the streams.");
        check_ids(tokens, walker_->vocabulary());
    }

    std::unique_ptr<AnyWalker> walker_;
};

#if defined(__x86_64__) && defined(__linux__)
// Tells if there are tiles for bfloat16, and asks the system to let this process use them.
bool has_amx() {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    if (!(d >> 22 & 1) || !(d >> 24 & 1)) return false;  // AMX-BF16 and AMX-TILE
    constexpr long REQUEST = 0x1023, TILES = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return syscall(SYS_arch_prctl, REQUEST, TILES) == 0;
}
#endif

// Tells if this processor has the instruction set of a build. Ask the portable build, which runs everywhere.
bool supports(const std::string& build) {
#if defined(__x86_64__)
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    if (build == "avx2") return avx2;
    if (build == "avx512") return avx512;
    const bool bf16 = avx512 && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni");
    if (build == "avx512bf16") return bf16;
#if defined(__linux__)
    if (build == "amx") return bf16 && has_amx();
#endif
#endif
    return build == "portable";
}

}  // namespace

PYBIND11_MODULE(MODULE_NAME, module) {
    module.doc() = "The native engine for one instruction set; see kernels/__init__.py.";
#if defined(__AMX_BF16__)
    has_amx();  // asks the system for the tiles; kernels/__init__.py loads this build only where it grants them
#endif
    py::class_<Tape>(module, "Tape");
    module.def("forward", &forward, py::arg("cell"), py::arg("precision"), py::arg("tokens").none(true), py::arg("features").none(true), py::arg("h"),
               py::arg("c").none(true), py::arg("layers"), py::arg("masks"), py::arg("threads"), py::arg("keep"));
    module.def("backward", &backward, py::arg("tape"), py::arg("d_outputs"), py::arg("d_h").none(true), py::arg("d_c").none(true),
               py::arg("wanted"), py::arg("features"), py::arg("state"));
    module.def("loss", &loss, py::arg("precision"), py::arg("outputs"), py::arg("weight"), py::arg("bias"), py::arg("targets"), py::arg("threads"), py::arg("wanted"));
    module.def("rmsprop", &rmsprop, py::arg("arrays"), py::arg("lr"), py::arg("alpha"), py::arg("eps"), py::arg("weight_decay"), py::arg("threads"));
    py::class_<PyWalker>(module, "Walker")
        .def(py::init<const std::string&, const std::string&, const py::list&, MaybeFloats, const FloatArray&, const FloatArray&, const MaybeFloats&, int,
                      const std::vector<FloatArray>&, const std::vector<std::tuple<int, int, int, float>>&>(),
             py::arg("cell"), py::arg("precision"), py::arg("layers"), py::arg("embedding").none(true), py::arg("head"), py::arg("bias"),
             py::arg("scales").none(true), py::arg("threads"), py::arg("start"), py::arg("clamps"))
        .def("start", &PyWalker::start)
        .def("keep", &PyWalker::keep)
        .def("step", &PyWalker::step)
        .def_property("state", &PyWalker::state, [](PyWalker& walker, const py::bytes& bytes) { walker.set_state(bytes); })
        .def("score", &PyWalker::score)
        .def("read", &PyWalker::read, py::arg("prompt"))
        .def("write", &PyWalker::write, py::arg("randoms"), py::arg("choosing"), py::arg("vocabulary"), py::arg("spaces"), py::arg("stops"),
             py::arg("room"), py::arg("most"), py::arg("end"), py::arg("joiner"), py::arg("whole_document"), py::arg("forbidden"), py::arg("listener"));
    module.def("supports", &supports);
}
