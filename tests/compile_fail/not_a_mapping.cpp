// expect: to_spin_glass takes a mapping after the network
// SPDX-License-Identifier: BSD-3-Clause
/// A mapping whose map() returns no model.
#include <spinet/mapping/twin_hopfield.hpp>

struct mapping {
    template <class Real>
    auto map(spinet::network const& net) const {
#ifdef CONTROL
        return spinet::twin_hopfield{}.map<Real>(net);
#else
        return net.nodes().size();
#endif
    }
};

int main() {
    (void)spinet::to_spin_glass(spinet::network(), mapping{});
    return 0;
}
