// SPDX-License-Identifier: BSD-3-Clause
/// Spin glasses of some of a network's neurons, for networks that are too large to simulate whole.
#pragma once

#include <spinet/error.hpp>
#include <spinet/mapping/linear_map.hpp>
#include <spinet/mapping/outlier_modes.hpp>
#include <spinet/mapping/twin_hopfield.hpp>
#include <spinet/mapping/wiring.hpp>
#include <spinet/model/network_glass.hpp>
#include <spinet/network/network.hpp>
#include <spinet/random/streams.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace spinet {

/// Which neurons are kept. stratified: of each layer the same fraction, each neuron equally likely. uniform:
/// each neuron of the network equally likely. by_coupling_norm: the fraction of `stratified`, neurons drawn
/// with weights proportional to the sum of the squares of their couplings. by_leverage: with weights
/// proportional to their part in the outlier modes of the layer's couplings, half of all weight being shared
/// out equally. The last two prefer neurons that matter, and are biased where these behave unlike the others.
enum class sampling { stratified, uniform, by_coupling_norm, by_leverage };

[[nodiscard]] constexpr std::string_view to_string(sampling value) {
    return detail::name_of(value, "sampling", {"stratified", "uniform", "by_coupling_norm", "by_leverage"});
}

/// What becomes of the outlier modes of the neurons that are kept. rescaled: their entries, divided by
/// sqrt(f_i f_j); singular values keep their expectation but scatter, and modes mix, which moves the largest
/// upwards. orthonormal: the same, after the modes' vectors have been made orthonormal on the neurons that
/// are kept, so that singular values are those of the whole network. Both become exact as f goes to 1, from
/// different sides: small sub-samples order too easily by the first, not easily enough by the second.
enum class kept_modes { rescaled, orthonormal };

[[nodiscard]] constexpr std::string_view to_string(kept_modes value) {
    return detail::name_of(value, "kept_modes", {"rescaled", "orthonormal"});
}

/// Draws sub-samples of one network. Reads the weights a few times to find their outlier modes, then only
/// what a sub-sample needs.
///
/// A neuron that is kept stands for 1/f neurons, f being its probability to be kept. A layer's bulk is scaled
/// by (f_i f_j)^(-1/4), which leaves the variance of the fields that it makes as it was; its outlier modes by
/// (f_i f_j)^(-1/2), which leaves the modes' singular values as they were (a single factor cannot do both:
/// see docs/subsampling.md). Fields stay. Feature maps keep whole channels; the neurons of parts that are
/// joined one to one (a residual connection, the steps of a sequence) are kept together, with their couplings
/// as they are.
class subsampler {
public:
    /// Throws spinet::error as twin_hopfield does.
    subsampler(network const& net, twin_hopfield const& mapping, sampling how = sampling::stratified)
        : how_(how), wired_(mapping.wire(net)), modes_(outlier_modes(wired_.wires)) {
        join_parts();
        weigh();
    }

    /// Spins of the whole network.
    [[nodiscard]] std::size_t spins() const noexcept { return wired_.wires.spins(); }
    [[nodiscard]] wiring const& wires() const noexcept { return wired_.wires; }
    [[nodiscard]] provenance const& made_from() const noexcept { return wired_.made_from; }
    /// Spins of the smallest sub-sample.
    [[nodiscard]] std::size_t fewest() const { return sites_of_counts(counts_for(0)); }
    [[nodiscard]] modes_by_map const& modes() const noexcept { return modes_; }

    /// The glass of about `spins` neurons (at least `least` of each layer), chosen by `seed`; of all where
    /// the network has no more. Throws spinet::error for no spins.
    template <class Real = float>
    [[nodiscard]] network_glass<Real> draw(std::size_t wanted, std::uint64_t seed,
                                           kept_modes modes = kept_modes::rescaled) const {
        if (wanted < fewest())
            throw error(
                "subsampler: a sub-sample of ", wanted, " spins is too small: ", least,
                " neurons of each layer make ", fewest(),
                (steps() > 1 ? " (a sequence has each at " + std::to_string(steps()) + " steps)" : ""));
        auto const kept = choose(wanted, seed);
        std::size_t neurons = 0;
        auto const& parts = wired_.wires.parts;
        for (std::size_t p = 0; p < parts.size(); ++p)
            neurons += kept[class_of_[p]].units.size() * parts[p].positions;
        auto lines = wired_.made_from;
        lines.emplace_back("sampling", to_string(how_));
        lines.emplace_back("modes", to_string(modes));
        lines.emplace_back("sampled neurons", detail::text(neurons, " of ", spins(), ", seed ", seed));
        return detail::glass_with<Real>(
            wired_.wires, std::move(lines), [&](std::size_t p) { return kept_fields(p, kept); },
            [&](wire const& each) { return block<Real>(each, kept, modes); });
    }

    /// Of each layer (or set of layers that are joined one to one), where it has as many.
    static constexpr std::size_t least = 2;
    /// Kept neurons for each mode that is kept.
    static constexpr std::size_t places_per_mode = 2;

private:
    /// The neurons that are kept of one class of parts, in order, and the probability of each.
    struct kept_units {
        std::vector<std::size_t> units;
        std::vector<double> probability;
    };

    /// Parts whose neurons are kept together.
    struct unit_class {
        std::size_t units = 0;
        std::size_t sites_per_unit = 0;    ///< over all parts of the class
        bool whole = false;                ///< not to be thinned out
        std::vector<double> weights = {};  ///< of units, sum 1; empty: all equal
    };

    // --- classes

    [[nodiscard]] std::size_t units_of(std::size_t part) const {
        return wired_.wires.parts[part].size() / wired_.wires.parts[part].positions;
    }

    /// Whether a map joins each unit of one part to the same unit of the other.
    [[nodiscard]] static bool one_to_one(linear_map const& map) {
        auto const* const w = std::get_if<window_map>(&map.kind);
        return w != nullptr && (w->shape.groups == w->shape.channels_from || !w->kernel) &&
               w->shape.channels_from == w->shape.channels_to;
    }
    /// Windows of several channels in several groups: their channels cannot be chosen freely.
    [[nodiscard]] static bool grouped(linear_map const& map) {
        auto const* const w = std::get_if<window_map>(&map.kind);
        return w != nullptr && w->shape.groups != 1 && !one_to_one(map);
    }

    void join_parts() {
        auto const& parts = wired_.wires.parts;
        std::vector<std::size_t> root(parts.size());
        std::iota(root.begin(), root.end(), std::size_t{0});
        auto const find = [&](std::size_t p) {
            while (root[p] != p) p = root[p] = root[root[p]];
            return p;
        };
        for (std::size_t p = 1; p < parts.size(); ++p)
            if (parts[p].group == parts[p - 1].group) root[find(p)] = find(p - 1);
        for (auto const& each : wired_.wires.wires)
            if (one_to_one(*each.map) && units_of(each.from) == units_of(each.to))
                root[find(each.from)] = find(each.to);
        std::map<std::size_t, std::size_t> numbers;
        for (std::size_t p = 0; p < parts.size(); ++p) {
            std::size_t const k = numbers.try_emplace(find(p), numbers.size()).first->second;
            class_of_.push_back(k);
            if (k == classes_.size()) classes_.push_back({units_of(p)});
            classes_[k].sites_per_unit += parts[p].positions;
        }
        for (auto const& each : wired_.wires.wires)
            if (grouped(*each.map) || (one_to_one(*each.map) && class_of_[each.from] != class_of_[each.to]))
                classes_[class_of_[each.from]].whole = classes_[class_of_[each.to]].whole = true;
    }

    // --- modes and weights

    /// Of the longest sequence.
    [[nodiscard]] std::size_t steps() const {
        std::map<std::size_t, std::size_t> parts;
        std::size_t most = 0;
        for (auto const& part : wired_.wires.parts) most = std::max(most, ++parts[part.group]);
        return most;
    }

    /// Whether the stored rows of a map are units of `from`.
    [[nodiscard]] static bool turned(linear_map const& map) {
        auto const* const m = std::get_if<matrix_map>(&map.kind);
        return m != nullptr && m->transposed;
    }

    /// The parts whose units are the stored rows and columns of a wire's map.
    [[nodiscard]] static std::pair<std::size_t, std::size_t> stored_ends(wire const& each) {
        return turned(*each.map) ? std::pair(each.from, each.to) : std::pair(each.to, each.from);
    }

    void weigh() {
        if (how_ == sampling::stratified || how_ == sampling::uniform) return;
        for (auto& each : classes_) each.weights.assign(each.units, 0.0);
        std::vector<linear_map const*> seen;
        for (auto const& each : wired_.wires.wires) {
            auto const found = modes_.find(each.map.get());
            if (found == modes_.end() || one_to_one(*each.map) ||
                std::find(seen.begin(), seen.end(), each.map.get()) != seen.end())
                continue;
            seen.push_back(each.map.get());
            how_ == sampling::by_leverage ? add_leverage(each, found->second) : add_norms(each);
        }
        for (auto& of : classes_) {
            double const sum = std::accumulate(of.weights.begin(), of.weights.end(), 0.0);
            double const equal = 1 / static_cast<double>(of.units);
            double const share = how_ == sampling::by_leverage ? 0.5 : 0;
            for (double& w : of.weights) w = sum > 0 ? (1 - share) * w / sum + share * equal : equal;
        }
    }

    /// The unit of a class that a stored row or column of a map is.
    [[nodiscard]] std::size_t unit_at(linear_map const& map, std::size_t part, std::size_t place,
                                      bool column) const {
        auto const* const w = std::get_if<window_map>(&map.kind);
        if (w == nullptr) return place / wired_.wires.parts[part].positions;
        return column ? place / (w->shape.y.kernel * w->shape.x.kernel) : place;
    }

    void add_leverage(wire const& each, singular_modes const& modes) {
        auto const [row_part, column_part] = stored_ends(each);
        auto const add = [&](std::vector<double> const& vectors, std::size_t part, bool column) {
            auto& weights = classes_[class_of_[part]].weights;
            for (std::size_t k = 0; k < vectors.size(); ++k)
                weights[unit_at(*each.map, part, k / modes.count(), column)] += vectors[k] * vectors[k];
        };
        if (modes.count() == 0) return;
        add(modes.left, row_part, false);
        add(modes.right, column_part, true);
    }

    void add_norms(wire const& each) {
        detail::stored_rows const rows(*each.map);
        auto const [row_part, column_part] = stored_ends(each);
        std::vector<double> row(rows.columns());
        double const square = each.factor * each.factor;
        for (std::size_t r = 0; r < rows.rows(); ++r) {
            rows.read(r, std::span<double>(row));
            for (std::size_t k = 0; k < row.size(); ++k) {
                double const w = square * row[k] * row[k];
                classes_[class_of_[row_part]].weights[unit_at(*each.map, row_part, r, false)] += w;
                classes_[class_of_[column_part]].weights[unit_at(*each.map, column_part, k, true)] += w;
            }
            if (r % 128 == 127) rows.release(r - 127, 128);
        }
    }

    // --- choosing

    /// The number of units of each class for a fraction of all.
    [[nodiscard]] std::vector<std::size_t> counts_for(double fraction) const {
        std::vector<std::size_t> counts;
        for (auto const& of : classes_) {
            auto const share =
                static_cast<std::size_t>(std::lround(fraction * static_cast<double>(of.units)));
            counts.push_back(of.whole ? of.units : std::min(of.units, std::max(least, share)));
        }
        return counts;
    }
    [[nodiscard]] std::size_t sites_of_counts(std::vector<std::size_t> const& counts) const {
        std::size_t sites = 0;
        for (std::size_t k = 0; k < counts.size(); ++k) sites += counts[k] * classes_[k].sites_per_unit;
        return sites;
    }

    /// The largest fraction that keeps no more than `wanted` spins.
    [[nodiscard]] std::vector<std::size_t> counts_of(std::size_t wanted) const {
        if (wanted >= spins()) return counts_for(1);
        double low = 0, high = 1;
        for (int halving = 0; halving < 50; ++halving) {
            double const middle = 0.5 * (low + high);
            (sites_of_counts(counts_for(middle)) > wanted ? high : low) = middle;
        }
        return counts_for(low);
    }

    /// Keys whose order is a sample without replacement with these weights (Efraimidis and Spirakis, 2006).
    [[nodiscard]] static std::vector<std::pair<double, std::size_t>> keys_of(unit_class const& of,
                                                                             std::uint64_t seed,
                                                                             std::size_t k) {
        stream const draws(seed, 0, static_cast<std::uint32_t>(k), purpose::subsample);
        std::vector<std::pair<double, std::size_t>> keys;
        for (std::size_t i = 0; i < of.units; ++i) {
            double const u = (static_cast<double>(draws.bits(static_cast<std::uint32_t>(i))) + 0.5) * 0x1p-32;
            double const weight = of.weights.empty() ? 1.0 : of.weights[i] * static_cast<double>(of.units);
            keys.emplace_back(weight > 0 ? -std::log(u) / weight : HUGE_VAL, i);
        }
        return keys;
    }

    /// Probabilities min(1, c w_i) of a sample of `count`, c such that they sum to it.
    [[nodiscard]] static std::vector<double> probabilities(unit_class const& of, std::size_t count) {
        double const n = static_cast<double>(count), all = static_cast<double>(of.units);
        if (of.weights.empty() || count == of.units) return std::vector<double>(of.units, n / all);
        double low = 0, high = all * 1e12;
        auto const sum = [&](double c) {
            double total = 0;
            for (double const w : of.weights) total += std::min(1.0, c * w);
            return total;
        };
        for (int halving = 0; halving < 200; ++halving) {
            double const middle = 0.5 * (low + high);
            (sum(middle) > n ? high : low) = middle;
        }
        std::vector<double> result;
        for (double const w : of.weights) result.push_back(std::min(1.0, low * w));
        return result;
    }

    [[nodiscard]] std::vector<kept_units> choose(std::size_t wanted, std::uint64_t seed) const {
        std::vector<std::vector<std::pair<double, std::size_t>>> keys;
        for (std::size_t k = 0; k < classes_.size(); ++k) keys.push_back(keys_of(classes_[k], seed, k));
        auto const counts = how_ == sampling::uniform ? uniform_counts(wanted, keys) : counts_of(wanted);
        std::vector<kept_units> kept(classes_.size());
        for (std::size_t k = 0; k < classes_.size(); ++k) {
            std::sort(keys[k].begin(), keys[k].end());
            for (std::size_t i = 0; i < counts[k]; ++i) kept[k].units.push_back(keys[k][i].second);
            std::sort(kept[k].units.begin(), kept[k].units.end());
            auto const all = probabilities(classes_[k], counts[k]);
            for (std::size_t const unit : kept[k].units) kept[k].probability.push_back(all[unit]);
        }
        return kept;
    }

    /// Numbers of units where the smallest keys of all classes together are kept, as far as there is room.
    [[nodiscard]] std::vector<std::size_t> uniform_counts(
        std::size_t wanted, std::vector<std::vector<std::pair<double, std::size_t>>> const& keys) const {
        auto counts = counts_for(0);
        std::size_t sites = sites_of_counts(counts);
        std::vector<std::pair<double, std::size_t>> order;
        for (std::size_t k = 0; k < keys.size(); ++k) {
            auto own = keys[k];
            std::sort(own.begin(), own.end());
            for (std::size_t i = counts[k]; i < own.size(); ++i) order.emplace_back(own[i].first, k);
        }
        std::sort(order.begin(), order.end());
        for (auto const& [key, k] : order) {
            if (sites + classes_[k].sites_per_unit > wanted) break;
            sites += classes_[k].sites_per_unit;
            ++counts[k];
        }
        return counts;
    }

    [[nodiscard]] std::vector<double> kept_fields(std::size_t p, std::vector<kept_units> const& kept) const {
        auto const& part = wired_.wires.parts[p];
        std::vector<double> fields;
        for (std::size_t const unit : kept[class_of_[p]].units)
            for (std::size_t k = 0; k < part.positions; ++k)
                fields.push_back(part.fields[unit * part.positions + k]);
        return fields;
    }

    // --- couplings

    /// Places among a map's stored rows or columns, and the probability of each.
    struct selection {
        std::vector<std::size_t> places;
        std::vector<double> probability;
    };
    [[nodiscard]] selection select(std::size_t part, std::vector<kept_units> const& kept,
                                   std::size_t places_per_unit) const {
        selection chosen;
        auto const& of = kept[class_of_[part]];
        for (std::size_t u = 0; u < of.units.size(); ++u)
            for (std::size_t k = 0; k < places_per_unit; ++k) {
                chosen.places.push_back(of.units[u] * places_per_unit + k);
                chosen.probability.push_back(of.probability[u]);
            }
        return chosen;
    }

    /// The modes' vectors at the chosen places, each place standing for 1 / probability of them, if so wanted
    /// made orthonormal from the strongest mode on.
    [[nodiscard]] static std::vector<double> kept_vectors(std::vector<double> const& vectors,
                                                          std::size_t count, std::size_t used,
                                                          selection const& of, kept_modes how) {
        std::vector<double> kept;
        for (std::size_t i = 0; i < of.places.size(); ++i)
            for (std::size_t k = 0; k < used; ++k)
                kept.push_back(vectors[of.places[i] * count + k] / std::sqrt(of.probability[i]));
        if (how == kept_modes::orthonormal) detail::orthonormalise(kept, of.places.size(), used);
        return kept;
    }

    /// The chosen entries (rows, columns): the modes with their singular values, the bulk scaled.
    [[nodiscard]] std::vector<double> chosen_entries(linear_map const& map, selection const& rows,
                                                     selection const& columns, kept_modes how) const {
        detail::stored_rows const stored(map);
        auto const& modes = modes_.find(&map)->second;
        std::size_t const m = rows.places.size(), n = columns.places.size(), all = modes.count();
        std::size_t const used = std::min(all, std::min(m, n) / places_per_mode);
        auto const left = kept_vectors(modes.left, all, used, rows, how),
                   right = kept_vectors(modes.right, all, used, columns, how);
        std::vector<double> row(stored.columns()), result;
        result.reserve(m * n);
        for (std::size_t r = 0; r < m; ++r) {
            stored.read(rows.places[r], std::span<double>(row));
            for (std::size_t c = 0; c < n; ++c) {
                double bulk = row[columns.places[c]], mode = 0;
                for (std::size_t k = 0; k < used; ++k) {
                    bulk -= modes.values[k] * modes.left[rows.places[r] * all + k] *
                            modes.right[columns.places[c] * all + k];
                    mode += modes.values[k] * left[r * used + k] * right[c * used + k];
                }
                result.push_back(bulk / std::sqrt(std::sqrt(rows.probability[r] * columns.probability[c])) +
                                 mode);
            }
        }
        stored.release(0, stored.rows());
        return result;
    }

    template <class Real>
    [[nodiscard]] coupling_block<Real> block(wire const& each, std::vector<kept_units> const& kept,
                                             kept_modes modes) const {
        if (one_to_one(*each.map)) return joined_block<Real>(each, kept);
        auto const& parts = wired_.wires.parts;
        auto const* const window = std::get_if<window_map>(&each.map->kind);
        if (window == nullptr) {
            bool const turn = turned(*each.map);
            auto const [row_part, column_part] = stored_ends(each);
            auto const rows = select(row_part, kept, parts[row_part].positions),
                       columns = select(column_part, kept, parts[column_part].positions);
            auto const entries = chosen_entries(*each.map, rows, columns, modes);
            std::size_t const m = rows.places.size(), n = columns.places.size();
            auto matrix = row_major_array<Real, 2>::from_shape({turn ? n : m, turn ? m : n});
            for (std::size_t r = 0; r < m; ++r)
                for (std::size_t c = 0; c < n; ++c)
                    matrix.data()[turn ? c * m + r : r * n + c] =
                        detail::rounded_to<Real>(each.factor * entries[r * n + c]);
            return dense_block<Real>(0, 1, std::move(matrix));
        }
        auto shape = window->shape;
        std::size_t const taps = shape.y.kernel * shape.x.kernel;
        auto entries = grouped(*each.map) ? detail::kernel_values(*each.map)
                                          : chosen_entries(*each.map, select(each.to, kept, 1),
                                                           select(each.from, kept, taps), modes);
        shape.channels_from = kept[class_of_[each.from]].units.size();
        shape.channels_to = kept[class_of_[each.to]].units.size();
        std::vector<Real> kernel;
        for (double const w : entries) kernel.push_back(detail::rounded_to<Real>(each.factor * w));
        return window_block<Real>(0, 1, shape, std::move(kernel));
    }

    /// Couplings of units one to one: those of the units that are kept, as they are.
    template <class Real>
    [[nodiscard]] coupling_block<Real> joined_block(wire const& each,
                                                    std::vector<kept_units> const& kept) const {
        auto shape = std::get<window_map>(each.map->kind).shape;
        auto const values = detail::kernel_values(*each.map);
        auto const& units = kept[class_of_[each.to]].units;
        std::size_t const positions = wired_.wires.parts[each.to].positions;
        if (shape.channels_to == 1 && units_of(each.to) != 1) {  // an identity over all values in a row
            shape.x.from = shape.x.to = units.size() * positions;
            return window_block<Real>(0, 1, shape, {detail::rounded_to<Real>(each.factor * values[0])});
        }
        std::vector<Real> kernel;
        // One channel for each unit, or (identities that are scaled value by value) for each position of it.
        std::size_t const per_unit = shape.channels_to / units_of(each.to);
        std::size_t const taps = shape.y.kernel * shape.x.kernel;
        for (std::size_t const unit : units)
            for (std::size_t k = 0; k < per_unit * taps; ++k)
                kernel.push_back(detail::rounded_to<Real>(each.factor * values[unit * per_unit * taps + k]));
        shape.channels_from = shape.channels_to = shape.groups = units.size() * per_unit;
        return window_block<Real>(0, 1, shape, std::move(kernel));
    }

    sampling how_;
    twin_hopfield::wired_network wired_;
    modes_by_map modes_;
    std::vector<std::size_t> class_of_;
    std::vector<unit_class> classes_;
};

/// One sub-sample as a mapping: to_spin_glass(net, subsampled{.spins = 500}).
struct subsampled {
    std::size_t spins = 1000;
    sampling how = sampling::stratified;
    std::uint64_t seed = 1;
    kept_modes modes = kept_modes::rescaled;
    twin_hopfield mapping = {};

    template <class Real>
    [[nodiscard]] network_glass<Real> map(network const& net) const {
        return subsampler(net, mapping, how).draw<Real>(spins, seed, modes);
    }
};

}  // namespace spinet
