// SPDX-License-Identifier: BSD-3-Clause
/// Keras's arrays as tensors in the library's order of axes and gates, and layers that read channels-last
/// values laid flat.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/operation.hpp>
#include <spinet/network/shapes.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/keras/config.hpp>
#include <spinet/readers/keras/contents.hpp>
#include <spinet/readers/onnx/layout.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet::detail {

/// The arrays of one layer, or of a part of it.
class keras_arrays {
public:
    void add(keras_array const& one) { all_.push_back(&one); }
    [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }

    /// Those with `piece` somewhere in their paths; all, where none has it.
    [[nodiscard]] keras_arrays along(std::string_view piece) const {
        keras_arrays some;
        for (auto const* each : all_)
            if (each->path.find(piece) != std::string::npos) some.add(*each);
        return some.empty() ? *this : some;
    }
    /// The array of that name, or number where the file has numbers for names.
    [[nodiscard]] keras_array const* find(std::string_view name, std::size_t number) const {
        for (auto const* each : all_)
            if (auto const part = each->part(); part == name || part == std::to_string(number)) return each;
        return nullptr;
    }
    [[nodiscard]] std::vector<keras_array const*> all() const { return all_; }

    /// 'kernel', 'bias'
    [[nodiscard]] std::string names() const {
        std::string names;
        for (std::size_t k = 0; k < all_.size() && k < 8; ++k)
            names += (k == 0 ? "" : ", ") + in_quotes(all_[k]->part());
        return names + (all_.size() > 8 ? ", ..." : "");
    }

private:
    std::vector<keras_array const*> all_;
};

/// The arrays of a file, by layer.
class keras_index {
public:
    explicit keras_index(keras_contents const& of) : of_(&of) {
        for (auto const& group : of.groups)
            for (auto const& each : group.arrays) {
                groups_[group.name].add(each);
                if (of.numbered)
                    place(group.group + "/" + each.path, each);
                else
                    for (std::size_t k = 0, end; (end = each.path.find('/', k)) != std::string::npos;
                         k = end + 1)
                        within_[{group.name, each.path.substr(k, end - k)}].add(each);
            }
    }

    /// Of the layer of that name, where the file names layers.
    [[nodiscard]] keras_arrays named(std::string const& name) const {
        auto const at = groups_.find(name);
        return at == groups_.end() ? keras_arrays() : at->second;
    }
    [[nodiscard]] keras_arrays of(keras_layer_config const& layer) const {
        if (of_->numbered) {
            auto const at = counted_.find(layer.group);
            if (at == counted_.end() || layer.place >= at->second.size()) return {};
            return std::next(at->second.begin(), static_cast<std::ptrdiff_t>(layer.place))->second;
        }
        if (layer.within.empty()) return named(layer.own_name);
        auto const at = within_.find({layer.within.front(), layer.own_name});
        return at == within_.end() ? keras_arrays() : at->second;
    }

private:
    /// "conv2d_3/vars/0", and "functional/layers/conv2d_3/vars/0" of a model that is a layer: the third of
    /// that class, whatever its number, in its container.
    void place(std::string const& path, keras_array const& one) {
        for (std::size_t begin = 0; begin != std::string::npos;) {
            auto const end = path.find('/', begin);
            if (end == std::string::npos) return;
            auto const [stem, number] = numbered(path.substr(begin, end - begin));
            counted_[path.substr(0, begin) + stem][number].add(one);
            auto const next = path.find("/layers/", begin);
            begin = next == std::string::npos ? next : next + 8;
        }
    }

    keras_contents const* of_;
    std::map<std::string, keras_arrays, std::less<>> groups_;
    std::map<std::pair<std::string, std::string>, keras_arrays> within_;
    std::map<std::string, std::map<std::uint64_t, keras_arrays>, std::less<>> counted_;
};

/// Axis k of the result is axis order[k].
[[nodiscard]] inline tensor with_axes(tensor const& of, std::vector<std::size_t> const& order) {
    auto const from = onnx_reading::transposed(onnx_reading::row_major(of.shape()), order);
    auto const stored = of.bytes();
    std::size_t const width = size_of(of.type());
    std::vector<std::byte> moved(stored.size());
    auto* to = moved.data();
    onnx_reading::for_each_element(from, [&](std::size_t index) {
        std::memcpy(to, stored.data() + index * width, width);
        to += width;
    });
    return {of.name(), of.type(), from.sizes, std::move(moved)};
}

/// (in, out) as (out, in), tile by tile for the sake of the caches.
[[nodiscard]] inline tensor transposed_kernel(tensor const& of) {
    std::size_t const in = of.shape()[0], out = of.shape()[1], width = size_of(of.type());
    auto const stored = of.bytes();
    constexpr std::size_t tile = 32;
    std::vector<std::byte> result(stored.size());
    for (std::size_t top = 0; top < in; top += tile)
        for (std::size_t left = 0; left < out; left += tile)
            for (auto i = top; i < std::min(in, top + tile); ++i)
                for (auto j = left; j < std::min(out, left + tile); ++j)
                    std::memcpy(result.data() + (j * in + i) * width, stored.data() + (i * out + j) * width,
                                width);
    return {of.name(), of.type(), {out, in}, std::move(result)};
}

/// `blocks.size()` blocks of rows, in another order.
[[nodiscard]] inline tensor with_blocks(tensor const& of, std::vector<std::size_t> const& blocks) {
    auto const stored = of.bytes();
    std::size_t const width = stored.size() / blocks.size();
    std::vector<std::byte> moved;
    moved.reserve(stored.size());
    for (auto const each : blocks) {
        auto const block = stored.subspan(each * width, width);
        moved.insert(moved.end(), block.begin(), block.end());
    }
    return {of.name(), of.type(), of.shape(), std::move(moved)};
}

/// Values in a row: runs of `positions` for each of `channels` in turn, where Keras has the channels of each
/// position together.
struct laid_flat {
    std::size_t channels = 1, positions = 1;
    friend bool operator==(laid_flat const&, laid_flat const&) = default;
};

/// The last axis moved from Keras's order to this one.
[[nodiscard]] inline tensor with_last_axis(tensor const& of, std::vector<laid_flat> const& order) {
    std::size_t n = 0;
    for (auto const& run : order) n += run.channels * run.positions;
    if (of.rank() == 0 || of.shape().back() != n) return of;
    std::vector<std::size_t> places;
    for (auto const& run : order)
        for (std::size_t begin = places.size(), k = 0; k < run.channels * run.positions; ++k)
            places.push_back(begin + k % run.channels * run.positions + k / run.channels);
    auto const stored = of.bytes();
    std::size_t const width = size_of(of.type());
    std::vector<std::byte> moved(stored.size());
    for (std::size_t row = 0; row < of.size(); row += n)
        for (std::size_t k = 0; k < n; ++k)
            std::memcpy(moved.data() + (row + places[k]) * width, stored.data() + (row + k) * width, width);
    return {of.name(), of.type(), of.shape(), std::move(moved)};
}

/// The network where what `flattened` nodes lay flat has its channels first, as the library has them, and the
/// weights that read it are for values with channels last, as Keras lays them flat: their columns are moved.
/// Throws `error` where that has no meaning.
class channels_last_columns {
public:
    channels_last_columns(network const& from, std::set<std::string, std::less<>> const& flattened)
        : from_(&from), flattened_(&flattened), shapes_(result_shapes(from)) {}

    [[nodiscard]] network run() {
        network made;
        for (std::size_t k = 0; k < from_->nodes().size(); ++k) {
            auto moved = from_->nodes()[k];
            take(moved, k);
            made.add(std::move(moved));
        }
        for (auto const& note : from_->notes()) made.add_note(note);
        return made;
    }

private:
    using order = std::vector<laid_flat>;

    void take(node& at, std::size_t k) {
        if (at.op.is<flatten>() && flattened_->count(at.name) != 0) {
            auto const& shape = shapes_[from_->position(at.inputs[0])];
            std::size_t const positions = shapes_[k][0] / shape[0];
            if (shape[0] > 1 && positions > 1) orders_[at.name] = {{shape[0], positions}};
            return;
        }
        std::vector<order const*> given;
        for (auto const& input : at.inputs) {
            auto const found = orders_.find(input);
            given.push_back(found == orders_.end() ? nullptr : &found->second);
        }
        if (std::none_of(given.begin(), given.end(), [](auto const* x) { return x != nullptr; })) return;
        if (auto const* layer = at.op.get_if<dense>()) {
            at.op = dense{with_last_axis(layer->weight, *given[0]), layer->bias};
            return;
        }
        orders_[at.name] = passed(at, given);
    }

    [[nodiscard]] order passed(node& at, std::vector<order const*> const& given) {
        auto const by = [&](std::optional<tensor> const& values) {
            return values ? std::optional(with_last_axis(*values, *given[0])) : std::nullopt;
        };
        if (auto const* norm = at.op.get_if<batch_normalisation>())
            at.op = batch_normalisation{*by(norm->mean), *by(norm->variance), by(norm->scale),
                                        by(norm->shift), norm->epsilon};
        else if (auto const* layer = at.op.get_if<layer_normalisation>())
            at.op = layer_normalisation{by(layer->scale), by(layer->shift), layer->epsilon};
        else if (auto const* shift = at.op.get_if<offset>())
            at.op = offset{*by(shift->values)};
        else if (at.op.is<addition>()) {
            if (given[0] == nullptr || given[1] == nullptr || *given[0] != *given[1])
                throw error("node ", in_quotes(at.name), " adds values that are laid flat in different orders");
        } else if (at.op.is<concatenation>()) {
            return joined_orders(at, given);
        } else if (!at.op.is<activation>() && !at.op.is<flatten>()) {
            throw error("node ", in_quotes(at.name), " (", at.op.label(), ") reads values laid flat");
        }
        return *given[0];
    }

    [[nodiscard]] order joined_orders(node const& at, std::vector<order const*> const& given) const {
        order all;
        for (std::size_t k = 0; k < 2; ++k) {
            if (given[k] != nullptr)
                all.insert(all.end(), given[k]->begin(), given[k]->end());
            else
                all.push_back({shapes_[from_->position(at.inputs[k])][0], 1});
        }
        if (all.size() > 100'000) throw error("node ", in_quotes(at.name), " joins more than 10^5 parts");
        return all;
    }

    network const* from_;
    std::set<std::string, std::less<>> const* flattened_;
    value_shapes shapes_;
    std::map<std::string, order, std::less<>> orders_;
};

}  // namespace spinet::detail
