// SPDX-License-Identifier: BSD-3-Clause
/// Conditional states of a glass: some spins held at given values, the others free.
#pragma once

#include <spinet/detail/arrays.hpp>
#include <spinet/error.hpp>
#include <spinet/mapping/scaling.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/model/coupling_block.hpp>
#include <spinet/model/dense_ising.hpp>
#include <spinet/model/network_glass.hpp>
#include <spinet/model/sparse_ising.hpp>
#include <spinet/network/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace spinet {

/// The model of the spins that are left free. Its energy and `energy`, that of the held spins and of the
/// couplings between them, add up to the energy of the whole model, so that the free energy of the whole
/// given the held spins is that of `model` (times its spins) and `energy`.
template <Model M>
struct conditioned {
    M model;
    double energy = 0;
};

namespace detail {

/// What holding some sites of a model at some values makes of the rest: the fields on the free spins, and the
/// energy of the held ones.
struct held_sites {
    std::vector<bool> gone;
    std::vector<double> fields;  ///< of all sites; right for the free ones
    double energy = 0;
};

/// Values are any finite numbers: of a held spin nothing but its effect on others remains.
template <PairModel M>
[[nodiscard]] held_sites hold(M const& model, std::vector<std::size_t> const& sites,
                              std::vector<double> const& values) {
    if (sites.size() != values.size())
        throw error("held: ", values.size(), " values for ", sites.size(), " spins");
    std::size_t const n = model.size();
    std::vector<double> value(n, 0.0);
    held_sites found{std::vector<bool>(n, false), {}, 0};
    for (std::size_t k = 0; k < sites.size(); ++k) {
        if (sites[k] >= n) throw error("held: there is no spin ", sites[k], " of ", n);
        if (found.gone[sites[k]]) throw error("held: spin ", sites[k], " is named twice");
        if (!std::isfinite(values[k])) throw error("held: the value of spin ", sites[k], " is not finite");
        found.gone[sites[k]] = true;
        value[sites[k]] = values[k];
    }
    if (sites.size() == n) throw error("held: no spin is left free");
    auto const fields = model.external_fields();
    found.fields.assign(fields.begin(), fields.end());
    double twice = 0;  // couplings between held spins are met from both ends
    for (std::size_t const i : sites) {
        found.energy -= static_cast<double>(fields[i]) * value[i];
        model.for_each_coupling(i, [&](std::size_t first, auto couplings) {
            for (std::size_t k = 0; k < couplings.size(); ++k) {
                double const pull = static_cast<double>(couplings[k]) * value[i];
                if (found.gone[first + k])
                    twice += pull * value[first + k];
                else
                    found.fields[first + k] += pull;
            }
        });
    }
    found.energy -= twice / 2;
    return found;
}

[[nodiscard]] inline std::vector<std::size_t> free_sites(held_sites const& of) {
    std::vector<std::size_t> sites;
    for (std::size_t i = 0; i < of.gone.size(); ++i)
        if (!of.gone[i]) sites.push_back(i);
    return sites;
}

/// The number of the group of that name. Throws spinet::error where there is none, or more than one.
[[nodiscard]] inline std::size_t group_named(std::span<spin_group const> groups, std::string_view name,
                                             char const* who) {
    std::size_t found = groups.size();
    std::string names;
    for (std::size_t g = 0; g < groups.size(); ++g) {
        names.append(g == 0 ? "" : ", ").append(in_quotes(groups[g].name));
        if (groups[g].name != name) continue;
        if (found < groups.size())
            throw error(who, ": there is more than one group ", in_quotes(name), "; give its number");
        found = g;
    }
    if (found == groups.size())
        throw error(who, ": there is no group ", in_quotes(name), "; there are ", names);
    return found;
}

/// How many parts each group of a glass has.
template <class Real>
[[nodiscard]] std::vector<std::size_t> parts_of_groups(network_glass<Real> const& glass) {
    std::vector<std::size_t> counts;
    for (auto const& group : glass.groups())
        counts.push_back(static_cast<std::size_t>(
            std::count_if(glass.parts().begin(), glass.parts().end(), [&](spin_group const& part) {
                return part.first >= group.first && part.first < group.first + group.size;
            })));
    return counts;
}

/// "NAME: 1 -1 ...", for the provenance of a glass.
[[nodiscard]] inline std::string group_values_text(spin_group const& group,
                                                   std::vector<double> const& values) {
    std::string text = group.name + ":";
    for (double const x : values) text.append(" ").append(short_text(x));
    return text;
}

inline void check_group(std::span<spin_group const> groups, std::size_t group, std::size_t values,
                        char const* who) {
    if (group >= groups.size())
        throw error(who, ": expected a group below ", groups.size(), ", found ", group);
    if (values != groups[group].size)
        throw error(who, ": ", values, " values for the ", groups[group].size, " spins of group ",
                    in_quotes(groups[group].name));
}

}  // namespace detail

/// The glass with the spins of a group (a layer, by its number or its name) held at `values`, an xtensor
/// expression or std::vector of one finite number for each of them: +1 and -1 are states of the spins, others
/// are what a neuron may be given, such as the brightness of a pixel. What is left has the other groups in
/// their order, and the held values as fields. Hold several groups by holding one after the other. Throws
/// spinet::error for a group that does not exist, another number of values, and where no spin is left.
template <class Real, class Values = std::vector<double>>
[[nodiscard]] conditioned<network_glass<Real>> held(network_glass<Real> const& glass, std::size_t group,
                                                    Values const& values) {
    auto const given = detail::vector_copy<double>(values, "held: values");
    detail::check_group(glass.groups(), group, given.size(), "held");
    auto const& of = glass.groups()[group];
    std::vector<std::size_t> sites;
    for (std::size_t i = 0; i < of.size; ++i) sites.push_back(of.first + i);
    auto const rest = detail::hold(glass, sites, given);
    std::vector<spin_group> parts;
    std::vector<std::size_t> place(glass.parts().size(), glass.parts().size());
    std::vector<Real> fields;
    for (std::size_t p = 0; p < glass.parts().size(); ++p) {
        auto const& part = glass.parts()[p];
        if (rest.gone[part.first]) continue;
        place[p] = parts.size();
        parts.push_back(part);
        for (std::size_t i = part.first; i < part.first + part.size; ++i)
            fields.push_back(static_cast<Real>(rest.fields[i]));
    }
    auto counts = detail::parts_of_groups(glass);
    counts.erase(counts.begin() + static_cast<std::ptrdiff_t>(group));
    std::vector<coupling_block<Real>> blocks;
    for (auto any : glass.blocks()) {
        bool kept = true;
        std::visit(
            [&](block_ends& ends) {
                ends = {place[ends.from], place[ends.to]};
                kept = ends.from < parts.size() && ends.to < parts.size();
            },
            any);
        if (kept) blocks.push_back(std::move(any));
    }
    auto made_from = glass.made_from();
    made_from.emplace_back("held", detail::group_values_text(of, given));
    return {network_glass<Real>(std::move(parts), std::move(fields), std::move(blocks), std::move(made_from),
                                counts),
            rest.energy};
}
template <class Real, class Values = std::vector<double>>
[[nodiscard]] conditioned<network_glass<Real>> held(network_glass<Real> const& glass, std::string_view group,
                                                    Values const& values) {
    return held(glass, detail::group_named(glass.groups(), group, "held"), values);
}

/// The same for one glass that is conditioned already: energies add up.
template <class Real, class Values = std::vector<double>>
[[nodiscard]] conditioned<network_glass<Real>> held(conditioned<network_glass<Real>> const& of,
                                                    std::size_t group, Values const& values) {
    auto result = held(of.model, group, values);
    result.energy += of.energy;
    return result;
}
template <class Real, class Values = std::vector<double>>
[[nodiscard]] conditioned<network_glass<Real>> held(conditioned<network_glass<Real>> const& of,
                                                    std::string_view group, Values const& values) {
    return held(of, detail::group_named(of.model.groups(), group, "held"), values);
}

/// A dense or sparse model with some of its spins, by their numbers, held at `values`. The others keep their
/// order.
template <class Real, class Values = std::vector<double>>
[[nodiscard]] conditioned<dense_ising<Real>> held(dense_ising<Real> const& model,
                                                  std::vector<std::size_t> const& sites,
                                                  Values const& values) {
    auto const rest = detail::hold(model, sites, detail::vector_copy<double>(values, "held: values"));
    auto const left = detail::free_sites(rest);
    auto couplings = row_major_array<Real, 2>::from_shape({left.size(), left.size()});
    std::vector<Real> fields;
    for (std::size_t a = 0; a < left.size(); ++a) {
        fields.push_back(static_cast<Real>(rest.fields[left[a]]));
        for (std::size_t b = 0; b < left.size(); ++b)
            couplings(a, b) = model.couplings().row(left[a])[left[b]];
    }
    return {dense_ising<Real>(couplings, fields), rest.energy};
}
template <class Real, class Values = std::vector<double>>
[[nodiscard]] conditioned<sparse_ising<Real>> held(sparse_ising<Real> const& model,
                                                   std::vector<std::size_t> const& sites,
                                                   Values const& values) {
    auto const rest = detail::hold(model, sites, detail::vector_copy<double>(values, "held: values"));
    auto const left = detail::free_sites(rest);
    std::vector<std::size_t> place(model.size(), 0);
    for (std::size_t a = 0; a < left.size(); ++a) place[left[a]] = a;
    std::vector<bond<Real>> bonds;
    std::vector<Real> fields;
    for (std::size_t const i : left) {
        fields.push_back(static_cast<Real>(rest.fields[i]));
        model.for_each_coupling(i, [&](std::size_t first, auto couplings) {
            for (std::size_t k = 0; k < couplings.size(); ++k)
                if (first + k > i && !rest.gone[first + k])
                    bonds.push_back({static_cast<std::uint32_t>(place[i]),
                                     static_cast<std::uint32_t>(place[first + k]), couplings[k]});
        });
    }
    return {sparse_ising<Real>(left.size(), bonds, fields), rest.energy};
}

/// The glass with more field on the spins of a group: strength times a pattern holds the group softly. Throws
/// as held does.
template <class Real, class Fields = std::vector<double>>
[[nodiscard]] network_glass<Real> with_field(network_glass<Real> const& glass, std::size_t group,
                                             Fields const& fields) {
    auto const given = detail::vector_copy<double>(fields, "with_field: fields");
    detail::check_group(glass.groups(), group, given.size(), "with_field");
    auto const before = glass.external_fields();
    std::vector<Real> all(before.begin(), before.end());
    auto const& of = glass.groups()[group];
    for (std::size_t i = 0; i < of.size; ++i)
        all[of.first + i] = static_cast<Real>(static_cast<double>(all[of.first + i]) + given[i]);
    auto made_from = glass.made_from();
    made_from.emplace_back("field", detail::group_values_text(of, given));
    return network_glass<Real>({glass.parts().begin(), glass.parts().end()}, std::move(all),
                               {glass.blocks().begin(), glass.blocks().end()}, std::move(made_from),
                               detail::parts_of_groups(glass));
}
template <class Real, class Fields = std::vector<double>>
[[nodiscard]] network_glass<Real> with_field(network_glass<Real> const& glass, std::string_view group,
                                             Fields const& fields) {
    return with_field(glass, detail::group_named(glass.groups(), group, "with_field"), fields);
}

}  // namespace spinet
