// SPDX-License-Identifier: BSD-3-Clause
/// Archetypes: for each concept a type that satisfies it and has nothing more. What a function of spinet asks
/// of its arguments beyond their concepts shows when it is given these.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/ensemble/concepts.hpp>
#include <spinet/kernel/rule.hpp>
#include <spinet/mapping/concepts.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/observable/concepts.hpp>
#include <spinet/random/streams.hpp>
#include <spinet/run/progress.hpp>
#include <spinet/testing/convertible_only.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet::testing::archetypes {

/// Cannot be copied or moved: models are taken by reference.
struct pinned {
    pinned() = default;
    pinned(pinned const&) = delete;
    pinned& operator=(pinned const&) = delete;
    ~pinned() = default;
};

/// The numbers of all model archetypes: six spins, two groups of three, every spin of one coupled to every
/// spin of the other, J_ij = (1 + i + j) / 10 (-1)^(i j), b_i = (i - 2) / 10.
struct six_spins {
    static constexpr std::size_t size = 6;

    [[nodiscard]] static double coupling(std::size_t i, std::size_t j) noexcept {
        if ((i < 3) == (j < 3)) return 0;
        double const size_of = static_cast<double>(1 + i + j) / 10;
        return i * j % 2 == 0 ? size_of : -size_of;
    }
    [[nodiscard]] static double field(std::size_t i) noexcept { return (static_cast<double>(i) - 2) / 10; }

    /// h_i = b_i + sum_j J_ij s_j.
    template <class Spins>
    [[nodiscard]] static double local_field(Spins const& spins, std::size_t i) noexcept {
        double h = field(i);
        for (std::size_t j = 0; j < size; ++j) h += coupling(i, j) * static_cast<double>(spins[j]);
        return h;
    }
    template <class Spins>
    [[nodiscard]] static double energy(Spins const& spins) noexcept {
        double e = 0;
        for (std::size_t i = 0; i < size; ++i)
            e -= static_cast<double>(spins[i]) * (local_field(spins, i) + field(i)) / 2;
        return e;
    }
};

/// Model.
struct model : pinned {
    using spin_type = float;
    [[nodiscard]] convertible_only<std::size_t> size() const { return {six_spins::size}; }
    [[nodiscard]] convertible_only<double> energy(std::span<float const> spins) const {
        return {six_spins::energy(spins)};
    }
    [[nodiscard]] convertible_only<double> energy_change(std::span<float const> spins, std::size_t site,
                                                         float value) const {
        return {-(static_cast<double>(value) - static_cast<double>(spins[site])) *
                six_spins::local_field(spins, site)};
    }
};

/// MultilinearModel.
struct multilinear_model : model {
    void fields(rows_view<float const> spins, rows_view<float> out) const {
        for (std::size_t r = 0; r < spins.rows; ++r)
            for (std::size_t i = 0; i < six_spins::size; ++i)
                out.row(r)[i] = static_cast<float>(six_spins::local_field(spins.row(r), i));
    }
};

/// IncrementalModel.
struct incremental_model : multilinear_model {
    void change_fields(std::span<float const>, std::size_t site, float change,
                       std::span<float> fields) const {
        for (std::size_t i = 0; i < six_spins::size; ++i)
            fields[i] += change * static_cast<float>(six_spins::coupling(i, site));
    }
    [[nodiscard]] double energy_from_fields(std::span<float const> spins, std::span<float const>) const {
        return energy(spins);
    }
};

/// DifferentiableModel, on the sphere.
struct spherical_model : model {
    static constexpr spin_space space = spin_space::sphere;
    double gradient(std::span<float const> spins, std::span<float> out) const {
        for (std::size_t i = 0; i < six_spins::size; ++i)
            out[i] = -static_cast<float>(six_spins::local_field(spins, i));
        return energy(spins);
    }
};

/// PairModel: its couplings come one by one.
struct pair_model : multilinear_model {
    pair_model() {
        for (std::size_t i = 0; i < six_spins::size; ++i) {
            fields_[i] = static_cast<float>(six_spins::field(i));
            for (std::size_t j = 0; j < six_spins::size; ++j)
                couplings_[i * six_spins::size + j] = static_cast<float>(six_spins::coupling(i, j));
        }
    }
    template <class Visit>
    void for_each_coupling(std::size_t site, Visit&& visit) const {
        for (std::size_t j = 0; j < six_spins::size; ++j)
            if (couplings_[site * six_spins::size + j] != 0)
                visit(j, std::span<float const>(couplings_.data() + site * six_spins::size + j, 1));
    }
    [[nodiscard]] std::span<float const> external_fields() const { return fields_; }

protected:
    std::array<float, six_spins::size * six_spins::size> couplings_{};
    std::array<float, six_spins::size> fields_{};
};

/// DenseModel.
struct dense_model : pair_model {
    [[nodiscard]] rows_view<float const> couplings() const {
        return {couplings_.data(), six_spins::size, six_spins::size, six_spins::size};
    }
};

/// SparseModel.
struct sparse_model : pair_model {
    [[nodiscard]] std::span<std::uint32_t const> neighbours(std::size_t site) const {
        static constexpr std::array<std::uint32_t, 6> all{0, 1, 2, 3, 4, 5};
        return std::span(all).subspan(site < 3 ? 3 : 0, 3);
    }
    [[nodiscard]] std::span<float const> neighbour_couplings(std::size_t site) const {
        return std::span(couplings_).subspan(site * six_spins::size + (site < 3 ? 3 : 0), 3);
    }
};

/// BlockModel.
struct block_model : pair_model {
    [[nodiscard]] convertible_only<std::size_t> colours() const { return {2}; }
    [[nodiscard]] std::span<site_range const> colour(std::size_t c) const {
        static constexpr std::array<site_range, 2> ranges{site_range{0, 3}, site_range{3, 3}};
        return std::span(ranges).subspan(c, 1);
    }
    void add_block_fields(std::size_t c, rows_view<float const> spins, rows_view<float> out) const {
        for (std::size_t r = 0; r < spins.rows; ++r)
            for (std::size_t i = 3 * c; i < 3 * c + 3; ++i)
                for (std::size_t j = 0; j < six_spins::size; ++j)
                    out.row(r)[i] += couplings_[i * six_spins::size + j] * spins.row(r)[j];
    }
};

/// GroupedModel.
struct grouped_model : model {
    [[nodiscard]] std::span<spin_group const> groups() const { return groups_; }

private:
    std::array<spin_group, 2> groups_{spin_group{"first", 0, 3}, spin_group{"second", 3, 3}};
};

/// SpinMeasure: +1 or -1.
struct measure {
    [[nodiscard]] convertible_only<double> draw(double x, double u) const {
        return {u < 1 / (1 + std::exp(2 * x)) ? -1.0 : 1.0};
    }
    [[nodiscard]] convertible_only<double> log_partition(double x) const { return {std::log(std::cosh(x))}; }
    [[nodiscard]] convertible_only<double> variance() const { return {1}; }
    [[nodiscard]] convertible_only<std::string> name() const { return {"two values"}; }
};

/// IntervalModel, with the refinement PairModel that heat bath asks for.
struct interval_model : pair_model {
    static constexpr spin_space space = spin_space::interval;
    [[nodiscard]] archetypes::measure measure() const { return {}; }
};

/// Mapping: every network becomes the same six spins.
struct mapping : pinned {
    template <class Real>
    [[nodiscard]] pair_model map(network const&) const {
        return {};
    }
};

/// AcceptanceRule: heat bath.
struct rule {
    [[nodiscard]] static probability_ratio<float> flip_ratio(float x, zero_cost) {
        return {1, 1 + std::exp(x)};
    }
    [[nodiscard]] static probability_ratio<double> flip_ratio(double x, zero_cost) {
        return {1, 1 + std::exp(x)};
    }
    [[nodiscard]] static convertible_only<std::string> name() { return {"archetype"}; }
};

/// ThresholdRule.
struct threshold_rule : rule {
    [[nodiscard]] static float threshold(float u, float v) { return std::log(v / u); }
    [[nodiscard]] static double threshold(double u, double v) { return std::log(v / u); }
};

/// KernelState.
template <class Real>
class kernel_state {
public:
    kernel_state(std::size_t rows, std::size_t sites)
        : spins_(rows, std::vector<Real>(sites, Real{1})), energies_(rows) {}
    kernel_state(kernel_state&&) = default;

    [[nodiscard]] convertible_only<std::size_t> rows() const { return {spins_.size()}; }
    void set_row(std::size_t r, std::span<Real const> from) { spins_[r].assign(from.begin(), from.end()); }
    void copy_row(std::size_t r, std::span<Real> to) const {
        for (std::size_t i = 0; i < to.size(); ++i) to[i] = spins_[r][i];
    }
    [[nodiscard]] std::span<double> energies() { return energies_; }
    [[nodiscard]] std::span<double const> energies() const { return energies_; }
    void save(archive_writer& out) const {
        for (auto const& row : spins_) out.put(row);
        out.put(energies_);
    }
    void load(archive_reader& in) {
        for (auto& row : spins_) row = in.get_exactly<Real>(row.size());
        energies_ = in.get_exactly<double>(energies_.size());
    }

private:
    friend struct kernel;
    std::vector<std::vector<Real>> spins_;
    std::vector<double> energies_;
};

/// Kernel: heat bath, site after site, for every model of spins +-1.
struct kernel {
    template <class M>
    using state = kernel_state<typename M::spin_type>;

    template <class M>
    [[nodiscard]] state<M> make_state(M const& of, std::size_t rows) const {
        return {rows, of.size()};
    }
    template <class M>
    void prepare(M const& of, state<M>& rows) const {
        for (std::size_t r = 0; r < rows.rows(); ++r)
            rows.energies_[r] = of.energy(std::span<typename M::spin_type const>(rows.spins_[r]));
    }
    template <class M>
    void sweep(M const& of, state<M>& rows, std::span<double const> betas, sweep_draws const& draws) const {
        for (std::size_t r = 0; r < rows.rows(); ++r)
            for (std::size_t i = 0; i < of.size(); ++i) {
                auto& spins = rows.spins_[r];
                double const cost =
                    of.energy_change(std::span<typename M::spin_type const>(spins), i, -spins[i]);
                double const u = uniform<double>(draws.of_row(r).bits(static_cast<std::uint32_t>(i)));
                if (!(u < 1 / (1 + std::exp(betas[r] * cost)))) continue;
                spins[i] = -spins[i];
                rows.energies_[r] += cost;
            }
    }
    [[nodiscard]] convertible_only<std::string> name() const { return {"archetype of a kernel"}; }
};

/// ExchangePolicy: by energies.
struct exchange {
    [[nodiscard]] convertible_only<std::string> name() const { return {"archetype of an exchange"}; }
    template <class M, class S>
    [[nodiscard]] double log_ratio(M const&, S const& state, std::size_t row_a, std::size_t row_b,
                                   double beta_a, double beta_b) const {
        return (beta_a - beta_b) * (state.energies()[row_a] - state.energies()[row_b]);
    }
};

/// PairMove: two replicas change places with probability 1/2.
struct pair_move {
    [[nodiscard]] convertible_only<std::string> name() const { return {"archetype of a pair move"}; }
    [[nodiscard]] convertible_only<double> highest() const { return {1e9}; }
    template <class M, class Real>
    [[nodiscard]] double operator()(M const& of, std::span<Real> a, std::span<Real> b,
                                    std::uint32_t draw) const {
        if (draw % 2 == 0) return 0;
        double const before = of.energy(std::span<Real const>(a));
        for (std::size_t i = 0; i < a.size(); ++i) std::swap(a[i], b[i]);
        return of.energy(std::span<Real const>(a)) - before;
    }
};

/// Ensemble: a row for each replica and temperature, without exchanges.
template <class M>
class ensemble {
public:
    using real = typename M::spin_type;
    ensemble(M const& of, ladder const& temperatures, std::size_t replicas, std::uint64_t seed)
        : model_(&of), rungs_(temperatures.size()), seed_(seed), rows_(replicas * rungs_, of.size()) {
        for (std::size_t row = 0; row < replicas * rungs_; ++row)
            betas_.push_back(1 / temperatures[row % rungs_]);
    }
    ensemble(ensemble&&) = default;

    [[nodiscard]] convertible_only<std::size_t> steps() const { return {1}; }
    [[nodiscard]] convertible_only<std::size_t> cohorts(std::size_t) const { return {rungs_}; }
    [[nodiscard]] convertible_only<std::size_t> rung_of(std::size_t, std::size_t cohort) const {
        return {cohort};
    }
    template <class Team, class StateOf>
    void start(Team&, StateOf&& state_of) {
        std::vector<real> random(model_->size());
        for (std::size_t row = 0; row < betas_.size(); ++row) {
            std::span<real const> const given = state_of(row / rungs_);
            stream(seed_, 0, static_cast<std::uint32_t>(row), purpose::start).fill_signs(std::span(random));
            rows_.set_row(row, given.empty() ? std::span<real const>(random) : given);
        }
        kernel{}.prepare(*model_, rows_);
    }
    template <class Team>
    void begin_step(Team&, std::size_t) {}
    template <class Team>
    void advance(Team& team, std::size_t, std::uint32_t first, std::uint32_t count) {
        team.run(1, [&](std::size_t) {
            for (std::uint32_t s = 0; s < count; ++s)
                kernel{}.sweep(*model_, rows_, betas_, {seed_, first + s, 0, purpose::spins});
        });
    }
    void end_warmup() {}
    void gather_energies(std::size_t rung, std::span<double> out) const {
        for (std::size_t r = 0; r < out.size(); ++r) out[r] = rows_.energies()[r * rungs_ + rung];
    }
    void gather_spins(std::size_t rung, std::span<real> out) const {
        for (std::size_t r = 0; r * model_->size() < out.size(); ++r)
            rows_.copy_row(r * rungs_ + rung, out.subspan(r * model_->size(), model_->size()));
    }
    [[nodiscard]] ensemble_report report() const { return {}; }
    void save(archive_writer& out) const { rows_.save(out); }
    void load(archive_reader& in) { rows_.load(in); }

private:
    M const* model_;
    std::size_t rungs_;
    std::uint64_t seed_;
    kernel_state<real> rows_;
    std::vector<double> betas_;
};

/// SamplingMethod.
class method : pinned {
public:
    static constexpr bool exchanges = false;
    static constexpr bool anneals = false;
    static constexpr std::size_t replicas_per_block = 1;

    explicit method(ladder temperatures) : temperatures_(std::move(temperatures)) {}
    [[nodiscard]] ladder const& temperatures() const { return temperatures_; }
    [[nodiscard]] convertible_only<std::string> name() const { return {"archetype of a method"}; }
    [[nodiscard]] convertible_only<std::size_t> rows_per_replica() const { return {temperatures_.size()}; }
    [[nodiscard]] archetypes::kernel kernel() const { return {}; }
    template <class M>
    [[nodiscard]] ensemble<M> make_ensemble(M const& of, std::size_t replicas, std::uint64_t seed) const {
        return {of, temperatures_, replicas, seed};
    }

private:
    ladder temperatures_;
};

/// ObservableUnit: neighbours in the list of replicas, (0, 1), (1, 2), ...
struct unit {
    static constexpr std::size_t size = 2;
    [[nodiscard]] static convertible_only<std::string> name() { return {"two neighbours"}; }
    [[nodiscard]] static convertible_only<std::size_t> count(std::size_t replicas) { return {replicas - 1}; }
    template <class Visit>
    static void for_each(std::size_t replicas, Visit&& visit) {
        for (std::size_t r = 0; r + 1 < replicas; ++r) {
            std::array<std::size_t, 2> const both{r, r + 1};
            visit(std::span<std::size_t const>(both));
        }
    }
};

/// Observable: the overlap of the first spin of neighbours.
struct observable {
    using unit = archetypes::unit;
    static constexpr std::size_t lead = 0;
    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const>) const { return {"s s"}; }
    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        for (std::size_t r = 0; r < out.size(); ++r)
            out[r] = static_cast<double>(seen.spins.row(r)[0] * seen.spins.row(r + 1)[0]);
    }
};

/// Executor: tasks in reverse order.
struct executor : pinned {
    struct team_type : pinned {
        template <class Task>
        void run(std::size_t n, Task&& task) {
            while (n-- > 0) task(n);
        }
    };
    [[nodiscard]] team_type team() const { return {}; }
};

/// Callback, and so a Watcher.
struct callback : pinned {
    [[nodiscard]] convertible_only<bool> operator()(progress const&) { return {true}; }
};

}  // namespace spinet::testing::archetypes
