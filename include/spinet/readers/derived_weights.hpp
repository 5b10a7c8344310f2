// SPDX-License-Identifier: BSD-3-Clause
/// Weights that a file holds in parts: normalised by weight or spectral norm, pruned by a mask, or quantised.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/dtype.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/architecture.hpp>
#include <spinet/readers/file.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet::detail {

/// A sign, an exponent and a mantissa of that many bits; the lowest exponent is that of subnormals.
[[nodiscard]] inline double small_float(unsigned bits, unsigned exponent_bits, unsigned mantissa_bits,
                                        int bias) {
    auto const mantissa = static_cast<int>(bits & ((1U << mantissa_bits) - 1));
    auto const exponent = static_cast<int>(bits >> mantissa_bits & ((1U << exponent_bits) - 1));
    auto const whole = exponent == 0 ? mantissa : mantissa + (1 << mantissa_bits);
    double const value = std::ldexp(whole, std::max(exponent, 1) - bias - static_cast<int>(mantissa_bits));
    return (bits >> (exponent_bits + mantissa_bits) & 1U) != 0 ? -value : value;
}

/// The number at `index`; of fp4 the lower half of a byte comes first. The formats of 8 bits are those of
/// arXiv:2209.05433 (E4M3, E5M2), arXiv:2206.02915 (FNUZ) and arXiv:2310.10537 (E8M0, a power of two).
[[nodiscard]] inline double packed_value(packed_type type, std::byte const* from, std::size_t index) {
    auto const stored = [&]<class T>(T value) {
        std::memcpy(&value, from + index * sizeof value, sizeof value);
        return static_cast<double>(value);
    };
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    auto const byte = std::to_integer<unsigned>(from[type == packed_type::f4 ? index / 2 : index]);
    switch (type) {
        case packed_type::u8:
            return byte;
        case packed_type::i16:
            return stored(std::int16_t{});
        case packed_type::i32:
            return stored(std::int32_t{});
        case packed_type::i64:
            return stored(std::int64_t{});
        case packed_type::f4:
            return small_float(index % 2 == 0 ? byte & 0xFU : byte >> 4U, 2, 1, 1);
        case packed_type::f8_e4m3:
            return (byte & 0x7FU) == 0x7F ? nan : small_float(byte, 4, 3, 7);
        case packed_type::f8_e5m2:
            return (byte & 0x7CU) == 0x7C ? nan : small_float(byte, 5, 2, 15);
        case packed_type::f8_e4m3fnuz:
            return byte == 0x80 ? nan : small_float(byte, 4, 3, 8);
        case packed_type::f8_e5m2fnuz:
            return byte == 0x80 ? nan : small_float(byte, 5, 2, 16);
        case packed_type::f8_e8m0:
            return byte == 0xFF ? nan : std::ldexp(1.0, static_cast<int>(byte) - 127);
        case packed_type::none:
        case packed_type::i8:
            break;
    }
    return stored(std::int8_t{});
}

/// Gives the bytes of a listed tensor of a packed type.
using packed_source = std::function<byte_source(listed_tensor const&)>;

/// The tensors of a file, with those that follow from parts in place of their parts. Computed in double and
/// rounded to float, unless a part is float64.
class derived_weights {
public:
    /// Throws `error` where parts are missing or their shapes do not fit. What is computed is taken from
    /// `memory`, if there is one: tensors whose elements share their bytes may be larger than the file.
    /// `described`: an architecture says how matrices are stored, else the names of GPT-2's layers do.
    derived_weights(listed_tensors const& tensors, tensor_source load, packed_source packed,
                    memory_allowance* memory, bool described)
        : tensors_(&tensors),
          load_(std::move(load)),
          packed_(std::move(packed)),
          memory_(memory),
          described_(described) {
        for (auto const& [name, entry] : tensors) examine(name, entry);
        if (made_.empty() && used_.empty()) return;
        changed_ = tensors;
        for (auto const& name : used_) changed_.erase(name);
        for (auto const& [name, each] : made_) changed_.insert_or_assign(name, each.entry);
        tensors_ = &changed_;
    }
    derived_weights(derived_weights const&) = delete;
    derived_weights& operator=(derived_weights const&) = delete;
    ~derived_weights() = default;

    [[nodiscard]] listed_tensors const& listed() const noexcept { return *tensors_; }
    [[nodiscard]] std::vector<std::string> const& notes() const noexcept { return notes_; }
    [[nodiscard]] tensor load(listed_tensor const& wanted) const {
        auto const found = made_.find(wanted.name);
        return found == made_.end() ? load_(wanted) : found->second.make();
    }

private:
    using numbers = std::vector<double>;
    using entry_pointer = listed_tensor const*;
    struct derived {
        listed_tensor entry;
        std::function<tensor()> make;
    };

    // --- which tensors are parts of which weight

    void examine(std::string const& name, listed_tensor const& entry) {
        std::string_view const whole = name;
        auto const stem = [&](std::string_view suffix) {
            return name.substr(0, name.size() - suffix.size());
        };
        if (auto const at = whole.rfind("parametrizations.");
            at != whole.npos && (at == 0 || whole[at - 1] == '.')) {
            auto const rest = whole.substr(at + std::string_view("parametrizations.").size());
            if (auto const dot = rest.find('.'); dot != rest.npos)
                examine_parametrization(name, rest.substr(dot + 1),
                                        name.substr(0, at) + std::string(rest.substr(0, dot)));
        } else if (whole.ends_with("_v") && find(stem("_v") + "_g") != nullptr) {
            weight_norm(stem("_v"), *find(stem("_v") + "_g"), entry);
        } else if (whole.ends_with("_orig")) {
            auto const target = stem("_orig");
            if (auto const* mask = find(target + "_mask"))
                pruned(target, entry, *mask);
            else if (auto const* u = find(target + "_u"))
                spectral_norm(target, entry, *u, find(target + "_v"));
        } else if (entry.type && entry.shape.size() == 2 &&
                   (whole == "kernel" || whole.ends_with(".kernel"))) {
            transposed(stem("kernel") + "weight", entry, find(stem("kernel") + "bias"));
        } else if (!described_ && entry.type && entry.shape.size() == 2 && is_conv1d(whole)) {
            transposed(name, entry, find(stem("weight") + "bias"));
        } else if (entry.packed != packed_type::none &&
                   (whole.ends_with("weight") || whole.ends_with("bias"))) {
            quantised(name, entry);
        }
        for (auto const part :
             {".qweight", ".qzeros", ".weight_packed", ".weight.absmax", ".weight.quant_map"})
            if (whole.ends_with(part))
                throw error(
                    "tensor ", in_quotes(name),
                    " holds several numbers in one, as GPTQ, AWQ, bitsandbytes and compressed-tensors "
                    "pack them; save the dequantised weights");
    }

    /// `rest` follows "NAME.parametrizations.weight."
    void examine_parametrization(std::string const& name, std::string_view rest, std::string const& target) {
        auto const start = name.substr(0, name.size() - rest.size());
        if (rest == "original1" && find(start + "original0") != nullptr) {
            weight_norm(target, *find(start + "original0"), *find(name));
        } else if (rest == "original") {
            auto const *u = find(start + "0._u"), *v = find(start + "0._v");
            if (u == nullptr || v == nullptr)
                throw error("tensor ", in_quotes(name),
                            " is parametrised by what is neither weight nor spectral normalisation; save the "
                            "network after torch.nn.utils.parametrize.remove_parametrizations");
            spectral_norm(target, *find(name), *u, v);
        } else if (rest != "original0" && rest != "0._u" && rest != "0._v") {
            throw error("tensor ", in_quotes(name), " belongs to a parametrisation that is not known");
        }
    }

    [[nodiscard]] entry_pointer find(std::string const& name) const {
        auto const found = tensors_->find(name);
        return found == tensors_->end() ? nullptr : &found->second;
    }

    /// Puts `target` in place of `parts`; the first of them gives its shape. A file that holds `target` too
    /// needs no parts.
    void replace(std::string const& target, std::vector<entry_pointer> const& parts, std::string_view why,
                 std::function<tensor()> make) {
        bool wide = false;
        std::string names;
        for (auto const* part : parts) {
            if (part == nullptr) continue;
            wide = wide || part->type == dtype::f64;
            names += (names.empty() ? "" : ", ") + in_quotes(part->name);
            if (part->name != target) used_.push_back(part->name);
        }
        if (parts.front()->name != target && find(target) != nullptr) {
            notes_.push_back(text("ignored ", names, ": the file holds ", in_quotes(target), " itself"));
            return;
        }
        auto const type = wide ? dtype::f64 : dtype::f32;
        made_[target] = {{target, wide ? "F64" : "F32", false, type, parts.front()->shape}, std::move(make)};
        notes_.push_back(text("computed ", in_quotes(target), " from ", names, " (", why, ")"));
    }

    // --- numbers

    /// Takes the memory for so many numbers of that width.
    [[nodiscard]] std::size_t counted(std::vector<std::uint64_t> const& shape, std::size_t width) const {
        auto const bytes = checked_product(shape, std::uint64_t{width});
        if (!bytes) throw error("a weight of shape ", tuple_text(shape), " needs more than 2^64 bytes");
        if (memory_ != nullptr) memory_->take(*bytes);
        return static_cast<std::size_t>(*bytes) / width;
    }

    [[nodiscard]] numbers values(listed_tensor const& of) const {
        if (of.type) {
            auto const from = load_(of);
            numbers result(counted(of.shape, sizeof(double)));
            from.copy_to(std::span<double>(result));
            return result;
        }
        if (of.packed == packed_type::none || !packed_)
            throw error("tensor ", in_quotes(of.name), " has dtype ", of.type_name,
                        ", of which no weight can be computed");
        auto const bytes = packed_(of);
        numbers result(counted(of.shape, sizeof(double)));
        for (std::size_t k = 0; k < result.size(); ++k)
            result[k] = packed_value(of.packed, bytes.bytes().data(), k);
        return result;
    }

    /// element(k) for each element of the weight.
    template <class Element>
    [[nodiscard]] tensor filled(std::string const& name, Element&& element) const {
        auto const& entry = made_.find(name)->second.entry;
        std::vector<std::size_t> shape(entry.shape.begin(), entry.shape.end());
        auto const width = size_of(*entry.type);
        auto const size = counted(entry.shape, width);
        std::vector<std::byte> bytes(size * width);
        for (std::size_t k = 0; k < size; ++k) {
            double const value = element(k);
            auto const rounded = static_cast<float>(value);
            if (width == sizeof value)
                std::memcpy(bytes.data() + k * width, &value, width);
            else
                std::memcpy(bytes.data() + k * width, &rounded, width);
        }
        return {name, *entry.type, std::move(shape), std::move(bytes)};
    }

    [[noreturn]] static void refuse_shapes(listed_tensor const& a, listed_tensor const& b,
                                           std::string_view why) {
        throw error("tensor ", in_quotes(a.name), " of shape ", tuple_text(a.shape), " and tensor ",
                    in_quotes(b.name), " of shape ", tuple_text(b.shape), " do not fit together as ", why);
    }

    [[nodiscard]] static std::uint64_t size_of_listed(listed_tensor const& of) {
        return checked_product(of.shape).value_or(0);
    }

    // --- the rules

    /// w = g v / |v|, the norm being taken over the axes along which g has one element (all, where g is a
    /// single number): torch.nn.utils.weight_norm.
    void weight_norm(std::string const& target, listed_tensor const& g, listed_tensor const& v) {
        constexpr std::string_view why = "weight normalisation";
        bool fits = size_of_listed(g) == 1 || g.shape.size() == v.shape.size();
        for (std::size_t axis = 0; fits && axis < g.shape.size(); ++axis)
            fits = g.shape[axis] == 1 || g.shape[axis] == v.shape[axis];
        if (!fits || size_of_listed(v) == 0) refuse_shapes(g, v, why);
        replace(target, {&v, &g}, why, [this, target, &g, &v] {
            auto const lengths = values(g), direction = values(v);
            numbers squares(lengths.size(), 0);
            for (std::size_t k = 0; k < direction.size(); ++k)
                squares[broadcast(k, v, g)] += direction[k] * direction[k];
            return filled(target, [&](std::size_t k) {
                auto const at = broadcast(k, v, g);
                return direction[k] * (lengths[at] / std::sqrt(squares[at]));
            });
        });
    }

    /// The element of `part` that belongs to element k of `whole`.
    [[nodiscard]] static std::size_t broadcast(std::size_t k, listed_tensor const& whole,
                                               listed_tensor const& part) {
        std::size_t at = 0, step = 1;
        if (part.shape.size() != whole.shape.size()) return 0;
        for (auto axis = whole.shape.size(); axis-- > 0;) {
            auto const length = static_cast<std::size_t>(whole.shape[axis]);
            if (part.shape[axis] != 1) {
                at += step * (k % length);
                step *= length;
            }
            k /= length;
        }
        return at;
    }

    /// w = W / (u W v), W as a matrix of shape[0] rows, u and v being what the power iteration has come to:
    /// torch.nn.utils.spectral_norm in evaluation. Before PyTorch 1.0, v is W^T u, normalised.
    void spectral_norm(std::string const& target, listed_tensor const& original, listed_tensor const& u,
                       entry_pointer v) {
        constexpr std::string_view why = "spectral normalisation";
        auto const size = size_of_listed(original);
        auto const rows = original.shape.empty() ? 0 : original.shape[0];
        if (size == 0 || u.shape != std::vector<std::uint64_t>{rows}) refuse_shapes(original, u, why);
        auto const columns = size / rows;
        if (v != nullptr && v->shape != std::vector<std::uint64_t>{columns}) refuse_shapes(original, *v, why);
        replace(target, {&original, &u, v}, why, [this, target, &original, &u, v, columns] {
            auto const weight = values(original), left = values(u);
            numbers projected(static_cast<std::size_t>(columns), 0);  // W^T u
            for (std::size_t k = 0; k < weight.size(); ++k)
                projected[k % columns] += left[k / columns] * weight[k];
            auto const right = v == nullptr ? projected : values(*v);
            double product = 0, square = 0;
            for (std::size_t j = 0; j < projected.size(); ++j) {
                product += projected[j] * right[j];
                square += right[j] * right[j];
            }
            double const sigma = v == nullptr ? product / std::sqrt(square) : product;
            return filled(target, [&](std::size_t k) { return weight[k] / sigma; });
        });
    }

    /// Layers of GPT-2 in Hugging Face's transformers whose weights are of shape (in, out).
    [[nodiscard]] static bool is_conv1d(std::string_view name) {
        for (auto const layer : {"attn.c_attn", "attn.q_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"}) {
            auto const whole = layer + std::string(".weight");
            if (name == whole || name.ends_with("." + whole)) return true;
        }
        return false;
    }

    /// Flax and Keras call a weight of shape (in, out) a kernel.
    void transposed(std::string const& target, listed_tensor const& kernel, entry_pointer bias) {
        if (bias != nullptr && bias->shape != std::vector<std::uint64_t>{kernel.shape[1]}) return;
        replace(target, {&kernel}, "transposed", [this, target, &kernel] {
            auto const from = values(kernel);
            auto const in = static_cast<std::size_t>(kernel.shape[0]);
            auto const out = static_cast<std::size_t>(kernel.shape[1]);
            return filled(target, [&](std::size_t k) { return from[k % in * out + k / in]; });
        });
        if (auto const found = made_.find(target); found != made_.end())
            std::swap(found->second.entry.shape[0], found->second.entry.shape[1]);
    }

    /// torch.nn.utils.prune
    void pruned(std::string const& target, listed_tensor const& original, listed_tensor const& mask) {
        constexpr std::string_view why = "pruned";
        if (mask.shape != original.shape) refuse_shapes(original, mask, why);
        replace(target, {&original, &mask}, why, [this, target, &original, &mask] {
            auto const weight = values(original), kept = values(mask);
            return filled(target, [&](std::size_t k) { return weight[k] * kept[k]; });
        });
    }

    /// A scale or zero point: one number for all, for each row, or for each block of rows and columns.
    struct block_numbers {
        numbers values{};
        std::size_t rows = 0, columns = 0, across = 1;  ///< of a block; blocks side by side

        [[nodiscard]] double at(std::size_t row, std::size_t column) const {
            return values.empty() ? 0.0 : values[row / rows * across + column / columns];
        }
    };

    /// How many of `length` share one of `count` numbers; 0 where that is no whole number. Blocks of 128 may
    /// be cut at the end where the name says that they are blocks (scale_inv).
    [[nodiscard]] static std::size_t block_length(std::uint64_t length, std::uint64_t count, bool of_128) {
        if (count == 0 || count > length) return 0;
        if (count == 1) return static_cast<std::size_t>(length);
        if (of_128 && (length + 127) / 128 == count) return 128;
        return length % count == 0 ? static_cast<std::size_t>(length / count) : 0;
    }

    /// The sizes of the blocks alone; 0 where the shapes do not fit.
    [[nodiscard]] static block_numbers blocks(listed_tensor const& of, listed_tensor const& weight) {
        auto const rows = weight.shape.empty() ? 1 : weight.shape[0];
        auto const columns = rows == 0 ? 0 : size_of_listed(weight) / rows;
        bool const one = size_of_listed(of) == 1;
        auto const down = one ? 1 : of.shape[0];
        auto const across = one || down == 0 ? 1 : size_of_listed(of) / down;
        bool const of_128 = of.name.ends_with("scale_inv");
        return {{},
                block_length(rows, down, of_128),
                block_length(columns, across, of_128),
                static_cast<std::size_t>(across)};
    }

    /// w = scale (q - zero point).
    void quantised(std::string const& name, listed_tensor const& entry) {
        auto const dot = name.rfind('.');
        auto const beside = [&](char const* part) {
            return find((dot == name.npos ? std::string() : name.substr(0, dot + 1)) + part);
        };
        bool const weight = name.ends_with("weight");
        entry_pointer scale = nullptr;
        for (auto const* found : {find(name + "_scale"), find(name + "_scale_inv"), find(name + ".scale"),
                                  weight ? beside("scale_weight") : nullptr, weight ? beside("SCB") : nullptr,
                                  weight ? beside("scale") : nullptr, weight ? beside("scales") : nullptr})
            if (scale == nullptr) scale = found;
        if (scale == nullptr) return;
        entry_pointer zero = nullptr;
        for (auto const* found : {find(name + "_zero_point"), find(name + ".zero_point"),
                                  weight ? beside("zero_point") : nullptr})
            if (zero == nullptr) zero = found;
        constexpr std::string_view why = "quantised";
        if (find(name + "_scale_2") != nullptr || find(name + "_global_scale") != nullptr ||
            (entry.packed == packed_type::u8 && zero == nullptr))
            throw error("tensor ", in_quotes(name), " of dtype ", entry.type_name,
                        " is quantised in a way that is not known: its scale is ", in_quotes(scale->name),
                        "; save the dequantised weights");
        for (auto const* part : {scale, zero})
            if (part != nullptr)
                if (auto const found = blocks(*part, entry);
                    found.rows == 0 || found.columns == 0 || size_of_listed(entry) == 0)
                    refuse_shapes(entry, *part, "quantised numbers and scales");
        for (auto const* more : {beside("input_scale"), beside("scale_input"), beside("weight_format")})
            if (more != nullptr && weight) used_.push_back(more->name);
        replace(name, {&entry, scale, zero}, why, [this, name, &entry, scale, zero] {
            auto scales = blocks(*scale, entry), zeros = zero ? blocks(*zero, entry) : block_numbers{};
            scales.values = values(*scale);
            if (zero != nullptr) zeros.values = values(*zero);
            double const unit = scale->name.ends_with("SCB") ? 1.0 / 127 : 1.0;
            auto const bytes = packed_(entry);
            auto const rows = entry.shape.empty() ? 1 : entry.shape.front();
            auto const columns = static_cast<std::size_t>(size_of_listed(entry) / rows);
            return filled(name, [&](std::size_t k) {
                auto const row = k / columns, column = k % columns;
                return unit * scales.at(row, column) *
                       (packed_value(entry.packed, bytes.bytes().data(), k) - zeros.at(row, column));
            });
        });
    }

    listed_tensors const* tensors_;
    tensor_source load_;
    packed_source packed_;
    memory_allowance* memory_;
    bool described_;
    listed_tensors changed_;
    std::map<std::string, derived, std::less<>> made_;
    std::vector<std::string> used_, notes_;
};

}  // namespace spinet::detail
