// SPDX-License-Identifier: BSD-3-Clause
/// The operations that the nodes of a network can be, and the checks of each.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/tensor.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace spinet {

/// The kinds of activation functions. `unspecified` means that the file does not say; only what needs an
/// activation refuses it.
enum class activation_kind : std::uint8_t {
    unspecified,
    identity,
    relu,
    gelu,
    silu,
    tanh,
    sigmoid,
    softplus,
    softmax,
    log_softmax,
    gelu_tanh  ///< gelu by its approximation with tanh
};

[[nodiscard]] constexpr std::string_view to_string(activation_kind kind) {
    return detail::name_of(kind, "activation_kind",
                           {"unspecified", "identity", "relu", "gelu", "silu", "tanh", "sigmoid", "softplus",
                            "softmax", "log_softmax", "gelu_tanh"});
}

// An operation is an aggregate with a `label`, an `arity` (how many inputs it takes), an overload of
// `detail::check` and a member of `detail::shape_after` (shapes.hpp). A new one joins the list of `operation`
// below; what does not know it says so. Values of one sample are arrays: of shape (features); (channels,
// length) or (channels, height, width); or, for sequences, (steps, features), where a step is a time or a
// token.

/// Where the data enters: `size` numbers per sample, or numbers of a token per step (see embedding).
struct input {
    static constexpr std::string_view label = "input";
    static constexpr std::size_t arity = 0;
    std::size_t size = 0;
    std::vector<std::size_t> shape = {};  ///< empty: (size)
};

/// y = W x + b, with W of shape (out, in), as PyTorch has it, and b of shape (out). Of a sequence, each step.
struct dense {
    static constexpr std::string_view label = "dense layer";
    static constexpr std::size_t arity = 1;
    tensor weight;
    std::optional<tensor> bias = std::nullopt;
};

/// A function applied to each value (softmax: to all values of the layer, or of each step).
struct activation {
    static constexpr std::string_view label = "activation";
    static constexpr std::size_t arity = 1;
    activation_kind kind = activation_kind::unspecified;
};

/// A cross-correlation over one or two axes, as PyTorch has it: weight of shape (out channels, in channels /
/// groups, kernel...), bias of shape (out channels). One number per axis; zeros are padded. `of_steps`, here
/// and below: over the steps of a sequence, (steps, features), the features being the channels.
struct convolution {
    static constexpr std::string_view label = "convolution";
    static constexpr std::size_t arity = 1;
    tensor weight;
    std::optional<tensor> bias = std::nullopt;
    std::vector<std::size_t> stride = {};          ///< empty: 1
    std::vector<std::size_t> padding_before = {};  ///< empty: 0
    std::vector<std::size_t> padding_after = {};   ///< empty: as before
    std::vector<std::size_t> dilation = {};        ///< empty: 1
    std::size_t groups = 1;
    bool of_steps = false;
};

enum class pooling_kind : std::uint8_t { average, maximum };

/// Average or largest value of each window of each channel.
struct pooling {
    static constexpr std::string_view label = "pooling";
    static constexpr std::size_t arity = 1;
    pooling_kind kind = pooling_kind::average;
    std::vector<std::size_t> window = {};          ///< empty: all positions (global pooling)
    std::vector<std::size_t> stride = {};          ///< empty: the window
    std::vector<std::size_t> padding_before = {};  ///< empty: 0
    std::vector<std::size_t> padding_after = {};   ///< empty: as before
    bool count_padding = true;                     ///< averages divide by the whole window
    bool of_steps = false;
};

/// y = scale (x - mean) / sqrt(variance + epsilon) + shift, each number one of its channel (or, without
/// further axes, its feature), the mean and the variance being those that training kept.
struct batch_normalisation {
    static constexpr std::string_view label = "batch normalisation";
    static constexpr std::size_t arity = 1;
    tensor mean;
    tensor variance;
    std::optional<tensor> scale = std::nullopt;
    std::optional<tensor> shift = std::nullopt;
    double epsilon = 1e-5;
    bool of_steps = false;
};

/// The same with mean and variance of the sample's own values along the last axis; scale and shift of their
/// shape.
struct layer_normalisation {
    static constexpr std::string_view label = "layer normalisation";
    static constexpr std::size_t arity = 1;
    std::optional<tensor> scale = std::nullopt;
    std::optional<tensor> shift = std::nullopt;
    double epsilon = 1e-5;
    bool centred = true;  ///< false: no mean is subtracted, and the root of the mean square divides (RMSNorm)
};

/// The sum of two arrays of one shape: a residual connection.
struct addition {
    static constexpr std::string_view label = "addition";
    static constexpr std::size_t arity = 2;
};

/// Two arrays one after the other along the first axis, their other axes being equal: values in a row, or
/// channels; of steps, along the last.
struct concatenation {
    static constexpr std::string_view label = "concatenation";
    static constexpr std::size_t arity = 2;
    bool of_steps = false;
};

/// The product of two arrays of one shape, the first being a gate: of SwiGLU and GeGLU, say.
struct product {
    static constexpr std::string_view label = "product with a gate";
    static constexpr std::size_t arity = 2;
};

/// Adds constants of the shape of the array, or of its last axes: positions, say.
struct offset {
    static constexpr std::string_view label = "offset";
    static constexpr std::size_t arity = 1;
    tensor values;
};

/// All values in a row.
struct flatten {
    static constexpr std::string_view label = "flatten";
    static constexpr std::size_t arity = 1;
};

/// One step of a sequence; by default the last.
struct select_step {
    static constexpr std::string_view label = "step";
    static constexpr std::size_t arity = 1;
    std::optional<std::size_t> index = std::nullopt;
};

/// Puts a constant step of shape (features) before a sequence: the class token of a vision transformer.
struct leading_step {
    static constexpr std::string_view label = "leading step";
    static constexpr std::size_t arity = 1;
    tensor values;
};

/// The mean over the steps of a sequence.
struct mean_over_steps {
    static constexpr std::string_view label = "mean over steps";
    static constexpr std::size_t arity = 1;
};

enum class recurrent_kind : std::uint8_t { rnn, lstm, gru };

/// A recurrent layer over a sequence, its hidden states being the result. Gates in PyTorch's order: i, f, g,
/// o of an LSTM; r, z, n of a GRU, whose reset gate multiplies after the product with the hidden weights, or
/// before.
/// With H hidden units and G gates: input_weight (G H, features), hidden_weight (G H, H), biases (G H).
struct recurrent {
    static constexpr std::string_view label = "recurrent layer";
    static constexpr std::size_t arity = 1;
    recurrent_kind kind = recurrent_kind::rnn;
    tensor input_weight;
    tensor hidden_weight;
    std::optional<tensor> input_bias = std::nullopt;
    std::optional<tensor> hidden_bias = std::nullopt;
    activation_kind activation = activation_kind::tanh;  ///< of rnn
    bool reversed = false;                               ///< from the last step to the first
    bool reset_after = true;                             ///< of gru: after that product

    [[nodiscard]] std::size_t gates() const noexcept {
        return kind == recurrent_kind::rnn ? 1 : kind == recurrent_kind::lstm ? 4 : 3;
    }
    /// H; the hidden weight has to be of rank 2.
    [[nodiscard]] std::size_t units() const { return hidden_weight.shape().at(1); }
};

/// Self-attention over the steps of a sequence of E features: projections of shape (inner, E) and, of the
/// output, (E, inner), each with a bias or without; `causal` where no step sees later ones. With fewer key
/// and value heads than query heads (grouped-query attention), query head h reads key and value head h /
/// (heads / key_value_heads). Rotary embeddings turn the first `rotary` numbers of each head of queries and
/// keys, k and k + rotary / 2 together, at step t by the angle t rotary_base^(-2 k / rotary).
struct attention {
    static constexpr std::string_view label = "self-attention";
    static constexpr std::size_t arity = 1;
    dense query, key, value, output;
    std::size_t heads = 1;
    bool causal = false;
    std::size_t key_value_heads = 0;  ///< 0: as many as heads
    std::size_t rotary = 0;           ///< even
    double rotary_base = 10000;

    /// Query heads that share a key and value head.
    [[nodiscard]] std::size_t heads_per_value() const noexcept {
        return key_value_heads == 0 ? 1 : heads / key_value_heads;
    }
};

/// The rows of a table (words, E) for the tokens of a sequence, times a factor.
struct embedding {
    static constexpr std::string_view label = "embedding";
    static constexpr std::size_t arity = 1;
    tensor weight;
    double factor = 1;
};

namespace detail {

// The checks of one node; `where` names it in messages.

/// The tensors of an operation, in the order of its members.
template <class Op>
[[nodiscard]] std::vector<tensor const*> tensors_in(Op const& op) {
    std::vector<tensor const*> found;
    auto const add = [&]<class... Parts>(Parts const&... parts) {
        auto const one = [&]<class Part>(Part const& part) {
            if constexpr (std::is_same_v<Part, tensor>)
                found.push_back(&part);
            else if (part)
                found.push_back(&*part);
        };
        (one(parts), ...);
    };
    if constexpr (std::is_same_v<Op, batch_normalisation>)
        add(op.mean, op.variance, op.scale, op.shift);
    else if constexpr (std::is_same_v<Op, layer_normalisation>)
        add(op.scale, op.shift);
    else if constexpr (std::is_same_v<Op, offset> || std::is_same_v<Op, leading_step>)
        add(op.values);
    else if constexpr (std::is_same_v<Op, recurrent>)
        add(op.input_weight, op.hidden_weight, op.input_bias, op.hidden_bias);
    else if constexpr (std::is_same_v<Op, attention>)
        for (auto const* part : {&op.query, &op.key, &op.value, &op.output}) add(part->weight, part->bias);
    else if constexpr (std::is_same_v<Op, dense> || std::is_same_v<Op, convolution>)
        add(op.weight, op.bias);
    else if constexpr (std::is_same_v<Op, embedding>)
        add(op.weight);
    else
        static_assert(std::is_same_v<Op, input> || std::is_same_v<Op, activation> ||
                          std::is_same_v<Op, pooling> || std::is_same_v<Op, addition> ||
                          std::is_same_v<Op, concatenation> || std::is_same_v<Op, product> ||
                          std::is_same_v<Op, flatten> || std::is_same_v<Op, select_step> ||
                          std::is_same_v<Op, mean_over_steps>,
                      "list the tensors of this operation");
    return found;
}

inline void check_finite(std::vector<tensor const*> const& all, std::string const& where) {
    for (auto const* values : all) {
        if (auto const bad = values->first_non_finite())
            throw error(where, ": ", values->described(), " holds ", number_text(bad->value), " at ",
                        index_text(values->shape(), bad->index), "; every weight has to be finite");
        values->release();
    }
}

/// The shape of a weight's or bias's tensor, as messages describe it.
inline void require_rank(tensor const& of, std::size_t rank, std::string const& what,
                         std::string const& where) {
    if (of.rank() != rank) throw error(where, ": ", of.described(), " has rank ", of.rank(), "; ", what);
    if (of.size() == 0) throw error(where, ": ", of.described(), " has a dimension of size 0");
}

/// One number for each of `count`.
inline void require_length(std::optional<tensor> const& of, std::size_t count, std::string const& what,
                           std::string const& where) {
    if (of && (of->rank() != 1 || of->size() != count))
        throw error(where, ": ", of->described(), ", but ", what, " takes a shape of (", count, ")");
}

inline void check_shapes(dense const& op, std::string const& where) {
    auto const& weight = op.weight;
    require_rank(weight, 2, "the weight of a dense layer has rank 2, (out, in)", where);
    if (!op.bias) return;
    if (op.bias->rank() != 1)
        throw error(where, ": ", op.bias->described(), " has rank ", op.bias->rank(),
                    "; the bias of a dense layer has rank 1, (out)");
    if (op.bias->size() != weight.shape()[0])
        throw error(where, ": ", op.bias->described(), " has length ", op.bias->size(), ", but its weight, ",
                    weight.described(), ", gives ", weight.shape()[0], " values");
}

inline void check(input const& op, std::string const& where) {
    if (op.size == 0) throw error(where, ": the input has size 0");
    if (op.shape.empty()) return;
    auto const product = checked_product(op.shape);
    if (!product || *product != op.size)
        throw error(where, ": an input of shape ", tuple_text(op.shape), " does not have ", op.size,
                    " values");
}

inline void check(activation const&, std::string const&) {}
inline void check(addition const&, std::string const&) {}
inline void check(concatenation const&, std::string const&) {}
inline void check(product const&, std::string const&) {}
inline void check(flatten const&, std::string const&) {}
inline void check(select_step const&, std::string const&) {}
inline void check(mean_over_steps const&, std::string const&) {}
inline void check(offset const& op, std::string const& where) { check_finite(tensors_in(op), where); }
inline void check(leading_step const& op, std::string const& where) {
    require_rank(op.values, 1, "a leading step has rank 1, (features)", where);
    check_finite(tensors_in(op), where);
}

inline void check(dense const& op, std::string const& where) {
    check_shapes(op, where);
    check_finite(tensors_in(op), where);
}

/// `given` is empty or has one number of at least `least` for each of `axes` axes.
inline void check_axes(std::vector<std::size_t> const& given, std::size_t axes, std::size_t least,
                       std::string const& what, std::string const& where) {
    if (given.empty()) return;
    if (given.size() != axes)
        throw error(where, ": ", what, " has ", given.size(), " numbers for ", axes, " axes");
    // A bound far above any real network's keeps sums of such numbers from overflowing.
    for (auto const x : given)
        if (x < least || x > 1'000'000'000)
            throw error(where, ": ", what, " ", tuple_text(given), " is not from ", least, " to 10^9");
}

inline void check(convolution const& op, std::string const& where) {
    if (op.weight.rank() != 3 && op.weight.rank() != 4)
        throw error(where, ": ", op.weight.described(), " has rank ", op.weight.rank(),
                    "; the weight of a convolution has rank 3 or 4, (out channels, in channels / groups, "
                    "kernel...)");
    if (op.weight.size() == 0) throw error(where, ": ", op.weight.described(), " has a dimension of size 0");
    std::size_t const axes = op.weight.rank() - 2;
    check_axes(op.stride, axes, 1, "the stride", where);
    check_axes(op.padding_before, axes, 0, "the padding", where);
    check_axes(op.padding_after, axes, 0, "the padding", where);
    check_axes(op.dilation, axes, 1, "the dilation", where);
    if (op.groups == 0 || op.weight.shape()[0] % op.groups != 0)
        throw error(where, ": ", op.groups, " groups do not divide the ", op.weight.shape()[0],
                    " output channels");
    if (op.of_steps && (axes != 1 || op.groups != 1))
        throw error(where, ": a convolution over steps has one axis and one group");
    require_length(op.bias, op.weight.shape()[0], "the bias of a convolution", where);
    check_finite(tensors_in(op), where);
}

inline void check(pooling const& op, std::string const& where) {
    std::size_t const axes = op.window.size();
    if (axes > 2) throw error(where, ": pooling over ", axes, " axes, more than 2");
    if (axes == 0 && !(op.stride.empty() && op.padding_before.empty() && op.padding_after.empty()))
        throw error(where, ": global pooling has neither stride nor padding");
    check_axes(op.window, axes, 1, "the window", where);
    check_axes(op.stride, axes, 1, "the stride", where);
    check_axes(op.padding_before, axes, 0, "the padding", where);
    check_axes(op.padding_after, axes, 0, "the padding", where);
}

inline void check_epsilon(double epsilon, std::string const& where) {
    if (!(epsilon >= 0 && std::isfinite(epsilon)))
        throw error(where, ": epsilon is ", number_text(epsilon), ", not a finite number >= 0");
}

inline void check(batch_normalisation const& op, std::string const& where) {
    require_rank(op.mean, 1, "the mean of batch normalisation has rank 1, (channels)", where);
    std::size_t const channels = op.mean.size();
    auto const what = text("batch normalisation of ", channels, " channels");
    for (auto const& part : {std::optional(op.variance), op.scale, op.shift})
        require_length(part, channels, what, where);
    check_finite(tensors_in(op), where);
    check_epsilon(op.epsilon, where);
    std::vector<double> variance(channels);
    op.variance.copy_to(variance);
    for (std::size_t c = 0; c < channels; ++c)
        if (!(variance[c] + op.epsilon > 0))
            throw error(where, ": the variance of channel ", c, " is ", number_text(variance[c]),
                        ", which with epsilon is not positive");
}

inline void check(layer_normalisation const& op, std::string const& where) {
    check_finite(tensors_in(op), where);
    check_epsilon(op.epsilon, where);
    if (op.scale && op.shift && op.scale->shape() != op.shift->shape())
        throw error(where, ": ", op.scale->described(), " and ", op.shift->described(), " differ in shape");
}

inline void check(recurrent const& op, std::string const& where) {
    require_rank(op.input_weight, 2, "input weights have rank 2, (gates x units, features)", where);
    require_rank(op.hidden_weight, 2, "hidden weights have rank 2, (gates x units, units)", where);
    auto const rows = checked_product(std::vector<std::size_t>{op.gates(), op.units()});
    if (!rows || op.hidden_weight.shape()[0] != *rows || op.input_weight.shape()[0] != *rows)
        throw error(where, ": ", op.input_weight.described(), " and ", op.hidden_weight.described(),
                    " do not hold the rows of ", op.gates(), " gates of ", op.units(), " units");
    require_length(op.input_bias, *rows, "the bias of a recurrent layer", where);
    require_length(op.hidden_bias, *rows, "the bias of a recurrent layer", where);
    check_finite(tensors_in(op), where);
}

inline void check(attention const& op, std::string const& where) {
    for (auto const* part : {&op.query, &op.key, &op.value, &op.output}) check(*part, where);
    auto const &q = op.query.weight.shape(), &k = op.key.weight.shape(), &v = op.value.weight.shape();
    if (op.heads == 0 || q[0] % op.heads != 0)
        throw error(where, ": ", op.heads, " heads do not divide ", q[0], " features");
    std::size_t const pairs = op.key_value_heads == 0 ? op.heads : op.key_value_heads;
    if (op.heads % pairs != 0)
        throw error(where, ": ", pairs, " key and value heads do not divide ", op.heads, " heads");
    std::size_t const width = q[0] / op.heads;
    if (k[0] % pairs != 0 || k[0] / pairs != width || k[1] != q[1])
        throw error(where, ": ", op.query.weight.described(), " and ", op.key.weight.described(),
                    " differ in shape", (pairs == op.heads ? "" : " of their heads"));
    if (v[0] % pairs != 0) throw error(where, ": ", pairs, " value heads do not divide ", v[0], " features");
    auto const inner = checked_product(std::vector<std::size_t>{v[0], op.heads / pairs});
    if (v[1] != q[1] || !inner || op.output.weight.shape()[1] != *inner)
        throw error(where, ": ", op.value.weight.described(), " and ", op.output.weight.described(),
                    " do not follow each other, or do not take what the query takes");
    if (op.rotary % 2 != 0 || op.rotary > width)
        throw error(where, ": rotary embeddings of ", op.rotary, " of the ", width,
                    " numbers of a head, not an even number of them");
    if (!(op.rotary_base > 0 && std::isfinite(op.rotary_base)))
        throw error(where, ": the base of rotary embeddings is ", number_text(op.rotary_base),
                    ", not a finite number > 0");
}

inline void check(embedding const& op, std::string const& where) {
    require_rank(op.weight, 2, "the table of an embedding has rank 2, (words, features)", where);
    if (!std::isfinite(op.factor)) throw error(where, ": its factor is ", number_text(op.factor));
    check_finite(tensors_in(op), where);
}

template <class... Ops>
struct operation_list {
    static constexpr std::string_view labels[] = {Ops::label...};
    static constexpr std::size_t arities[] = {Ops::arity...};

    /// Where Op is in the list; where it is not, their number.
    template <class Op>
    [[nodiscard]] static constexpr std::size_t place() noexcept {
        std::size_t before = 0;
        static_cast<void>(((std::is_same_v<Op, Ops> || (++before, false)) || ...));
        return before;
    }
    template <class Op>
    static constexpr bool holds = place<Op>() < sizeof...(Ops);
};
using operations =
    operation_list<input, dense, activation, convolution, pooling, batch_normalisation, layer_normalisation,
                   addition, product, concatenation, offset, flatten, select_step, leading_step,
                   mean_over_steps, recurrent, attention, embedding>;

}  // namespace detail

/// One of the operations above; an immutable value, and cheap to copy. (A std::variant of so many types would
/// take a tenth of the time in which spinet.hpp compiles.)
class operation {
public:
    template <class Op>
        requires(detail::operations::holds<Op>)
    operation(Op op) : held_(static_cast<base const*>(new holder<Op>(std::move(op)))) {}  // NOLINT: implicit

    [[nodiscard]] std::string_view label() const noexcept { return detail::operations::labels[held_->place]; }
    /// How many inputs it takes.
    [[nodiscard]] std::size_t arity() const noexcept { return detail::operations::arities[held_->place]; }

    template <class Op>
    [[nodiscard]] bool is() const noexcept {
        return held_->place == detail::operations::place<Op>();
    }
    /// The operation if it is an Op, else nullptr.
    template <class Op>
    [[nodiscard]] Op const* get_if() const noexcept {
        return is<Op>() ? &static_cast<holder<Op> const*>(held_.get())->op : nullptr;
    }
    /// f(the operation as what it is). All results of `f` are of one type.
    template <class F>
    decltype(auto) visit(F&& f) const {
        return visit_one_of(f, detail::operations());
    }

    /// Throws `error`, which `where` begins, where a tensor has the wrong rank or size or is not finite.
    void check(std::string const& where) const { held_->check(where); }

private:
    struct base {
        explicit base(std::size_t in_list) : place(in_list) {}
        virtual ~base() = default;
        virtual void check(std::string const& where) const = 0;
        std::size_t place;
    };
    template <class Op>
    struct holder final : base {
        explicit holder(Op&& given) : base(detail::operations::place<Op>()), op(std::move(given)) {}
        void check(std::string const& where) const override { detail::check(op, where); }
        Op op;
    };

    template <class F, class Op, class... Others>
    decltype(auto) visit_one_of(F& f, detail::operation_list<Op, Others...>) const {
        if constexpr (sizeof...(Others) > 0)
            if (!is<Op>()) return visit_one_of(f, detail::operation_list<Others...>());
        return f(*get_if<Op>());
    }

    std::shared_ptr<base const> held_;
};

}  // namespace spinet
