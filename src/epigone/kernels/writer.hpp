// From tokens to the text of one stream, as `TextWriter` of generation/writer.py writes it.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace epigone {

constexpr uint8_t SPACE_BEFORE = 1, SPACE_AFTER = 2;  // the spaces that a token wants, as in text/tokenizers/base.py

// The part of a plan that all streams share.
struct Extent {
    std::vector<std::u32string> vocabulary;  // the text of each token; empty for a byte tokenizer
    std::vector<uint8_t> spaces;             // of each token: SPACE_BEFORE, SPACE_AFTER
    std::vector<std::u32string> stops;
    int64_t room = 0;                        // characters
    int64_t most = 0;                        // tokens
    int end = 0;                             // the end symbol
    int joiner = -1;                         // the token without text; -1 if there is none
    bool whole_document = false;             // end a text at the end symbol

    bool asks_after(int64_t token) const { return spaces[token] & SPACE_AFTER; }
    bool asks_before(int64_t token) const { return spaces[token] & SPACE_BEFORE; }
};

enum class Ending : uint8_t { none, length, stop, end };

// Decodes bytes. Invalid UTF-8 becomes one U+FFFD for each longest beginning of a character, as in Python.
class Utf8 {
   public:
    void add(uint8_t byte, std::u32string& to) {
        if (needed_ && (byte < lower_ || byte > upper_)) finish(to);
        if (needed_) {
            lower_ = 0x80, upper_ = 0xbf;
            point_ = point_ << 6 | (byte & 0x3f);
            if (--needed_ == 0) to += point_;
            return;
        }
        lower_ = 0x80, upper_ = 0xbf;
        if (byte < 0x80) {
            to += char32_t(byte);
        } else if (byte >= 0xc2 && byte <= 0xdf) {
            needed_ = 1, point_ = byte & 0x1f;
        } else if (byte >= 0xe0 && byte <= 0xef) {
            if (byte == 0xe0) lower_ = 0xa0;
            if (byte == 0xed) upper_ = 0x9f;
            needed_ = 2, point_ = byte & 0x0f;
        } else if (byte >= 0xf0 && byte <= 0xf4) {
            if (byte == 0xf0) lower_ = 0x90;
            if (byte == 0xf4) upper_ = 0x8f;
            needed_ = 3, point_ = byte & 0x07;
        } else {
            to += REPLACEMENT;
        }
    }

    void finish(std::u32string& to) {
        if (needed_) to += REPLACEMENT;
        needed_ = 0;
    }

   private:
    static constexpr char32_t REPLACEMENT = 0xfffd;
    int needed_ = 0;
    uint8_t lower_ = 0x80, upper_ = 0xbf;
    char32_t point_ = 0;
};

class Writer {
   public:
    // Continues after the last token of the prompt.
    Writer(const Extent& extent, int64_t last) : extent_(&extent), room_(extent.room), last_(last) {
        for (const auto& stop : extent.stops) longest_ = std::max(longest_, stop.size());
    }

    // Takes the next token; returns the text that it makes certain.
    const std::u32string& add(int token) {
        ++tokens;
        shown_.clear();
        const bool ends = token == extent_->end;
        if (!extent_->vocabulary.empty()) {
            if (!ends && extent_->asks_after(last_) && extent_->asks_before(token)) held_ += U' ';
            if (!ends) held_ += extent_->vocabulary[token];
        } else if (ends) {
            decoder_.finish(held_);
        } else {
            decoder_.add(uint8_t(token), held_);
        }
        last_ = token;
        if (ends && !extent_->whole_document) held_ += U"\n\n";
        if (int64_t(held_.size()) > room_) held_.resize(room_);

        size_t stop = std::u32string::npos;
        for (const auto& each : extent_->stops) stop = std::min(stop, held_.find(each));
        if (stop != std::u32string::npos) {
            held_.resize(stop);
            ending = Ending::stop;
        } else if (int64_t(held_.size()) == room_ || tokens == extent_->most) {
            ending = Ending::length;
        } else if (ends && extent_->whole_document) {
            ending = Ending::end;
        }
        const size_t certain = held_.size() - (ending == Ending::none ? undecided() : 0);
        if (certain) {
            shown_ = held_.substr(0, certain);
            text += shown_;
            held_.erase(0, certain);
            room_ -= certain;
        }
        return shown_;
    }

    std::u32string text;
    Ending ending = Ending::none;
    int64_t tokens = 0;

   private:
    // Counts the last characters that may begin a stop string.
    size_t undecided() const {
        for (size_t n = longest_ ? std::min(held_.size(), longest_ - 1) : 0; n > 0; --n)
            for (const auto& stop : extent_->stops)
                if (stop.compare(0, n, held_, held_.size() - n, n) == 0) return n;
        return 0;
    }

    const Extent* extent_;
    int64_t room_, last_;
    size_t longest_ = 0;
    std::u32string held_, shown_;
    Utf8 decoder_;
};

}  // namespace epigone
