// SPDX-License-Identifier: BSD-3-Clause
/// What a network is: nodes, each an operation with named inputs, over tensor handles.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/operation.hpp>
#include <spinet/network/tensor.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet {

struct node {
    std::string name;
    operation op;
    std::vector<std::string> inputs = {};  ///< names of the nodes whose results it takes
};

/// A graph of operations without cycles. Nodes are listed in an order in which they can be evaluated.
class network {
public:
    network() = default;
    explicit network(std::string source) : source_(std::move(source)) {}

    /// Adds a node. Throws `error` where its name is empty or taken, one of its inputs has not been added
    /// yet, their number does not fit the operation, or a tensor has the wrong rank or size or is not finite.
    /// The network is then unchanged.
    network& add(node added) {
        if (added.name.empty()) throw error("a node of a network needs a name");
        if (find(added.name) != nullptr)
            throw error("the network already has a node ", detail::in_quotes(added.name));
        auto const where = "node " + detail::in_quotes(added.name);
        for (auto const& from : added.inputs)
            if (find(from) == nullptr)
                throw error(where, " takes ", detail::in_quotes(from),
                            ", which the network does not have (yet)");
        if (added.inputs.size() != added.op.arity())
            throw error(where, " (", added.op.label(), ") has ", added.inputs.size(), " inputs instead of ",
                        added.op.arity());
        added.op.check(where);
        nodes_.push_back(std::move(added));
        try {
            positions_.emplace(nodes_.back().name, nodes_.size() - 1);
        } catch (...) {
            nodes_.pop_back();
            throw;
        }
        return *this;
    }

    /// Records what a reader left out or inferred.
    void add_note(std::string note) { notes_.push_back(std::move(note)); }

    [[nodiscard]] std::vector<node> const& nodes() const noexcept { return nodes_; }
    /// The node of that name, or nullptr. Valid until the next `add`.
    [[nodiscard]] node const* find(std::string_view name) const noexcept {
        auto const at = positions_.find(name);
        return at == positions_.end() ? nullptr : &nodes_[at->second];
    }
    /// Where that node is among nodes(). Throws `error` where there is none.
    [[nodiscard]] std::size_t position(std::string_view name) const {
        auto const* const found = find(name);
        if (found == nullptr) throw error("the network has no node ", detail::in_quotes(name));
        return static_cast<std::size_t>(found - nodes_.data());
    }
    /// The file the network was read from; empty where there is none.
    [[nodiscard]] std::string const& source() const noexcept { return source_; }
    void set_source(std::string source) { source_ = std::move(source); }
    /// What the reader ignored or inferred, in sentences.
    [[nodiscard]] std::vector<std::string> const& notes() const noexcept { return notes_; }

private:
    std::string source_;
    std::vector<node> nodes_;
    std::map<std::string, std::size_t, std::less<>> positions_;
    std::vector<std::string> notes_;
};

/// One layer of a chain: y = activation(W x + b), W of shape (out, in), b of shape (out).
struct dense_layer {
    std::string name;
    tensor weight;
    std::optional<tensor> bias = std::nullopt;
    activation_kind activation = activation_kind::unspecified;

    [[nodiscard]] std::size_t inputs() const { return weight.shape().at(1); }
    [[nodiscard]] std::size_t outputs() const { return weight.shape().at(0); }
};

namespace detail {

/// For each node the positions of the nodes which take its result, in order.
[[nodiscard]] inline std::vector<std::vector<std::size_t>> consumers(network const& net) {
    std::vector<std::vector<std::size_t>> result(net.nodes().size());
    for (std::size_t taker = 0; taker < result.size(); ++taker)
        for (auto const& from : net.nodes()[taker].inputs) result[net.position(from)].push_back(taker);
    return result;
}

/// The positions of the nodes, as one line from the only node without inputs to the only one without a taker.
/// Throws `error` where there is no such line.
[[nodiscard]] inline std::vector<std::size_t> line_of(network const& net) {
    auto const& nodes = net.nodes();
    std::vector<std::size_t> line;
    for (std::size_t start = 0; start < nodes.size(); ++start) {
        if (!nodes[start].inputs.empty()) continue;
        if (!line.empty())
            throw error("the network is not a chain: it starts both at node ",
                        in_quotes(nodes[line.front()].name), " and at node ", in_quotes(nodes[start].name));
        line.push_back(start);
    }
    auto const takers = consumers(net);
    while (!line.empty()) {
        auto const& last = nodes[line.back()];
        if (last.inputs.size() > 1)
            throw error("the network is not a chain: node ", in_quotes(last.name), " joins ",
                        last.inputs.size(), " inputs");
        auto const& next = takers[line.back()];
        if (next.empty()) break;
        if (next.size() > 1)
            throw error("the network is not a chain: node ", in_quotes(last.name), " branches into ",
                        in_quotes(nodes[next[0]].name), " and ", in_quotes(nodes[next[1]].name));
        line.push_back(next.front());
    }
    return line;
}

/// Throws where `next` does not take what the chain so far (or, at its start, the input) gives.
inline void check_fit(std::vector<dense_layer> const& chain, std::optional<std::size_t> input_size,
                      dense_layer const& next) {
    auto const takes = detail::text(", but ", next.weight.described(), " of layer ", in_quotes(next.name),
                                    " takes ", next.inputs());
    if (!chain.empty() && chain.back().outputs() != next.inputs())
        throw error("shapes do not chain: ", chain.back().weight.described(), " of layer ",
                    in_quotes(chain.back().name), " gives ", chain.back().outputs(), takes);
    if (chain.empty() && input_size && *input_size != next.inputs())
        throw error("shapes do not chain: the input gives ", *input_size, takes);
}

/// Joins an activation to the last layer of the chain; two in a row are one only if the first is the
/// identity.
inline void join_activation(std::vector<dense_layer>& chain, node const& at, activation_kind kind) {
    if (kind == activation_kind::identity) return;
    if (chain.empty())
        throw error("node ", in_quotes(at.name), " applies the activation ", to_string(kind),
                    " before the first dense layer");
    if (chain.back().activation != activation_kind::identity)
        throw error("node ", in_quotes(at.name), " applies the activation ", to_string(kind), " after ",
                    to_string(chain.back().activation), ", without a layer between");
    chain.back().activation = kind;
}

/// A name for a node which is no layer: layers keep theirs, because users look them up by name.
[[nodiscard]] inline std::string spare_name(std::vector<dense_layer> const& layers, std::string name) {
    for (auto layer = layers.begin(); layer != layers.end();) {
        bool const taken = layer->name == name;
        if (taken) name += "'";
        layer = taken ? layers.begin() : layer + 1;
    }
    return name;
}

}  // namespace detail

/// The network as a chain of at least one dense layer, input to output. A layer which no activation follows
/// has `identity`. Throws `error` where the network is no such chain, naming the node, tensors and shapes
/// that break it.
[[nodiscard]] inline std::vector<dense_layer> dense_chain(network const& net) {
    std::vector<dense_layer> chain;
    std::optional<std::size_t> input_size;
    for (auto const position : detail::line_of(net)) {
        auto const& at = net.nodes()[position];
        if (auto const* start = at.op.get_if<input>()) {
            input_size = start->size;
        } else if (auto const* layer = at.op.get_if<dense>()) {
            dense_layer next{at.name, layer->weight, layer->bias, activation_kind::identity};
            detail::check_fit(chain, input_size, next);
            chain.push_back(std::move(next));
        } else if (auto const* function = at.op.get_if<activation>()) {
            detail::join_activation(chain, at, function->kind);
        } else {
            throw error("node ", detail::in_quotes(at.name), " is of kind ", at.op.label(),
                        ", not a dense layer");
        }
    }
    if (chain.empty()) throw error("the network has no dense layer (it has ", net.nodes().size(), " nodes)");
    return chain;
}

/// The network of a chain of layers, the inverse of `dense_chain`. Throws `error` where `layers` is empty,
/// shapes do not chain, a bias has another length than its layer, or a value is not finite.
[[nodiscard]] inline network dense_network(std::vector<dense_layer> const& layers, std::string source = {}) {
    if (layers.empty()) throw error("a chain of dense layers needs at least one layer");
    auto const& first = layers.front();
    detail::check_shapes({first.weight, first.bias}, "node " + detail::in_quotes(first.name));
    network result(std::move(source));
    std::string last = detail::spare_name(layers, "input");
    result.add({last, input{first.inputs()}, {}});
    for (auto const& layer : layers) {
        result.add({layer.name, dense{layer.weight, layer.bias}, {last}});
        last = layer.name;
        if (layer.activation == activation_kind::identity) continue;
        auto name = detail::spare_name(layers, layer.name + " activation");
        result.add({name, activation{layer.activation}, {last}});
        last = std::move(name);
    }
    [[maybe_unused]] auto const checked = dense_chain(result);
    return result;
}

}  // namespace spinet
