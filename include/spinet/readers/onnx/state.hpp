// SPDX-License-Identifier: BSD-3-Clause
/// The reading of an ONNX graph so far: values by name, stages, notes; and one node to be read.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/operation.hpp>
#include <spinet/network/shapes.hpp>
#include <spinet/readers/onnx/layout.hpp>
#include <spinet/readers/onnx/stages.hpp>
#include <spinet/readers/onnx/values.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <onnx/onnx_pb.h>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace spinet::detail::onnx_reading {

/// One node: its inputs and attributes. Everything throws `error`, which describes the node.
class call {
public:
    call(::onnx::NodeProto& node, std::vector<graph_value const*> inputs, std::int64_t opset)
        : node_(&node), inputs_(std::move(inputs)), opset_(opset) {
        for (auto& each : *node.mutable_attribute()) {
            if (each.name().empty() || !attributes_.emplace(each.name(), &each).second)
                fail("has the attribute ", in_quotes(each.name()), " twice, or without a name");
            if (!each.ref_attr_name().empty())
                fail("takes its attribute ", in_quotes(each.name()), " from a function");
        }
    }

    [[nodiscard]] ::onnx::NodeProto const& node() const noexcept { return *node_; }
    [[nodiscard]] std::int64_t opset() const noexcept { return opset_; }
    [[nodiscard]] std::string where() const { return described(*node_); }
    template <class... Pieces>
    [[noreturn, gnu::always_inline]] void fail(Pieces const&... what) const {
        throw error(where(), " ", what...);
    }

    /// Input k, or nullptr where it is left out.
    [[nodiscard]] graph_value const* maybe(std::size_t k) const noexcept {
        return k < inputs_.size() ? inputs_[k] : nullptr;
    }
    [[nodiscard]] graph_value const& input(std::size_t k) const {
        if (maybe(k) == nullptr) fail("lacks its input ", k);
        return *inputs_[k];
    }
    [[nodiscard]] std::size_t inputs() const noexcept { return inputs_.size(); }
    [[nodiscard]] computed const& from_network(std::size_t k) const {
        if (auto const* found = std::get_if<computed>(&input(k))) return *found;
        fail("takes a constant as input ", k, ", not what the network computes");
    }
    /// A constant of real numbers.
    [[nodiscard]] constant const& weights(std::size_t k) const {
        if (auto const* found = std::get_if<constant>(&input(k))) return *found;
        fail("takes as input ", k, " no constant of real numbers");
    }
    [[nodiscard]] std::optional<constant> maybe_weights(std::size_t k) const {
        if (maybe(k) == nullptr) return std::nullopt;
        return weights(k);
    }
    [[nodiscard]] whole const& integers(std::size_t k) const {
        if (auto const* found = std::get_if<whole>(&input(k))) return *found;
        fail("takes as input ", k, " integers that are not known before the network is evaluated");
    }

    /// Attributes; each that is asked for is one that is understood.
    [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t otherwise) {
        auto const* found = attribute(name, ::onnx::AttributeProto::INT);
        return found == nullptr ? otherwise : found->i();
    }
    [[nodiscard]] double real(std::string_view name, double otherwise) {
        auto const* found = attribute(name, ::onnx::AttributeProto::FLOAT);
        return found == nullptr ? otherwise : static_cast<double>(found->f());
    }
    [[nodiscard]] std::string text(std::string_view name, std::string otherwise) {
        auto const* found = attribute(name, ::onnx::AttributeProto::STRING);
        return found == nullptr ? std::move(otherwise) : found->s();
    }
    [[nodiscard]] std::optional<std::vector<std::int64_t>> list(std::string_view name) {
        auto const* found = attribute(name, ::onnx::AttributeProto::INTS);
        if (found == nullptr) return std::nullopt;
        return std::vector<std::int64_t>(found->ints().begin(), found->ints().end());
    }
    [[nodiscard]] std::vector<double> reals(std::string_view name) {
        auto const* found = attribute(name, ::onnx::AttributeProto::FLOATS);
        if (found == nullptr) return {};
        return {found->floats().begin(), found->floats().end()};
    }
    [[nodiscard]] std::vector<std::string> texts(std::string_view name) {
        auto const* found = attribute(name, ::onnx::AttributeProto::STRINGS);
        if (found == nullptr) return {};
        return {found->strings().begin(), found->strings().end()};
    }
    [[nodiscard]] ::onnx::TensorProto* tensor_proto(std::string_view name) {
        auto* found = attribute(name, ::onnx::AttributeProto::TENSOR);
        return found == nullptr ? nullptr : found->mutable_t();
    }
    [[nodiscard]] bool has(std::string_view name) const { return attributes_.count(name) != 0; }
    /// Accepts the attribute, whatever it says.
    void ignore(std::string_view name) { understood_.emplace(name); }

    /// A list of integers, as an attribute in old operator sets and as an input in new ones.
    [[nodiscard]] std::optional<std::vector<std::int64_t>> list_or_input(std::string_view name,
                                                                         std::size_t k) {
        if (has(name)) return list(name);
        if (maybe(k) == nullptr) return std::nullopt;
        return integers(k).values;
    }

    /// Axis number, counted from the end where negative, of an array of `rank` axes.
    [[nodiscard]] std::size_t axis(std::int64_t number, std::size_t rank) const {
        auto const axes = static_cast<std::int64_t>(rank);
        if (number < -axes || number >= axes) fail("names the axis ", number, " of ", rank);
        return static_cast<std::size_t>(number < 0 ? number + axes : number);
    }

    /// The same for an index along an axis of `size`.
    [[nodiscard]] std::size_t index(std::int64_t number, std::size_t size) const {
        auto const all = static_cast<std::int64_t>(size);
        if (number < -all || number >= all) fail("takes index ", number, " of an axis of size ", size);
        return static_cast<std::size_t>(number < 0 ? number + all : number);
    }

    /// Refuses a node with an attribute that nobody asked for: it might change what the node does.
    void check_attributes() const {
        for (auto const& [name, each] : attributes_)
            if (understood_.count(name) == 0)
                fail("has an attribute ", in_quotes(name), ", which is not understood");
    }

private:
    [[nodiscard]] ::onnx::AttributeProto* attribute(std::string_view name, int type) {
        understood_.emplace(name);
        auto const at = attributes_.find(name);
        if (at == attributes_.end()) return nullptr;
        if (int const found = at->second->type(); found != type)
            fail("has an attribute ", in_quotes(name), " of the wrong type (", found, " instead of ", type,
                 ")");
        return at->second;
    }

    ::onnx::NodeProto* node_;
    std::vector<graph_value const*> inputs_;
    std::int64_t opset_;
    std::map<std::string_view, ::onnx::AttributeProto*> attributes_;
    std::set<std::string_view> understood_;
};

/// Values by name and the stages that they are views of.
class reading_state {
public:
    reading_state(std::filesystem::path const& model, std::uint64_t size)
        : budget(of_budget * size + (std::uint64_t{24} << 20U), too_much),
          loader(model),
          checks(of_checks * size + (std::uint64_t{64} << 20U), too_much) {}

    std::map<std::string, graph_value, std::less<>> values;
    std::deque<stage> stages;  // whose elements stay where they are
    std::vector<std::string> notes;
    memory_allowance budget;

    /// The tensor; what is read beside the model may be copied as often as what stands in it.
    [[nodiscard]] graph_value load(::onnx::TensorProto& from, std::string const& name) {
        auto const before = loader.beside();
        auto result = loader.load(from, name);
        budget.grant(of_budget * (loader.beside() - before));
        checks.grant(of_checks * (loader.beside() - before));
        return result;
    }

    void push(stage added) {
        // What it takes here and, in an array that grows by doubling, in the network.
        budget.take(sizeof(stage) + 3 * sizeof(spinet::node));
        stages.push_back(std::move(added));
    }

    /// A view of all of a new stage, as an array of `sizes`.
    computed add(stage_operation op, std::vector<std::size_t> inputs, value_shape shape, call const& by,
                 std::vector<std::size_t> sizes) {
        push({std::move(op), std::move(inputs), std::move(shape), &by.node()});
        return {stages.size() - 1, row_major(std::move(sizes)), nullptr};
    }

    /// An operation of its own, checked, on whole stages; the shape follows. Returns the stage.
    std::size_t ready(operation op, std::vector<std::size_t> inputs, call const& by,
                      ::onnx::NodeProto const* named_after = nullptr) {
        auto const where = by.where();
        value_shapes from;
        for (auto const each : inputs) from.push_back(stages[each].shape);
        for (auto const* each : tensors_of(op)) checks.take(each->bytes().size());
        op.check(where);
        auto shape = op.visit(shape_after{from, where});
        if (!countable(shape)) by.fail("computes too many values");
        auto const* const node = named_after == nullptr ? &by.node() : named_after;
        push({std::move(op), std::move(inputs), std::move(shape), node});
        return stages.size() - 1;
    }

    /// The first result of the node: a view of an operation of its own.
    void set_ready(call const& by, operation op, std::vector<std::size_t> inputs, layout at) {
        set(by, 0, computed{ready(std::move(op), std::move(inputs), by), std::move(at)});
    }

    void set(call const& by, int output, graph_value result) {
        if (output >= by.node().output_size() || by.node().output(output).empty()) return;
        budget.take(sizeof(graph_value) + 512);
        values.insert_or_assign(by.node().output(output), std::move(result));
    }

    /// The result of a stage as ONNX has it, with the axis of the batch in front.
    [[nodiscard]] computed with_batch(std::size_t of) const {
        auto sizes = stages[of].shape;
        sizes.insert(sizes.begin(), 1);
        return {of, row_major(std::move(sizes)), nullptr};
    }

    [[nodiscard]] std::size_t count_of(std::size_t of) const { return row_major(stages[of].shape).count(); }
    [[nodiscard]] bool is_whole(computed const& of) const { return whole_of(of.at, count_of(of.from)); }

    /// The stage whose result, of shape `wanted`, the view is: the one below, or one that flattens or
    /// selects.
    std::size_t settled(computed const& view, value_shape const& wanted, call const& by) {
        if (auto const found = try_settled(view, wanted, by)) return *found;
        auto const& below = stages[view.from];
        by.fail("takes values of shape ", tuple_text(view.at.sizes), " which are those of ", described(below),
                ", of shape ", tuple_text(below.shape),
                ", in an order or a selection that no operation of spinet gives");
    }

    std::optional<std::size_t> try_settled(computed const& view, value_shape const& wanted, call const& by) {
        auto& below = stages[view.from];
        if (is_whole(view)) {
            if (below.shape == wanted) return view.from;
            if (reshape_input(view.from, wanted)) return view.from;
            if (wanted.size() == 1) return ready(flatten{}, {view.from}, by, view.mover);
            return std::nullopt;
        }
        auto const row = selected_row(view);
        if (!row || wanted != value_shape{below.shape[1]}) return std::nullopt;
        std::optional<std::size_t> index;
        if (*row + 1 != below.shape[0]) index = *row;
        return ready(select_step{index}, {view.from}, by, view.mover);
    }

    /// The view as features, (n), or as a sequence of features, (steps, n), n being its last axis.
    std::size_t settled_features(computed const& view, call const& by) {
        auto const& shape = stages[view.from].shape;
        std::size_t const last = view.at.rank() == 0 ? 1 : view.at.sizes.back();
        if (last != 0 && is_whole(view) && shape.size() <= 2 && shape.back() == last) return view.from;
        std::size_t const lead = last == 0 ? 0 : view.at.count() / last;
        return settled(view, lead == 1 ? value_shape{last} : value_shape{lead, last}, by);
    }

    /// The view without the axis of the batch, which has to be the first.
    std::size_t settled_sample(computed const& view, call const& by) {
        if (view.at.rank() < 2 || view.at.sizes.front() != 1)
            by.fail("takes values of shape ", tuple_text(view.at.sizes),
                    ", which do not begin with the axis of the batch");
        return settled(view, {view.at.sizes.begin() + 1, view.at.sizes.end()}, by);
    }

    /// The view as a stage of whatever shape: its own, or features.
    std::optional<std::size_t> settled_somehow(computed const& view, call const& by) {
        auto const sizes = squeezed(view.at.sizes);
        if (is_whole(view) && sizes == squeezed(stages[view.from].shape)) return view.from;
        return try_settled(view, sizes.empty() ? value_shape{1} : sizes, by);
    }

    /// Which step of a sequence the view is, if it is one.
    [[nodiscard]] std::optional<std::size_t> selected_row(computed const& view) const {
        auto const& shape = stages[view.from].shape;
        if (shape.size() != 2 || view.at.count() != shape[1] || !contiguous(view.at) ||
            view.at.offset % shape[1] != 0)
            return std::nullopt;
        return view.at.offset / shape[1];
    }

private:
    /// An input that nothing has used so far may as well have the shape that it is given first.
    bool reshape_input(std::size_t at, value_shape const& wanted) {
        auto* const ready = std::get_if<operation>(&stages[at].op);
        auto const* const start = ready == nullptr ? nullptr : ready->get_if<spinet::input>();
        if (start == nullptr) return false;
        for (auto const& each : stages)
            if (std::find(each.inputs.begin(), each.inputs.end(), at) != each.inputs.end()) return false;
        notes.push_back("the input of shape " + tuple_text(stages[at].shape) + " is used, and listed, as " +
                        tuple_text(wanted));
        stages[at].shape = wanted;
        *ready = spinet::input{start->size, wanted.size() == 1 ? value_shape{} : wanted};
        return true;
    }

    // Times the size of the files: memory, and bytes of tensors looked at once for each use.
    static constexpr std::uint64_t of_budget = 3, of_checks = 16;
    static constexpr char const* too_much =
        "would take too much memory for its size: tensors are copied or repeated too often";
    tensor_loader loader;
    memory_allowance checks;
};

}  // namespace spinet::detail::onnx_reading
