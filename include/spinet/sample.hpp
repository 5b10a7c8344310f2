// SPDX-License-Identifier: BSD-3-Clause
/// `sample` and `resume`: replicas of a model, swept by a method, measured by observables.
#pragma once

#include <spinet/ensemble/tempering.hpp>
#include <spinet/execution/executor.hpp>
#include <spinet/run/driver.hpp>

#include <type_traits>
#include <utility>

namespace spinet {
namespace detail {

template <class...>
inline constexpr bool all_different = true;
template <class First, class... Rest>
inline constexpr bool all_different<First, Rest...> =
    (!std::is_same_v<First, Rest> && ...) && all_different<Rest...>;

/// Refuses arguments of `sample` that do not satisfy their concepts, each by one sentence.
template <class M, class Method, class Exec, class... Os>
consteval bool sample_arguments_fit() {
    static_assert(Model<M>,
                  "spinet: the first argument of sample is no Model; it needs spin_type, size(), "
                  "energy(spins) and energy_change(spins, site, value)");
    if constexpr (Model<M>) {
        constexpr bool has_kernel = requires(Method const& method) { method.kernel(); };
        static_assert(has_kernel,
                      "spinet: the second argument of sample must be a method, such as "
                      "parallel_tempering(glauber{}, ladder)");
        if constexpr (has_kernel) {
            using kernel = std::remove_cvref_t<decltype(std::declval<Method const&>().kernel())>;
            (void)kernel_fits<kernel, M>();
            if constexpr (Kernel<kernel, M>) {
                static_assert(
                    SamplingMethod<Method, M>,
                    "spinet: the second argument of sample is no SamplingMethod for this model, or what "
                    "its make_ensemble returns is no Ensemble");
                static_assert((Observable<Os, typename M::spin_type> && ...),
                              "spinet: what is measured has to be an Observable; it needs unit, lead, "
                              "components(groups) and measure(cohort, out)");
                static_assert(
                    all_different<Os...>,
                    "spinet: two observables of one type share a recorder; give lifted functions types "
                    "of their own (lambdas have them, function pointers have not)");
                (void)executor_fits<Exec>();
                return SamplingMethod<Method, M> && (Observable<Os, typename M::spin_type> && ...) &&
                       all_different<Os...> && Executor<Exec>;
            }
        }
    }
    return false;
}

}  // namespace detail

/// Samples `plan.replicas` independent replicas of `model` with `method` and returns what the observables
/// `measured`. `watchers` are callbacks (progress_bar{}, checkpoint_every{...}, your own) and
/// std::stop_token; any of them may stop the run, which then returns what it has so far. The same plan and
/// seed give bitwise the same result on any executor. Throws spinet::error for a plan that cannot be carried
/// out, before any work.
template <class M, class Method, class... Os, class Exec = serial, class... Watchers>
[[nodiscard]] run<Os...> sample(M const& model, Method const& method, observables<Os...> const& measured,
                                run_plan const& plan, Exec const& executor = {}, Watchers&&... watchers) {
    if constexpr (detail::sample_arguments_fit<M, Method, Exec, Os...>() &&
                  detail::watchers_fit<Watchers...>()) {
        detail::driver<M, Method, Exec, Os...> under_way(model, method, measured, plan, executor);
        under_way.start(watchers...);
        under_way.go_on(watchers...);
        return std::move(under_way).take();
    }
}

/// Continues a run from a checkpoint, bitwise as if it had never stopped. All other arguments must be those
/// of the run that wrote it (the executor may differ); spinet::error otherwise. One may differ: `plan.sweeps`
/// may be 2, 4, 8, ... times as many, so that a finished run goes on. (What was recorded then moves to the
/// stages of the longer plan, where sums may round otherwise than in a run that was long from the start.) A
/// method that anneals does not go on.
template <class M, class Method, class... Os, class Exec = serial, class... Watchers>
[[nodiscard]] run<Os...> resume(checkpoint const& from, M const& model, Method const& method,
                                observables<Os...> const& measured, run_plan const& plan,
                                Exec const& executor = {}, Watchers&&... watchers) {
    if constexpr (detail::sample_arguments_fit<M, Method, Exec, Os...>() &&
                  detail::watchers_fit<Watchers...>()) {
        detail::driver<M, Method, Exec, Os...> under_way(model, method, measured, plan, executor);
        under_way.load(from);
        under_way.go_on(watchers...);
        return std::move(under_way).take();
    }
}

}  // namespace spinet
