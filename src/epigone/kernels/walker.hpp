// A trained network without gradients that walks text: token by token in many streams, scoring a text, or writing one.
//
//   Streams form groups. With at least as many streams as threads each thread has a group of its own and none waits.
//   With fewer there is one group; its crew shares the panels of each layer and meets after it.
#pragma once

#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "heads.hpp"
#include "sampler.hpp"
#include "threads.hpp"
#include "writer.hpp"

namespace epigone {

// A call to write: its input, and whom it tells.
struct Writing {
    std::vector<Random> randoms;                      // one for each stream
    SamplerOptions sampling;
    Extent extent;
    const uint8_t* forbidden = nullptr;               // (V,)
    std::function<void(int, const std::u32string&)> listener;  // may throw
    std::function<void()> pulse;                      // called at times on the caller's thread; may throw
};

// The state that a text begins in: vectors (L, H) of each layer's hidden state and of its c; null for zeros, or where a
// cell has no c. H is the widest layer's.
struct Beginning {
    const float* h = nullptr;
    const float* c = nullptr;
    int width = 0;
};

// A unit of a layer that is held at a value after each step; state 1 is c.
struct Clamp {
    int layer, state, unit;
    float value;
};

struct Unusable {};  // the model's probabilities are not numbers, or no token may be drawn

struct Written {
    std::u32string text;
    Ending ending;
    int64_t tokens;
};

class AnyWalker {
   public:
    virtual ~AnyWalker() = default;
    virtual void start(int streams) = 0;
    virtual void keep(int streams) = 0;
    virtual int streams() const = 0;
    virtual std::string state() const = 0;
    virtual bool set_state(const std::string& bytes) = 0;
    virtual int vocabulary() const = 0;
    virtual void step(const int64_t* tokens, float* logits) = 0;
    virtual void score(const int64_t* tokens, const int64_t* targets, int steps, double* nats, uint8_t* hits) = 0;
    virtual void read(const std::vector<int64_t>& prompt) = 0;
    virtual std::vector<Written> write(const Writing& writing) = 0;
};

// Threads that walk one group of streams together.
struct Crew {
    int member = 0, members = 1;
    Barrier* barrier = nullptr;
    int turn = 0;  // index of the current one of the two states

    std::pair<int, int> share(int count) const { return share_of(count, member, members); }
    void meet() const {
        if (barrier) barrier->wait();
    }
};

template <class Format, class Cell>
class Walker : public AnyWalker {
    using Number = typename Format::Number;
    using L = Layer<Format, Cell>;

    struct Group {
        int rows;
        int turn = 0;
        std::vector<Buffer<Number>> h[2];  // before and after a step, by turns
        std::vector<Buffer<float>> carry;
        Buffer<float> logits;
        std::vector<int64_t> tokens;
        bool done = false;

        Group(const Walker& network, int rows) : rows(rows), logits(size_t(rows) * network.head_.row()), tokens(rows) {
            for (size_t l = 0; l < network.layers_.size(); ++l) {
                const size_t size = size_t(rows) * network.layers_[l].width;
                for (auto& each : h) each.emplace_back(size, Format::number(0.0f));
                carry.emplace_back(size, 0.0f);
                if (network.first_h_.empty()) continue;
                const Buffer<float>&first_h = network.first_h_[l], &first_carry = network.first_carry_[l];
                for (size_t i = 0; i < size; ++i) {
                    h[0][l][i] = Format::number(first_h[i % first_h.size()]);
                    carry[l][i] = first_carry[i % first_h.size()];
                }
            }
        }

        // Copies row `from` of this or another group to row `to`.
        void take(int to, const Group& other, int from) {
            for (size_t l = 0; l < carry.size(); ++l) {
                const size_t width = carry[l].size() / tokens.size();
                std::copy_n(other.h[other.turn][l].data() + from * width, width, h[turn][l].data() + to * width);
                std::copy_n(other.carry[l].data() + from * width, width, carry[l].data() + to * width);
            }
            const size_t row = logits.size() / tokens.size();
            std::copy_n(other.logits.data() + from * row, row, logits.data() + to * row);
            tokens[to] = other.tokens[from];
        }
    };

   public:
    // The input of layer 0 is the rows of an embedding (V, E), or tokens if that is null.
    Walker(const std::vector<Weights>& weights, const std::vector<int>& units, int tokens, const float* embedding, int inputs, const Weights& head, int threads,
           const Beginning& first, const std::vector<Clamp>& clamps)
        : threads_(std::max(1, threads)),
          layers_(packed(weights, units, tokens, embedding ? inputs : 0)),
          head_(head.hh, head.bias_hh, head.scales_hh, tokens, units.back(), layers_.back().width),
          embedding_(embedding ? size_t(tokens) * layers_[0].input_width : 0, Format::number(0.0f)) {
        for (int token = 0; token < tokens && embedding; ++token)
            for (int i = 0; i < inputs; ++i)
                embedding_[size_t(token) * layers_[0].input_width + i] = Format::number(embedding[size_t(token) * inputs + i]);
        for (size_t l = 0; l < layers_.size() && first.h; ++l) {
            first_h_.emplace_back(layers_[l].width, 0.0f);
            first_carry_.emplace_back(layers_[l].width, 0.0f);
            std::copy_n(first.h + l * first.width, units[l], first_h_[l].data());
            std::copy_n((first.c ? first.c : first.h) + l * first.width, units[l], first_carry_[l].data());
        }
        held_h_.resize(layers_.size());
        held_carry_.resize(layers_.size());
        for (const Clamp& clamp : clamps) {
            constexpr float FREE = std::numeric_limits<float>::quiet_NaN();
            Buffer<float>&h = held_h_[clamp.layer], &carry = held_carry_[clamp.layer];
            if (h.empty()) h = Buffer<float>(layers_[clamp.layer].width, FREE), carry = Buffer<float>(h.size(), FREE);
            (clamp.state ? carry : h)[clamp.unit] = clamp.value;
        }
    }

    void start(int streams) override { start(streams, threads_); }

    void start(int streams, int most) {
        const int count = std::min(most, streams);
        groups_.clear();
        for (int g = 0; g < count; ++g) groups_.emplace_back(*this, (streams - g + count - 1) / count);
    }

    // Continues with the first streams only.
    void keep(int streams) override {
        const int count = int(groups_.size());
        for (int g = 0; g < count; ++g) groups_[g].rows = std::min(groups_[g].rows, std::max(0, (streams - g + count - 1) / count));
    }

    int streams() const override {
        int total = 0;
        for (const Group& group : groups_) total += group.rows;
        return total;
    }

    int vocabulary() const override { return head_.outputs; }

    // Copies the state of all streams, as bytes for `set_state`.
    std::string state() const override {
        std::string bytes;
        each_vector(groups_, [&](const auto* numbers, size_t size) {
            bytes.append(reinterpret_cast<const char*>(numbers), size * sizeof *numbers);
        });
        return bytes;
    }

    // Goes back to a state of as many streams; returns false if the bytes are none.
    bool set_state(const std::string& bytes) override {
        size_t total = 0, at = 0;
        each_vector(groups_, [&](const auto* numbers, size_t size) { total += size * sizeof *numbers; });
        if (total != bytes.size()) return false;
        each_vector(groups_, [&](auto* numbers, size_t size) {
            std::memcpy(numbers, bytes.data() + at, size * sizeof *numbers);
            at += size * sizeof *numbers;
        });
        return true;
    }

    // Reads one token in each stream and fills in the logits (streams, V).
    void step(const int64_t* tokens, float* logits) override {
        const int size = head_.outputs;
        on_groups([&](Group& group, Crew& crew, int first, int count) {
            advance(group, crew, tokens + first, count);
            project(group, crew);
            crew.meet();
            if (crew.member) return;
            for (int r = 0; r < group.rows; ++r)
                std::copy_n(group.logits.data() + size_t(r) * head_.row(), size, logits + size_t(first + r * count) * size);
        });
    }

    // Fills in the nats (steps, streams) of each target, and if it was the likeliest.
    void score(const int64_t* tokens, const int64_t* targets, int steps, double* nats, uint8_t* hits) override {
        const int all = streams();
        on_groups([&](Group& group, Crew& crew, int first, int count) {
            for (int t = 0; t < steps; ++t) {
                const size_t begin = size_t(t) * all + first;
                advance(group, crew, tokens + begin, count);
                project(group, crew);
                crew.meet();
                const auto [from, to] = crew.share(group.rows);
                for (int r = from; r < to; ++r) {
                    const size_t at = begin + size_t(r) * count;
                    nats[at] = surprise(group.logits.data() + size_t(r) * head_.row(), int(targets[at]), hits[at]);
                }
                crew.meet();
            }
        });
    }

    // Reads the beginning of all texts.
    void read(const std::vector<int64_t>& prompt) override {
        start(1);
        on_groups([&](Group& group, Crew& crew, int, int) {
            for (const int64_t& token : prompt) advance(group, crew, &token, 1);
            project(group, crew);
            if (!crew.member) group.tokens[0] = prompt.back();
        });
        prompt_ = prompt;
        read_ = std::make_unique<Group>(std::move(groups_[0]));
        groups_.clear();
    }

    // Writes texts that continue from there; none if the model gives no usable probabilities.
    std::vector<Written> write(const Writing& writing) override {
        const int streams = int(writing.randoms.size());
        if (!read_) throw std::logic_error("Nothing was read to go on from.");
        start(streams, writing.listener ? 1 : threads_);  // a listener hears the streams in one order
        for (Group& group : groups_)
            for (int r = 0; r < group.rows; ++r) group.take(r, *read_, 0);

        std::vector<Written> written(streams);
        std::atomic<bool> stop{false}, unusable{false};
        std::exception_ptr failure;
        on_groups([&](Group& group, Crew& crew, int first, int count) {
            std::unique_ptr<Pen> pen;
            if (!crew.member) pen = std::make_unique<Pen>(writing, prompt_, head_.outputs, first, count, group.rows);
            while (true) {
                if (pen) {
                    group.turn = crew.turn;  // rows that change places are copied from this state
                    try {
                        group.done = stop || !pen->draw(group, head_.row(), written);
                    } catch (const Unusable&) {
                        stop = unusable = true;
                        group.done = true;
                    } catch (...) {
                        if (!stop.exchange(true)) failure = std::current_exception();
                        group.done = true;
                    }
                }
                crew.meet();
                if (group.done) return;
                try {
                    advance(group, crew, group.tokens.data(), 1);
                    project(group, crew);
                } catch (...) {
                    stop = true;  // the other groups need not finish
                    throw;
                }
                crew.meet();
            }
        });
        groups_.clear();
        if (failure) std::rethrow_exception(failure);
        if (unusable) written.clear();
        return written;
    }

   private:
    // Draws the next token of each stream of a group, and removes finished streams.
    class Pen {
       public:
        Pen(const Writing& writing, const std::vector<int64_t>& prompt, int vocabulary, int first, int count, int rows)
            : writing_(writing), sampler_(writing.sampling, vocabulary, writing.forbidden), leads_(first == 0) {
            for (int r = 0; r < rows; ++r) {
                const int stream = first + r * count;
                streams_.push_back({stream, writing.randoms[stream], Writer(writing.extent, prompt.back()), {}});
                for (const int64_t token : prompt) remember(streams_.back(), int(token));
            }
        }

        // Returns false when no stream is left.
        bool draw(Group& group, int row, std::vector<Written>& written) {
            if (leads_ && writing_.pulse && (++calls_ & 0xfff) == 0) writing_.pulse();
            const Extent& extent = writing_.extent;
            for (int r = 0; r < group.rows;) {
                Stream& stream = streams_[r];
                const int64_t last = group.tokens[r];
                // A document is never empty: no end symbol after an end symbol. No joiner without a space to remove.
                const std::array<int, 2> barred{last == extent.end ? extent.end : -1, extent.asks_after(last) ? -1 : extent.joiner};
                const int token = sampler_.draw(group.logits.data() + size_t(r) * row, stream.random.next(), barred, stream.recent);
                if (token < 0) throw Unusable();
                group.tokens[r] = token;
                const std::u32string& shown = stream.writer.add(token);
                if (writing_.listener && !shown.empty()) writing_.listener(stream.index, shown);
                if (stream.writer.ending == Ending::none) {
                    remember(stream, token);
                    ++r;
                    continue;
                }
                written[stream.index] = {std::move(stream.writer.text), stream.writer.ending, stream.writer.tokens};
                if (r < --group.rows) {  // the last stream takes its place and is next
                    group.take(r, group, group.rows);
                    std::swap(streams_[r], streams_[group.rows]);
                }
                streams_.pop_back();
            }
            return group.rows > 0;
        }

       private:
        struct Stream {
            int index;
            Random random;
            Writer writer;
            std::vector<int> recent;
        };

        void remember(Stream& stream, int token) {
            if (writing_.sampling.repetition_penalty == 1) return;
            if (int(stream.recent.size()) == writing_.sampling.repetition_window) stream.recent.erase(stream.recent.begin());
            stream.recent.push_back(token);
        }

        const Writing& writing_;
        Sampler sampler_;
        const bool leads_;
        unsigned calls_ = 0;
        std::vector<Stream> streams_;
    };

    static std::vector<L> packed(const std::vector<Weights>& weights, const std::vector<int>& units, int tokens, int inputs) {
        std::vector<L> layers;
        for (size_t l = 0; l < weights.size(); ++l) {
            layers.emplace_back(units[l], l ? units[l - 1] : inputs, l || inputs ? 0 : tokens);
            layers.back().pack(weights[l], 0, layers.back().panels);
        }
        return layers;
    }

    // Calls f(numbers, size) for each vector of the present state.
    template <class Groups, class F>
    static void each_vector(Groups& groups, F&& f) {
        for (auto& group : groups)
            for (size_t l = 0; l < group.carry.size(); ++l) {
                f(group.h[group.turn][l].data(), group.h[group.turn][l].size());
                f(group.carry[l].data(), group.carry[l].size());
            }
    }

    // Calls f(group, crew, first, count): each group on a thread, or the only one on all threads. Row r of a group is
    // stream first + r x count, which spreads the first streams evenly.
    template <class F>
    void on_groups(F&& f) {
        const int count = int(groups_.size());
        Team::run(count > 1 ? count : threads_, [&](int member, Barrier& barrier) {
            Group& group = groups_[count > 1 ? member : 0];
            Crew crew;
            if (count == 1) crew = {member, threads_, threads_ > 1 ? &barrier : nullptr};
            crew.turn = group.turn;
            f(group, crew, count > 1 ? member : 0, count);
            crew.meet();
            if (!crew.member) group.turn = crew.turn;
        });
    }

    // Reads one token in each stream of a group; the tokens are `apart` from each other.
    void advance(Group& group, Crew& crew, const int64_t* tokens, int apart) const {
        static thread_local std::vector<const float*> start;
        static thread_local std::vector<Number> inputs;
        start.resize(group.rows);
        if (!embedding_.empty()) {
            const size_t width = layers_[0].input_width;
            inputs.resize(group.rows * width);
            for (int r = 0; r < group.rows; ++r) std::copy_n(embedding_.data() + tokens[r * apart] * width, width, inputs.data() + r * width);
        }
        for (size_t l = 0; l < layers_.size(); ++l) {
            const L& layer = layers_[l];
            for (int r = 0; r < group.rows; ++r) start[r] = layer.start_of(layer.table.empty() ? 0 : tokens[r * apart]);
            Step<Format> step{group.rows};
            step.x = l ? group.h[!crew.turn][l - 1].data() : inputs.data();
            step.h = group.h[crew.turn][l].data();
            step.start = start.data();
            step.carry = step.next_carry = group.carry[l].data();
            step.next_h = group.h[!crew.turn][l].data();
            step.held_h = held_h_[l].data();
            step.held_carry = held_carry_[l].data();
            const auto [from, to] = crew.share(layer.panels);
            step_rows(layer, step, from, to);
            crew.meet();
        }
        crew.turn = !crew.turn;
    }

    // Computes the logits of the next token.
    void project(Group& group, const Crew& crew) const {
        const auto [from, to] = crew.share(head_.panels);
        head_.run(group.h[crew.turn].back().data(), group.rows, group.logits.data(), from, to);
    }

    double surprise(const float* logits, int target, uint8_t& hit) const {
        const int size = head_.outputs;
        int best = 0;
        for (int i = 1; i < size; ++i) best = logits[i] > logits[best] ? i : best;
        hit = best == target;
        double total = 0;
        int i = 0;
        for (; i + LANES <= size; i += LANES) total += sum(exp(load(logits + i) - logits[best]));
        for (; i < size; ++i) total += std::exp(logits[i] - logits[best]);
        return std::log(total) + logits[best] - logits[target];
    }

    const int threads_;
    const std::vector<L> layers_;
    const Head<Format> head_;
    Buffer<Number> embedding_;
    std::vector<Buffer<float>> first_h_, first_carry_;  // of each layer, (width); none for zeros
    std::vector<Buffer<float>> held_h_, held_carry_;    // of each layer, (width), or empty
    std::vector<Group> groups_;
    std::vector<int64_t> prompt_;
    std::unique_ptr<Group> read_;  // the state after the prompt
};

}  // namespace epigone
