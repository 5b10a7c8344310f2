// SPDX-License-Identifier: BSD-3-Clause
/// The arrays of a Keras file as tensors in the library's order of axes, under the names of an architecture.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/architecture.hpp>
#include <spinet/readers/keras/arrays.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet::detail {

/// The tensors of an architecture, made of the arrays of a file. `where` in messages is the layer, described.
class keras_tensors {
public:
    /// The tensor of an array; throws `error` where there is none, or no numbers.
    [[nodiscard]] tensor take(std::string const& where, keras_arrays const& of, std::string_view name,
                              std::size_t number) {
        if (auto found = maybe(where, of, name, number)) return *std::move(found);
        throw error(where, " has no ", name);
    }
    [[nodiscard]] std::optional<tensor> maybe(std::string const& where, keras_arrays const& of,
                                              std::string_view name, std::size_t number) {
        auto const* const found = of.find(name, number);
        if (found == nullptr) return std::nullopt;
        if (!used_.insert(found).second)
            throw error(where, ": data set ", in_quotes(found->whole), " belongs to another layer too");
        if (!found->values)
            throw error(where, ": data set ", in_quotes(found->whole), " of shape ", tuple_text(found->shape),
                        " has elements of type ", found->type_name,
                        "; float16, bfloat16, float32 and float64 are read");
        return found->values;
    }
    [[nodiscard]] bool used(keras_array const& one) const { return used_.count(&one) != 0; }
    void use(keras_array const& one) { used_.insert(&one); }

    void put(std::string const& name, tensor values) {
        listed_[name] = {name, {}, false, values.type(), {values.shape().begin(), values.shape().end()}};
        made_.insert_or_assign(name, std::move(values));
    }
    void put(std::string const& name, std::optional<tensor> values) {
        if (values) put(name, *std::move(values));
    }

    /// kernel (in, out), bias (out).
    void put_dense(std::string const& where, keras_arrays const& of, std::string const& prefix) {
        auto kernel = take(where, of, "kernel", 0);
        check_rank(where, kernel, 2, "the kernel of a dense layer has rank 2, (in, out)");
        put(prefix + ".weight", transposed_kernel(kernel));
        put(prefix + ".bias", maybe(where, of, "bias", 1));
    }

    enum class kernel_kind { whole, depthwise };

    /// (positions..., in / groups, out), or (positions..., in, multiplier) of a depthwise one.
    void put_kernel(std::string const& where, tensor const& kernel, kernel_kind kind,
                    std::string const& prefix) {
        if (kernel.rank() != 3 && kernel.rank() != 4)
            throw error(where, ": ", kernel.described(), " has rank ", kernel.rank(),
                        "; the kernel of a convolution has rank 3 or 4, (positions..., in, out)");
        std::size_t const axes = kernel.rank() - 2;
        bool const depthwise = kind == kernel_kind::depthwise;
        std::vector<std::size_t> order{depthwise ? axes : axes + 1, depthwise ? axes + 1 : axes};
        for (std::size_t a = 0; a < axes; ++a) order.push_back(a);
        auto moved = with_axes(kernel, order);
        if (depthwise) {
            auto shape = moved.shape();
            shape[0] *= std::exchange(shape[1], 1);
            moved = moved.reshaped(std::move(shape));
        }
        put(prefix + ".weight", std::move(moved));
    }
    void put_convolution(std::string const& where, keras_arrays const& of, kernel_kind kind,
                         std::string const& prefix) {
        bool const depthwise = kind == kernel_kind::depthwise;
        auto const* const name = depthwise ? "depthwise_kernel" : "kernel";
        put_kernel(where, take(where, of, name, 0), kind, prefix);
        put(prefix + ".bias", maybe(where, of, "bias", 1));
    }

    void put_batch_normalisation(std::string const& where, keras_arrays const& of, bool scale, bool center,
                                 std::string const& prefix) {
        std::size_t number = 0;
        if (scale) put(prefix + ".weight", take(where, of, "gamma", number++));
        if (center) put(prefix + ".bias", take(where, of, "beta", number++));
        put(prefix + ".running_mean", take(where, of, "moving_mean", number));
        put(prefix + ".running_var", take(where, of, "moving_variance", number + 1));
    }

    void put_layer_normalisation(std::string const& where, keras_arrays const& of, bool scale, bool center,
                                 std::string const& prefix) {
        if (scale) put(prefix + ".weight", take(where, of, "gamma", 0));
        if (center) put(prefix + ".bias", take(where, of, "beta", scale ? 1 : 0));
    }

    /// kernel (in, gates H), recurrent_kernel (H, gates H), bias (gates H), or of a GRU that resets after the
    /// product (2, gates H). Keras's gates of a GRU are z, r, h.
    void put_recurrent(std::string const& where, keras_arrays const& of, std::string const& kind,
                       std::string const& prefix, std::string const& suffix) {
        std::size_t const gates = kind == "rnn" ? 1 : kind == "lstm" ? 4 : 3;
        auto const put_rows = [&](char const* name, tensor rows) {
            if (rows.shape()[0] % gates != 0)
                throw error(where, ": ", rows.described(), " does not hold ", gates, " gates");
            put(detail::text(prefix, name, suffix), kind == "gru" ? with_blocks(rows, {1, 0, 2}) : rows);
        };
        for (std::size_t k = 0; k < 2; ++k) {
            auto const kernel = take(where, of, k == 0 ? "kernel" : "recurrent_kernel", k);
            check_rank(where, kernel, 2, "the kernel of a recurrent layer has rank 2, (in, gates x units)");
            put_rows(k == 0 ? ".weight_ih" : ".weight_hh", transposed_kernel(kernel));
        }
        auto const bias = maybe(where, of, "bias", 2);
        if (!bias) return;
        bool const both = kind == "gru" && bias->rank() == 2 && bias->shape()[0] == 2;
        if (!both) check_rank(where, *bias, 1, "the bias of a recurrent layer has rank 1, (gates x units)");
        std::size_t const size = bias->size() / (both ? 2 : 1);
        put_rows(".bias_ih", both ? bias->rows(0, 1).reshaped({size}) : *bias);
        if (both) put_rows(".bias_hh", bias->rows(1, 1).reshaped({size}));
    }

    [[nodiscard]] network assembled(network_architecture const& nodes) const {
        tensor_source const source = [this](listed_tensor const& of) { return made_.find(of.name)->second; };
        return assembly(listed_, source).run(nodes);
    }
    [[nodiscard]] tensor const* find(std::string const& name) const {
        auto const at = made_.find(name);
        return at == made_.end() ? nullptr : &at->second;
    }

private:
    static void check_rank(std::string const& where, tensor const& of, std::size_t rank, char const* why) {
        if (of.rank() != rank) throw error(where, ": ", of.described(), " has rank ", of.rank(), "; ", why);
        if (of.size() == 0) throw error(where, ": ", of.described(), " has a dimension of size 0");
    }

    listed_tensors listed_;
    std::map<std::string, tensor, std::less<>> made_;
    std::set<keras_array const*> used_;
};

}  // namespace spinet::detail
