// SPDX-License-Identifier: BSD-3-Clause
/// From a network's graph of operations to parts and wires: which values become spins, and what couples them.
#pragma once

#include <spinet/error.hpp>
#include <spinet/mapping/linear_map.hpp>
#include <spinet/mapping/wiring.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/operation.hpp>
#include <spinet/network/shapes.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace spinet {

/// How a recurrent layer is laid out: its states at all steps, one after the other; or the same with the last
/// state feeding the first, so that all steps are alike. A ring of two steps couples its two copies of the
/// hidden neurons by the one symmetric matrix W + W^T.
enum class recurrence { unrolled, ring };

[[nodiscard]] constexpr std::string_view to_string(recurrence value) {
    return detail::name_of(value, "recurrence", {"unrolled", "ring"});
}

namespace detail {

/// Element by element; an empty vector is all `otherwise`.
inline void multiply_into(std::vector<double>& values, double otherwise, std::vector<double> const& factors) {
    if (values.empty()) values.assign(factors.size(), otherwise);
    for (std::size_t k = 0; k < values.size(); ++k) values[k] *= factors[k];
}
inline void add_into(std::vector<double>& values, std::vector<double> const& more) {
    if (values.empty()) values.assign(more.size(), 0.0);
    for (std::size_t k = 0; k < values.size(); ++k) values[k] += more[k];
}

[[nodiscard]] inline std::vector<double> values_of(std::optional<tensor> const& of, std::size_t count,
                                                   double otherwise) {
    std::vector<double> values(count, otherwise);
    if (of) of->copy_to(values);
    return values;
}

/// One pass over the nodes of one network. A template, so that only a program that maps a network takes the
/// time to compile it.
template <std::same_as<network> Network>
class network_wiring {
public:
    network_wiring(Network const& net, recurrence layout)
        : net_(&net), layout_(layout), shapes_(result_shapes(net)), takers_(consumers(net)) {
        for (auto const& each : net.nodes())
            if (each.op.template is<input>()) ++inputs_;
    }

    [[nodiscard]] wiring run() {
        refuse_huge();
        for (auto const& at : net_->nodes()) {
            at_ = &at;
            auto made = at.op.visit([&](auto const& op) { return value_of(op); });
            auto const takers = takers_[here()].size();
            bool const last = takers == 0;
            // What several read is spins, so that all of them read the same.
            if (last && made.pending && made.layer) discard_activation(activation_kind::identity);
            if (last || takers > 1) settle(made);
            if (last)
                for (auto const& term : made.terms) wired_.parts[term.part].is_output = true;
            signals_.push_back(std::move(made));
        }
        if (wired_.parts.empty()) throw error("the network has no neurons that could become spins");
        return std::move(wired_);
    }

private:
    /// Spins that a value consists of: values [first, first + size of the part) of it are factor *
    /// (scale * spin + shift); empty scales are 1, empty shifts 0.
    struct signal_term {
        std::size_t part = 0, first = 0;
        double factor = 1;
        std::vector<double> scale = {}, shift = {};
    };

    /// The value of a node: spins, or sums of couplings that will become the fields of spins.
    struct signal {
        value_shape shape;
        bool sequence = false;  ///< (steps, features), each step by itself
        bool pending = false;
        std::string name = {};                         ///< of the spins to be
        std::vector<signal_term> terms = {};           ///< where not pending
        std::vector<wire> wires = {};                  ///< where pending: `to` is the step
        std::vector<std::vector<double>> fields = {};  ///< where pending, for each step
        bool layer = false;                            ///< pending, and the result of weights

        [[nodiscard]] std::size_t steps() const { return sequence ? shape[0] : 1; }
        /// Values of one channel.
        [[nodiscard]] std::size_t positions() const {
            return sequence || shape.size() < 2 ? 1 : step_size() / shape[0];
        }
        [[nodiscard]] std::size_t step_size() const {
            std::size_t all = 1;
            for (auto const length : shape) all *= length;
            return all / steps();
        }
    };

    /// Files of a hundred bytes can describe 2^60 values, or steps that all read each other. Sites are drawn
    /// for by numbers of 32 bits, so no glass is larger than that.
    void refuse_huge() const {
        constexpr double most = 0x1p32;
        double all = 0;
        for (auto const& at : net_->nodes()) {
            auto const& shape = shapes_[net_->position(at.name)];
            double values = 1;
            for (auto const n : shape) values *= static_cast<double>(n);
            if (auto const* const op = at.op.template get_if<attention>(); op != nullptr && op->causal)
                values += static_cast<double>(shape[0]) * static_cast<double>(shape[0]);
            if (auto const* const op = at.op.template get_if<embedding>())  // a spin for each word
                values += static_cast<double>(shape[0]) * static_cast<double>(op->weight.shape()[0]);
            all += values;
            if (all > most)
                throw error("node ", in_quotes(at.name), ", with values of shape ", tuple_text(shape),
                            ", makes the network one of more than 2^32 values");
        }
    }

    // --- names and messages

    [[noreturn]] void refuse(std::string const& why) const {
        throw error("node ", in_quotes(at_->name), " (", at_->op.label(), "): ", why);
    }
    [[nodiscard]] std::size_t here() const { return static_cast<std::size_t>(at_ - net_->nodes().data()); }
    [[nodiscard]] signal& input_signal(std::size_t k = 0) { return signals_[net_->position(at_->inputs[k])]; }
    [[nodiscard]] value_shape const& shape_here() const { return shapes_[here()]; }
    void discard(std::string const& what) {
        auto& list = wired_.discarded;
        if (std::find(list.begin(), list.end(), what) == list.end()) list.push_back(what);
    }

    void discard_activation(activation_kind kind) {
        auto& list = wired_.activations;
        auto const at = std::lower_bound(list.begin(), list.end(), to_string(kind));
        if (at == list.end() || *at != to_string(kind)) list.emplace(at, to_string(kind));
    }

    // --- parts

    /// New spins, `steps` parts of one group; the place of the first.
    std::size_t add_parts(std::string const& name, std::vector<std::vector<double>> fields,
                          std::size_t positions = 1) {
        std::size_t const first = wired_.parts.size(), group = groups_++;
        for (auto& of_step : fields) {
            wired_.parts.push_back({name, std::move(of_step), group});
            wired_.parts.back().positions = positions;
        }
        return first;
    }

    /// Makes spins of what is pending.
    void settle(signal& of) {
        if (!of.pending) return;
        std::size_t const size = of.step_size(), positions = of.positions();
        std::size_t const first = add_parts(of.name, std::exchange(of.fields, {}), positions);
        add_wires(of, first);
        for (std::size_t k = 0; k < of.steps(); ++k) of.terms.push_back({first + k, k * size});
        of.pending = false;
    }

    /// An input that is to be read as spins.
    [[nodiscard]] signal& spins_of_input(std::size_t k = 0) {
        auto& from = input_signal(k);
        if (from.pending && from.layer) discard_activation(activation_kind::identity);
        settle(from);
        return from;
    }

    /// Sums of couplings and fields, for spins of this shape.
    [[nodiscard]] static signal pending(value_shape shape, bool sequence, std::string name) {
        signal made{std::move(shape), sequence, true, std::move(name)};
        made.fields.assign(made.steps(), std::vector<double>(made.step_size(), 0.0));
        return made;
    }
    [[nodiscard]] signal pending_here(bool sequence, bool layer) const {
        auto made = pending(shape_here(), sequence, at_->name);
        made.layer = layer;
        return made;
    }

    // --- wires

    /// Wires a term to a step of what is pending; `map` reads the values of the term, and gets its scale.
    void read(signal& made, std::size_t slice, signal_term const& term, linear_map map) {
        if (!term.shift.empty()) add_product(map, term.factor, term.shift, made.fields[slice]);
        if (!term.scale.empty()) map.column_scale = channel_scale(map, term.scale);
        // The steps of a sequence read alike, so they share one map.
        if (!shared_ || !same_map(*shared_, map))
            shared_ = std::make_shared<linear_map const>(std::move(map));
        made.wires.push_back({term.part, slice, shared_, term.factor});
    }

    static bool same_map(linear_map const& a, linear_map const& b) {
        if (a.kind.index() != b.kind.index() || a.column_scale != b.column_scale ||
            a.row_scale != b.row_scale)
            return false;
        if (auto const* x = std::get_if<matrix_map>(&a.kind)) {
            auto const& y = std::get<matrix_map>(b.kind);
            return x->weight.bytes().data() == y.weight.bytes().data() && x->first_row == y.first_row &&
                   x->row_count == y.row_count && x->first_column == y.first_column &&
                   x->column_count == y.column_count && x->transposed == y.transposed &&
                   x->summed.copies == y.summed.copies;
        }
        auto const &x = std::get<window_map>(a.kind), &y = std::get<window_map>(b.kind);
        return !x.kernel && !y.kernel && x.value == y.value &&
               x.shape.channels_from == y.shape.channels_from && x.shape.pointwise() && y.shape.pointwise() &&
               x.shape.from_size() == y.shape.from_size();
    }

    /// One scale for each channel that a window reads, of one for each value.
    [[nodiscard]] std::vector<double> channel_scale(linear_map const& map,
                                                    std::vector<double> const& scale) const {
        auto const* const w = std::get_if<window_map>(&map.kind);
        if (w == nullptr) return scale;
        std::size_t const positions = w->shape.from_size() / w->shape.channels_from;
        std::vector<double> of_channels;
        for (std::size_t k = 0; k < scale.size(); ++k) {
            if (k % positions == 0) of_channels.push_back(scale[k]);
            if (scale[k] != of_channels.back())
                refuse("it reads values that are scaled differently within a channel");
        }
        return of_channels;
    }

    [[nodiscard]] static linear_map matrix(tensor const& weight, std::size_t first_row, std::size_t rows,
                                           std::size_t first_column, std::size_t columns) {
        return {matrix_map{weight, first_row, rows, first_column, columns}};
    }
    [[nodiscard]] static linear_map whole(tensor const& weight) {
        return matrix(weight, 0, weight.shape()[0], 0, weight.shape()[1]);
    }
    /// value * 1 of n values; by channels where each is scaled by itself.
    [[nodiscard]] static linear_map identity(std::size_t n, bool scaled, double value = 1) {
        window_extent const one{1, 1, 1, 1, 0, 1};
        window_shape const shape =
            scaled ? window_shape{n, n, n, one, one} : window_shape{1, 1, 1, one, {n, n, 1, 1, 0, 1}};
        return {window_map{shape, std::nullopt, value}};
    }

    /// Wires all terms of a value to what is pending, by a weight of (out, in) on the last axis.
    void read_by_matrix(signal& made, signal const& from, tensor const& weight) {
        read_steps(made, from, weight, 0, weight.shape()[0], 0, from.steps(),
                   [](std::size_t t) { return t; });
    }
    /// Wires step read_by(t) of a sequence, or all of what is none, to step t of what is pending, for t from
    /// `begin` to `end`, by some rows of the weights.
    template <class ReadBy>
    void read_steps(signal& made, signal const& from, tensor const& weight, std::size_t row, std::size_t rows,
                    std::size_t begin, std::size_t end, ReadBy read_by) {
        for (std::size_t part = 0; part < from.terms.size() / from.steps(); ++part)
            for (std::size_t t = begin; t < end; ++t) {
                auto const& term = terms_of(from, read_by(t))[part];
                read(made, t, term,
                     matrix(weight, row, rows, term.first - read_by(t) * from.step_size(),
                            wired_.parts[term.part].size()));
            }
    }
    /// Those of one step, of as many for each; all, where it is no sequence.
    [[nodiscard]] static std::span<signal_term const> terms_of(signal const& from, std::size_t step) {
        std::size_t const each = from.terms.size() / from.steps();
        return std::span(from.terms).subspan(step * each, each);
    }

    /// The bias of a layer on every step of what is pending, each of its numbers for `repeat` values in a
    /// row.
    void add_bias(signal& made, std::optional<tensor> const& bias, std::size_t repeat = 1) {
        if (!bias) return;
        wired_.any_bias = true;
        auto const b = values_of(bias, bias->size(), 0);
        for (auto& fields : made.fields)
            for (std::size_t i = 0; i < fields.size(); ++i) fields[i] += b[i / repeat];
    }

    // --- the operations

    /// How an input is read: as feature maps, as steps, or laid flat, where its shape means nothing.
    enum class reading { flat, maps, steps };

    /// Known from what takes the input, directly or after what works on either.
    [[nodiscard]] reading reading_here() const {
        auto found = reading::flat;
        std::vector<std::size_t> open{here()};  // no recursion: networks may be a hundred thousand deep
        std::vector<bool> seen(takers_.size(), false);
        while (!open.empty()) {
            auto const at = open.back();
            open.pop_back();
            if (seen[at]) continue;
            seen[at] = true;
            auto const& takers = takers_[at];
            for (auto const taker : takers) {
                auto const& op = net_->nodes()[taker].op;
                auto const* const windows = op.template get_if<convolution>();
                auto const* const pool = op.template get_if<pooling>();
                auto const* const norm = op.template get_if<batch_normalisation>();
                auto const* const joint = op.template get_if<concatenation>();
                if ((windows != nullptr && !windows->of_steps) || (pool != nullptr && !pool->of_steps))
                    return reading::maps;
                if ((norm != nullptr && !norm->of_steps) || (joint != nullptr && !joint->of_steps) ||
                    op.template is<activation>() || op.template is<offset>())
                    open.push_back(taker);
                else if (!op.template is<flatten>())
                    found = reading::steps;
            }
        }
        return found;
    }

    [[nodiscard]] signal value_of(input const&) {
        signal made{shape_here()};
        auto const read_as = reading_here();
        made.sequence = made.shape.size() == 2 && read_as == reading::steps;
        std::size_t size = made.step_size(), steps = made.steps();
        bool tokens = false;
        // Tokens: one spin for each word, at each step.
        if (auto const& takers = takers_[here()]; !takers.empty())
            if (auto const* table = net_->nodes()[takers.front()].op.template get_if<embedding>()) {
                steps = made.shape[0];
                size = table->weight.shape()[0];
                tokens = true;
            }
        std::size_t const first =
            add_parts(inputs_ == 1 ? "input" : at_->name,
                      std::vector<std::vector<double>>(steps, std::vector<double>(size, 0.0)),
                      tokens || read_as == reading::flat ? 1 : made.positions());
        for (std::size_t k = 0; k < steps; ++k) {
            made.terms.push_back({first + k, k * size});
            wired_.parts[first + k].is_input = true;
            wired_.parts[first + k].is_token = tokens;
        }
        return made;
    }

    [[nodiscard]] signal value_of(dense const& op) {
        auto const& from = spins_of_input();
        if (from.shape.size() == 2 && !from.sequence) refuse("it reads channels, not steps: flatten them");
        auto made = pending_here(from.sequence, true);
        read_by_matrix(made, from, op.weight);
        add_bias(made, op.bias);
        return made;
    }

    [[nodiscard]] signal value_of(activation const& op) {
        auto& from = input_signal();
        discard_activation(op.kind);
        settle(from);
        return from;
    }

    /// Along height and width; of one position where there is no height.
    [[nodiscard]] window_shape windows(value_shape const& from, std::size_t groups,
                                       std::vector<window_extent> const& extents) const {
        return {from[0], shape_here()[0], groups, extents.size() == 1 ? window_extent{} : extents[0],
                extents.back()};
    }
    /// Feature maps, perhaps of several nodes, whose terms each hold some of the channels.
    void require_maps(signal const& from) const {
        if (from.sequence) refuse("it reads steps, not channels: a transposition is missing between");
        for (auto const& term : from.terms)
            if (term.first % from.positions() != 0 || wired_.parts[term.part].size() % from.positions() != 0)
                refuse("it reads the steps of a sequence laid flat");
    }
    /// Columns [first, first + count) of the second axis: the weights of some of the channels.
    [[nodiscard]] static tensor of_channels(tensor const& weight, std::size_t first, std::size_t count) {
        auto shape = weight.shape();
        if (first == 0 && count == shape[1]) return weight;
        std::size_t const all = shape[1], bytes = weight.bytes().size() / (shape[0] * all);
        std::vector<std::byte> chosen;
        for (std::size_t o = 0; o < shape[0]; ++o) {
            auto const row = weight.bytes().subspan((o * all + first) * bytes, count * bytes);
            chosen.insert(chosen.end(), row.begin(), row.end());
        }
        shape[1] = count;
        return {weight.name(), weight.type(), std::move(shape), std::move(chosen)};
    }

    void require_sequence(signal const& from) const {
        if (!from.sequence) refuse("it reads channels, not steps");
    }
    /// One tap of a kernel, (out, in).
    [[nodiscard]] static tensor of_tap(tensor const& weight, std::size_t k) {
        std::size_t const taps = weight.shape()[2], width = size_of(weight.type());
        std::vector<std::byte> chosen;
        for (std::size_t i = k; i < weight.size(); i += taps) {
            auto const one = weight.bytes().subspan(i * width, width);
            chosen.insert(chosen.end(), one.begin(), one.end());
        }
        return {weight.name(), weight.type(), {weight.shape()[0], weight.shape()[1]}, std::move(chosen)};
    }
    [[nodiscard]] signal over_steps(convolution const& op, signal const& from) {
        require_sequence(from);
        auto made = pending_here(true, true);
        auto const x = extents_of(op, turned(from.shape), at_->name)[0];
        for (std::size_t k = 0; k < x.kernel; ++k) {
            auto const tap = of_tap(op.weight, k);
            read_steps(made, from, tap, 0, tap.shape()[0], x.inside(k).first, x.inside(k).second,
                       [&](std::size_t p) { return x.read_by(p, k); });
        }
        add_bias(made, op.bias);
        return made;
    }
    [[nodiscard]] signal over_steps(pooling const& op, signal const& from) {
        require_sequence(from);
        auto made = pending_here(true, false);
        auto const x = extents_of(op, turned(from.shape))[0];
        for (std::size_t k = 0; k < x.kernel; ++k)
            for (std::size_t p = x.inside(k).first; p < x.inside(k).second; ++p)
                for (auto term : terms_of(from, x.read_by(p, k))) {
                    if (wired_.parts[term.part].size() != made.step_size())
                        refuse("it pools steps that are spins of several nodes");
                    term.factor /= static_cast<double>(x.kernel);
                    read(made, p, term, identity(made.step_size(), !term.scale.empty()));
                }
        discard_pooled(op, x.reaches_outside());
        settle(made);
        return made;
    }
    void discard_pooled(pooling const& op, bool reaches_outside) {
        if (op.kind == pooling_kind::maximum) discard("which value of a pooling window is its largest");
        if (op.kind == pooling_kind::average && !op.count_padding && reaches_outside)
            discard("the larger weights of average pooling at the borders");
    }

    [[nodiscard]] signal value_of(convolution const& op) {
        auto const& from = spins_of_input();
        if (op.of_steps) return over_steps(op, from);
        require_maps(from);
        auto made = pending_here(false, true);
        auto shape = windows(from.shape, op.groups, extents_of(op, from.shape, at_->name));
        if (op.groups > 1 && from.terms.size() > 1) refuse("its groups read channels of several nodes");
        for (auto const& term : from.terms) {
            shape.channels_from = wired_.parts[term.part].size() / from.positions();
            auto weight = op.weight;
            if (op.groups == 1)
                weight = of_channels(weight, term.first / from.positions(), shape.channels_from);
            read(made, 0, term, {window_map{shape, std::move(weight)}});
        }
        add_bias(made, op.bias, shape.y.to * shape.x.to);
        return made;
    }

    [[nodiscard]] signal value_of(pooling const& op) {
        auto const& from = spins_of_input();
        if (op.of_steps) return over_steps(op, from);
        require_maps(from);
        auto shape = windows(from.shape, from.shape[0], extents_of(op, from.shape));
        double const inside = static_cast<double>(shape.y.kernel * shape.x.kernel);
        signal made{shape_here()};
        for (auto const& term : from.terms) {  // the channels of each node by themselves
            shape.channels_from = wired_.parts[term.part].size() / from.positions();
            shape.channels_to = shape.groups = shape.channels_from;
            auto pooled = made.shape;
            pooled[0] = shape.channels_to;
            auto some = pending(std::move(pooled), false, at_->name);
            read(some, 0, term, {window_map{shape, std::nullopt, 1 / inside}});
            settle(some);
            some.terms[0].first = term.first / from.positions() * shape.y.to * shape.x.to;
            made.terms.push_back(std::move(some.terms[0]));
        }
        discard_pooled(op, shape.y.reaches_outside() || shape.x.reaches_outside());
        return made;
    }

    [[nodiscard]] signal value_of(batch_normalisation const& op) {
        auto& from = input_signal();
        if (from.sequence && !op.of_steps)
            refuse("it reads steps, not channels: a transposition is missing between");
        if (op.of_steps) require_sequence(from);
        std::size_t const channels = op.mean.size();
        auto const mean = values_of(op.mean, channels, 0), variance = values_of(op.variance, channels, 1);
        auto scale = values_of(op.scale, channels, 1), shift = values_of(op.shift, channels, 0);
        for (std::size_t c = 0; c < channels; ++c) {
            scale[c] /= std::sqrt(variance[c] + op.epsilon);
            shift[c] -= mean[c] * scale[c];
        }
        wired_.any_bias = true;
        if (from.pending) return folded_before(std::move(from), scale, shift);
        signal made = from;
        std::size_t const repeat = made.step_size() / channels;
        for (auto& term : made.terms) {
            std::vector<double> own_scale(wired_.parts[term.part].size()), own_shift(own_scale.size());
            for (std::size_t k = 0; k < own_scale.size(); ++k) {
                std::size_t const c = (term.first + k) % made.step_size() / repeat;
                own_scale[k] = scale[c];
                own_shift[k] = shift[c] / term.factor;
            }
            rescale(term, own_scale, own_shift);
        }
        return made;
    }

    /// y = scale (value) + shift: of spins, for whatever reads them. An empty shift is 0; products with the
    /// zeros of one would read all weights.
    static void rescale(signal_term& term, std::vector<double> const& scale,
                        std::vector<double> const& shift) {
        multiply_into(term.scale, 1, scale);
        if (!term.shift.empty()) multiply_into(term.shift, 0, scale);
        if (!shift.empty()) add_into(term.shift, shift);
    }

    /// A normalisation of sums that are not spins yet: exact, into their couplings and fields.
    [[nodiscard]] signal folded_before(signal made, std::vector<double> const& scale,
                                       std::vector<double> const& shift) {
        std::size_t const repeat = made.step_size() / scale.size();
        for (auto& fields : made.fields)
            for (std::size_t i = 0; i < fields.size(); ++i)
                fields[i] = fields[i] * scale[i / repeat] + shift[i / repeat];
        for (auto& each : made.wires) {
            linear_map map = *each.map;
            auto const* const window = std::get_if<window_map>(&map.kind);
            bool const by_value = (window ? window->shape.channels_to : map.rows()) != scale.size();
            if (by_value && window)  // an identity, over all values
                map = identity(map.rows(), true, window->value);
            std::vector<double> of_values;
            for (std::size_t i = 0; by_value && i < map.rows(); ++i) of_values.push_back(scale[i / repeat]);
            multiply_into(map.row_scale, 1, by_value ? of_values : scale);
            each.map = std::make_shared<linear_map const>(std::move(map));
        }
        return made;
    }

    [[nodiscard]] signal value_of(layer_normalisation const& op) {
        signal made = spins_of_input();
        discard(op.centred ? "the mean and deviation by which layer normalisation divides"
                           : "the root mean square by which RMS normalisation divides");
        for (std::size_t k = 0; k < made.terms.size(); ++k) {
            auto& term = made.terms[k];
            std::size_t const n = wired_.parts[term.part].size();
            std::vector<double> scale(n, 1.0), shift(op.shift ? n : 0, 0.0);
            for (std::size_t i = 0; i < n; ++i) {
                if (op.scale) scale[i] = trailing_value(*op.scale, term.first + i);
                if (op.shift) shift[i] = trailing_value(*op.shift, term.first + i) / term.factor;
            }
            if (op.shift) wired_.any_bias = true;
            if (op.scale || op.shift) rescale(term, scale, shift);
        }
        return made;
    }

    /// Of a tensor that repeats over the leading axes of a value.
    [[nodiscard]] double trailing_value(tensor const& of, std::size_t place) {
        if (trailing_of_ != of.bytes().data()) {
            trailing_ = values_of(of, of.size(), 0);
            trailing_of_ = of.bytes().data();
        }
        return trailing_[place % trailing_.size()];
    }

    /// What an input adds to a sum: its own wires where it is one itself, else identities.
    void add_to(signal& made, signal& from) {
        if (from.pending) {
            for (auto& each : from.wires) made.wires.push_back(std::move(each));
            for (std::size_t k = 0; k < made.fields.size(); ++k) add_into(made.fields[k], from.fields[k]);
            return;
        }
        for (std::size_t k = 0; k < from.terms.size(); ++k) {
            auto const& term = from.terms[k];
            std::size_t const size = wired_.parts[term.part].size();
            if (size != made.step_size() || from.terms.size() != from.steps())
                refuse("it adds values that are spins of several nodes");
            read(made, from.sequence ? k : 0, term, identity(size, !term.scale.empty()));
        }
    }

    [[nodiscard]] signal value_of(addition const&) {
        auto &a = input_signal(0), &b = input_signal(1);
        if (a.sequence != b.sequence) refuse("it adds steps to channels");
        auto made = pending_here(a.sequence, true);
        add_to(made, a);
        add_to(made, b);
        return made;
    }

    [[nodiscard]] signal value_of(concatenation const& op) {
        auto const &a = spins_of_input(0), &b = spins_of_input(1);
        if (a.sequence != op.of_steps || b.sequence != op.of_steps)
            refuse("it joins steps and channels, or is not said to join steps (of_steps)");
        if (a.terms.size() + b.terms.size() > 100'000) refuse("it joins more than 10^5 parts");
        signal made{shape_here(), a.sequence};
        for (std::size_t t = 0; t < made.steps(); ++t) {
            std::size_t begin = t * made.step_size();
            for (auto const* each : {&a, &b}) {
                for (auto term : terms_of(*each, t)) {
                    term.first = begin + term.first - t * each->step_size();
                    made.terms.push_back(std::move(term));
                }
                begin += each->step_size();
            }
        }
        return made;
    }

    /// The gate counts as what it is at zero fields, a half; the other value keeps that part of its
    /// couplings.
    [[nodiscard]] signal value_of(product const&) {
        static_cast<void>(spins_of_input(0));
        signal made = spins_of_input(1);
        discard("products with gates, beyond the factor 1/2");
        for (auto& term : made.terms) term.factor *= 0.5;
        return made;
    }

    [[nodiscard]] signal value_of(offset const& op) {
        signal made = input_signal();
        wired_.any_bias = true;
        if (made.pending) {
            for (std::size_t k = 0; k < made.fields.size(); ++k)
                for (std::size_t i = 0; i < made.fields[k].size(); ++i)
                    made.fields[k][i] += trailing_value(op.values, k * made.step_size() + i);
            return made;
        }
        for (auto& term : made.terms) {
            std::vector<double> shift(wired_.parts[term.part].size());
            for (std::size_t i = 0; i < shift.size(); ++i)
                shift[i] = trailing_value(op.values, term.first + i) / term.factor;
            add_into(term.shift, shift);
        }
        return made;
    }

    [[nodiscard]] signal value_of(flatten const&) {
        signal made = spins_of_input();
        made.shape = shape_here();
        made.sequence = false;
        return made;
    }
    [[nodiscard]] signal value_of(select_step const& op) {
        auto const& from = spins_of_input();
        require_sequence(from);
        signal made{shape_here()};
        std::size_t const step = op.index.value_or(from.steps() - 1);
        for (auto term : terms_of(from, step)) {
            term.first -= step * from.step_size();
            made.terms.push_back(std::move(term));
        }
        return made;
    }
    [[nodiscard]] signal value_of(leading_step const& op) {
        signal made = std::move(input_signal());
        if (!made.sequence || !made.pending || takers_[net_->position(at_->inputs[0])].size() > 1)
            refuse("it does not follow a layer on the steps of a sequence");
        wired_.any_bias = true;
        made.shape = shape_here();
        made.fields.insert(made.fields.begin(), values_of(op.values, op.values.size(), 0));
        for (auto& each : made.wires) ++each.to;
        return made;
    }
    [[nodiscard]] signal value_of(mean_over_steps const&) {
        auto const& from = spins_of_input();
        require_sequence(from);
        signal made{shape_here()};
        for (std::size_t t = 0; t < from.steps(); ++t)
            for (auto term : terms_of(from, t)) {
                term.first -= t * from.step_size();
                term.factor /= static_cast<double>(from.steps());
                made.terms.push_back(std::move(term));
            }
        return made;
    }

    [[nodiscard]] signal value_of(embedding const& op) {
        auto const& from = input_signal();
        auto const* const source = net_->find(at_->inputs[0]);
        if (!source->op.template is<input>()) refuse("it does not read the input");
        if (takers_[net_->position(source->name)].size() != 1)
            refuse("its tokens are read by another node too");
        auto made = pending_here(true, true);
        linear_map const table{matrix_map{op.weight, 0, op.weight.shape()[0], 0, op.weight.shape()[1], true}};
        for (std::size_t k = 0; k < from.terms.size(); ++k) {
            auto term = from.terms[k];
            term.factor *= op.factor;
            read(made, k, term, table);
        }
        return made;
    }

    // --- recurrent layers

    /// Part of a gate of a recurrent layer: rows [gate H, (gate + 1) H) of its weights.
    struct gate {
        std::size_t index;
        char const* name;          ///< of its spins, after the layer's
        double hidden_factor = 1;  ///< of its hidden weights and biases
    };

    [[nodiscard]] signal value_of(recurrent const& op) {
        auto const& from = spins_of_input();
        require_sequence(from);
        if (layout_ == recurrence::ring && from.steps() == 1)
            refuse("a ring of one step would couple units to themselves: give it at least two steps");
        // A product with a gate keeps, of the gate, its value at zero: sigmoid(0) = 1/2.
        static constexpr gate of_lstm[] = {
            {0, " input gates"}, {1, " forget gates"}, {2, " candidates"}, {3, " output gates"}};
        static constexpr gate of_gru[] = {{0, " reset gates"}, {1, " update gates"}, {2, " candidates", 0.5}};
        std::span<gate const> gates;
        double candidate = 1, memory = 0;
        if (op.kind == recurrent_kind::lstm) {
            gates = of_lstm;
            candidate = 0.25, memory = 0.5;
        } else if (op.kind == recurrent_kind::gru) {
            gates = of_gru;
            candidate = 0.5, memory = 0.5;
        }
        wired_.any_bias = wired_.any_bias || op.input_bias || op.hidden_bias;
        if (gates.empty())
            discard_activation(op.activation);
        else
            discard("products with gates, beyond their value at zero");
        return wired_steps(op, from, gates, candidate, memory);
    }

    [[nodiscard]] signal wired_steps(recurrent const& op, signal const& from, std::span<gate const> gates,
                                     double candidate, double memory) {
        std::size_t const units = op.units(), steps = from.steps();
        std::vector<std::size_t> first_of;  // parts of each gate
        for (auto const& each : gates)
            first_of.push_back(add_parts(at_->name + each.name, fields_of(op, each, steps)));
        std::size_t const hidden = add_parts(
            at_->name, gates.empty()
                           ? fields_of(op, {0, ""}, steps)
                           : std::vector<std::vector<double>>(steps, std::vector<double>(units, 0.0)));
        signal made{shape_here(), true};
        for (std::size_t t = 0; t < steps; ++t) made.terms.push_back({hidden + t, t * units});
        if (gates.empty()) {
            wire_gate(op, {0, ""}, from, made, hidden);
            return made;
        }
        for (std::size_t g = 0; g < gates.size(); ++g) wire_gate(op, gates[g], from, made, first_of[g]);
        signal cell = pending_here(true, false);
        for (std::size_t t = 0; t < steps; ++t)
            read(cell, t, {first_of[2] + t, 0, candidate}, identity(units, false));
        for (std::size_t t = 0; t < steps; ++t)
            if (auto const before = step_before(op, t, steps))
                read(cell, t, {hidden + *before, 0, memory}, identity(units, false));
        add_wires(cell, hidden);
        return made;
    }

    [[nodiscard]] std::optional<std::size_t> step_before(recurrent const& op, std::size_t t,
                                                         std::size_t steps) const {
        bool const first = t == (op.reversed ? steps - 1 : 0);
        if (first && layout_ == recurrence::unrolled) return std::nullopt;
        return op.reversed ? (t + 1) % steps : (t + steps - 1) % steps;
    }

    [[nodiscard]] static std::vector<std::vector<double>> fields_of(recurrent const& op, gate const& of,
                                                                    std::size_t steps) {
        std::size_t const units = op.units();
        auto const a = values_of(op.input_bias, op.gates() * units, 0),
                   b = values_of(op.hidden_bias, op.gates() * units, 0);
        std::vector<double> fields(units);
        for (std::size_t i = 0; i < units; ++i)
            fields[i] = a[of.index * units + i] + of.hidden_factor * b[of.index * units + i];
        return std::vector<std::vector<double>>(steps, fields);
    }

    /// Input and hidden weights of one gate, at all steps.
    void wire_gate(recurrent const& op, gate const& of, signal const& from, signal const& hidden,
                   std::size_t first_part) {
        std::size_t const units = op.units(), row = of.index * units, steps = from.steps();
        signal made = pending_here(true, false);
        read_steps(made, from, op.input_weight, row, units, 0, steps, [](std::size_t t) { return t; });
        for (std::size_t t = 0; t < steps; ++t)
            if (auto const before = step_before(op, t, steps)) {
                auto term = hidden.terms[*before];
                term.factor *= of.hidden_factor;
                read(made, t, term, matrix(op.hidden_weight, row, units, 0, units));
            }
        add_wires(made, first_part);
    }

    /// The wires and fields of what is not a layer's whole, to parts that are there.
    void add_wires(signal& made, std::size_t first_part) {
        for (auto& each : made.wires)
            wired_.wires.push_back({each.from, first_part + each.to, std::move(each.map), each.factor});
        made.wires.clear();
        for (std::size_t t = 0; t < made.fields.size(); ++t)
            add_into(wired_.parts[first_part + t].fields, made.fields[t]);
    }

    // --- attention

    /// Spins that read a sequence by a projection.
    [[nodiscard]] signal projected(signal const& from, dense const& by, std::string const& name) {
        auto made = pending({from.shape[0], by.weight.shape()[0]}, true, at_->name + name);
        read_by_matrix(made, from, by.weight);
        add_bias(made, by.bias);
        settle(made);
        return made;
    }

    [[nodiscard]] signal value_of(attention const& op) {
        auto const& from = spins_of_input();
        require_sequence(from);
        discard("the softmax of attention beyond equal weights, and with it products of queries and keys");
        static_cast<void>(projected(from, op.query, " query"));
        static_cast<void>(projected(from, op.key, " key"));
        auto const value = projected(from, op.value, " value");
        // Without a mask all steps see the same average: one set of spins serves them all.
        std::size_t const steps = value.terms.size(), contexts = op.causal ? steps : 1;
        auto context = pending({contexts, value.step_size()}, true, at_->name + " context");
        for (std::size_t t = 0; t < contexts; ++t) {
            std::size_t const seen = op.causal ? t + 1 : steps;
            for (std::size_t s = 0; s < seen; ++s) {
                auto term = value.terms[s];
                term.factor /= static_cast<double>(seen);
                read(context, t, term, identity(context.step_size(), false));
            }
        }
        settle(context);
        auto made = pending_here(true, true);
        context.terms.resize(steps, context.terms[0]);
        // Query heads that share a value head read the same context: their columns of the output add up.
        auto const& output = op.output.weight;
        std::size_t const shared = op.heads_per_value(), columns = output.shape()[1] / shared;
        for (std::size_t t = 0; t < steps; ++t) {
            auto map = matrix(output, 0, output.shape()[0], 0, columns);
            std::get<matrix_map>(map.kind).summed = {shared, columns * shared / op.heads};
            read(made, t, context.terms[t], std::move(map));
        }
        add_bias(made, op.output.bias);
        return made;
    }

    Network const* net_;
    recurrence layout_;
    // of the nodes, in their order
    value_shapes shapes_;
    std::vector<std::vector<std::size_t>> takers_;
    std::vector<signal> signals_;
    node const* at_ = nullptr;
    std::conditional_t<std::same_as<Network, network>, wiring, void> wired_;  // looked into where mapped only
    std::size_t groups_ = 0;
    std::size_t inputs_ = 0;  ///< nodes
    std::shared_ptr<linear_map const> shared_;
    void const* trailing_of_ = nullptr;
    std::vector<double> trailing_;
};

}  // namespace detail

/// Parts and wires of a network. Each layer with weights becomes spins, one for each of its results (a
/// normalisation and an addition that follow it are folded in); so do pooled values, gates and the
/// projections of attention. docs/mapping.md says for each operation what is kept. Throws spinet::error
/// naming the node where shapes do not fit, an operation has no place or the values are more than 2^32, and
/// where they do not fit into memory.
template <std::same_as<network> Network>
[[nodiscard]] wiring wire_network(Network const& net, recurrence layout = recurrence::unrolled) {
    try {
        return detail::network_wiring<Network>(net, layout).run();
    } catch (std::bad_alloc const&) {
        throw error("what the network makes of one input does not fit into memory");
    }
}

}  // namespace spinet
