// SPDX-License-Identifier: BSD-3-Clause
/// The main loop: replicas of a model, swept by a method, measured by observables.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/detail/fingerprint.hpp>
#include <spinet/detail/split_matrix.hpp>
#include <spinet/ensemble/anneal.hpp>
#include <spinet/ensemble/tempering.hpp>
#include <spinet/execution/blas_threads.hpp>
#include <spinet/execution/executor.hpp>
#include <spinet/mean_field/coupling_spectrum.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/observable/observable.hpp>
#include <spinet/run/progress.hpp>
#include <spinet/run/run.hpp>
#include <spinet/run/run_plan.hpp>
#include <spinet/version.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace spinet {
namespace detail {

/// Tells models apart: by their energies in eight fixed random states, bit for bit, and their couplings and
/// fields where they show them.
template <Model M>
[[nodiscard]] std::uint64_t model_fingerprint(M const& model) {
    using real = typename M::spin_type;
    fingerprint print;
    print.add_value(static_cast<std::uint64_t>(model.size()));
    std::vector<real> spins(model.size());
    for (std::uint32_t k = 0; k < 8; ++k) {
        stream(0, k, 0, purpose::testing).fill_signs(std::span(spins));
        print.add_value(static_cast<double>(model.energy(std::span<real const>(spins))));
    }
    if constexpr (PairModel<M>) {
        print.add(std::span<real const>(model.external_fields()));
        for (std::size_t i = 0; i < model.size(); ++i)
            model.for_each_coupling(i, [&](std::size_t first, std::span<real const> couplings) {
                print.add_value(first).add(couplings);
            });
    }
    return print.value();
}

/// What the model says itself, by a member of this name, else what follows from couplings of Ising spins.
template <Model M>
[[nodiscard]] double variance_at_infinite_temperature(M const& model) {
    if constexpr (requires {
                      { model.variance_at_infinite_temperature() } -> std::convertible_to<double>;
                  }) {
        return model.variance_at_infinite_temperature();
    } else if constexpr (PairModel<M>) {
        using real = typename M::spin_type;
        double squares = 0;
        for (real const b : model.external_fields())
            squares += static_cast<double>(b) * static_cast<double>(b);
        for (std::size_t i = 0; i < model.size(); ++i)
            model.for_each_coupling(i, [&](std::size_t, std::span<real const> couplings) {
                squares += dot(couplings.data(), couplings.data(), couplings.size()) / 2;
            });
        return squares;
    } else {
        return std::numeric_limits<double>::quiet_NaN();
    }
}

template <class...>
inline constexpr bool all_different = true;
template <class First, class... Rest>
inline constexpr bool all_different<First, Rest...> =
    (!std::is_same_v<First, Rest> && ...) && all_different<Rest...>;

/// A run under way: what `sample` and `resume` have in common.
template <Model M, class Method, class Exec, class... Os>
class sampler {
public:
    using real = typename M::spin_type;
    static_assert(
        SamplingMethod<Method, M>,
        "spinet: the second argument must be a method, such as parallel_tempering(glauber{}, ladder)");
    static_assert(
        all_different<Os...>,
        "spinet: two observables of one type share a recorder; give lifted functions types of their own "
        "(lambdas have them, function pointers have not)");

    sampler(M const& model, Method const& method, observables<Os...> const& measured, run_plan const& plan,
            Exec const& executor)
        : model_(model),
          method_(method),
          measured_(measured),
          plan_(checked(plan, method, model)),
          team_(executor.team()),
          ensemble_(method.make_ensemble(model, plan.replicas, plan.seed)),
          result_{{method.temperatures(), plan_, model.size(), groups_of(model)}, {}} {
        result_.exchanges = Method::exchanges;
        result_.anneals = successive;
        result_.rungs = method.temperatures().size();
        if constexpr (requires { ensemble_.rungs(); }) result_.rungs = ensemble_.rungs();
        if constexpr (requires { requires Method::joins_pairs; }) result_.joined = 2;
        result_.paramagnet_above = paramagnet_above(model);
        result_.variance_at_infinite_temperature = variance_at_infinite_temperature(model);
        result_.ising = space_of<M> == spin_space::ising;
        if (!result_.ising) result_.entropy_at_infinite_temperature = 0;
        std::apply([&](auto const&... each) { (add_recorders(each), ...); }, measured.all);
        describe();
    }

    template <class... Watchers>
    void start(Watchers&... watchers) {
        if constexpr (successive) {
            ensemble_.start(team_);
            return;
        } else {
            start_ladders(watchers...);
        }
    }

    void load(checkpoint const& from) {
        if (from.version != version)
            throw error("the checkpoint was written by spinet " + from.version + ", this is " + version);
        if (from.identity != identity())
            throw error("the checkpoint belongs to another model, method, plan or set of observables");
        archive_reader in(from.state);
        ensemble_.load(in);
        if (from.sweeps_done > steps() * sweeps_of_step())
            throw error("the checkpoint is damaged: it has more sweeps than its plan");
        for (auto& of_observable : result_.recorders)
            for (auto& at_temperature : of_observable) at_temperature.load(in);
        if (!in.at_end()) throw error("the checkpoint is damaged: bytes are left over");
        result_.sweeps_done = from.sweeps_done;
    }

    template <class... Watchers>
    void go_on(Watchers&... watchers) {
        std::uint64_t const of_step = sweeps_of_step(), end = steps() * of_step;
        if (end > std::numeric_limits<std::uint32_t>::max())
            throw error("sample: " + std::to_string(steps()) + " steps of " + std::to_string(of_step) +
                        " sweeps are more than 2^32 - 1 sweeps");
        result_.sweeps_total = end;
        while (!stopped_ && result_.sweeps_done < end) {
            std::uint64_t const step = result_.sweeps_done / of_step, before = step * of_step,
                                now = result_.sweeps_done - before;
            std::uint64_t const stop_at = std::min({of_step, next_measurement(now), now + longest_slice,
                                                    now < plan_.warmup ? plan_.warmup : of_step});
            advance(step, before + now, stop_at - now);
            result_.sweeps_done = before + stop_at;
            if (stop_at > plan_.warmup && (stop_at - plan_.warmup) % plan_.measure_every == 0)
                measure(step, (stop_at - plan_.warmup) / plan_.measure_every - 1);
            if (!tell({phase(), before + stop_at, end, before + stop_at == end, [this] { return freeze(); }},
                      watchers...))
                stopped_ = true;
        }
        if (stopped_ && result_.sweeps_done < end) tell_the_end(watchers...);
        if (plan_.keep_spins) keep_spins();
        if constexpr (requires { ensemble_.counts(); }) result_.exchange = ensemble_.counts();
        if constexpr (requires { ensemble_.populations(); }) result_.populations = ensemble_.populations();
        if constexpr (requires { ensemble_.engine_use(); })
            if (auto const use = ensemble_.engine_use(); use.sweeps > 0)
                result_.sweeps_by_products =
                    static_cast<double>(use.sweeps_by_products) / static_cast<double>(use.sweeps);
    }

    [[nodiscard]] run<Os...> take() && { return std::move(result_); }

private:
    /// Between two looks at the watchers.
    static constexpr std::uint64_t longest_slice = 64;

    using ensemble_type =
        decltype(std::declval<Method const&>().make_ensemble(std::declval<M const&>(), 0, 0));
    /// Temperatures come one after the other, each with all the sweeps of the plan.
    static constexpr bool successive = requires { requires ensemble_type::successive; };

    [[nodiscard]] std::uint64_t sweeps_of_step() const noexcept { return plan_.warmup + plan_.sweeps; }
    [[nodiscard]] std::uint64_t steps() const noexcept {
        if constexpr (successive)
            return ensemble_.steps();
        else
            return 1;
    }

    [[nodiscard]] run_phase phase() const noexcept {
        return !successive && result_.sweeps_done <= plan_.warmup ? run_phase::warmup : run_phase::measuring;
    }

    /// Sweeps `first`, ... of the run, all in one step.
    void advance(std::uint64_t step, std::uint64_t first, std::uint64_t count) {
        if constexpr (successive) {
            if (first == step * sweeps_of_step()) ensemble_.begin_step(team_, step);
            ensemble_.advance(team_, step, static_cast<std::uint32_t>(first),
                              static_cast<std::uint32_t>(count));
        } else {
            ensemble_.advance(team_, static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(count));
            if (first + count == plan_.warmup) ensemble_.reset_counts();
        }
    }

    template <class... Watchers>
    void start_ladders(Watchers&... watchers) {
        std::vector<real> cold;
        if (plan_.from == start::hot_and_cold) {
            cold =
                anneal_with(
                    model_, method_.kernel(), method_.temperatures(),
                    {.sweeps = plan_.annealing, .seed = plan_.seed}, team_,
                    [&](std::uint64_t sweep) {
                        return tell({run_phase::annealing, sweep, plan_.annealing, false, {}}, watchers...);
                    })
                    .spins;
            if (cold.empty()) stopped_ = true;
        }
        if (stopped_) return;
        ensemble_.start(team_, cold, [&](std::size_t replica) {
            return plan_.from == start::hot_and_cold && replica / result_.joined % 2 == 1;
        });
    }

    static run_plan checked(run_plan plan, Method const& method, M const& model) {
        if (plan.keep_spins && space_of<M> != spin_space::ising)
            throw error("sample: keep_spins keeps bits, and the spins of this model are not +-1");
        if constexpr (requires { method.rows_of_replica(); }) {
            plan.check(method.rows_of_replica(), model.size());
            plan.from = start::hot;  // where temperature falls, what is cold would come last
            if (plan.keep_spins)
                throw error(
                    "sample: keep_spins asks for a method that holds all its temperatures to the end; "
                    "those of " +
                    method.name() + " come one after the other");
        } else {
            plan.check(method.temperatures().size(), model.size());
        }
        if constexpr (requires { requires Method::joins_pairs; })
            if (plan.replicas < 8)
                throw error("sample: " + std::to_string(plan.replicas) +
                            " replicas joined in pairs; error bars need at least 4 pairs");
        if (!std::isfinite(static_cast<real>(2 / method.temperatures().lowest())))
            throw error("sample: 2 / T overflows the model's floating-point type at the lowest temperature");
        return plan;
    }

    template <class O>
    void add_recorders(O const& observable) {
        static_assert(Observable<O, real>,
                      "spinet: not an Observable; see docs/concepts.md for what one needs");
        auto const components = observable.components(result_.groups);
        result_.recorders.emplace_back(method_.temperatures().size(),
                                       recorder(O::per, plan_.replicas, components, O::lead, result_.joined));
    }

    [[nodiscard]] std::uint64_t next_measurement(std::uint64_t now) const noexcept {
        std::uint64_t const measured = now < plan_.warmup ? 0 : (now - plan_.warmup) / plan_.measure_every;
        return plan_.warmup + (measured + 1) * plan_.measure_every;
    }

    static constexpr bool reads_bits = ((reading_of<Os> == reading::bits) || ...);
    static constexpr bool packs = reads_bits && requires { requires ensemble_type::packs; };
    static constexpr bool copies = (reads_bits && !packs) || ((reading_of<Os> == reading::spins) || ...);

    /// Measurement `index` of step `step`.
    void measure(std::uint64_t step, std::uint64_t index) {
        std::size_t const stage = recorder::stage_of(index, plan_.measurements());
        if constexpr (successive) {
            if (auto const rung = ensemble_.step(step).rung) measure_members(*rung, stage);
        } else {
            if constexpr (packs) ensemble_.pack(team_, result_.groups);
            team_.run(method_.temperatures().size(), [&](std::size_t k) {
                // Kept, because a new one of this size costs page faults each time.
                static thread_local std::vector<double> out;
                measure_cohort(k, k, [&](std::size_t o, auto const& observable, auto const& seen) {
                    auto& into = result_.recorders[o][k];
                    out.assign(into.units() * into.width(), 0.0);
                    observable.measure(seen, std::span<double>(out));
                    into.add(stage, out);
                });
            });
        }
    }

    /// All members of the populations, which are now at one temperature. Measured side by side, recorded in
    /// their order.
    void measure_members(std::size_t rung, std::size_t stage) requires successive {
        constexpr std::size_t together = 64;
        if constexpr (packs) ensemble_.pack(team_, result_.groups);
        std::vector<std::vector<double>> out(together * sizeof...(Os));
        for (std::size_t done = 0; done < ensemble_.cohorts(); done += together) {
            std::size_t const count = std::min(together, ensemble_.cohorts() - done);
            team_.run(count, [&](std::size_t m) {
                measure_cohort(rung, done + m, [&](std::size_t o, auto const& observable, auto const& seen) {
                    auto const& into = result_.recorders[o][rung];
                    auto& block = out[m * sizeof...(Os) + o];
                    block.assign(into.units() * into.width(), 0.0);
                    observable.measure(seen, std::span<double>(block));
                });
            });
            for (std::size_t m = 0; m < count; ++m)
                for (std::size_t o = 0; o < sizeof...(Os); ++o)
                    result_.recorders[o][rung].add(stage, out[m * sizeof...(Os) + o]);
        }
    }

    /// visit(o, observable, cohort) for all observables. `cohort_index` is what the ensemble counts cohorts
    /// by.
    template <class Visit>
    void measure_cohort(std::size_t rung, std::size_t cohort_index, Visit&& visit) const {
        std::size_t const n = plan_.replicas, sites = model_.size();
        std::vector<real> spins(copies ? n * sites : 0);
        std::vector<std::uint64_t const*> bits(packs ? n : 0);
        std::vector<double> energies(n);
        ensemble_.gather_energies(cohort_index, energies);
        if constexpr (copies) ensemble_.gather_spins(cohort_index, spins);
        if constexpr (packs) ensemble_.gather_bits(cohort_index, bits);
        cohort<real> const seen{{copies ? spins.data() : nullptr, n, sites, sites},
                                energies,
                                result_.groups,
                                method_.temperatures()[rung],
                                bits,
                                space_of<M>};
        std::size_t o = 0;
        std::apply([&](auto const&... each) { (visit(o++, each, seen), ...); }, measured_.all);
    }

    /// The spins as they are now, at every temperature. None where the run has not begun.
    void keep_spins() {
        if (result_.sweeps_done == 0) return;
        std::size_t const sites = model_.size();
        std::vector<real> spins(plan_.replicas * sites);
        for (std::size_t k = 0; k < method_.temperatures().size(); ++k) {
            ensemble_.gather_spins(k, spins);
            result_.spins.emplace_back(result_.groups, plan_.replicas);
            for (std::size_t r = 0; r < plan_.replicas; ++r)
                result_.spins.back().set_row(r, std::span<real const>(spins).subspan(r * sites, sites));
        }
    }

    /// The last call to the watchers of a run that was stopped. One that has not begun to sweep has nothing
    /// to save.
    template <class... Watchers>
    void tell_the_end(Watchers&... watchers) {
        if (result_.sweeps_done == 0) {
            (void)tell({run_phase::annealing, 0, plan_.annealing, true, {}}, watchers...);
            return;
        }
        (void)tell({phase(), result_.sweeps_done, result_.sweeps_total, true, [this] { return freeze(); }},
                   watchers...);
    }

    [[nodiscard]] checkpoint freeze() const {
        archive_writer out;
        ensemble_.save(out);
        for (auto const& of_observable : result_.recorders)
            for (auto const& at_temperature : of_observable) at_temperature.save(out);
        return {identity(), version, method_.temperatures().temperatures(), result_.sweeps_done,
                std::move(out).take()};
    }

    [[nodiscard]] std::uint64_t identity() const {
        if (identity_ != 0) return identity_;
        fingerprint print;
        print.add_value(model_fingerprint(model_)).add(method_.name());
        print.add(std::span<double const>(method_.temperatures().temperatures()));
        for (std::uint64_t const value :
             {std::uint64_t{plan_.replicas}, plan_.warmup, plan_.sweeps, plan_.measure_every, plan_.seed,
              static_cast<std::uint64_t>(plan_.from), plan_.annealing, std::uint64_t{sizeof(real)}})
            print.add_value(value);
        for (auto const& of_observable : result_.recorders)
            for (auto const& name : of_observable[0].components()) print.add(name);
        return identity_ = print.value();
    }

    void describe() {
        result_.metadata = {{"spinet", version}, {"method", method_.name()}};
        bool const by_tiles =
            std::is_same_v<real, float> && space_of<M> == spin_space::ising && split_matrix::available();
        result_.metadata.emplace_back("matrix products", by_tiles ? "bf16 tiles" : "BLAS");
        if (blas_core_name() != nullptr) result_.metadata.emplace_back("OpenBLAS kernels", blas_core_name());
        if constexpr (requires { model_.made_from(); })
            for (auto const& line : model_.made_from()) result_.metadata.push_back(line);
    }

    single_threaded_blas one_blas_thread_;
    M const& model_;
    Method const& method_;
    observables<Os...> const& measured_;
    run_plan plan_;
    decltype(std::declval<Exec const&>().team()) team_;
    ensemble_type ensemble_;
    run<Os...> result_;
    mutable std::uint64_t identity_ = 0;
    bool stopped_ = false;
};

}  // namespace detail

/// Samples `plan.replicas` independent replicas of `model` with `method` and returns what `measured` saw of
/// them. `watchers` are callbacks (progress_bar{}, checkpoint_every{...}, your own) and std::stop_token; any
/// of them may stop the run, which then returns what it accumulated so far. The same plan and seed give
/// bitwise the same result on any executor. Throws spinet::error for a plan that cannot be carried out,
/// before any work.
template <Model M, class Method, class... Os, Executor Exec = serial, class... Watchers>
[[nodiscard]] run<Os...> sample(M const& model, Method const& method, observables<Os...> const& measured,
                                run_plan const& plan, Exec const& executor = {}, Watchers&&... watchers) {
    detail::require_watchers<Watchers...>();
    detail::sampler<M, Method, Exec, Os...> at_work(model, method, measured, plan, executor);
    at_work.start(watchers...);
    at_work.go_on(watchers...);
    return std::move(at_work).take();
}

/// Continues a run from a checkpoint, bitwise as if it had never stopped. All other arguments must be those
/// of the run that wrote it (the executor may differ); spinet::error otherwise.
template <Model M, class Method, class... Os, Executor Exec = serial, class... Watchers>
[[nodiscard]] run<Os...> resume(checkpoint const& from, M const& model, Method const& method,
                                observables<Os...> const& measured, run_plan const& plan,
                                Exec const& executor = {}, Watchers&&... watchers) {
    detail::require_watchers<Watchers...>();
    detail::sampler<M, Method, Exec, Os...> at_work(model, method, measured, plan, executor);
    at_work.load(from);
    at_work.go_on(watchers...);
    return std::move(at_work).take();
}

}  // namespace spinet
