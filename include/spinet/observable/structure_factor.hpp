// SPDX-License-Identifier: BSD-3-Clause
/// Overlaps of replicas on a lattice at the smallest wave vectors: what correlation lengths are made of.
#pragma once

#include <spinet/detail/packed_spins.hpp>
#include <spinet/error.hpp>
#include <spinet/observable/concepts.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <string>
#include <vector>

namespace spinet {

/// Per pair, on a periodic lattice of these edges (sites numbered as by periodic_lattice): q^2, and |q(k)|^2
/// averaged over the directions, q(k) = sum_r s_r^a s_r^b e^(i k r) / N with k = 2 pi / edge along one
/// direction. N times their means over disorder are chi(0) and chi(k_min). Throws spinet::error for no edges
/// or one of 0, and, when it measures, for another number of sites.
class structure_factor {
public:
    using unit = each_pair;
    static constexpr std::size_t lead = 0;
    static constexpr reading reads = reading::bits;

    template <class Edges = std::vector<std::size_t>>
    explicit structure_factor(Edges edges) : edges_(edges.begin(), edges.end()) {
        if (edges_.empty()) throw error("structure_factor: no edges");
        for (std::size_t d = 0; d < edges_.size(); ++d) {
            if (edges_[d] == 0) throw error("structure_factor: edge ", d, " is 0");
            sites_ *= edges_[d];
            planes_ += edges_[d];
            for (std::size_t x = 0; x < edges_[d]; ++x) {
                double const phase =
                    2 * std::numbers::pi * static_cast<double>(x) / static_cast<double>(edges_[d]);
                cosines_.push_back(std::cos(phase));
                sines_.push_back(std::sin(phase));
            }
        }
    }

    [[nodiscard]] std::vector<std::string> components(std::span<spin_group const>) const {
        return {"q^2", "|q(k)|^2"};
    }

    template <class Real>
    void measure(cohort<Real> const& seen, std::span<double> out) const {
        if (seen.sites() != sites_)
            throw error("structure_factor: a lattice of ", sites_, " sites, but ", seen.sites(), " spins");
        std::vector<double> planes(planes_);
        if (!seen.bits.empty())
            by_counting(seen, planes, out);
        else
            by_products(seen, planes, out);
    }

private:
    /// From the sums of s_r^a s_r^b over each plane, direction by direction.
    void write(std::span<double const> planes, double* block) const {
        auto const n = static_cast<double>(sites_);
        double total = 0;
        for (std::size_t x = 0; x < edges_[0]; ++x) total += planes[x];
        block[0] = total / n * (total / n);
        std::size_t at = 0;
        for (std::size_t const edge : edges_) {
            double real = 0, imaginary = 0;
            for (std::size_t x = 0; x < edge; ++x, ++at) {
                real += planes[at] * cosines_[at];
                imaginary += planes[at] * sines_[at];
            }
            real /= n;
            imaginary /= n;
            block[1] += (real * real + imaginary * imaginary) / static_cast<double>(edges_.size());
        }
    }

    template <class Real>
    void by_products(cohort<Real> const& seen, std::span<double> planes, std::span<double> out) const {
        double* block = out.data();
        std::vector<double> products(sites_);
        for (std::size_t a = 0; a < seen.replicas(); ++a)
            for (std::size_t b = a + 1; b < seen.replicas(); ++b, block += 2) {
                auto const one = seen.spins.row(a), other = seen.spins.row(b);
                for (std::size_t i = 0; i < sites_; ++i)
                    products[i] = static_cast<double>(one[i]) * static_cast<double>(other[i]);
                std::fill(planes.begin(), planes.end(), 0.0);
                std::size_t stride = 1;
                double* of_direction = planes.data();
                for (std::size_t d = 0; d < edges_.size();
                     of_direction += edges_[d], stride *= edges_[d], ++d)
                    for (std::size_t i = 0; i < sites_;)
                        for (std::size_t x = 0; x < edges_[d]; ++x)
                            for (std::size_t k = 0; k < stride; ++k) of_direction[x] += products[i++];
                write(planes, block);
            }
    }

    /// The sites of a plane as bits, in the words of a row that have any.
    struct plane {
        std::size_t sites = 0, first = 0;
        std::vector<std::uint64_t> mask{};
    };

    template <class Words>
    [[nodiscard]] std::vector<plane> planes_in(Words const& words) const {
        std::vector<plane> found(planes_);
        for (std::size_t w = 0; w < words.size(); ++w)
            for (std::size_t k = 0; k < words[w].count; ++k) {
                std::size_t place = words[w].first + k, before = 0;
                for (std::size_t const edge : edges_) {
                    auto& each = found[before + place % edge];
                    if (each.mask.empty()) each.first = w;
                    each.mask.resize(w + 1 - each.first);
                    each.mask.back() |= std::uint64_t{1} << k;
                    ++each.sites;
                    place /= edge;
                    before += edge;
                }
            }
        return found;
    }

    template <class Real>
    void by_counting(cohort<Real> const& seen, std::span<double> planes, std::span<double> out) const {
        auto const words = detail::words_of_row(seen.groups);
        auto const masks = planes_in(words);
        std::vector<std::uint64_t> differing(words.size()), chosen(words.size());
        double* block = out.data();
        for (std::size_t a = 0; a < seen.replicas(); ++a)
            for (std::size_t b = a + 1; b < seen.replicas(); ++b, block += 2) {
                for (std::size_t w = 0; w < words.size(); ++w)
                    differing[w] = seen.bits[a][w] ^ seen.bits[b][w];
                for (std::size_t p = 0; p < masks.size(); ++p) {
                    auto const& mask = masks[p].mask;
                    for (std::size_t w = 0; w < mask.size(); ++w)
                        chosen[w] = differing[masks[p].first + w] & mask[w];
                    planes[p] = static_cast<double>(masks[p].sites) -
                                2 * static_cast<double>(detail::set_bits(chosen.data(), mask.size()));
                }
                write(planes, block);
            }
    }

    std::vector<std::size_t> edges_;
    std::vector<double> cosines_, sines_;  ///< of k r, plane by plane
    std::size_t sites_ = 1, planes_ = 0;
};

/// The second-moment correlation length of a lattice with edge L, in lattice constants: sqrt(chi(0) / chi(k)
/// - 1) / (2 sin(pi / L)), from means over disorder; 0 where chi(0) is not above chi(k).
[[nodiscard]] inline double correlation_length(double chi_0, double chi_k, std::size_t edge) noexcept {
    return chi_0 > chi_k
               ? std::sqrt(chi_0 / chi_k - 1) / (2 * std::sin(std::numbers::pi / static_cast<double>(edge)))
               : 0.0;
}

}  // namespace spinet
