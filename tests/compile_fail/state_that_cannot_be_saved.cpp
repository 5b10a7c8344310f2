// expect: spinet: this is no Kernel for this model
// SPDX-License-Identifier: BSD-3-Clause
/// A kernel whose state has no save.
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/sample.hpp>
#include <spinet/testing/archetypes.hpp>

namespace arch = spinet::testing::archetypes;

template <class Real>
struct state_of_mine : arch::kernel_state<Real> {
    using arch::kernel_state<Real>::kernel_state;
#ifndef CONTROL
    void save(spinet::archive_writer&) const = delete;
#endif
};

struct mine : arch::kernel {
    template <class M>
    using state = state_of_mine<typename M::spin_type>;
    template <class M>
    state<M> make_state(M const& of, std::size_t rows) const {
        return {rows, of.size()};
    }
};

int main() {
    auto const run = spinet::sample(arch::model(), spinet::fixed_temperatures(mine{}, spinet::ladder({1.0})),
                                    spinet::observables{spinet::energy{}}, {.replicas = 4, .sweeps = 10});
    return static_cast<int>(run.sites);
}
