// SPDX-License-Identifier: BSD-3-Clause
/// The loss of a multilayer perceptron as a function of all its weights and biases.
#pragma once

#include <spinet/detail/blas.hpp>
#include <spinet/detail/vector_math.hpp>
#include <spinet/error.hpp>
#include <spinet/execution/blas_threads.hpp>
#include <spinet/landscape/data_set.hpp>
#include <spinet/landscape/objective.hpp>
#include <spinet/landscape/vector_argument.hpp>
#include <spinet/network/network.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace spinet {

/// Averages over samples. cross_entropy: -ln softmax(y) of the label (the last layer of the network must not
/// have a softmax). mean_squared_error: (y - target)^2, averaged over outputs too, as in PyTorch.
enum class loss_kind : std::uint8_t { cross_entropy, mean_squared_error };

/// The loss of a chain of dense layers on a data set, over its parameters: the weights of each layer, row by
/// row (out x in), then its biases, layer by layer. Computed in Real, sums over samples in double. Evaluation
/// costs 2 x parameters x samples floating-point operations, a gradient three and a product with the Hessian
/// nine times that at most; on one thread, so that a value is bitwise the same wherever it is computed.
template <class Real = float>
class network_loss {
public:
    struct options {
        /// Replaces activations between layers that the network leaves unspecified.
        activation_kind hidden = activation_kind::unspecified;
        std::size_t batch = 256;  ///< samples that are evaluated together
    };

    network_loss(network const& from, data_set<Real> data, loss_kind loss)
        : network_loss(from, std::move(data), loss, options{}) {}
    /// Throws spinet::error for a network that is no chain of dense layers, activations other than identity,
    /// relu, tanh and sigmoid, no samples, samples of another size than the network's input, labels out of
    /// range, numbers of labels or targets that do not fit, and values that are not finite.
    network_loss(network const& from, data_set<Real> data, loss_kind loss, options const& chosen)
        : data_(std::move(data)), loss_(loss), batch_(chosen.batch) {
        if (batch_ == 0) throw error("network_loss: a batch of 0 samples");
        auto const chain = dense_chain(from);
        std::vector<double> start;
        for (std::size_t l = 0; l < chain.size(); ++l)
            add_layer(chain[l], l + 1 == chain.size(), chosen.hidden, start);
        start_ = detail::array_of(start);
        check_data();
        batch_ = std::min(batch_, data_.count);
    }

    [[nodiscard]] std::size_t size() const noexcept { return start_.size(); }
    /// The weights and biases of the network from which the loss was made.
    [[nodiscard]] row_major_array<double, 1> const& parameters() const noexcept { return start_; }
    [[nodiscard]] std::vector<parameter_group> const& groups() const noexcept { return groups_; }
    [[nodiscard]] data_set<Real> const& data() const noexcept { return data_; }

    /// The weights and biases of another network with the same layers. Throws spinet::error where its layers
    /// differ, or activations that it specifies.
    [[nodiscard]] row_major_array<double, 1> parameters_of(network const& other) const {
        std::vector<double> numbers;
        std::size_t l = 0;
        auto const chain = dense_chain(other);
        for (auto const& each : chain) {
            if (l == layers_.size() || each.inputs() != layers_[l].in || each.outputs() != layers_[l].out ||
                each.bias.has_value() != (layers_[l].bias != none) ||
                (each.activation != activation_kind::unspecified && each.activation != layers_[l].activation))
                break;
            append(each.weight, numbers);
            if (each.bias) append(*each.bias, numbers);
            ++l;
        }
        if (l != layers_.size() || l != chain.size())
            throw error("network_loss: another network whose layers differ at layer ", l,
                        ": planes need networks of the same shape");
        return detail::array_of(numbers);
    }

    /// The fraction of samples whose largest output (the first, if there are several) is that of their label;
    /// outputs that are not finite are no hit. Throws spinet::error without
    /// labels.
    [[nodiscard]] double accuracy(std::span<double const> x) const {
        if (data_.labels.size() != data_.count) throw error("network_loss: accuracy needs labels");
        single_threaded_blas const one_blas_thread;
        auto const weights = rounded(x);
        std::size_t const outputs = layers_.back().out;
        std::size_t hits = 0;
        for_each_batch([&](batch_of const& part) {
            auto const y = forward(weights, part).back();
            for (std::size_t k = 0; k < part.count; ++k) {
                std::size_t const label = data_.labels[part.first + k];
                Real const own = y[label * part.count + k];
                bool hit = std::isfinite(own);
                for (std::size_t i = 0; i < outputs && hit; ++i) {
                    Real const other = y[i * part.count + k];
                    hit = other < own || (other == own && i >= label);  // false for NaN
                }
                hits += hit ? 1u : 0u;
            }
        });
        return static_cast<double>(hits) / static_cast<double>(data_.count);
    }

    [[nodiscard]] double value(std::span<double const> x) const {
        single_threaded_blas const one_blas_thread;
        auto const weights = rounded(x);
        double sum = 0;
        for_each_batch([&](batch_of const& part) {
            auto const layers = forward(weights, part);
            sum += loss_of(layers.back(), part, {});
        });
        return sum * scale();
    }

    /// Writes dL/dx and returns L.
    double gradient(std::span<double const> x, std::span<double> out) const {
        single_threaded_blas const one_blas_thread;
        auto const weights = rounded(x);
        double sum = 0;
        add_up_batches(out, [&](batch_of const& part, std::vector<Real>& part_of) {
            auto const layers = forward(weights, part);
            std::vector<Real> delta(layers.back().size());
            sum += loss_of(layers.back(), part, delta);
            backward(weights, part, layers, std::move(delta), part_of);
        });
        return sum * scale();
    }

    /// Writes the Hessian at x times v. Where an activation has a kink (relu), the Hessian of the pieces.
    void hessian_vector(std::span<double const> x, std::span<double const> v, std::span<double> out) const {
        single_threaded_blas const one_blas_thread;
        auto const weights = rounded(x), along = rounded(v);
        add_up_batches(out, [&](batch_of const& part, std::vector<Real>& part_of) {
            product_with_hessian(weights, along, part, part_of);
        });
    }

    /// value(centre + a d + b e) for each pair (a, b). The fields of the first layer are linear in a and b:
    /// three products serve all points. Batches are shared out over `team`; the result does not depend on it.
    template <class Team>
    void values_on_plane(std::span<double const> centre, std::span<double const> d, std::span<double const> e,
                         std::span<std::array<double, 2> const> points, std::span<double> out,
                         Team& team) const {
        auto const at = rounded(centre), first = rounded(d), second = rounded(e);
        std::size_t const batches = (data_.count + batch_ - 1) / batch_;
        std::vector<double> sums(batches * points.size());
        team.run(batches, [&](std::size_t n) {
            batch_of const part{n * batch_, std::min(batch_, data_.count - n * batch_)};
            auto const fixed = fields(0, at, nullptr, part), by_a = fields(0, first, nullptr, part),
                       by_b = fields(0, second, nullptr, part);
            std::vector<Real> weights(size()), in_row(fixed.size());
            std::vector<std::vector<Real>> layers(layers_.size());
            layers[0].resize(fixed.size());
            for (std::size_t k = 0; k < points.size(); ++k) {
                auto const a = static_cast<Real>(points[k][0]), b = static_cast<Real>(points[k][1]);
                for (std::size_t i = after_first_layer(); i < size(); ++i)
                    weights[i] = at[i] + b * second[i] + a * first[i];
                if (k == 0 || points[k][1] != points[k - 1][1])
                    for (std::size_t i = 0; i < fixed.size(); ++i) in_row[i] = fixed[i] + b * by_b[i];
                for (std::size_t i = 0; i < fixed.size(); ++i) layers[0][i] = in_row[i] + a * by_a[i];
                activate(0, layers[0]);
                for (std::size_t l = 1; l < layers_.size(); ++l) {
                    fields(l, weights, layers[l - 1].data(), part, layers[l]);
                    activate(l, layers[l]);
                }
                sums[n * points.size() + k] = loss_of(layers.back(), part, {});
            }
        });
        for (std::size_t k = 0; k < points.size(); ++k) {
            double sum = 0;
            for (std::size_t n = 0; n < batches; ++n) sum += sums[n * points.size() + k];
            out[k] = sum * scale();
        }
    }

private:
    struct layer {
        std::size_t in, out;
        std::size_t weights, bias;  ///< where they begin among the parameters; no bias: none
        activation_kind activation;
    };
    struct batch_of {
        std::size_t first, count;
    };
    static constexpr std::size_t none = ~std::size_t{0};

    static void append(tensor const& from, std::vector<double>& to) {
        to.resize(to.size() + from.size());
        from.copy_to(std::span(to).last(from.size()));
    }

    void add_layer(dense_layer const& from, bool last, activation_kind hidden, std::vector<double>& start) {
        layer added{from.inputs(), from.outputs(), start.size(), none, from.activation};
        if (added.activation == activation_kind::unspecified)
            added.activation = last ? activation_kind::identity : hidden;
        using enum activation_kind;
        if (added.activation != identity && added.activation != relu && added.activation != tanh &&
            added.activation != sigmoid)
            throw error("network_loss: layer ", detail::in_quotes(from.name), " has the activation ",
                        to_string(added.activation),
                        (added.activation == unspecified
                             ? "; say which by network_loss::options{.hidden = ...}"
                             : "; known are identity, relu, tanh and sigmoid (cross_entropy takes the "
                               "outputs before softmax)"));
        groups_.push_back({from.name + ".weight", start.size(), added.out, added.in, false});
        append(from.weight, start);
        if (from.bias) {
            added.bias = start.size();
            groups_.push_back({from.name + ".bias", start.size(), added.out, 1, true});
            append(*from.bias, start);
        }
        layers_.push_back(added);
    }
    void check_data() const {
        std::size_t const samples = data_.count, outputs = layers_.back().out;
        if (samples == 0) throw error("network_loss: no samples");
        if (data_.size != layers_.front().in)
            throw error("network_loss: samples of ", data_.size, " numbers, but the network takes ",
                        layers_.front().in);
        if (data_.inputs.size() != samples * data_.size)
            throw error("network_loss: ", data_.inputs.size(), " numbers for ", samples, " samples of ",
                        data_.size);
        if (loss_ == loss_kind::cross_entropy) {
            if (data_.labels.size() != samples)
                throw error("network_loss: ", data_.labels.size(), " labels for ", samples, " samples");
            for (std::size_t n = 0; n < samples; ++n)
                if (data_.labels[n] >= outputs)
                    throw error("network_loss: label ", data_.labels[n], " of sample ", n,
                                ", but the network has ", outputs, " outputs");
        } else if (data_.targets.size() != samples * outputs) {
            throw error("network_loss: ", data_.targets.size(), " targets for ", samples, " samples and ",
                        outputs, " outputs");
        }
        auto const check = [&](std::vector<Real> const& numbers, char const* name, std::size_t each) {
            for (std::size_t k = 0; k < numbers.size(); ++k)
                if (!std::isfinite(numbers[k]))
                    throw error("network_loss: ", name, " of sample ", k / each, " is not finite");
        };
        check(data_.inputs, "number", data_.size);
        if (loss_ == loss_kind::mean_squared_error) check(data_.targets, "target", outputs);
    }

    [[nodiscard]] double scale() const noexcept {
        auto const terms = data_.count * (loss_ == loss_kind::cross_entropy ? 1 : layers_.back().out);
        return 1 / static_cast<double>(terms);
    }
    [[nodiscard]] std::size_t after_first_layer() const noexcept {
        return layers_.size() > 1 ? layers_[1].weights : size();
    }

    [[nodiscard]] std::vector<Real> rounded(std::span<double const> x) const {
        if (x.size() != size())
            throw error("network_loss: ", x.size(), " parameters, but the network has ", size());
        std::vector<Real> numbers(x.size());
        std::transform(x.begin(), x.end(), numbers.begin(), [](double v) { return static_cast<Real>(v); });
        return numbers;
    }

    template <class F>
    void for_each_batch(F&& f) const {
        for (std::size_t first = 0; first < data_.count; first += batch_)
            f(batch_of{first, std::min(batch_, data_.count - first)});
    }

    /// Writes the average of what f(batch, numbers) writes of every batch, one number to a parameter.
    template <class F>
    void add_up_batches(std::span<double> out, F&& f) const {
        std::vector<double> total(size(), 0.0);
        std::vector<Real> part_of(size());
        for_each_batch([&](batch_of const& part) {
            f(part, part_of);
            for (std::size_t k = 0; k < size(); ++k) total[k] += static_cast<double>(part_of[k]);
        });
        for (std::size_t k = 0; k < size(); ++k) out[k] = total[k] * scale();
    }

    // All arrays over a batch hold one row of samples to a neuron: out x count.

    /// W a + b of layer l; the first layer takes the samples.
    [[nodiscard]] std::vector<Real> fields(std::size_t l, std::vector<Real> const& weights, Real const* a,
                                           batch_of const& part) const {
        std::vector<Real> z;
        fields(l, weights, a, part, z);
        return z;
    }
    void fields(std::size_t l, std::vector<Real> const& weights, Real const* a, batch_of const& part,
                std::vector<Real>& z) const {
        auto const& at = layers_[l];
        z.resize(at.out * part.count);
        for (std::size_t i = 0; i < at.out; ++i)
            std::fill_n(z.begin() + static_cast<std::ptrdiff_t>(i * part.count), part.count,
                        at.bias == none ? Real{0} : weights[at.bias + i]);
        add_product(l, weights, a, part, z);
    }
    /// z += W a.
    void add_product(std::size_t l, std::vector<Real> const& weights, Real const* a, batch_of const& part,
                     std::vector<Real>& z) const {
        auto const& at = layers_[l];
        bool const samples = l == 0;  // one to a row
        detail::gemm<Real>(samples, at.out, part.count, at.in, 1, weights.data() + at.weights, at.in,
                           samples ? data_.inputs.data() + part.first * at.in : a,
                           samples ? at.in : part.count, 1, z.data(), part.count);
    }

    void activate(std::size_t l, std::vector<Real>& z) const {
        auto const kind = layers_[l].activation;
        if (kind == activation_kind::relu)
            for (Real& v : z) v = v > 0 ? v : Real{0};
        if (kind == activation_kind::tanh)
            for (Real& v : z) v = std::tanh(v);
        if (kind == activation_kind::sigmoid)
            for (Real& v : z) v = 1 / (1 + std::exp(-v));
    }
    /// The derivative of an activation where its value is a.
    [[nodiscard]] static Real slope(activation_kind kind, Real a) noexcept {
        if (kind == activation_kind::relu) return a > 0 ? Real{1} : Real{0};
        if (kind == activation_kind::tanh) return 1 - a * a;
        return kind == activation_kind::sigmoid ? a * (1 - a) : 1;
    }
    [[nodiscard]] static Real curvature(activation_kind kind, Real a) noexcept {
        if (kind == activation_kind::tanh) return -2 * a * (1 - a * a);
        return kind == activation_kind::sigmoid ? a * (1 - a) * (1 - 2 * a) : 0;
    }

    [[nodiscard]] std::vector<std::vector<Real>> forward(std::vector<Real> const& weights,
                                                         batch_of const& part) const {
        std::vector<std::vector<Real>> a;
        for (std::size_t l = 0; l < layers_.size(); ++l) {
            a.push_back(fields(l, weights, l == 0 ? nullptr : a[l - 1].data(), part));
            activate(l, a[l]);
        }
        return a;
    }

    /// The sum of the losses of a batch; dloss/dy into `delta`, unless that is empty.
    [[nodiscard]] double loss_of(std::vector<Real> const& y, batch_of const& part,
                                 std::span<Real> delta) const {
        std::size_t const outputs = layers_.back().out, n = part.count;
        double sum = 0;
        if (loss_ == loss_kind::mean_squared_error) {
            for (std::size_t i = 0; i < outputs; ++i)
                for (std::size_t k = 0; k < n; ++k) {
                    Real const off = y[i * n + k] - data_.targets[(part.first + k) * outputs + i];
                    sum += static_cast<double>(off) * static_cast<double>(off);
                    if (!delta.empty()) delta[i * n + k] = 2 * off;
                }
            return sum;
        }
        std::vector<Real> most(y.begin(), y.begin() + static_cast<std::ptrdiff_t>(n)), total(n, Real{0});
        for (std::size_t i = 1; i < outputs; ++i)
            for (std::size_t k = 0; k < n; ++k) most[k] = std::max(most[k], y[i * n + k]);
        for (std::size_t i = 0; i < outputs; ++i)
            for (std::size_t k = 0; k < n; ++k) {
                Real const weight = detail::exp_clamped(y[i * n + k] - most[k]);
                total[k] += weight + 0 * y[i * n + k];  // NaN of what is not finite
                if (!delta.empty()) delta[i * n + k] = weight;
            }
        for (std::size_t k = 0; k < n; ++k) {
            std::size_t const at = data_.labels[part.first + k] * n + k;
            sum += static_cast<double>(most[k]) - static_cast<double>(y[at]) +
                   std::log(static_cast<double>(total[k]));
        }
        if (delta.empty()) return sum;
        for (std::size_t i = 0; i < outputs; ++i)
            for (std::size_t k = 0; k < n; ++k) delta[i * n + k] /= total[k];
        for (std::size_t k = 0; k < n; ++k) delta[data_.labels[part.first + k] * n + k] -= 1;
        return sum;
    }

    /// dL/dW = dz a^T and dL/db = the sums of dz, of layer l, added to `out`.
    void add_gradient(std::size_t l, std::vector<Real> const& dz, Real const* a, batch_of const& part,
                      std::vector<Real>& out) const {
        auto const& at = layers_[l];
        bool const samples = l == 0;
        detail::gemm<Real>(!samples, at.out, at.in, part.count, 1, dz.data(), part.count,
                           samples ? data_.inputs.data() + part.first * at.in : a,
                           samples ? at.in : part.count, 1, out.data() + at.weights, at.in);
        if (at.bias == none) return;
        for (std::size_t i = 0; i < at.out; ++i)
            for (std::size_t k = 0; k < part.count; ++k) out[at.bias + i] += dz[i * part.count + k];
    }
    /// to += W^T dz of layer l.
    void add_backwards(std::size_t l, std::vector<Real> const& weights, std::vector<Real> const& dz,
                       batch_of const& part, std::vector<Real>& to) const {
        auto const& at = layers_[l];
        std::vector<Real> turned(at.in * at.out);
        for (std::size_t i = 0; i < at.out; ++i)
            for (std::size_t j = 0; j < at.in; ++j)
                turned[j * at.out + i] = weights[at.weights + i * at.in + j];
        detail::gemm<Real>(false, at.in, part.count, at.out, 1, turned.data(), at.out, dz.data(), part.count,
                           1, to.data(), part.count);
    }

    void backward(std::vector<Real> const& weights, batch_of const& part,
                  std::vector<std::vector<Real>> const& a, std::vector<Real> delta,
                  std::vector<Real>& out) const {
        std::fill(out.begin(), out.end(), Real{0});
        for (std::size_t l = layers_.size(); l-- > 0;) {
            for (std::size_t k = 0; k < delta.size(); ++k) delta[k] *= slope(layers_[l].activation, a[l][k]);
            add_gradient(l, delta, l == 0 ? nullptr : a[l - 1].data(), part, out);
            if (l == 0) break;
            std::vector<Real> before(a[l - 1].size(), Real{0});
            add_backwards(l, weights, delta, part, before);
            delta = std::move(before);
        }
    }

    /// Pearlmutter's product: what each step of forward and backward changes by along v. Source: Neural
    /// Computation 6, 147 (1994).
    void product_with_hessian(std::vector<Real> const& weights, std::vector<Real> const& v,
                              batch_of const& part, std::vector<Real>& out) const {
        auto const a = forward(weights, part);
        std::vector<std::vector<Real>> change_of_z, change_of_a;
        for (std::size_t l = 0; l < layers_.size(); ++l) {
            auto z = fields(l, v, l == 0 ? nullptr : a[l - 1].data(), part);
            if (l > 0) add_product(l, weights, change_of_a[l - 1].data(), part, z);
            change_of_z.push_back(z);
            for (std::size_t k = 0; k < z.size(); ++k) z[k] *= slope(layers_[l].activation, a[l][k]);
            change_of_a.push_back(std::move(z));
        }
        std::vector<Real> delta(a.back().size());
        (void)loss_of(a.back(), part, delta);
        std::vector<Real> change = change_of_delta(delta, change_of_a.back(), part);
        std::fill(out.begin(), out.end(), Real{0});
        for (std::size_t l = layers_.size(); l-- > 0;) {
            auto const kind = layers_[l].activation;
            for (std::size_t k = 0; k < delta.size(); ++k) {
                Real const d = slope(kind, a[l][k]);
                change[k] = d * change[k] + curvature(kind, a[l][k]) * change_of_z[l][k] * delta[k];
                delta[k] *= d;
            }
            add_gradient(l, change, l == 0 ? nullptr : a[l - 1].data(), part, out);
            if (l == 0) break;
            auto const& at = layers_[l];
            detail::gemm<Real>(true, at.out, at.in, part.count, 1, delta.data(), part.count,
                               change_of_a[l - 1].data(), part.count, 1, out.data() + at.weights, at.in);
            std::vector<Real> before(a[l - 1].size(), Real{0}), change_before(before);
            add_backwards(l, weights, delta, part, before);
            add_backwards(l, weights, change, part, change_before);
            add_backwards(l, v, delta, part, change_before);
            delta = std::move(before);
            change = std::move(change_before);
        }
    }

    /// The second derivative of the loss by the outputs, times their change.
    [[nodiscard]] std::vector<Real> change_of_delta(std::vector<Real> const& delta,
                                                    std::vector<Real> const& by, batch_of const& part) const {
        std::size_t const outputs = layers_.back().out, n = part.count;
        std::vector<Real> change(by.size());
        if (loss_ == loss_kind::mean_squared_error) {
            for (std::size_t k = 0; k < by.size(); ++k) change[k] = 2 * by[k];
            return change;
        }
        // delta is p - (1 at the label).
        std::vector<Real> mean(n, Real{0});
        auto const p = [&](std::size_t i, std::size_t k) {
            return delta[i * n + k] + (data_.labels[part.first + k] == i ? Real{1} : Real{0});
        };
        for (std::size_t i = 0; i < outputs; ++i)
            for (std::size_t k = 0; k < n; ++k) mean[k] += p(i, k) * by[i * n + k];
        for (std::size_t i = 0; i < outputs; ++i)
            for (std::size_t k = 0; k < n; ++k) change[i * n + k] = p(i, k) * (by[i * n + k] - mean[k]);
        return change;
    }

    data_set<Real> data_;
    loss_kind loss_;
    std::size_t batch_;
    std::vector<layer> layers_;
    row_major_array<double, 1> start_;
    std::vector<parameter_group> groups_;
};

}  // namespace spinet
