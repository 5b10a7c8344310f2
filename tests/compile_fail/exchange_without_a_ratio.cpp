// expect: spinet: an exchange policy has name() and log_ratio
// SPDX-License-Identifier: BSD-3-Clause
/// An exchange policy that knows no ratio of weights.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/sample.hpp>
#include <spinet/testing/archetypes.hpp>

namespace arch = spinet::testing::archetypes;

struct mine {
    std::string name() const { return "mine"; }
#ifdef CONTROL
    template <class M, class S>
    double log_ratio(M const&, S const&, std::size_t, std::size_t, double, double) const {
        return 0;
    }
#endif
};

int main() {
    auto const run = spinet::sample(arch::model(),
                                    spinet::parallel_tempering(arch::kernel{}, spinet::ladder({1.0}), mine{}),
                                    spinet::observables{spinet::energy{}}, {.replicas = 4, .sweeps = 10});
    return static_cast<int>(run.sites);
}
