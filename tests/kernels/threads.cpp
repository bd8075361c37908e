// Teams whose members fail, compiled and run by test_threads.py.
#include "threads.hpp"

#include <atomic>
#include <cstdio>
#include <stdexcept>
#include <string>

using epigone::Barrier;
using epigone::Team;

// Let one member of a team fail at the third meeting while the others wait for it; return the exception.
std::string thrown(int members, int failing) {
    try {
        Team::run(members, [&](int member, Barrier& barrier) {
            barrier.wait();
            barrier.wait();
            if (member == failing) throw std::runtime_error("member " + std::to_string(member));
            barrier.wait();
        });
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "nothing";
}

int met(int members, int meetings) {
    std::atomic<int> sum{0};
    Team::run(members, [&](int, Barrier& barrier) {
        for (int i = 0; i < meetings; ++i) {
            sum.fetch_add(1);
            barrier.wait();
            if (sum.load() != (i + 1) * members) throw std::runtime_error("some went on before all were there");
            barrier.wait();
        }
    });
    return sum.load();
}

bool all_well = true;

void check(int line, bool held) {
    if (held) return;
    std::printf("line %d does not hold\n", line);
    all_well = false;
}

int main() {
    for (int members = 1; members <= 4; ++members) {
        for (int failing = 0; failing < members; ++failing) {
            check(__LINE__, thrown(members, failing) == "member " + std::to_string(failing));
            check(__LINE__, met(members, 50) == 50 * members);  // a team that failed is as good as new
        }
        check(__LINE__, thrown(members, -1) == "nothing");
    }
    // A member calls a team of its own, as a listener that writes another text does; and that one fails.
    std::string inner;
    Team::run(2, [&](int member, Barrier& barrier) {
        if (member == 0) inner = thrown(3, 2);
        barrier.wait();
    });
    check(__LINE__, inner == "member 2");
    if (all_well) std::puts("done");
    return !all_well;
}
