// SPDX-License-Identifier: BSD-3-Clause
/// What a network computes for one sample, in double and as slowly as the definitions read: to compare
/// readers with what the program that made a file says of it.
#pragma once

#include <spinet/network/network.hpp>
#include <spinet/network/shapes.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace network_test {

using numbers = std::vector<double>;

inline numbers numbers_of(spinet::tensor const& of) {
    numbers result(of.size());
    of.copy_to(std::span<double>(result));
    return result;
}

inline numbers numbers_of(std::optional<spinet::tensor> const& of, std::size_t count, double otherwise) {
    return of ? numbers_of(*of) : numbers(count, otherwise);
}

struct evaluated {
    spinet::value_shape shape;
    numbers values;
};

/// y = W x + b for each of the rows of x.
inline numbers value_of(spinet::dense const& op, numbers const& x) {
    std::size_t const out = op.weight.shape()[0], in = op.weight.shape()[1];
    auto const w = numbers_of(op.weight), b = numbers_of(op.bias, out, 0);
    numbers y(x.size() / in * out);
    for (std::size_t t = 0; t < x.size() / in; ++t)
        for (std::size_t i = 0; i < out; ++i) {
            double sum = b[i];
            for (std::size_t j = 0; j < in; ++j) sum += w[i * in + j] * x[t * in + j];
            y[t * out + i] = sum;
        }
    return y;
}

inline double value_of(spinet::activation_kind kind, double x) {
    using enum spinet::activation_kind;
    switch (kind) {
        case identity:
            return x;
        case relu:
            return std::max(x, 0.0);
        case gelu:
            return x * (1 + std::erf(x / std::sqrt(2.0))) / 2;
        case gelu_tanh:  // transformers' gelu_new and gelu_pytorch_tanh
            return x / 2 * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
        case silu:
            return x / (1 + std::exp(-x));
        case tanh:
            return std::tanh(x);
        case sigmoid:
            return 1 / (1 + std::exp(-x));
        case softplus:
            return std::log1p(std::exp(x));
        default:
            throw std::logic_error("not a function of one value");
    }
}

/// Softmax of each row, or its logarithm.
inline void softmax_rows(numbers& x, std::size_t width, bool logarithm) {
    for (std::size_t at = 0; at < x.size(); at += width) {
        double sum = 0;
        for (std::size_t i = 0; i < width; ++i) sum += std::exp(x[at + i]);
        for (std::size_t i = 0; i < width; ++i)
            x[at + i] = logarithm ? x[at + i] - std::log(sum) : std::exp(x[at + i]) / sum;
    }
}

/// f(output index, input index or nothing in the padding, kernel index) over all windows of one or two axes.
template <class F>
void for_each_in_windows(std::vector<spinet::window_extent> axes, F f) {
    if (axes.size() == 1) axes.insert(axes.begin(), spinet::window_extent{});
    std::size_t const rows = axes[0].to, columns = axes[1].to;
    auto const index = [&](std::size_t a, std::size_t position, std::size_t k) -> std::optional<std::size_t> {
        std::size_t const at = position * axes[a].stride + k * axes[a].dilation;
        if (at < axes[a].before || at - axes[a].before >= axes[a].from) return std::nullopt;
        return at - axes[a].before;
    };
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c)
            for (std::size_t k = 0; k < axes[0].kernel; ++k)
                for (std::size_t l = 0; l < axes[1].kernel; ++l) {
                    auto const i = index(0, r, k), j = index(1, c, l);
                    std::optional<std::size_t> from;
                    if (i && j) from = *i * axes[1].from + *j;
                    f(r * columns + c, from, k * axes[1].kernel + l);
                }
}

inline numbers value_of(spinet::convolution const& op, evaluated const& x, spinet::value_shape const& shape) {
    std::size_t const out = shape[0], per_group = op.weight.shape()[1], in = x.values.size() / x.shape[0];
    numbers const w = numbers_of(op.weight), b = numbers_of(op.bias, out, 0);
    std::size_t const kernel = w.size() / out / per_group;
    std::size_t const positions = *spinet::detail::checked_product(shape) / out;
    numbers y(out * positions);
    for (std::size_t o = 0; o < out; ++o) {
        std::fill_n(y.begin() + static_cast<std::ptrdiff_t>(o * positions), positions, b[o]);
        for (std::size_t c = 0; c < per_group; ++c) {
            std::size_t const channel = o / (out / op.groups) * per_group + c;
            for_each_in_windows(spinet::detail::extents_of(op, x.shape, "convolution"),
                                [&](std::size_t to, std::optional<std::size_t> from, std::size_t k) {
                                    if (from)
                                        y[o * positions + to] += w[(o * per_group + c) * kernel + k] *
                                                                 x.values[channel * in + *from];
                                });
        }
    }
    return y;
}

inline numbers value_of(spinet::pooling const& op, evaluated const& x, spinet::value_shape const& shape) {
    std::size_t const in = x.values.size() / x.shape[0];
    std::size_t const positions = *spinet::detail::checked_product(shape) / shape[0];
    bool const maximum = op.kind == spinet::pooling_kind::maximum;
    numbers y(shape[0] * positions, maximum ? -std::numeric_limits<double>::infinity() : 0.0),
        count(y.size(), 0);
    for (std::size_t c = 0; c < shape[0]; ++c)
        for_each_in_windows(spinet::detail::extents_of(op, x.shape),
                            [&](std::size_t to, std::optional<std::size_t> from, std::size_t) {
                                std::size_t const at = c * positions + to;
                                if (from || op.count_padding) ++count[at];
                                if (!from) return;
                                double const value = x.values[c * in + *from];
                                y[at] = maximum ? std::max(y[at], value) : y[at] + value;
                            });
    for (std::size_t k = 0; k < y.size() && !maximum; ++k) y[k] /= count[k];
    return y;
}

inline numbers value_of(spinet::batch_normalisation const& op, evaluated const& x) {
    std::size_t const channels = x.shape[0], each = x.values.size() / channels;
    numbers const mean = numbers_of(op.mean), variance = numbers_of(op.variance),
                  scale = numbers_of(op.scale, channels, 1), shift = numbers_of(op.shift, channels, 0);
    numbers y = x.values;
    for (std::size_t k = 0; k < y.size(); ++k) {
        std::size_t const c = k / each;
        y[k] = scale[c] * (y[k] - mean[c]) / std::sqrt(variance[c] + op.epsilon) + shift[c];
    }
    return y;
}

inline numbers value_of(spinet::layer_normalisation const& op, evaluated const& x) {
    std::size_t const width = x.shape.back();
    numbers const scale = numbers_of(op.scale, width, 1), shift = numbers_of(op.shift, width, 0);
    numbers y = x.values;
    for (std::size_t at = 0; at < y.size(); at += width) {
        double mean = 0, variance = 0;
        for (std::size_t i = 0; i < width && op.centred; ++i) mean += y[at + i] / static_cast<double>(width);
        for (std::size_t i = 0; i < width; ++i)
            variance += (y[at + i] - mean) * (y[at + i] - mean) / static_cast<double>(width);
        for (std::size_t i = 0; i < width; ++i)
            y[at + i] = scale[i] * (y[at + i] - mean) / std::sqrt(variance + op.epsilon) + shift[i];
    }
    return y;
}

/// What the hidden states, each times its reset gate, give for candidate i.
inline double reset_before(spinet::recurrent const& op, numbers const& hidden, numbers const& sum,
                           std::size_t i) {
    auto const w = numbers_of(op.hidden_weight);
    std::size_t const units = hidden.size();
    double all = numbers_of(op.hidden_bias, 3 * units, 0)[2 * units + i];
    for (std::size_t j = 0; j < units; ++j)
        all += w[(2 * units + i) * units + j] * hidden[j] / (1 + std::exp(-sum[j]));
    return all;
}

/// The hidden states; gates as operation.hpp has them, formulas those of PyTorch's documentation.
inline numbers value_of(spinet::recurrent const& op, evaluated const& x) {
    std::size_t const steps = x.shape[0], features = x.shape[1], units = op.units(),
                      rows = op.gates() * units;
    numbers y(steps * units), hidden(units, 0), cell(units, 0);
    auto const sigmoid = [](double z) { return 1 / (1 + std::exp(-z)); };
    for (std::size_t k = 0; k < steps; ++k) {
        std::size_t const t = op.reversed ? steps - 1 - k : k;
        numbers const now(x.values.begin() + static_cast<std::ptrdiff_t>(t * features),
                          x.values.begin() + static_cast<std::ptrdiff_t>((t + 1) * features));
        auto const from_input = value_of(spinet::dense{op.input_weight, op.input_bias}, now),
                   from_hidden = value_of(spinet::dense{op.hidden_weight, op.hidden_bias}, hidden);
        numbers sum(rows), next(units);
        for (std::size_t i = 0; i < rows; ++i) sum[i] = from_input[i] + from_hidden[i];
        for (std::size_t i = 0; i < units; ++i) {
            if (op.kind == spinet::recurrent_kind::rnn) {
                hidden[i] = value_of(op.activation, sum[i]);
            } else if (op.kind == spinet::recurrent_kind::lstm) {
                cell[i] = sigmoid(sum[units + i]) * cell[i] + sigmoid(sum[i]) * std::tanh(sum[2 * units + i]);
                hidden[i] = sigmoid(sum[3 * units + i]) * std::tanh(cell[i]);
            } else {
                double const r = sigmoid(sum[i]), z = sigmoid(sum[units + i]);
                double inner = r * from_hidden[2 * units + i];
                if (!op.reset_after) inner = reset_before(op, hidden, sum, i);
                double const n = std::tanh(from_input[2 * units + i] + inner);
                next[i] = (1 - z) * n + z * hidden[i];
            }
            if (op.kind != spinet::recurrent_kind::gru) next[i] = hidden[i];
            y[t * units + i] = next[i];
        }
        hidden = next;
    }
    return y;
}

/// Turns numbers d and d + rotary / 2 of each head as a plane, by an angle that grows with the step.
inline void rotate(numbers& x, std::size_t steps, std::size_t width, spinet::attention const& op) {
    std::size_t const heads = x.size() / steps / width, half = op.rotary / 2;
    for (std::size_t t = 0; t < steps; ++t)
        for (std::size_t h = 0; h < heads; ++h)
            for (std::size_t d = 0; d < half; ++d) {
                double const angle =
                    static_cast<double>(t) *
                    std::pow(op.rotary_base, -2 * static_cast<double>(d) / static_cast<double>(op.rotary));
                double &a = x[(t * heads + h) * width + d], &b = x[(t * heads + h) * width + d + half];
                double const c = std::cos(angle), s = std::sin(angle), turned = a * c - b * s;
                b = b * c + a * s;
                a = turned;
            }
}

inline numbers value_of(spinet::attention const& op, evaluated const& x) {
    std::size_t const steps = x.shape[0], shared = op.heads_per_value(), pairs = op.heads / shared;
    numbers q = value_of(op.query, x.values), k = value_of(op.key, x.values);
    numbers const v = value_of(op.value, x.values);
    std::size_t const width = q.size() / steps / op.heads, each = v.size() / steps / pairs,
                      inner = each * op.heads;
    rotate(q, steps, width, op);
    rotate(k, steps, width, op);
    numbers mixed(steps * inner, 0);
    for (std::size_t h = 0; h < op.heads; ++h)
        for (std::size_t i = 0; i < steps; ++i) {
            numbers weights(op.causal ? i + 1 : steps);
            for (std::size_t j = 0; j < weights.size(); ++j) {
                for (std::size_t d = 0; d < width; ++d)
                    weights[j] += q[(i * op.heads + h) * width + d] * k[(j * pairs + h / shared) * width + d];
                weights[j] /= std::sqrt(static_cast<double>(width));
            }
            softmax_rows(weights, weights.size(), false);
            for (std::size_t j = 0; j < weights.size(); ++j)
                for (std::size_t d = 0; d < each; ++d)
                    mixed[i * inner + h * each + d] += weights[j] * v[(j * pairs + h / shared) * each + d];
        }
    return value_of(op.output, mixed);
}

/// (steps, features) as (features, steps), and back.
inline evaluated turned(evaluated const& x) {
    evaluated y{spinet::detail::turned(x.shape), numbers(x.values.size())};
    for (std::size_t i = 0; i < x.shape[0]; ++i)
        for (std::size_t j = 0; j < x.shape[1]; ++j)
            y.values[j * x.shape[0] + i] = x.values[i * x.shape[1] + j];
    return y;
}

/// One node; `x` are its inputs, `shape` that of its result.
struct evaluation {
    std::vector<evaluated const*> x;
    spinet::value_shape shape;

    numbers operator()(spinet::input const&) const { throw std::logic_error("the input is given"); }
    numbers operator()(spinet::dense const& op) const { return value_of(op, x[0]->values); }
    numbers operator()(spinet::activation const& op) const {
        auto y = x[0]->values;
        bool const logarithm = op.kind == spinet::activation_kind::log_softmax;
        if (logarithm || op.kind == spinet::activation_kind::softmax)
            softmax_rows(y, shape.back(), logarithm);
        else
            for (auto& value : y) value = value_of(op.kind, value);
        return y;
    }
    template <class Op>
    numbers over_steps(Op const& op) const {
        return turned({spinet::detail::turned(shape),
                       value_of(op, turned(*x[0]), spinet::detail::turned(shape))})
            .values;
    }
    numbers operator()(spinet::convolution const& op) const {
        return op.of_steps ? over_steps(op) : value_of(op, *x[0], shape);
    }
    numbers operator()(spinet::pooling const& op) const {
        return op.of_steps ? over_steps(op) : value_of(op, *x[0], shape);
    }
    numbers operator()(spinet::batch_normalisation const& op) const {
        return op.of_steps ? turned({spinet::detail::turned(shape), value_of(op, turned(*x[0]))}).values
                           : value_of(op, *x[0]);
    }
    numbers operator()(spinet::layer_normalisation const& op) const { return value_of(op, *x[0]); }
    numbers operator()(spinet::addition const&) const {
        auto y = x[0]->values;
        for (std::size_t k = 0; k < y.size(); ++k) y[k] += x[1]->values[k];
        return y;
    }
    numbers operator()(spinet::concatenation const& op) const {
        auto y = op.of_steps ? turned(*x[0]).values : x[0]->values;
        auto const more = op.of_steps ? turned(*x[1]).values : x[1]->values;
        y.insert(y.end(), more.begin(), more.end());
        return op.of_steps ? turned({spinet::detail::turned(shape), y}).values : y;
    }
    numbers operator()(spinet::product const&) const {
        auto y = x[0]->values;
        for (std::size_t k = 0; k < y.size(); ++k) y[k] *= x[1]->values[k];
        return y;
    }
    numbers operator()(spinet::leading_step const& op) const {
        auto y = numbers_of(op.values);
        y.insert(y.end(), x[0]->values.begin(), x[0]->values.end());
        return y;
    }
    numbers operator()(spinet::offset const& op) const {
        auto y = x[0]->values;
        auto const shift = numbers_of(op.values);
        for (std::size_t k = 0; k < y.size(); ++k) y[k] += shift[k % shift.size()];
        return y;
    }
    numbers operator()(spinet::flatten const&) const { return x[0]->values; }
    numbers operator()(spinet::select_step const& op) const {
        auto const width = static_cast<std::ptrdiff_t>(x[0]->shape[1]);
        auto const step = static_cast<std::ptrdiff_t>(op.index.value_or(x[0]->shape[0] - 1));
        auto const from = x[0]->values.begin() + step * width;
        return {from, from + width};
    }
    numbers operator()(spinet::mean_over_steps const&) const {
        numbers y(x[0]->shape[1], 0);
        for (std::size_t k = 0; k < x[0]->values.size(); ++k)
            y[k % y.size()] += x[0]->values[k] / static_cast<double>(x[0]->shape[0]);
        return y;
    }
    numbers operator()(spinet::recurrent const& op) const { return value_of(op, *x[0]); }
    numbers operator()(spinet::attention const& op) const { return value_of(op, *x[0]); }
    numbers operator()(spinet::embedding const& op) const {
        auto const table = numbers_of(op.weight);
        std::size_t const width = op.weight.shape()[1];
        numbers y;
        for (auto const word : x[0]->values)
            for (std::size_t i = 0; i < width; ++i)
                y.push_back(op.factor * table[static_cast<std::size_t>(word) * width + i]);
        return y;
    }
};

/// The result of every node, by name.
inline std::map<std::string, evaluated, std::less<>> evaluate(spinet::network const& net,
                                                              numbers const& input) {
    auto const shapes = result_shapes(net);
    std::map<std::string, evaluated, std::less<>> results;
    for (auto const& node : net.nodes()) {
        evaluation one{{}, shapes[net.position(node.name)]};
        for (auto const& name : node.inputs) one.x.push_back(&results.find(name)->second);
        bool const first = node.op.is<spinet::input>();
        results.emplace(node.name, evaluated{one.shape, first ? input : node.op.visit(one)});
    }
    return results;
}

}  // namespace network_test
