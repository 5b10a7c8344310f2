// expect: spinet: the second argument of sample is no SamplingMethod
// SPDX-License-Identifier: BSD-3-Clause
/// A method whose ensemble reports nothing.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/sample.hpp>
#include <spinet/testing/archetypes.hpp>

namespace arch = spinet::testing::archetypes;

template <class M>
struct ensemble_of_mine : arch::ensemble<M> {
    using arch::ensemble<M>::ensemble;
#ifndef CONTROL
    spinet::ensemble_report report() const = delete;
#endif
};

struct mine : arch::method {
    using arch::method::method;
    template <class M>
    ensemble_of_mine<M> make_ensemble(M const& of, std::size_t replicas, std::uint64_t seed) const {
        return {of, temperatures(), replicas, seed};
    }
};

int main() {
    auto const run = spinet::sample(arch::model(), mine(spinet::ladder({1.0})),
                                    spinet::observables{spinet::energy{}}, {.replicas = 4, .sweeps = 10});
    return static_cast<int>(run.sites);
}
