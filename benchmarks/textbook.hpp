// SPDX-License-Identifier: BSD-3-Clause
/// The codes that the benchmarks compare with: single-spin Metropolis as textbooks write it, with cached
/// fields and without, in plain C++ on the same models. Careful, but without any trick; not tuned together
/// with spinet.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace textbook {

/// xoshiro128+ (Blackman and Vigna, 2018): about the fastest generator a textbook code would use.
class generator {
public:
    explicit generator(std::uint64_t seed) {
        for (auto& word : state_) {  // SplitMix64
            std::uint64_t z = seed += 0x9E3779B97F4A7C15u;
            z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
            z = (z ^ z >> 27) * 0x94D049BB133111EBu;
            word = static_cast<std::uint32_t>((z ^ z >> 31) >> 32);
        }
    }
    std::uint32_t operator()() noexcept {
        std::uint32_t const result = state_[0] + state_[3], t = state_[1] << 9;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= t;
        state_[3] = state_[3] << 11 | state_[3] >> 21;
        return result;
    }
    /// In [0, 1).
    float uniform() noexcept { return static_cast<float>((*this)() >> 8) * 0x1p-24f; }

private:
    std::array<std::uint32_t, 4> state_{};
};

/// Full coupling matrix, N x N, row-major; one replica.
class dense_replica {
public:
    dense_replica(std::vector<float> const& couplings, std::size_t n, std::uint64_t seed)
        : couplings_(&couplings), random_(seed), spins_(n), fields_(n) {
        for (auto& s : spins_) s = random_() >> 31 != 0 ? 1.0f : -1.0f;
        for (std::size_t i = 0; i < n; ++i) fields_[i] = field(i);
    }

    /// Cached fields: a refusal costs O(1), a flip O(N).
    void sweep_cached(float beta) noexcept {
        std::size_t const n = spins_.size();
        for (std::size_t i = 0; i < n; ++i) {
            float const cost = 2 * spins_[i] * fields_[i];
            if (cost > 0 && random_.uniform() >= std::exp(-beta * cost)) continue;
            float const change = -2 * spins_[i];
            float const* const row = couplings_->data() + i * n;
            float* const fields = fields_.data();
            for (std::size_t j = 0; j < n; ++j) fields[j] += change * row[j];
            spins_[i] = -spins_[i];
        }
    }

    /// Without a cache: every attempt costs O(N).
    void sweep_naive(float beta) noexcept {
        for (std::size_t i = 0; i < spins_.size(); ++i) {
            float const cost = 2 * spins_[i] * field(i);
            if (cost <= 0 || random_.uniform() < std::exp(-beta * cost)) spins_[i] = -spins_[i];
        }
    }

    [[nodiscard]] std::vector<float> const& spins() const noexcept { return spins_; }

private:
    [[nodiscard]] float field(std::size_t i) const noexcept {
        std::size_t const n = spins_.size();
        float const* const row = couplings_->data() + i * n;
        // Eight partial sums, so that the compiler may use vector instructions.
        std::array<float, 8> sum{};
        std::size_t j = 0;
        for (; j + 8 <= n; j += 8)
            for (std::size_t lane = 0; lane < 8; ++lane) sum[lane] += row[j + lane] * spins_[j + lane];
        for (; j < n; ++j) sum[0] += row[j] * spins_[j];
        return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
    }

    std::vector<float> const* couplings_;
    generator random_;
    std::vector<float> spins_;
    std::vector<float> fields_;
};

/// Couplings of a simple cubic lattice of edge L with periodic boundaries: six neighbours and couplings a
/// site.
template <class Coupling>
struct cubic_couplings {
    std::vector<std::array<std::uint32_t, 6>> neighbours;
    std::vector<std::array<Coupling, 6>> couplings;
};

/// One replica on a cubic lattice, with cached fields. Coupling = float, or int for +-J, where the six
/// possible costs have their acceptance in a table.
template <class Coupling>
class cubic_replica {
public:
    cubic_replica(cubic_couplings<Coupling> const& model, std::uint64_t seed)
        : model_(&model), random_(seed), spins_(model.couplings.size()), fields_(model.couplings.size()) {
        for (auto& s : spins_) s = random_() >> 31 != 0 ? Coupling{1} : Coupling{-1};
        for (std::size_t i = 0; i < spins_.size(); ++i)
            for (std::size_t k = 0; k < 6; ++k)
                fields_[i] += model.couplings[i][k] * spins_[model.neighbours[i][k]];
    }

    void sweep(float beta) noexcept {
        std::array<float, 13> table{};
        if constexpr (std::is_same_v<Coupling, int>)
            for (int cost = 0; cost <= 12; ++cost)
                table[static_cast<std::size_t>(cost)] = std::exp(-beta * static_cast<float>(cost));
        for (std::size_t i = 0; i < spins_.size(); ++i) {
            Coupling const cost = 2 * spins_[i] * fields_[i];
            if (cost > 0) {
                float p;
                if constexpr (std::is_same_v<Coupling, int>)
                    p = table[static_cast<std::size_t>(cost)];
                else
                    p = std::exp(-beta * cost);
                if (random_.uniform() >= p) continue;
            }
            Coupling const change = -2 * spins_[i];
            for (std::size_t k = 0; k < 6; ++k)
                fields_[model_->neighbours[i][k]] += change * model_->couplings[i][k];
            spins_[i] = -spins_[i];
        }
    }

    [[nodiscard]] double energy() const noexcept {
        double twice = 0;
        for (std::size_t i = 0; i < spins_.size(); ++i) twice += static_cast<double>(spins_[i] * fields_[i]);
        return -twice / 2;
    }

private:
    cubic_couplings<Coupling> const* model_;
    generator random_;
    std::vector<Coupling> spins_;
    std::vector<Coupling> fields_;
};

}  // namespace textbook
