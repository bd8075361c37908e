// A few threads that sleep between calls and meet inside one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace epigone {

// A member's share of `count` things: from, to.
inline std::pair<int, int> share_of(int64_t count, int member, int members) {
    return {int(count * member / members), int(count * (member + 1) / members)};
}

// Lets threads wait for each other inside a call. They spin at first, because waking up would take longer than the wait.
// After a while they yield: another process may hold the core that the late thread needs.
class Barrier {
   public:
    struct Abandoned {};  // thrown in a thread that waits for a failed one

    explicit Barrier(int members) : members_(members) {}

    void wait() {
        if (members_ == 1) return;
        const unsigned phase = phase_.load(std::memory_order_acquire);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == members_) {
            arrived_.store(0, std::memory_order_relaxed);
            phase_.store(phase + 1, std::memory_order_release);
            return;
        }
        for (int spins = 0; phase_.load(std::memory_order_acquire) == phase; ++spins) {
            if (abandoned_.load(std::memory_order_relaxed)) throw Abandoned();
            if (spins < 4000)
                pause();
            else
                std::this_thread::yield();
        }
    }

    void abandon() { abandoned_.store(true, std::memory_order_relaxed); }

   private:
    static void pause() {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    }

    const int members_;
    std::atomic<int> arrived_{0};
    std::atomic<unsigned> phase_{0};
    std::atomic<bool> abandoned_{false};
};

class Team {
   public:
    // Runs f(member, barrier) on `members` threads at once; the caller is number 0. When all have ended, throws the
    // exception of the first that failed.
    static void run(int members, const std::function<void(int, Barrier&)>& f) {
        Barrier barrier(members);
        if (members == 1) return f(0, barrier);
        std::exception_ptr failure;
        std::once_flag first;
        const auto job = [&](int member) {
            try {
                f(member, barrier);
            } catch (const Barrier::Abandoned&) {
            } catch (...) {
                std::call_once(first, [&] { failure = std::current_exception(); });
                barrier.abandon();
            }
        };
        static thread_local bool inside = false;
        if (inside) {  // called from within a job, by a listener for example: the team is busy with that job
            Team another;
            another.all_do(members, job);
        } else {
            static std::mutex one_at_a_time;
            std::lock_guard<std::mutex> hold(one_at_a_time);
            inside = true;
            const std::shared_ptr<void> after(nullptr, [](void*) { inside = false; });
            instance().all_do(members, job);
        }
        if (failure) std::rethrow_exception(failure);
    }

    ~Team() {
        {
            std::lock_guard<std::mutex> hold(mutex_);
            ending_ = true;
        }
        wake_.notify_all();
        for (auto& thread : threads_) thread.join();
    }

   private:
    static Team& instance() {
        static Team* team = nullptr;  // never destroyed: the threads end with the process
#if defined(__unix__) || defined(__APPLE__)
        static pid_t owner = 0;  // a forked child has none of its parent's threads
        if (owner != getpid()) team = nullptr;
        owner = getpid();
#endif
        if (!team) team = new Team;
        return *team;
    }

    void all_do(int members, const std::function<void(int)>& job) {
        grow(members - 1);
        start(members, job);
        job(0);
        join();
    }

    void grow(int count) {
        while (int(threads_.size()) < count) {
            const int member = int(threads_.size()) + 1;
            threads_.emplace_back([this, member, seen = calls_]() mutable { work(member, seen); });
        }
    }

    void start(int members, std::function<void(int)> job) {
        {
            std::lock_guard<std::mutex> hold(mutex_);
            job_ = std::move(job);
            members_ = members;
            running_ = members - 1;
            ++calls_;
        }
        wake_.notify_all();
    }

    void join() {
        std::unique_lock<std::mutex> hold(mutex_);
        done_.wait(hold, [this] { return running_ == 0; });
    }

    void work(int member, unsigned seen) {
        std::unique_lock<std::mutex> hold(mutex_);
        while (true) {
            wake_.wait(hold, [&] { return ending_ || calls_ != seen; });
            if (ending_) return;
            seen = calls_;
            if (member >= members_) continue;
            hold.unlock();
            job_(member);
            hold.lock();
            if (--running_ == 0) done_.notify_one();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_, done_;
    std::vector<std::thread> threads_;
    std::function<void(int)> job_;
    int members_ = 0, running_ = 0;
    unsigned calls_ = 0;
    bool ending_ = false;
};

}  // namespace epigone
