// SPDX-License-Identifier: BSD-3-Clause
/// The reading of an ONNX graph so far: values by name, stages, notes; and one node to be read.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/operation.hpp>
#include <spinet/network/shapes.hpp>
#include <spinet/readers/onnx/folding.hpp>
#include <spinet/readers/onnx/layout.hpp>
#include <spinet/readers/onnx/stages.hpp>
#include <spinet/readers/onnx/values.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <numeric>
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
    [[nodiscard]] ::onnx::NodeProto& mutable_node() const noexcept { return *node_; }
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
        auto const* const found = std::get_if<constant>(&input(k));
        if (found == nullptr) fail("takes as input ", k, " no constant of real numbers");
        if (found->is_quantised)
            fail("takes as input ", k, " the integers ", in_quotes(found->name), " without their scale");
        return *found;
    }
    [[nodiscard]] std::optional<constant> maybe_weights(std::size_t k) const {
        if (maybe(k) == nullptr) return std::nullopt;
        return weights(k);
    }
    /// Quantised integers, or others.
    [[nodiscard]] constant quantised(std::size_t k) const {
        if (auto const* found = std::get_if<constant>(&input(k)); found != nullptr) return *found;
        auto const* const found = std::get_if<whole>(&input(k));
        if (found == nullptr) fail("takes as input ", k, " no constant of integers");
        std::vector<double> const numbers(found->values.begin(), found->values.end());
        return constant_of(numbers, found->sizes, node_->input(static_cast<int>(k)));
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
          checks(of_checks * size + (std::uint64_t{64} << 20U), too_much),
          most_coefficients_(static_cast<std::size_t>(size / 8) + (std::size_t{1} << 20U)) {}

    std::map<std::string, graph_value, std::less<>> values;
    std::deque<stage> stages;  // whose elements stay where they are
    std::vector<std::string> notes;
    memory_allowance budget;
    std::size_t batch = 1;  ///< what the file has for the size of its axis, where it is none

    /// Forgets what was computed, but not what was stored, for another attempt.
    void restart(std::vector<std::string> const& known_notes) {
        for (auto each = values.begin(); each != values.end();)
            each = stored_.count(each->first) != 0 ? std::next(each) : values.erase(each);
        stages.clear();
        notes = known_notes;
        batch = 1;
    }

    /// The tensor; what is read beside the model may be copied as often as what stands in it.
    [[nodiscard]] graph_value load(::onnx::TensorProto& from, std::string const& name) {
        auto const before = loader.beside();
        auto result = loader.load(from, name);
        budget.grant(of_budget * (loader.beside() - before));
        checks.grant(of_checks * (loader.beside() - before));
        return result;
    }

    /// An initialiser.
    graph_value const& keep(::onnx::TensorProto& from, std::string const& name) {
        stored_.insert(name);
        return values.emplace(name, load(from, name)).first->second;
    }

    /// How often inputs got another shape or order of axes.
    [[nodiscard]] std::size_t relabelled() const noexcept { return relabelled_; }

    /// Accounts for n numbers that are looked at once.
    void take_coefficients(std::size_t n, call const& by) {
        if (n > most_coefficients_) by.fail("would take too much memory for the size of the file");
        checks.take(n * sizeof(double));
    }

    /// The numbers of a constant, which is combined with the values of a view, for the values of its stage in
    /// their order.
    [[nodiscard]] coefficients coefficients_of(computed const& view, constant const& of, call const& by) {
        if (auto const number = only_number(of)) return {{*number}};
        auto const& shape = stages[view.from].shape;
        auto const repeated = broadcast(of.at, view.at.sizes);
        std::size_t const n = count_of(view.from);
        if (!repeated || view.at.count() != n)
            by.fail("combines values of shape ", tuple_text(view.at.sizes), " with a constant of shape ",
                    tuple_text(of.at.sizes));
        take_coefficients(n, by);
        std::vector<double> all(n);
        for_each_pair(view.at, *repeated,
                      [&](std::size_t to, std::size_t from) { all[to] = number_at(of, from); });
        auto few = reduced(std::move(all), shape);
        budget.take(few.values.size() * sizeof(double));
        return few;
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
        auto const from = view.from;
        if (is_whole(view)) {
            if (stages[from].shape == wanted || relabel_input(view, wanted)) return from;
            if (wanted.size() == 1) return ready(flatten{}, {from}, by, view.mover);
            return std::nullopt;
        }
        if (wanted.size() > 1 && relabel_input(view, wanted)) return from;
        if (auto const some = selected_outputs(view, wanted)) return some;
        auto const row = selected_row(view);
        if (!row || wanted != value_shape{stages[from].shape[1]}) return std::nullopt;
        std::optional<std::size_t> index;
        if (*row + 1 != stages[from].shape[0]) index = *row;
        return ready(select_step{index}, {from}, by, view.mover);
    }

    /// Some of the outputs of a dense layer, as a layer of these alone.
    std::optional<std::size_t> selected_outputs(computed const& view, value_shape const& wanted) {
        auto const* layer = as<projection>(stages[view.from]);
        if (layer == nullptr || view.at.inner || wanted.size() != 1 || stages[view.from].shape.size() != 1)
            return std::nullopt;
        std::size_t stride = 1, axes = 0;
        for (std::size_t axis = 0; axis < view.at.rank(); ++axis)
            if (view.at.sizes[axis] != 1) stride = view.at.strides[axis], ++axes;
        if (axes > 1) return std::nullopt;
        auto const taken = [&](constant of) {
            of.at.offset += view.at.offset * of.at.strides[0];
            of.at.sizes[0] = wanted[0];
            of.at.strides[0] *= stride;
            return of;
        };
        projection op{taken(layer->weight), std::nullopt};
        if (layer->bias) op.bias = taken(*layer->bias);
        auto const inputs = stages[view.from].inputs;
        push({std::move(op), inputs, wanted, stages[view.from].node});
        return stages.size() - 1;
    }

    /// The view as features, (n), or as a sequence of features, (steps, n), n being its last axis.
    std::size_t settled_features(computed const& view, call const& by) {
        auto const& shape = stages[view.from].shape;
        std::size_t const last = view.at.rank() == 0 ? 1 : view.at.sizes.back();
        if (last != 0 && is_whole(view) && shape.size() <= 2 && shape.back() == last) {
            // One row that is said to be features is no sequence of one step, if the input may still choose.
            if (shape.size() == 2 && view.at.rank() <= 2 && view.at.count() == last)
                static_cast<void>(relabel_input(view, {last}));
            return view.from;
        }
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

    /// An input that nothing but functions of each value has used so far may as well have the shape, and the
    /// order of axes, that it is given first; where windows along one axis used it, these read steps then.
    bool relabel_input(computed const& view, value_shape const& wanted) {
        std::vector<std::size_t> chain{view.from};
        bool turns = false;
        for (auto at = view.from; as<spinet::input>(stages[at]) == nullptr; chain.push_back(at)) {
            auto const* const function = as<activation>(stages[at]);
            bool const by_value = function != nullptr && function->kind != activation_kind::softmax &&
                                  function->kind != activation_kind::log_softmax;
            bool const may_turn = is_turnable(stages[at]);
            turns = turns || may_turn;
            if (!by_value && !may_turn && as<affine>(stages[at]) == nullptr &&
                as<padded>(stages[at]) == nullptr)
                return false;
            at = stages[at].inputs.front();
        }
        std::vector<bool> is_in(stages.size(), false);
        for (auto const at : chain) is_in[at] = true;
        for (std::size_t k = 0; k < stages.size(); ++k)
            for (auto const from : stages[k].inputs)
                if (is_in[from] && !is_in[k]) return false;
        auto const order = is_whole(view) ? std::vector<std::size_t>() : order_of_axes(view.at, wanted);
        bool const pads = std::any_of(chain.begin(), chain.end(),
                                      [&](std::size_t at) { return as<padded>(stages[at]) != nullptr; });
        bool const thin = std::any_of(chain.begin(), chain.end(), [&](std::size_t at) {
            return squeezed(stages[at].shape).size() != wanted.size();
        });
        if ((order.empty() && (pads || !is_whole(view))) || (pads && thin)) return false;
        if (turns && (thin || order != std::vector<std::size_t>{1, 0})) return false;
        auto const& before = stages[chain.back()];
        auto const old_shape = before.shape;
        for (auto const at : chain) {
            if (order.empty())
                stages[at].shape = wanted;
            else
                reorder_axes(at, order);
        }
        auto& start = stages[chain.back()];
        auto const size = as<spinet::input>(start)->size;
        ++relabelled_;
        start.op = operation(spinet::input{size, start.shape.size() == 1 ? value_shape{} : start.shape});
        notes.push_back("the input of shape " + tuple_text(old_shape) + " is used, and listed, as " +
                        tuple_text(start.shape) + (order.empty() ? "" : ", with its axes in another order"));
        return true;
    }

private:
    /// An operation along one axis, which may as well read the steps of a sequence as channels.
    [[nodiscard]] static bool is_turnable(stage const& of) {
        if (of.shape.size() != 2) return false;
        auto const* windows = as<convolution>(of);
        return (windows != nullptr && windows->groups == 1) || as<pooling>(of) != nullptr ||
               as<batch_normalisation>(of) != nullptr;
    }
    template <class Op>
    static void turn(stage& own) {
        if (auto const* const found = as<Op>(own)) {
            auto op = *found;
            op.of_steps = !op.of_steps;
            own.op = operation(std::move(op));
        }
    }

    /// Which axis of the stage each of a view is, the batch left out; empty where it is no transposition.
    [[nodiscard]] std::vector<std::size_t> order_of_axes(layout const& view,
                                                         value_shape const& wanted) const {
        auto const count = view.count();
        if (view.inner || view.offset != 0 || view.rank() != wanted.size() + 1) return {};
        std::size_t alone = 0;
        while (alone + 1 < view.rank() &&
               (view.sizes[alone] != 1 || without_axis(view, alone).sizes != wanted))
            ++alone;
        auto const own = without_axis(view, alone);
        if (own.sizes != wanted) return {};
        // Larger strides are outer axes; those of size 1 may be anywhere.
        std::vector<std::size_t> by_stride(wanted.size()), order(wanted.size());
        std::iota(by_stride.begin(), by_stride.end(), std::size_t{0});
        std::stable_sort(by_stride.begin(), by_stride.end(), [&](std::size_t a, std::size_t b) {
            return own.strides[a] * (wanted[a] == 1 ? 0 : 1) > own.strides[b] * (wanted[b] == 1 ? 0 : 1);
        });
        layout straight{{}, {}, 0};
        for (std::size_t k = 0; k < by_stride.size(); ++k) {
            order[by_stride[k]] = k;
            straight.sizes.push_back(own.sizes[by_stride[k]]);
            straight.strides.push_back(own.strides[by_stride[k]]);
        }
        return whole_of(straight, count) ? order : std::vector<std::size_t>();
    }

    /// Puts the axes of a stage into another order: axis k becomes axis order[k] of what it was without axes
    /// of size 1. Views of it stay views of the same values.
    void reorder_axes(std::size_t at, std::vector<std::size_t> const& order) {
        auto& own = stages[at];
        // Axes of size 1 are no axes to speak of: those of the stage are put where the order has them.
        auto sizes = squeezed(own.shape);
        std::vector<std::size_t> old_shape(order.size(), 1), position(order.size());
        for (std::size_t k = 0; k < order.size(); ++k) position[order[k]] = k;
        std::copy(sizes.begin(),
                  sizes.begin() + static_cast<std::ptrdiff_t>(std::min(sizes.size(), order.size())),
                  old_shape.begin());
        value_shape shape(order.size());
        for (std::size_t k = 0; k < order.size(); ++k) shape[k] = old_shape[order[k]];
        auto const strides = row_major(shape).strides;
        layout moved{old_shape, {}, 0};
        for (std::size_t k = 0; k < order.size(); ++k) moved.strides.push_back(strides[position[k]]);
        if (auto* const sums = std::get_if<affine>(&own.op)) {
            for (auto* const each : {&sums->scale, &sums->shift}) {
                if (each->values.size() <= 1) continue;
                auto const old = spread(*each, moved.count(), 0);
                std::vector<double> all(old.size());
                std::size_t k = 0;
                for_each_element(moved, [&](std::size_t to) { all[to] = old[k++]; });
                *each = reduced(std::move(all), shape);
            }
            sums->added.reset();
        }
        if (auto* const zeros = std::get_if<padded>(&own.op))
            for (auto* const each : {&zeros->before, &zeros->after}) {
                auto const old = *each;
                for (std::size_t k = 0; k < order.size(); ++k) (*each)[k] = old[order[k]];
            }
        if (is_turnable(own)) {
            turn<convolution>(own);
            turn<pooling>(own);
            turn<batch_normalisation>(own);
        }
        own.shape = shape;
        for (auto& [name, value] : values)
            if (auto* const view = std::get_if<computed>(&value); view != nullptr && view->from == at)
                view->at = composed(view->at, moved);
    }

    /// The view of what lies elsewhere now.
    [[nodiscard]] static layout composed(layout of, layout const& moved) {
        if (of.inner) {
            of.inner = std::make_shared<layout const>(composed(*of.inner, moved));
            return of;
        }
        auto plain = of;
        if (whole_of(plain, moved.count()))
            if (auto result = regrouped(moved, of.sizes)) return *std::move(result);
        of.inner = std::make_shared<layout const>(moved);
        return of;
    }

    // Times the size of the files: memory, and bytes of tensors looked at once for each use.
    static constexpr std::uint64_t of_budget = 4, of_checks = 16;
    static constexpr char const* too_much =
        "would take too much memory for its size: tensors are copied or repeated too often";
    tensor_loader loader;
    memory_allowance checks;
    std::size_t most_coefficients_, relabelled_ = 0;
    std::set<std::string, std::less<>> stored_;
};

}  // namespace spinet::detail::onnx_reading
