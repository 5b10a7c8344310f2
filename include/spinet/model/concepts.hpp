// SPDX-License-Identifier: BSD-3-Clause
/// What a model is, and the refinements that make it faster or tell more of it. docs/concepts.md has the
/// laws.
#pragma once

#include <spinet/rows.hpp>
#include <spinet/sites.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace spinet {

/// An immutable Hamiltonian of spins held as `spin_type`: Ising spins s = +-1, unless it says otherwise (see
/// spin_space). Knows no temperature and no random numbers. Laws: energy_change(s, i, v) == energy(s with s_i
/// = v) - energy(s); both are finite.
template <class M>
concept Model = requires(M const& model, std::span<typename M::spin_type const> spins, std::size_t site,
                         typename M::spin_type value) {
    typename M::spin_type;
    { model.size() } -> std::convertible_to<std::size_t>;
    { model.energy(spins) } -> std::convertible_to<double>;
    { model.energy_change(spins, site, value) } -> std::convertible_to<double>;
};

/// The values that spins take.
enum class spin_space {
    ising,     ///< +1 and -1
    interval,  ///< [-1, 1], by a measure of the model's (see soft_spins)
    sphere,    ///< real numbers with |s|^2 = N
};

/// The values that the spins of a model take: its optional member `space`, else +1 and -1.
template <class M>
inline constexpr spin_space space_of = spin_space::ising;
template <class M>
    requires requires {
        { M::space } -> std::convertible_to<spin_space>;
    }
inline constexpr spin_space space_of<M> = M::space;

/// The type that holds a spin.
template <class M>
using spin_of = typename M::spin_type;

/// A model of spins with these values.
template <class M, spin_space S>
concept HasSpace = Model<M> && S == space_of<M>;

/// Multilinear: E is linear in every single spin, so E = -s_i h_i(other spins) + rest. `fields` writes h for
/// every row of spins +-1 (other numbers may be rounded); flipping s_i costs 2 s_i h_i.
template <class M>
concept MultilinearModel = Model<M> && requires(M const& model, rows_view<typename M::spin_type const> spins,
                                                rows_view<typename M::spin_type> out) {
    model.fields(spins, out);
};

/// Incremental: after a change of one spin, fields are brought up to date for less than all of them cost
/// anew. `change_fields(spins, i, change, fields)`, where the other spins are these and s_i has grown by
/// `change`; `energy_from_fields(spins, fields)` is E. (Pair models need neither: their couplings say it
/// all.)
template <class M>
concept IncrementalModel = MultilinearModel<M> &&
    requires(M const& model, std::span<typename M::spin_type const> spins, std::size_t site,
             typename M::spin_type change, std::span<typename M::spin_type> fields) {
    model.change_fields(spins, site, change, fields);
    { model.energy_from_fields(spins, spins) } -> std::convertible_to<double>;
};

/// Differentiable: `gradient(spins, out)` writes dE/ds_i and returns E.
template <class M>
concept DifferentiableModel = Model<M> &&
    requires(M const& model, std::span<typename M::spin_type const> spins,
             std::span<typename M::spin_type> out) {
    { model.gradient(spins, out) } -> std::convertible_to<double>;
};

/// Pair: h_i = b_i + sum_j J_ij s_j, no pair of sites twice. `for_each_coupling(i, f)` calls f(first_site,
/// span of J_i,first_site...) for the contiguous segments of sites coupled to i; `external_fields()` is b.
template <class M>
concept PairModel = MultilinearModel<M> &&
    requires(M const& model, std::size_t site,
             void (*visit)(std::size_t, std::span<typename M::spin_type const>)) {
    model.for_each_coupling(site, visit);
    { model.external_fields() } -> std::convertible_to<std::span<typename M::spin_type const>>;
};

/// Dense: every pair of spins is coupled. `couplings()` is J, N x N, symmetric with a zero diagonal.
template <class M>
concept DenseModel = PairModel<M> && requires(M const& model) {
    { model.couplings() } -> std::same_as<rows_view<typename M::spin_type const>>;
};

/// Sparse: few couplings to a spin. `neighbours(i)` lists the spins coupled to i, `neighbour_couplings(i)`
/// the J.
template <class M>
concept SparseModel = PairModel<M> && requires(M const& model, std::size_t site) {
    { model.neighbours(site) } -> std::same_as<std::span<std::uint32_t const>>;
    { model.neighbour_couplings(site) } -> std::same_as<std::span<typename M::spin_type const>>;
};

/// Block: the sites fall into colours without couplings inside a colour, so that a whole colour can be
/// updated at once. `colour(c)` lists its ranges of sites; `add_block_fields(c, spins, out)` adds J s on
/// those ranges to `out`.
template <class M>
concept BlockModel = PairModel<M> &&
    requires(M const& model, std::size_t c, rows_view<typename M::spin_type const> spins,
             rows_view<typename M::spin_type> out) {
    { model.colours() } -> std::convertible_to<std::size_t>;
    { model.colour(c) } -> std::convertible_to<std::span<site_range const>>;
    model.add_block_fields(c, spins, out);
};

/// Grouped: sites come in named groups (layers), for observables that report each.
template <class M>
concept GroupedModel = Model<M> && requires(M const& model) {
    { model.groups() } -> std::convertible_to<std::span<spin_group const>>;
};

namespace detail {

/// Refuses what is no PairModel, by one sentence.
template <class M>
consteval bool pair_model_fits() {
    static_assert(
        PairModel<M>,
        "spinet: this needs a PairModel, a model with fields(spins, out), for_each_coupling(site, visit) "
        "and external_fields()");
    return PairModel<M>;
}

}  // namespace detail

/// Optional: `blocks()`, coupling blocks as network_glass has them, for which link overlaps are reported one
/// by one.
template <class M>
concept HasCouplingBlocks = GroupedModel<M> && requires(M const& model) {
    model.blocks();
};

/// A single-site measure on [-1, 1], symmetric and of total weight 1. `draw(x, u)` is the inverse, at u in
/// (0, 1), of the distribution function of a spin with the weight e^(x s); it grows with u.
/// `log_partition(x)` is the logarithm of the mean of e^(x s), `variance()` the mean of s^2 at x = 0.
///
/// Optional: BatchMeasure.
template <class P>
concept SpinMeasure = std::copy_constructible<P> && requires(P const& measure, double x) {
    { measure.draw(x, x) } -> std::convertible_to<double>;
    { measure.log_partition(x) } -> std::convertible_to<double>;
    { measure.variance() } -> std::convertible_to<double>;
    { measure.name() } -> std::convertible_to<std::string>;
};

/// Optional: `take_any_spins()`, after which `fields` takes spins of any value without rounding them.
/// soft_spins calls it.
template <class M>
concept TakesAnySpins = requires(M& model) {
    model.take_any_spins();
};

/// Optional: `draw_all(x, u)` draws a spin for each x[k], which it replaces.
template <class P>
concept BatchMeasure = requires(P const& measure, std::span<double> x, std::span<double const> u) {
    measure.draw_all(x, u);
};

/// Spins in [-1, 1], `space == spin_space::interval`, whose single-site measure is `measure()`.
template <class M>
concept IntervalModel = HasSpace<M, spin_space::interval> && requires(M const& model) {
    { model.measure() } -> SpinMeasure;
};

/// Optional: `paramagnet_above()` is the temperature above which the model is a paramagnet, in the unit of
/// the couplings. A PairModel without it takes lambda_max(J); any other without it is never called
/// equilibrated.
template <class M>
concept HasParamagnet = requires(M const& model) {
    { model.paramagnet_above() } -> std::convertible_to<double>;
};

/// Optional: `variance_at_infinite_temperature()` is the variance of E over all states, for free energies. A
/// PairModel without it takes sum J^2 + sum b^2.
template <class M>
concept HasInfiniteTemperatureVariance = requires(M const& model) {
    { model.variance_at_infinite_temperature() } -> std::convertible_to<double>;
};

/// Where a model came from: names and values, as lines of a run's metadata.
using provenance = std::vector<std::pair<std::string, std::string>>;

/// Optional: `made_from()`, which goes into the metadata of a run.
template <class M>
concept HasProvenance = requires(M const& model) {
    { model.made_from() } -> std::convertible_to<provenance>;
};

}  // namespace spinet
