// SPDX-License-Identifier: BSD-3-Clause
/// Affine arithmetic with constants becomes part of the layers beside it; then stages become a network.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/operation.hpp>
#include <spinet/network/shapes.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/onnx/stages.hpp>
#include <spinet/readers/onnx/values.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace spinet::detail::onnx_reading {

/// The least numbers that say the same of values of that shape: one, one for each channel (the first axis) or
/// feature (the last), or all.
[[nodiscard]] inline coefficients reduced(std::vector<double> all, value_shape const& shape) {
    std::size_t const n = all.size(), channels = shape.empty() ? 1 : shape.front(),
                      features = shape.empty() ? 1 : shape.back();
    auto const says_all = [&](coefficients const& few) {
        for (std::size_t k = 0; k < n; ++k)
            if (all[k] != few.at(k, 0)) return false;
        return true;
    };
    if (n == 0) return {};
    coefficients few{{all[0]}};
    if (says_all(few)) return few;
    few = {{}, n / channels};
    for (std::size_t c = 0; c < channels; ++c) few.values.push_back(all[c * few.repeat]);
    if (says_all(few)) return few;
    few = {{all.begin(), all.begin() + static_cast<std::ptrdiff_t>(features)}};
    if (says_all(few)) return few;
    return {std::move(all)};
}

/// All of them, for n values.
[[nodiscard]] inline std::vector<double> spread(coefficients const& few, std::size_t n, double otherwise) {
    std::vector<double> all(n);
    for (std::size_t k = 0; k < n; ++k) all[k] = few.at(k, otherwise);
    return all;
}

/// One for each of `count`, of which each stands for `repeat` values in a row; nothing where they differ
/// more.
[[nodiscard]] inline std::optional<std::vector<double>> each_of(coefficients const& few, std::size_t count,
                                                                std::size_t repeat, double otherwise) {
    bool const fits = few.values.size() <= 1 || (few.values.size() == count && few.repeat == repeat);
    if (!fits) return std::nullopt;
    std::vector<double> each(count);
    for (std::size_t k = 0; k < count; ++k) each[k] = few.at(k * repeat, otherwise);
    return each;
}

/// Puts affine stages into the layer before them, where nothing else reads that, or into the layers behind.
/// What is left becomes an operation of its own.
class folding {
public:
    folding(std::deque<stage>& stages, memory_allowance& budget) : stages_(&stages), budget_(&budget) {}

    void run(std::size_t result) {
        auto uses = uses_of(result);
        for (std::size_t k = 0; k <= result; ++k) {
            auto const* const own = as<affine>((*stages_)[k]);
            if (own == nullptr || uses[k] == 0 || uses[(*stages_)[k].inputs[0]] != 1) continue;
            fold_back(k, affine(*own));
        }
        uses = uses_of(result);
        for (std::size_t k = 0; k <= result; ++k)
            if (uses[k] != 0) fold_forward(k, uses);
    }

    /// How many stages, and the result, take each.
    [[nodiscard]] std::vector<std::size_t> uses_of(std::size_t result) const {
        std::vector<std::size_t> uses(stages_->size(), 0);
        uses[result] = 1;
        for (std::size_t k = result + 1; k-- > 0;)
            if (uses[k] != 0)
                for (auto const from : (*stages_)[k].inputs) ++uses[from];
        return uses;
    }

private:
    /// f(number, place) of all numbers.
    template <class F>
    [[nodiscard]] constant changed(constant const& of, F f) {
        auto numbers = numbers_of(of, *budget_);
        for (std::size_t k = 0; k < numbers.size(); ++k) numbers[k] = f(numbers[k], k);
        return constant_of(numbers, of.at.sizes, of.name);
    }
    template <class F>
    [[nodiscard]] tensor changed(tensor const& of, F f) {
        budget_->take(of.size() * sizeof(double));
        std::vector<double> numbers(of.size());
        of.copy_to(numbers);
        for (std::size_t k = 0; k < numbers.size(); ++k) numbers[k] = f(numbers[k], k);
        return of.with_values(numbers);
    }

    /// scale b + shift, where b may be missing.
    template <class Array, class Make>
    void change_bias(std::optional<Array>& bias, affine const& by, std::vector<double> const& scale,
                     std::vector<double> const& shift, Make make) {
        if (bias)
            bias = changed(*bias, [&](double b, std::size_t k) { return b * scale[k] + shift[k]; });
        else if (by.shift.any())
            bias = make(shift, by.name);
    }
    [[nodiscard]] static constant new_constant(std::vector<double> const& numbers, std::string name) {
        return constant_of(numbers, {numbers.size()}, std::move(name));
    }
    [[nodiscard]] static tensor new_tensor(std::vector<double> const& numbers, std::string name) {
        return {std::move(name), dtype::f64, {numbers.size()}, bytes_of(numbers)};
    }

    /// Rows, that is outputs, scaled and shifted.
    void after(projection& layer, affine const& by, std::vector<double> const& scale,
               std::vector<double> const& shift) {
        std::size_t const columns = layer.weight.at.sizes[1];
        if (by.scale.any())
            layer.weight =
                changed(layer.weight, [&](double w, std::size_t k) { return w * scale[k / columns]; });
        change_bias(layer.bias, by, scale, shift, new_constant);
    }

    /// All of it or, where the shift differs along another axis, the scale.
    void fold_back(std::size_t k, affine const& by) {
        auto& own = (*stages_)[k];
        if (auto all = folded(own.inputs[0], by)) {
            own = *std::move(all);
        } else if (by.scale.any() && by.shift.any()) {
            auto scaled = folded(own.inputs[0], {by.scale, {}});
            if (!scaled) return;
            affine rest{{}, by.shift, by.added, by.name};
            (*stages_)[own.inputs[0]] = *std::move(scaled);
            own.op = std::move(rest);
        }
    }

    /// The stage with what follows it, which nothing else may read.
    [[nodiscard]] std::optional<stage> folded(std::size_t at, affine const& by) {
        auto const& below = (*stages_)[at];
        std::size_t const n = row_major(below.shape).count(), features = below.shape.back(),
                          channels = below.shape.front();
        auto const of = [&](std::size_t count, std::size_t repeat) {
            return std::pair(each_of(by.scale, count, repeat, 1), each_of(by.shift, count, repeat, 0));
        };
        auto const [s, t] = of(features, 1);
        auto const [channel_s, channel_t] = of(channels, n / channels);
        std::optional<stage_operation> made;
        if (auto const* layer = as<projection>(below); layer != nullptr && s && t) {
            auto op = *layer;
            after(op, by, *s, *t);
            made = std::move(op);
        } else if (auto const* heads = as<attention_parts>(below); heads != nullptr && s && t) {
            auto op = *heads;
            after(op.output, by, *s, *t);
            made = std::move(op);
        } else if (auto const* table = as<embedding>(below); table != nullptr && s && t) {
            auto const &scale = *s, &shift = *t;
            made = operation(embedding{changed(table->weight, [&](double w, std::size_t place) {
                return w * scale[place % features] + shift[place % features];
            })});
        } else if (auto const* norm = as<layer_normalisation>(below); norm != nullptr && s && t) {
            auto op = *norm;
            auto const& scale = *s;
            if (op.scale)
                op.scale = changed(*op.scale, [&](double w, std::size_t place) { return w * scale[place]; });
            if (!op.scale && by.scale.any()) op.scale = new_tensor(scale, "");
            change_bias(op.shift, by, scale, *t, new_tensor);
            made = operation(std::move(op));
        } else if (channel_s && channel_t) {
            made = after_channels(below, by, *channel_s, *channel_t);
        }
        if (!made) return std::nullopt;
        return stage{*std::move(made), below.inputs, below.shape, below.node, {}};
    }

    [[nodiscard]] std::optional<stage_operation> after_channels(stage const& below, affine const& by,
                                                                std::vector<double> const& scale,
                                                                std::vector<double> const& shift) {
        if (auto const* windows = as<convolution>(below); windows != nullptr && !windows->of_steps) {
            auto op = *windows;
            std::size_t const each = op.weight.size() / scale.size();
            if (by.scale.any())
                op.weight = changed(op.weight, [&](double w, std::size_t k) { return w * scale[k / each]; });
            change_bias(op.bias, by, scale, shift, new_tensor);
            return operation(std::move(op));
        }
        if (auto const* norm = as<batch_normalisation>(below); norm != nullptr && !norm->of_steps) {
            auto op = *norm;
            if (op.scale)
                op.scale = changed(*op.scale, [&](double w, std::size_t c) { return w * scale[c]; });
            if (!op.scale && by.scale.any()) op.scale = new_tensor(scale, "");
            change_bias(op.shift, by, scale, shift, new_tensor);
            return operation(std::move(op));
        }
        return std::nullopt;
    }

    /// W (scale x + shift) + b.
    void before(projection& layer, std::vector<double> const& scale, std::vector<double> const& shift) {
        std::size_t const columns = scale.size();
        std::vector<double> sums(layer.weight.at.sizes[0], 0.0);
        auto const weight = changed(layer.weight, [&](double w, std::size_t k) {
            sums[k / columns] += w * shift[k % columns];
            return w * scale[k % columns];
        });
        bool const scales = std::any_of(scale.begin(), scale.end(), [](double x) { return x != 1; });
        if (scales) layer.weight = weight;
        bool const shifts = std::any_of(shift.begin(), shift.end(), [](double x) { return x != 0; });
        if (layer.bias && shifts)
            layer.bias = changed(*layer.bias, [&](double b, std::size_t k) { return b + sums[k]; });
        else if (shifts)
            layer.bias = new_constant(sums, "");
    }

    [[nodiscard]] bool before(convolution& op, affine const& by, value_shape const& shape) {
        std::size_t const per_group = op.weight.shape()[1], channels = shape.front(),
                          out = op.weight.shape()[0], n = row_major(shape).count();
        std::size_t const window = op.weight.size() / out / per_group;
        auto const scale = each_of(by.scale, channels, n / channels, 1),
                   shift = each_of(by.shift, channels, n / channels, 0);
        auto const is_zero = [](std::vector<std::size_t> const& pads) {
            return std::all_of(pads.begin(), pads.end(), [](std::size_t x) { return x == 0; });
        };
        // Zeros that are padded are not shifted.
        bool const exact = !by.shift.any() || (is_zero(op.padding_before) && is_zero(op.padding_after));
        if (!scale || !shift || !exact) return false;
        std::vector<double> sums(out, 0.0);
        op.weight = changed(op.weight, [&](double w, std::size_t k) {
            std::size_t const o = k / window / per_group, c = k / window % per_group;
            std::size_t const channel = o / (out / op.groups) * per_group + c;
            sums[o] += w * (*shift)[channel];
            return w * (*scale)[channel];
        });
        if (op.bias)
            op.bias = changed(*op.bias, [&](double b, std::size_t k) { return b + sums[k]; });
        else if (by.shift.any())
            op.bias = new_tensor(sums, "");
        return true;
    }

    void fold_forward(std::size_t k, std::vector<std::size_t> const& uses) {
        auto& own = (*stages_)[k];
        if (own.inputs.size() != 1) return;
        auto* below = &(*stages_)[own.inputs[0]];
        auto* const flat = as<flatten>(*below) != nullptr && uses[own.inputs[0]] == 1 ? below : nullptr;
        if (flat != nullptr) below = &(*stages_)[flat->inputs[0]];
        auto const* by = as<affine>(*below);
        if (by == nullptr) return;
        std::size_t const n = row_major(below->shape).count();
        auto const from = below->inputs[0];
        auto& reader = flat != nullptr ? *flat : own;
        if (auto* const layer = std::get_if<projection>(&own.op)) {
            std::size_t const in = layer->weight.at.sizes[1];
            auto const scale = in == n ? spread(by->scale, n, 1) : each_of(by->scale, in, 1, 1),
                       shift = in == n ? spread(by->shift, n, 0) : each_of(by->shift, in, 1, 0);
            if (!scale || !shift) return;
            before(*layer, *scale, *shift);
            reader.inputs[0] = from;
        } else if (auto const* windows = as<convolution>(own);
                   windows != nullptr && !windows->of_steps && flat == nullptr) {
            auto op = *windows;
            if (!before(op, *by, below->shape)) return;
            own.op = operation(std::move(op));
            own.inputs[0] = from;
        } else if (auto const* cell = as<recurrent>(own); cell != nullptr && flat == nullptr) {
            auto op = *cell;
            std::size_t const in = op.input_weight.shape()[1];
            auto const scale = each_of(by->scale, in, 1, 1), shift = each_of(by->shift, in, 1, 0);
            if (!scale || !shift) return;
            std::vector<double> sums(op.input_weight.shape()[0], 0.0);
            op.input_weight = changed(op.input_weight, [&](double w, std::size_t at) {
                sums[at / in] += w * (*shift)[at % in];
                return w * (*scale)[at % in];
            });
            if (op.input_bias)
                op.input_bias =
                    changed(*op.input_bias, [&](double b, std::size_t at) { return b + sums[at]; });
            else if (by->shift.any())
                op.input_bias = new_tensor(sums, "");
            own.op = operation(std::move(op));
            own.inputs[0] = from;
        }
    }

    std::deque<stage>* stages_;
    memory_allowance* budget_;
};

/// Makes the network of the stages that the result needs.
class network_of_stages {
public:
    network_of_stages(std::deque<stage>& stages, memory_allowance& budget, network& into)
        : stages_(&stages), budget_(&budget), into_(&into) {}

    void run(std::size_t result) {
        folding fold(*stages_, *budget_);
        fold.run(result);
        auto const uses = fold.uses_of(result);
        names_.resize(stages_->size());
        for (std::size_t k = 0; k <= result; ++k)
            if (uses[k] != 0) add(k);
    }

private:
    void add(std::size_t k) {
        auto const& of = (*stages_)[k];
        auto op = std::visit([&](auto const& each) { return finished(each, of); }, of.op);
        names_[k] = unused(name_of(op, of));
        std::vector<std::string> inputs;
        for (auto const from : of.inputs) inputs.push_back(names_[from]);
        with_place([&] { return described(of); },
                   [&] {
                       into_->add({names_[k], std::move(op), std::move(inputs)});
                   });
    }

    [[nodiscard]] std::string name_of(operation const& op, stage const& of) const {
        if (of.node == nullptr) return of.name;
        auto name = layer_name(tensors_of(op));
        if (auto const* shift = op.get_if<offset>())
            if (!shift->values.name().starts_with("onnx::")) name = shift->values.name();
        if (name.empty()) name = of.node->name();
        if (name.empty() && of.node->output_size() != 0) name = of.node->output(0);
        return name.empty() ? of.node->op_type() : name;
    }

    /// The name, or where it is taken "NAME (2)" and so on.
    [[nodiscard]] std::string unused(std::string const& name) {
        auto& count = used_[name];
        auto result = ++count == 1 ? name : name + " (" + std::to_string(count) + ")";
        while (into_->find(result) != nullptr) result = name + " (" + std::to_string(++count) + ")";
        return result;
    }

    [[nodiscard]] operation finished(operation const& op, stage const&) { return op; }
    [[nodiscard]] operation finished(projection const& op, stage const&) { return dense_of(op); }
    [[nodiscard]] operation finished(attention_parts const& op, stage const&) {
        return attention{dense_of(op.query),  dense_of(op.key), dense_of(op.value),
                         dense_of(op.output), op.heads,         op.causal};
    }
    /// What no layer took: constants that are added, or a normalisation that only scales and shifts.
    [[nodiscard]] operation finished(affine const& op, stage const& of) {
        std::size_t const n = row_major(of.shape).count(), channels = of.shape.front();
        if (!op.scale.any() && op.added) return offset{*op.added};
        budget_->take(n * sizeof(double));
        auto const scale = each_of(op.scale, channels, n / channels, 1),
                   shift = each_of(op.shift, channels, n / channels, 0);
        if (!op.scale.any() && !(shift && of.shape.size() > 2))
            return offset{tensor("", dtype::f64, of.shape, bytes_of(spread(op.shift, n, 0)))};
        if (has_steps(of)) {
            std::size_t const features = of.shape.back();
            auto const by_feature = each_of(op.scale, features, 1, 1);
            auto const added = each_of(op.shift, features, 1, 0);
            if (by_feature && added) return scaling(*by_feature, *added, true);
        }
        if (!scale || !shift)
            throw error(described(of), " multiplies values of shape ", tuple_text(of.shape),
                        " by constants that no layer beside it takes, nor one number for each channel");
        return scaling(*scale, *shift, false);
    }
    [[nodiscard]] static batch_normalisation scaling(std::vector<double> const& scale,
                                                     std::vector<double> const& shift, bool of_steps) {
        std::size_t const count = scale.size();
        auto const numbers = [&](std::vector<double> const& values) {
            return tensor("", dtype::f64, {count}, bytes_of(values));
        };
        return {numbers(std::vector<double>(count, 0.0)),
                numbers(std::vector<double>(count, 1.0)),
                numbers(scale),
                numbers(shift),
                0,
                of_steps};
    }

    /// Whether a stage holds steps of a sequence, not channels.
    [[nodiscard]] bool has_steps(stage const& of) const {
        auto const* at = &of;
        while (at->shape.size() == 2 && !at->inputs.empty()) {
            auto const* const windows = as<convolution>(*at);
            auto const* const pool = as<pooling>(*at);
            if (windows != nullptr) return windows->of_steps;
            if (pool != nullptr) return pool->of_steps;
            bool const by_value = as<activation>(*at) != nullptr || as<affine>(*at) != nullptr ||
                                  as<addition>(*at) != nullptr || as<batch_normalisation>(*at) != nullptr;
            if (!by_value) return true;
            at = &(*stages_)[at->inputs.front()];
        }
        return false;
    }
    [[nodiscard]] operation finished(error_function const& op, stage const& of) {
        if (op.plus != 0)
            throw error(described(of), " is ", op.label, ", and what follows makes no GELU of it");
        return activation{activation_kind::unspecified};
    }
    template <class Part>
    [[nodiscard]] operation finished(Part const&, stage const& of) {
        throw error(described(of), " is ", Part::label,
                    ", and what follows makes no operation of it that spinet knows");
    }

    [[nodiscard]] dense dense_of(projection const& of) {
        std::optional<tensor> bias;
        if (of.bias) bias = tensor_of(*of.bias, *budget_);
        return {tensor_of(of.weight, *budget_), std::move(bias)};
    }

    std::deque<stage>* stages_;
    memory_allowance* budget_;
    network* into_;
    std::vector<std::string> names_;
    std::map<std::string, std::size_t> used_;
};

}  // namespace spinet::detail::onnx_reading
