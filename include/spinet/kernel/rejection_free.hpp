// SPDX-License-Identifier: BSD-3-Clause
/// Sweeps without refused flips (the n-fold way), for temperatures at which nearly every attempt is refused.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/detail/aligned.hpp>
#include <spinet/detail/pack.hpp>
#include <spinet/error.hpp>
#include <spinet/kernel/metropolis.hpp>
#include <spinet/kernel/rule.hpp>
#include <spinet/kernel/scan.hpp>
#include <spinet/kernel/spin_rows.hpp>
#include <spinet/kernel/sweep_draws.hpp>
#include <spinet/model/concepts.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace spinet {

/// Spins and fields as in spin_rows, and beside them the rate p(beta dE) of the flip of every spin and sums
/// of rates: of the sites of a cache line, of sixteen such sums, of sixteen of those, and so on up to the
/// total. Whatever a flip touches is added up anew, so sums do not drift. A rate is a function of the spin,
/// its field and beta alone, at all times: it need not be saved.
template <AcceptanceRule Rule, class Real>
class rate_rows : public spin_rows<Real> {
public:
    static constexpr std::size_t block = detail::cache_line / sizeof(Real);  ///< sites of a first sum

    rate_rows(std::size_t rows, std::size_t sites)
        : spin_rows<Real>(rows, sites, row_cache::fields), betas_(rows), events_(rows) {
        std::size_t nodes = (sites + block - 1) / block;
        rates_stride_ = nodes * block;
        for (levels_.push_back(0); nodes > 1; nodes = (nodes + fan_out - 1) / fan_out)
            levels_.push_back(levels_.back() + (nodes + fan_out - 1) / fan_out * fan_out);
        sums_stride_ = levels_.back() + fan_out;
        rates_.resize(rows * rates_stride_);
        sums_.resize(rows * sums_stride_);
        forget_rates();
    }

    /// To be called when spins or fields were set from outside.
    void forget_rates() noexcept {
        std::fill(betas_.begin(), betas_.end(), std::numeric_limits<double>::quiet_NaN());
    }

    /// Computes the rates of a row unless they are known.
    void set_beta(std::size_t r, double beta) noexcept {
        if (betas_[r] == beta) return;
        betas_[r] = beta;
        update_blocks(r, 0, rates_stride_ / block - 1);
        update_sums(r, 0, rates_stride_ / block - 1);
    }

    [[nodiscard]] std::span<Real const> rates(std::size_t r) const noexcept {
        return {rates_.data() + r * rates_stride_, this->sites()};
    }
    /// The sum of the rates of a row.
    [[nodiscard]] double total(std::size_t r) const noexcept { return sums(r)[levels_.back()]; }

    /// The site at which the rates, added up from the first, exceed `sum`: a site with a probability in
    /// proportion to its rate, for `sum` uniform in (0, total].
    [[nodiscard]] std::size_t site_at(std::size_t r, double sum) const noexcept {
        std::size_t node = 0;
        for (std::size_t level = levels_.size() - 1; level-- > 0;)
            node = fan_out * node + passed(sums(r) + levels_[level] + fan_out * node, fan_out, sum);
        return block * node + passed(rates_.data() + r * rates_stride_ + block * node, block, sum);
    }

    /// Flips one spin; returns the change of the energy.
    template <class M>
    double flip(M const& model, std::size_t r, std::size_t site) noexcept {
        Real* const spins = this->spins().row(r).data();
        Real* const fields = this->fields().row(r).data();
        double const cost = 2.0 * static_cast<double>(spins[site]) * static_cast<double>(fields[site]);
        Real const change = -2 * spins[site];
        spins[site] = -spins[site];
        model.for_each_coupling(site, [&](std::size_t first, std::span<Real const> couplings) {
            for (std::size_t j = 0; j < couplings.size(); ++j) fields[first + j] += change * couplings[j];
        });
        std::size_t low = site / block, high = low, last = low;
        update_blocks(r, low, low);
        model.for_each_coupling(site, [&](std::size_t first, std::span<Real const> couplings) {
            std::size_t const from = first / block, to = (first + couplings.size() - 1) / block;
            if (couplings.empty() || (from == last && to == last)) return;
            update_blocks(r, from, to);
            low = std::min(low, from), high = std::max(high, to), last = to;
        });
        update_sums(r, low, high);
        ++events_[r];
        return cost;
    }

    /// Flips of each row, since the tile was made.
    [[nodiscard]] std::span<std::uint64_t const> events() const noexcept { return events_; }

    void load(archive_reader& in) {
        spin_rows<Real>::load(in);
        forget_rates();
    }

private:
    static constexpr std::size_t fan_out = 16;

    [[nodiscard]] double* sums(std::size_t r) noexcept { return sums_.data() + r * sums_stride_; }
    [[nodiscard]] double const* sums(std::size_t r) const noexcept { return sums_.data() + r * sums_stride_; }

    /// Where `sum` lies among the numbers; it then holds what is left of it. Rounding may carry it past the
    /// last, but never to a rate of zero.
    template <class Number>
    [[nodiscard]] static std::size_t passed(Number const* of, std::size_t count, double& sum) noexcept {
        std::size_t last = 0;
        for (std::size_t k = 0; k < count; ++k) {
            auto const here = static_cast<double>(of[k]);
            if (!(here > 0)) continue;
            if (sum < here) return k;
            sum -= here;
            last = k;
        }
        sum = static_cast<double>(of[last]);
        return last;
    }

    template <std::size_t Count, class Number>
    [[nodiscard, gnu::always_inline]] static inline double sum_of(Number const* of) noexcept {
        constexpr std::size_t lanes = detail::pack_lanes<double>;
        typedef Number numbers __attribute__((vector_size(lanes * sizeof(Number))));  // NOLINT: as pack_of
        detail::pack<double> total{};
        for (std::size_t k = 0; k < Count; k += lanes) {
            numbers here;
            std::memcpy(&here, of + k, sizeof here);
            total += __builtin_convertvector(here, detail::pack<double>);
        }
        double parts[lanes];
        std::memcpy(parts, &total, sizeof total);
        for (std::size_t half = lanes / 2; half > 0; half /= 2)
            for (std::size_t lane = 0; lane < half; ++lane) parts[lane] += parts[lane + half];
        return parts[0];
    }

    /// Not inlined: one piece of code gives every rate, so that the same arguments give the same bits.
    [[gnu::noinline]] void update_blocks(std::size_t r, std::size_t first, std::size_t last) noexcept {
        using number = std::conditional_t<PackedRule<Rule>, detail::pack<Real>, Real>;
        constexpr std::size_t width = sizeof(number) / sizeof(Real);
        // Within the range of exp_clamped, either sign, and with normal numbers for rates.
        constexpr Real most = sizeof(Real) == 4 ? Real{87} : Real{700};
        auto const largest = static_cast<double>(std::numeric_limits<Real>::max());
        auto const twice_beta = static_cast<Real>(std::min(2 * betas_[r], largest));
        Real const* const spins = this->spins().row(r).data();
        Real const* const fields = this->fields().row(r).data();
        Real* const rates = rates_.data() + r * rates_stride_;
        for (std::size_t i = first * block; i < (last + 1) * block; i += width) {
            number s, h;
            std::memcpy(&s, spins + i, sizeof s);
            std::memcpy(&h, fields + i, sizeof h);
            number const x =
                detail::smaller(detail::larger(s * h * twice_beta, number{} - most), number{} + most);
            auto const p = Rule::flip_ratio(x, zero_cost::accept);
            number const rate = detail::smaller(p.favourable / p.total, number{} + Real{1});
            std::memcpy(rates + i, &rate, sizeof rate);
        }
        for (std::size_t i = this->sites(); i < (last + 1) * block; ++i) rates[i] = 0;
        double* const of = sums(r);
        for (std::size_t b = first; b <= last; ++b) of[b] = sum_of<block>(rates + b * block);
    }

    void update_sums(std::size_t r, std::size_t first, std::size_t last) noexcept {
        double* const of = sums(r);
        for (std::size_t level = 1; level < levels_.size(); ++level) {
            first /= fan_out, last /= fan_out;
            for (std::size_t k = first; k <= last; ++k)
                of[levels_[level] + k] = sum_of<fan_out>(of + levels_[level - 1] + fan_out * k);
        }
    }

    std::size_t rates_stride_ = 0;
    std::size_t sums_stride_ = 0;
    std::vector<std::size_t> levels_;  ///< where the sums of each level start, within those of a row
    detail::aligned_vector<Real> rates_;
    detail::aligned_vector<double> sums_;
    std::vector<double> betas_;  ///< that the rates are for
    std::vector<std::uint64_t> events_;
};

/// Continuous time: every spin attempts a flip at rate 1 and takes it with the probability p(beta dE) of K's
/// rule, for one unit of time a sweep. So a sweep is worth N attempts at sites drawn at random (their number
/// has a Poisson distribution of mean N), but costs what its flips cost: the time to the next flip and the
/// site that flips are drawn, refused attempts are not. A sweep ends at a time, never at a number of flips,
/// which would bias; the flip that would come after the end is discarded. `rejection_free{}` is Metropolis,
/// `rejection_free{glauber{}}` the heat bath; all flips that cost nothing are taken, since continuous time
/// has no parity.
///
/// It pays where less than about one attempt in 150 succeeds: beside `glauber{}`, for the SK model of 1024
/// spins below T = 0.1, for the Gaussian 8 x 8 x 8 lattice below T = 0.25 (measured, one core, AVX-512), for
/// +-J lattices never, whose free spins flip all the time. At high temperature it is right but slow: a flip
/// costs a rate for every coupled spin, N exponentials on a dense model.
///
/// Flip k of a sweep takes draws 4k, ..., 4k + 3 of its row: 64 bits for the time, 64 for the site. Short
/// times come from small uniform numbers, where the bits are fine: a total rate down to 1e-18 a sweep keeps
/// its frequency. The site is chosen in double: where all rates are small each has its share, and beside
/// large ones its probability is right to an absolute 1e-15. Rates below exp(-87) (float; exp(-700) in
/// double) are that number, which no run will see. make_state throws spinet::error beyond 2^28 spins: a
/// stream has 2^32 draws.
///
/// Sources: Bortz, Kalos and Lebowitz, J. Comput. Phys. 17, 10 (1975); Gillespie, ibid. 22, 403 (1976).
template <class K = metropolis<random_scan>>
class rejection_free {
public:
    using rule = typename K::rule;
    using scan = random_scan;

    constexpr rejection_free() noexcept = default;
    constexpr explicit rejection_free(K) noexcept {}

    template <PairModel M>
    using state = rate_rows<rule, typename M::spin_type>;

    template <PairModel M>
    [[nodiscard]] state<M> make_state(M const& model, std::size_t rows) const {
        static_assert(space_of<M> == spin_space::ising, "spinet: rejection_free turns Ising spins round");
        if (model.size() > std::size_t{1} << 28) throw error("rejection_free: more than 2^28 spins");
        return {rows, model.size()};
    }

    /// Brings fields and energies in line with spins that were set from outside.
    template <PairModel M>
    void prepare(M const& model, state<M>& tile) const {
        detail::refresh_fields(model, tile);
        tile.forget_rates();
    }

    template <PairModel M>
    void sweep(M const& model, state<M>& tile, std::span<double const> betas,
               sweep_draws const& draws) const {
        // Rounding of the incremental fields must not build up.
        if (draws.sweep % sweeps_between_refreshes == 0) prepare(model, tile);
        for (std::size_t r = 0; r < tile.rows(); ++r) {
            tile.set_beta(r, betas[r]);
            draw_sequence numbers(draws.of_row(r));
            double left = 1;
            for (;;) {
                double const total = tile.total(r), wait = -std::log1p(-uniform_64(numbers.next_64()));
                if (!(wait < left * total)) break;
                left -= wait / total;
                std::size_t const site = tile.site_at(r, uniform_64(numbers.next_64()) * total);
                tile.energies()[r] += tile.flip(model, r, site);
            }
        }
    }

    [[nodiscard]] std::string name() const {
        return detail::text(std::string(rule::name()), " (rejection-free)");
    }

private:
    static constexpr std::uint32_t sweeps_between_refreshes = 64;
};

}  // namespace spinet
