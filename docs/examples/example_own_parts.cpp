// SPDX-License-Identifier: BSD-3-Clause
/// Parts of one's own in place of spinet's: a model, observables, an executor, a callback. Everything that is
/// sampled here has a closed form to be compared with.
#include <spinet/spinet.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <span>
#include <string>
#include <vector>

namespace {

//! [model]
/// An open chain of three-spin couplings, H(s) = -sum_i s_i s_{i+1} s_{i+2}: no pair model, so it has no
/// fields. Its products of three are independent, each with the mean tanh(1/T).
struct triplet_chain {
    using spin_type = float;
    std::size_t spins = 12;

    std::size_t size() const { return spins; }
    double energy(std::span<float const> s) const {
        double sum = 0;
        for (std::size_t i = 0; i + 2 < spins; ++i) sum += s[i] * s[i + 1] * s[i + 2];
        return -sum;
    }
    double energy_change(std::span<float const> s, std::size_t site, float value) const {
        double sum = 0;
        for (std::size_t i = site < 2 ? 0 : site - 2; i <= site && i + 2 < spins; ++i)
            sum += s[i] * s[i + 1] * s[i + 2];
        return value == s[site] ? 0.0 : 2 * sum;
    }
};
static_assert(spinet::Model<triplet_chain> && !spinet::PairModel<triplet_chain>);
//! [model]

//! [observable]
/// The first and the last product of three of every replica.
struct end_products {
    using unit = spinet::each_replica;
    static constexpr std::size_t lead = 0;  // the component whose autocorrelation time is reported

    std::vector<std::string> components(std::span<spinet::spin_group const>) const {
        return {"first", "last"};
    }

    template <class Real>
    void measure(spinet::cohort<Real> const& seen, std::span<double> out) const {
        for (std::size_t r = 0; r < seen.replicas(); ++r) {
            auto const s = seen.spins.row(r);
            std::size_t const n = s.size();
            out[2 * r] = s[0] * s[1] * s[2];
            out[2 * r + 1] = s[n - 3] * s[n - 2] * s[n - 1];
        }
    }
};
static_assert(spinet::Observable<end_products>);
//! [observable]

//! [three]
/// The product of the three overlaps of three replicas, q_ab q_bc q_ca.
struct overlap_triangle {
    using unit = spinet::each_tuple<3>;
    static constexpr std::size_t lead = 0;

    std::vector<std::string> components(std::span<spinet::spin_group const>) const {
        return {"q_ab q_bc q_ca"};
    }

    template <class Real>
    void measure(spinet::cohort<Real> const& seen, std::span<double> out) const {
        auto const q = [&](std::size_t a, std::size_t b) {
            double sum = 0;
            for (std::size_t i = 0; i < seen.sites(); ++i) sum += seen.spins.row(a)[i] * seen.spins.row(b)[i];
            return sum / static_cast<double>(seen.sites());
        };
        std::size_t next = 0;
        unit::for_each(seen.replicas(), [&](std::span<std::size_t const> r) {
            out[next++] = q(r[0], r[1]) * q(r[1], r[2]) * q(r[2], r[0]);
        });
    }
};
static_assert(spinet::Observable<overlap_triangle>);
//! [three]

//! [cohort]
/// The heat capacity per spin at every moment: the variance of the energy over the replicas of the cohort,
/// over T^2 N.
struct heat_capacity {
    using unit = spinet::each_cohort;
    static constexpr std::size_t lead = 0;
    static constexpr auto reads = spinet::reading::energies;  // optional: spins are then not copied

    std::vector<std::string> components(std::span<spinet::spin_group const>) const { return {"c"}; }

    template <class Real>
    void measure(spinet::cohort<Real> const& seen, std::span<double> out) const {
        double const n = static_cast<double>(seen.replicas());
        double mean = 0, squares = 0;
        for (double const e : seen.energies) mean += e / n;
        for (double const e : seen.energies) squares += (e - mean) * (e - mean);
        out[0] =
            squares / (n - 1) / (seen.temperature * seen.temperature) / static_cast<double>(seen.sites());
    }
};
static_assert(spinet::Observable<heat_capacity>);
//! [cohort]

//! [executor]
/// Every tile in a thread of its own. Tasks share nothing, so nothing else is needed to be correct.
struct one_thread_each {
    one_thread_each team() const { return {}; }

    template <class Task>
    void run(std::size_t n, Task&& task) const {
        std::vector<std::future<void>> all;
        for (std::size_t k = 0; k < n; ++k)
            all.push_back(std::async(std::launch::async, [&task, k] { task(k); }));
        for (auto& each : all) each.wait();
        for (auto& each : all) each.get();  // the exception of the lowest index comes out
    }
};
static_assert(spinet::Executor<one_thread_each>);
//! [executor]

void require(bool holds, char const* what) {
    if (holds) return;
    std::fprintf(stderr, "failed: %s\n", what);
    std::exit(1);
}

void require_means(spinet::curve const& curve, char const* what) {
    for (auto const& at : curve)
        require(std::abs(at.value - std::tanh(1 / at.temperature)) < 4 * at.error, what);
}

void a_model_and_observables() {
    //! [sample]
    auto const method =
        spinet::parallel_tempering(spinet::glauber{}, spinet::geometric_temperatures(0.5, 4.0, 6));
    auto const middle = spinet::per_replica("middle", [](auto s) { return s[5] * s[6] * s[7]; });
    auto const both =
        spinet::per_pair("both", [](auto a, auto b) { return a[5] * a[6] * a[7] * b[5] * b[6] * b[7]; });

    auto const run = spinet::sample(
        triplet_chain{}, method,
        spinet::observables{spinet::energy{}, spinet::overlap{}, end_products{}, middle, both},
        spinet::run_plan{.replicas = 16, .warmup = 500, .sweeps = 8'000, .measure_every = 4, .seed = 1});

    auto const per_bond =
        spinet::estimates<spinet::energy>(run, [](auto mean) { return -mean(0) * 12 / 10; });
    auto const last = spinet::mean_of(run, end_products{}, 1);
    auto const squared = spinet::mean_of(run, both);
    //! [sample]
    require_means(per_bond, "energy per coupling is -tanh(1/T)");
    require_means(last, "the last product has the mean tanh(1/T)");
    require_means(spinet::mean_of(run, middle), "the middle product has the mean tanh(1/T)");
    for (auto const& at : squared)
        require(std::abs(at.value - std::pow(std::tanh(1 / at.temperature), 2)) < 4 * at.error,
                "replicas are independent");
    for (auto const& at : per_bond)
        std::printf("%6.3f  %.4f +- %.4f  exact %.4f\n", at.temperature, at.value, at.error,
                    std::tanh(1 / at.temperature));
}

/// Tr C^3 / N^3 of the chain, where C_ij = <s_i s_j> is tanh(1/T)^(2 |i - j| / 3) if 3 divides i - j, else 0.
double exact_triangle(double temperature) {
    double const t = std::tanh(1 / temperature);
    auto const c = [&](int i, int j) {
        return (i - j) % 3 != 0 ? 0.0 : std::pow(t, 2 * std::abs(i - j) / 3);
    };
    double sum = 0;
    for (int i = 0; i < 12; ++i)
        for (int j = 0; j < 12; ++j)
            for (int k = 0; k < 12; ++k) sum += c(i, j) * c(j, k) * c(k, i);
    return sum / (12.0 * 12 * 12);
}

void observables_of_three_replicas_and_of_all() {
    auto const method =
        spinet::parallel_tempering(spinet::glauber{}, spinet::geometric_temperatures(0.5, 4.0, 6));
    //! [new units]
    auto const run = spinet::sample(
        triplet_chain{}, method,
        spinet::observables{spinet::energy{}, spinet::overlap{}, overlap_triangle{}, heat_capacity{}},
        spinet::run_plan{.replicas = 16, .warmup = 500, .sweeps = 8'000, .measure_every = 4, .seed = 2});
    auto const triangles = spinet::mean_of(run, overlap_triangle{});
    auto const capacity = spinet::mean_of(run, heat_capacity{});
    //! [new units]
    for (auto const& at : triangles)
        require(std::abs(at.value - exact_triangle(at.temperature)) < 4 * at.error, "q_ab q_bc q_ca");
    for (auto const& at : capacity) {
        double const t = std::tanh(1 / at.temperature),
                     exact = 10 * (1 - t * t) / (at.temperature * at.temperature) / 12;
        require(std::abs(at.value - exact) < 4 * at.error, "heat capacity");
        std::printf("%6.3f  c = %.4f +- %.4f  exact %.4f\n", at.temperature, at.value, at.error, exact);
    }
}

void an_executor_and_a_callback() {
    auto const glass = spinet::random_layered_glass({20, 10, 5}, {0.05, 0.1}, 1);
    auto const method =
        spinet::parallel_tempering(spinet::metropolis{}, spinet::geometric_temperatures(0.3, 2.0, 5));
    auto const measured = spinet::observables{spinet::energy{}, spinet::overlap{}};
    spinet::run_plan const plan{.replicas = 8, .warmup = 100, .sweeps = 400, .seed = 3};
    //! [callback]
    std::uint64_t seen = 0;
    auto const watch = [&](spinet::progress const& now) {
        if (now.phase == spinet::run_phase::annealing) return true;  // counts its own sweeps
        seen = now.sweeps_done;
        return seen < 300;  // false stops the run
    };
    auto const stopped = spinet::sample(glass, method, measured, plan, spinet::serial{}, watch);
    //! [callback]
    require(!stopped.complete() && stopped.sweeps_done == seen && seen >= 300 && seen < 364,
            "a callback stops the run");
    auto const serial = spinet::sample(glass, method, measured, plan);
    auto const parallel = spinet::sample(glass, method, measured, plan, one_thread_each{});
    for (std::size_t k = 0; k < 5; ++k)
        require(spinet::mean_abs_overlap(serial)[k].value == spinet::mean_abs_overlap(parallel)[k].value,
                "executors agree bitwise");
}

}  // namespace

int main() {
    a_model_and_observables();
    observables_of_three_replicas_and_of_all();
    an_executor_and_a_callback();
}
