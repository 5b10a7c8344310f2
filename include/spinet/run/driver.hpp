// SPDX-License-Identifier: BSD-3-Clause
/// A run under way: starts, sweeps, measurements, watchers and checkpoints.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/detail/memory.hpp>
#include <spinet/detail/split_matrix.hpp>
#include <spinet/ensemble/concepts.hpp>
#include <spinet/execution/blas_threads.hpp>
#include <spinet/mean_field/coupling_spectrum.hpp>
#include <spinet/model/laws.hpp>
#include <spinet/run/anneal.hpp>
#include <spinet/run/cold_starts.hpp>
#include <spinet/run/identity.hpp>
#include <spinet/run/measurement.hpp>
#include <spinet/run/progress.hpp>
#include <spinet/run/run.hpp>
#include <spinet/version.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace spinet::detail {

// What depends on no model stands outside the driver, of which a program may have many.

/// The lines that describe a run; `tiles_fit` says whether its spins are such that matrix products may be
/// those of bf16 tiles.
template <std::convertible_to<std::string> Name>
[[nodiscard]] std::vector<std::pair<std::string, std::string>> metadata_of(Name const& method,
                                                                           bool tiles_fit) {
    bool const by_tiles = tiles_fit && split_matrix::available();
    std::vector<std::pair<std::string, std::string>> lines{
        {"spinet", version}, {"method", method}, {"matrix products", by_tiles ? "bf16 tiles" : "BLAS"}};
    if (blas_core_name() != nullptr) lines.emplace_back("OpenBLAS kernels", blas_core_name());
    return lines;
}

/// A recorder for each temperature. Throws spinet::error where there is not enough memory.
template <std::same_as<recorder> Recorder>
[[nodiscard]] std::vector<recorder> recorders_of(Recorder const& one, std::size_t temperatures) {
    auto const what = [&] {
        return detail::text("sample: the numbers for each ", one.unit().name, " of ", one.replicas(),
                            " replicas at ", temperatures, " temperatures");
    };
    return within_memory(what, static_cast<double>(temperatures) * one.bytes(),
                         [&] { return std::vector<recorder>(temperatures, one); });
}

/// What `sample` and `resume` have in common. They have checked the concepts.
template <class M, class Method, class Exec, class... Os>
class driver {
    using real = typename M::spin_type;
    using ensemble_type =
        decltype(std::declval<Method const&>().make_ensemble(std::declval<M const&>(), 0, 0));

public:
    driver(M const& model, Method const& method, observables<Os...> const& measured, run_plan const& plan,
           Exec const& executor)
        : model_(model),
          method_(method),
          plan_(checked(plan, method, model)),
          team_(executor.team()),
          result_(empty_run(model, method, measured, plan_)),
          ensemble_(made(model, method, plan_)),
          measurements_(model, method.temperatures(), measured, result_) {}

    /// The first states: random, and for every second block of replicas one of the cold states.
    template <class... Watchers>
    void start(Watchers&... watchers) {
        std::vector<cold_state<real>> cold;
        if (plan_.from == start::hot_and_cold) {
            std::vector<real> other;
            auto best = anneal_with(
                model_, method_.kernel(), method_.temperatures(),
                {.sweeps = plan_.annealing, .seed = plan_.seed}, team_,
                [&](std::uint64_t sweep) {
                    return tell_all(progress{run_phase::annealing, sweep, plan_.annealing, false, {}},
                                    watchers...);
                },
                &other);
            stopped_ = best.spins.empty();
            if (stopped_) return;
            cold = cold_states(model_, plan_.starts, std::move(best.spins), std::move(other),
                               plan_.replicas / Method::replicas_per_block / 2);
        }
        for (auto const& state : cold) result_.cold_states.push_back(state.name);
        ensemble_.start(team_, [&](std::size_t replica) {
            std::size_t const from = result_.start_of(replica);
            return from == 0 ? std::span<real const>() : std::span<real const>(cold[from - 1].spins);
        });
    }

    void load(checkpoint const& from) {
        if (from.version != version)
            throw error("the checkpoint was written by spinet ", from.version, ", this is ", version);
        std::size_t const doublings = doublings_since(from.identity);
        if (doublings == not_this_run)
            throw error(
                "the checkpoint belongs to another model, method, plan or set of observables (of the plan "
                "only "
                "`sweeps` may differ, and be 2, 4, 8, ... times as many)");
        archive_reader in(from.state);
        for (auto left = in.get_value<std::uint64_t>(); left > 0; --left)
            result_.cold_states.push_back(in.get_text());
        ensemble_.load(in);
        if (from.sweeps_done > ensemble_.steps() * sweeps_of_step())
            throw error("the checkpoint is damaged: it has more sweeps than its plan");
        for (auto& of_observable : result_.recorders)
            for (auto& at_temperature : of_observable) {
                at_temperature.load(in);
                at_temperature.double_plan(doublings);
            }
        if (!in.at_end()) throw error("the checkpoint is damaged: bytes are left over");
        result_.sweeps_done = from.sweeps_done;
    }

    /// All sweeps that are left, in slices; after each, the watchers are told.
    template <class... Watchers>
    void go_on(Watchers&... watchers) {
        std::uint64_t const of_step = sweeps_of_step(), steps = ensemble_.steps(), end = steps * of_step;
        if (end > std::numeric_limits<std::uint32_t>::max())
            throw error("sample: ", steps, " steps of ", of_step, " sweeps are more than 2^32 - 1 sweeps");
        result_.sweeps_total = end;
        while (!stopped_ && result_.sweeps_done < end) {
            std::uint64_t const step = result_.sweeps_done / of_step, before = step * of_step,
                                now = result_.sweeps_done - before;
            std::uint64_t const stop_at = std::min({of_step, next_measurement(now), now + longest_slice,
                                                    now < plan_.warmup ? plan_.warmup : of_step});
            if (now == 0) ensemble_.begin_step(team_, step);
            ensemble_.advance(team_, step, static_cast<std::uint32_t>(before + now),
                              static_cast<std::uint32_t>(stop_at - now));
            if (stop_at == plan_.warmup) ensemble_.end_warmup();
            result_.sweeps_done = before + stop_at;
            if (stop_at > plan_.warmup && (stop_at - plan_.warmup) % plan_.measure_every == 0)
                measurements_.add(ensemble_, team_, step,
                                  recorder::stage_of((stop_at - plan_.warmup) / plan_.measure_every - 1,
                                                     plan_.measurements()));
            if (!tell_all(progress{phase(), before + stop_at, end, before + stop_at == end,
                                   [this] { return freeze(); }},
                          watchers...))
                stopped_ = true;
        }
        if (stopped_ && result_.sweeps_done < end) tell_the_end(watchers...);
        if (plan_.keep_spins) keep_spins();
        static_cast<ensemble_report&>(result_) = ensemble_.report();
    }

    [[nodiscard]] run<Os...> take() && { return std::move(result_); }

private:
    /// Between two looks at the watchers.
    static constexpr std::uint64_t longest_slice = 64;

    [[nodiscard]] std::uint64_t sweeps_of_step() const noexcept { return plan_.warmup + plan_.sweeps; }

    [[nodiscard]] run_phase phase() const noexcept {
        return !Method::anneals && result_.sweeps_done <= plan_.warmup ? run_phase::warmup
                                                                       : run_phase::measuring;
    }

    [[nodiscard]] std::uint64_t next_measurement(std::uint64_t now) const noexcept {
        std::uint64_t const measured = now < plan_.warmup ? 0 : (now - plan_.warmup) / plan_.measure_every;
        return plan_.warmup + (measured + 1) * plan_.measure_every;
    }

    [[nodiscard]] static run_plan checked(run_plan plan, Method const& method, M const& model) {
        plan.check(method.rows_per_replica(), model.size());
        if (plan.keep_spins && space_of<M> != spin_space::ising)
            throw error("sample: keep_spins keeps bits, and the spins of this model are not +-1");
        if (Method::anneals) {
            if (plan.starts.shape()[0] > 0)
                throw error("sample: ", std::string(method.name()),
                            " starts from random spins alone, and the plan has starts");
            plan.from = start::hot;  // where temperature falls, what is cold would come last
            if (plan.keep_spins)
                throw error(
                    "sample: keep_spins needs a method that holds all its temperatures to the end; those "
                    "of ",
                    std::string(method.name()), " come one after the other");
        }
        constexpr std::size_t of_block = Method::replicas_per_block;
        if (plan.replicas < of_block)
            throw error("sample: ", plan.replicas, " replicas in blocks of ", of_block);
        if (plan.replicas < 2 * of_block) {
            if (plan.starts.shape()[0] > 0)
                throw error("sample: the plan has starts, which are for every second of several replicas");
            plan.from = start::hot;
        }
        if (!std::isfinite(static_cast<real>(2 / method.temperatures().lowest())))
            throw error("sample: 2 / T overflows the model's floating-point type at the lowest temperature");
        check_own_states<M>(plan.starts);
        check_laws(model);
        return plan;
    }

    /// Throws spinet::error where there is not enough memory: its size follows from what the caller asked
    /// for.
    [[nodiscard]] static ensemble_type made(M const& model, Method const& method, run_plan const& plan) {
        std::size_t const rows = method.rows_per_replica(), sites = model.size();
        auto const what = [&] {
            return detail::text("sample: the spins of ", plan.replicas, " replicas x ", rows, " rows x ",
                                sites, " sites");
        };
        double const spins =
            static_cast<double>(plan.replicas) * static_cast<double>(rows) * static_cast<double>(sites);
        return within_memory(what, spins / 8,  // a bit a spin, at least
                             [&] { return method.make_ensemble(model, plan.replicas, plan.seed); });
    }

    [[nodiscard]] static run<Os...> empty_run(M const& model, Method const& method,
                                              observables<Os...> const& measured, run_plan const& plan) {
        run<Os...> made{
            {{}, method.temperatures(), plan, static_cast<std::size_t>(model.size()), groups_of(model)}, {}};
        made.rows_per_replica = method.rows_per_replica();
        made.exchanges = Method::exchanges;
        made.anneals = Method::anneals;
        made.replicas_per_block = Method::replicas_per_block;
        made.paramagnet_above = paramagnet_above(model);
        made.variance_at_infinite_temperature = variance_at_infinite_temperature(model);
        made.ising = space_of<M> == spin_space::ising;
        if (!made.ising) made.entropy_at_infinite_temperature = 0;
        made.metadata = metadata_of(method.name(), std::is_same_v<real, float> && made.ising);
        if constexpr (HasProvenance<M>)
            for (auto const& line : model.made_from()) made.metadata.push_back(line);
        auto const add = [&]<class O>(O const& observable) {
            if constexpr (NeedsBlocks<O>)
                if (plan.replicas / Method::replicas_per_block < O::fewest_blocks)
                    throw error("sample: one of the observables needs at least ",
                                std::size_t{O::fewest_blocks}, " blocks of replicas, the plan has ",
                                plan.replicas / Method::replicas_per_block);
            unit_kind const unit(typename O::unit{});
            if (unit.count(plan.replicas) == 0)
                throw error("sample: one of the observables is measured for each ", unit.name,
                            ", which takes at least ", unit.size, " replicas; the plan has ", plan.replicas);
            made.recorders.push_back(
                recorders_of(recorder(typename O::unit{}, plan.replicas, observable.components(made.groups),
                                      O::lead, Method::replicas_per_block),
                             method.temperatures().size()));
        };
        std::apply([&](auto const&... each) { (add(each), ...); }, measured.all);
        return made;
    }

    /// The spins as they are now, at every temperature. None where the run has not begun.
    void keep_spins() {
        if (result_.sweeps_done == 0) return;
        std::size_t const sites = model_.size();
        std::vector<real> spins(plan_.replicas * sites);
        for (std::size_t k = 0; k < method_.temperatures().size(); ++k) {
            ensemble_.gather_spins(k, std::span<real>(spins));
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
            (void)tell_all(progress{run_phase::annealing, 0, plan_.annealing, true, {}}, watchers...);
            return;
        }
        (void)tell_all(
            progress{phase(), result_.sweeps_done, result_.sweeps_total, true, [this] { return freeze(); }},
            watchers...);
    }

    [[nodiscard]] checkpoint freeze() const {
        archive_writer out;
        out.put_value(static_cast<std::uint64_t>(result_.cold_states.size()));
        for (auto const& name : result_.cold_states) out.put(name);
        ensemble_.save(out);
        for (auto const& of_observable : result_.recorders)
            for (auto const& at_temperature : of_observable) at_temperature.save(out);
        return {identity(), version, method_.temperatures().temperatures(), result_.sweeps_done,
                std::move(out).take()};
    }

    static constexpr std::size_t not_this_run = 64;

    /// How often the sweeps of a checkpoint's plan have to be doubled to give this plan, which else is the
    /// same; not_this_run where that is not so.
    [[nodiscard]] std::size_t doublings_since(std::uint64_t of_checkpoint) const {
        if (of_checkpoint == identity()) return 0;
        auto shorter = plan_.sweeps;
        for (std::size_t k = 1; !Method::anneals && shorter % 2 == 0; ++k) {
            shorter /= 2;
            if (of_checkpoint != identity_of_plan(shorter)) continue;
            if (shorter % plan_.measure_every == 0) return k;
            throw error("the run of the checkpoint measured every ", plan_.measure_every, " of ", shorter,
                        " sweeps, which is no multiple: it cannot go on with more sweeps");
        }
        return not_this_run;
    }

    [[nodiscard]] std::uint64_t identity() const {
        if (identity_ == 0) identity_ = identity_of_plan(plan_.sweeps);
        return identity_;
    }

    [[nodiscard]] std::uint64_t identity_of_plan(std::uint64_t sweeps) const {
        fingerprint print;
        print.add_value(model_fingerprint(model_)).add(std::string(method_.name()));
        print.add(std::span<double const>(method_.temperatures().temperatures()));
        for (std::uint64_t const value :
             {std::uint64_t{plan_.replicas}, plan_.warmup, sweeps, plan_.measure_every, plan_.seed,
              static_cast<std::uint64_t>(plan_.from), plan_.annealing, std::uint64_t{sizeof(real)}})
            print.add_value(value);
        print.add(std::span<float const>(plan_.starts.data(), plan_.starts.size()));
        for (auto const& of_observable : result_.recorders)
            for (auto const& name : of_observable[0].components()) print.add(name);
        return print.value();
    }

    single_threaded_blas one_blas_thread_;
    M const& model_;
    Method const& method_;
    run_plan plan_;
    decltype(std::declval<Exec const&>().team()) team_;
    run<Os...> result_;
    ensemble_type ensemble_;
    measurements<M, ensemble_type, Os...> measurements_;
    mutable std::uint64_t identity_ = 0;
    bool stopped_ = false;
};

}  // namespace spinet::detail
