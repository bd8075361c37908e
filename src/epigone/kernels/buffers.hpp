// Arrays that begin on a cache line.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <utility>

namespace epigone {

// An array of numbers, uninitialised without a value.
template <class T>
class Buffer {
   public:
    Buffer() = default;
    explicit Buffer(size_t size) : size_(size), data_(size ? static_cast<T*>(::operator new(size * sizeof(T), LINE)) : nullptr) {}
    Buffer(size_t size, T value) : Buffer(size) { std::fill(begin(), end(), value); }
    Buffer(Buffer&& other) noexcept { swap(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Buffer() {
        if (data_) ::operator delete(data_, LINE);
    }

    T* data() { return data_; }
    const T* data() const { return data_; }
    T* begin() { return data_; }
    T* end() { return data_ + size_; }
    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    T& operator[](size_t i) { return data_[i]; }
    const T& operator[](size_t i) const { return data_[i]; }

   private:
    void swap(Buffer& other) {
        std::swap(size_, other.size_);
        std::swap(data_, other.data_);
    }
    static constexpr std::align_val_t LINE{64};

    size_t size_ = 0;
    T* data_ = nullptr;
};

}  // namespace epigone
