// SPDX-License-Identifier: BSD-3-Clause
/// Keras's layers as an architecture: one description of nodes for all formats.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/operation.hpp>
#include <spinet/network/shapes.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/architecture.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/keras/arrays.hpp>
#include <spinet/readers/keras/config.hpp>
#include <spinet/readers/keras/tensors.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet::detail {

/// What a layer gives: its shape as Keras has it, without the batch, and the node of the network.
struct keras_value {
    /// How the node has it: still to be decided, of an input; in a row; (steps, features); channels first.
    enum class form { open, flat, steps, maps };
    form is = form::open;
    std::string node = {};
    std::size_t input = 0;   ///< which, where open
    value_shape shape = {};  ///< 0: a length that the model leaves open; empty: it gives no shape
    bool channels_first = false;
    std::vector<std::size_t> before = {}, after = {};  ///< zeros around maps, not yet in the node
};

/// One translation of one model.
class keras_translation {
public:
    keras_translation(std::vector<keras_layer_config> const& model, keras_index const& arrays,
                      std::vector<std::string> const& ignored, value_shape const& input_shape)
        : model_(&model), arrays_(&arrays), ignored_(&ignored), input_shape_(&input_shape) {
        for (std::size_t k = 0; k < model.size(); ++k) {
            names_.insert(model[k].name);
            for (auto const& each : model[k].inputs) readers_[each.layer].push_back(k);
        }
    }

    /// Throws `error`, naming a layer and its class, where it has no place in a network.
    [[nodiscard]] network run() {
        for (auto const& layer : *model_) take(layer);
        for (auto const& layer : *model_)
            if (!is_ignored(layer)) check_used(layer);
        if (!any_weights_) throw error("the model has no layer with weights");
        auto made = tensors_.assembled(nodes_);
        if (!channels_last_.empty()) made = channels_last_columns(made, channels_last_).run();
        for (auto& note : notes_) made.add_note(std::move(note));
        return made;
    }

    [[nodiscard]] bool used(keras_array const& one) const { return tensors_.used(one); }

private:
    using form = keras_value::form;
    using layer_config = keras_layer_config;
    using taking = void (keras_translation::*)(layer_config const&);

    struct layer_kind {
        std::string_view classes;  ///< each between blanks
        taking take;
        form reads = form::open;  ///< what it makes of an input
    };

    [[nodiscard]] static layer_kind const* kind_of(std::string_view class_name) {
        using self = keras_translation;
        static constexpr layer_kind all[] = {
            {" InputLayer ", &self::take_input},
            {" Dense ", &self::take_dense},
            {" Conv1D Conv2D ", &self::take_convolution, form::maps},
            {" DepthwiseConv1D DepthwiseConv2D ", &self::take_depthwise, form::maps},
            {" SeparableConv1D SeparableConv2D ", &self::take_separable, form::maps},
            {" MaxPooling1D MaxPooling2D AveragePooling1D AveragePooling2D ", &self::take_pooling,
             form::maps},
            {" GlobalMaxPooling1D GlobalMaxPooling2D GlobalAveragePooling1D GlobalAveragePooling2D ",
             &self::take_global_pooling, form::maps},
            {" ZeroPadding1D ZeroPadding2D ", &self::take_zeros, form::maps},
            {" BatchNormalization ", &self::take_batch_normalisation},
            {" LayerNormalization ", &self::take_layer_normalisation, form::steps},
            {" Normalization ", &self::take_normalisation},
            {" Rescaling ", &self::take_rescaling},
            {" Activation ReLU Softmax LeakyReLU PReLU ELU ThresholdedReLU ", &self::take_activation},
            {" Add ", &self::take_addition},
            {" Concatenate ", &self::take_concatenation},
            {" Flatten ", &self::take_flatten, form::flat},
            {" Reshape ", &self::take_reshape, form::flat},
            {" Embedding ", &self::take_embedding, form::steps},
            {" LSTM GRU SimpleRNN ", &self::take_recurrent, form::steps},
            {" Bidirectional ", &self::take_bidirectional, form::steps},
            {" TimeDistributed ", &self::take_distributed, form::steps},
            {" Dropout AlphaDropout GaussianDropout GaussianNoise SpatialDropout1D SpatialDropout2D "
             "ActivityRegularization Identity Masking RandomFlip RandomRotation RandomZoom RandomContrast "
             "RandomBrightness RandomTranslation ",
             &self::take_nothing}};
        auto const wanted = " " + std::string(class_name) + " ";
        if (class_name.find(' ') != class_name.npos) return nullptr;
        for (auto const& each : all)
            if (each.classes.find(wanted) != std::string_view::npos) return &each;
        return nullptr;
    }

    void take(layer_config const& layer) {
        if (is_ignored(layer)) {
            note(layer, "as asked");
            for (auto const* each : arrays_->of(layer).all()) tensors_.use(*each);
            values_[layer.name] = value_of(layer);
            return;
        }
        auto const* const known = kind_of(layer.class_name);
        if (known == nullptr)
            layer.refuse("is not read", of_weights(layer),
                         ": spinet has no operation for it; if the network is meant without it, name it in "
                         "the option 'ignored', or the dense layers in 'layers'");
        (this->*known->take)(layer);
    }

    [[nodiscard]] bool is_ignored(layer_config const& layer) const {
        return std::find(ignored_->begin(), ignored_->end(), layer.name) != ignored_->end();
    }
    [[nodiscard]] std::string of_weights(layer_config const& layer) const {
        auto const arrays = arrays_->of(layer);
        return arrays.empty() ? "" : ", with the weights " + arrays.names();
    }
    void check_used(layer_config const& layer) const {
        for (auto const* each : arrays_->of(layer).all())
            if (!tensors_.used(*each))
                layer.refuse("has the weights ", arrays_->of(layer).names(), ", more than its options say");
    }
    void note(layer_config const& layer, std::string const& why) {
        notes_.push_back("left out " + layer.described() + ": " + why);
    }

    // ---- nodes

    node_spec& add(std::string name, char const* op, std::vector<std::string> inputs) {
        nodes_.nodes.push_back({std::move(name), op, std::move(inputs)});
        return nodes_.nodes.back();
    }
    /// A name for a node that is no layer.
    [[nodiscard]] std::string spare(std::string name) {
        while (!names_.insert(name).second) name += "'";
        return name;
    }

    // ---- values

    /// What a layer of one input reads.
    [[nodiscard]] keras_value value_of(layer_config const& layer, std::size_t k = 0) {
        if (layer.inputs.empty()) return first_input(layer);
        if (k == 0 && layer.inputs.size() != 1)
            layer.refuse("takes ", layer.inputs.size(), " inputs instead of one");
        return result_of(layer, layer.inputs[k]);
    }
    [[nodiscard]] keras_value result_of(layer_config const& layer, keras_tensor const& of) const {
        if (of.index != 0)
            layer.refuse("reads result ", of.index, " of layer ", in_quotes(of.layer),
                         ", whose other results, such as states, spinet does not have");
        return values_.at(of.layer);
    }

    struct model_input {
        std::string name;
        bool made = false;
        keras_value value = {};
    };

    [[nodiscard]] keras_value new_input(std::string name, std::optional<value_shape> shape) {
        keras_value made;
        made.input = inputs_.size();
        if (shape) made.shape = *std::move(shape);
        bool const open = made.shape.empty() || std::count(made.shape.begin(), made.shape.end(), 0u) > 0;
        if (open && !input_shape_->empty()) made.shape = *input_shape_;
        inputs_.push_back({std::move(name), false, {}});
        return made;
    }
    /// Of a Sequential model without an InputLayer.
    [[nodiscard]] keras_value first_input(layer_config const& layer) {
        auto shape = layer.batch_shape("batch_input_shape");
        if (!shape) shape = layer.batch_shape("batch_shape");
        return new_input(spare("input"), std::move(shape));
    }
    void take_input(layer_config const& layer) {
        auto shape = layer.batch_shape("batch_shape");
        if (!shape) shape = layer.batch_shape("batch_input_shape");
        values_[layer.name] = new_input(layer.name, std::move(shape));
    }

    /// Makes the node of an input, in the form that its first reader needs.
    void decide(layer_config const& layer, keras_value& of, form wanted) {
        if (of.is != form::open) return;
        auto& input = inputs_[of.input];
        if (!input.made) {
            bool const open = std::count(of.shape.begin(), of.shape.end(), 0u) > 0;
            if (of.shape.empty() || open)
                layer.refuse(
                    "reads the input ", in_quotes(input.name), ", of which the model leaves the ",
                    (open ? "lengths " + tuple_text(of.shape) + " open where they are 0" : "shape open"),
                    "; give the shape of one sample, without the batch and in Keras's order, in the "
                    "option 'input_shape'");
            auto& spec = add(input.name, "input", {});
            spec.shape = of.shape;
            if (wanted == form::flat) spec.shape = {size_of_value(layer, of)};
            if (wanted == form::maps && !of.channels_first)
                std::rotate(spec.shape.begin(), spec.shape.end() - 1, spec.shape.end());
            input = {input.name, true, of};
            input.value.is = wanted;
            input.value.node = input.name;
        }
        bool const same = input.value.is == wanted && input.value.shape == of.shape;
        if (!same && wanted != form::flat)
            layer.refuse("reads the input ", in_quotes(input.name), " otherwise than a layer before it did");
        auto shape = std::move(of.shape);
        of = input.value;
        of.shape = std::move(shape);
    }

    [[nodiscard]] static std::size_t size_of_value(layer_config const& layer, keras_value const& of) {
        auto const size = checked_product(of.shape);
        if (!size) layer.refuse("reads values of shape ", tuple_text(of.shape), ", which are too many");
        return *size;
    }
    static void refuse_zeros(layer_config const& layer, keras_value const& of) {
        if (!of.before.empty())
            layer.refuse("reads the zeros that a ZeroPadding layer adds; only a convolution or pooling can");
    }

    /// The node that has the value in a row.
    void make_flat(layer_config const& layer, keras_value& of, std::string const& name = {}) {
        refuse_zeros(layer, of);
        std::size_t const size = size_of_value(layer, of);
        decide(layer, of, form::flat);
        of.shape = of.is == form::flat ? value_shape{size} : of.shape;
        if (of.is == form::flat) return;
        auto& flat = flat_[of.node];
        if (flat.empty()) {
            flat = name.empty() ? spare(of.node + " flat") : name;
            add(flat, "flatten", {of.node});
            if (of.is == form::maps && !of.channels_first) channels_last_.insert(flat);
        }
        of.node = flat;
        of.is = form::flat;
        of.shape = {size};
    }
    void make_steps(layer_config const& layer, keras_value& of) {
        refuse_zeros(layer, of);
        decide(layer, of, form::steps);
        if (of.is != form::steps || of.shape.size() != 2)
            layer.refuse("reads values of shape ", tuple_text(of.shape), forms(of),
                         ", not the steps of a sequence, (steps, features)");
    }
    /// Channels at positions; along one axis also steps of a sequence, where they are that or are to be.
    void make_maps(layer_config const& layer, keras_value& of, std::size_t axes) {
        if (axes == 1 && of.is == form::open && !layer.channels_first() &&
            form_after(layer, 2) == form::steps)
            decide(layer, of, form::steps);
        if (axes == 1 && of.is == form::steps && of.shape.size() == 2 && !layer.channels_first()) return;
        if (of.is == form::open) of.channels_first = layer.channels_first();
        if (of.is == form::open && of.shape.size() != axes + 1 && !of.shape.empty())
            layer.refuse("reads values of shape ", tuple_text(of.shape), ", not of ", axes,
                         " axes and channels");
        decide(layer, of, form::maps);
        if (of.is != form::maps || of.shape.size() != axes + 1)
            layer.refuse("reads values of shape ", tuple_text(of.shape), forms(of), ", not channels along ",
                         axes, " axes");
        if (of.channels_first != layer.channels_first() && size_of_value(layer, of) != channels_of(of))
            layer.refuse("has another data_format than the layer before it");
    }
    [[nodiscard]] static char const* forms(keras_value const& of) {
        return of.is == form::steps  ? ", steps of a sequence"
               : of.is == form::maps ? ", channels at positions"
                                     : "";
    }

    [[nodiscard]] static std::size_t channels_of(keras_value const& maps) {
        return maps.channels_first ? maps.shape.front() : maps.shape.back();
    }
    /// Positions along an axis, with the zeros around.
    [[nodiscard]] static std::size_t length_of(keras_value const& maps, std::size_t axis) {
        std::size_t const zeros = maps.before.empty() ? 0 : maps.before[axis] + maps.after[axis];
        return maps.shape[axis + (maps.channels_first ? 1 : 0)] + zeros;
    }

    /// What the first layer that needs the input in some form, from this one on, makes of it.
    [[nodiscard]] form form_after(layer_config const& layer, std::size_t rank) const {
        auto otherwise = kind_of(layer.class_name)->reads;
        auto const either_form = [](form a, form b) { return a == form::open ? b : a; };
        std::set<std::string_view> seen;
        std::vector<std::string_view> open{layer.name};
        while (!open.empty()) {
            auto const at = readers_.find(open.back());
            open.pop_back();
            if (at == readers_.end()) continue;
            for (auto const k : at->second) {
                auto const& next = (*model_)[k];
                auto const* const known = kind_of(next.class_name);
                auto const reads = known == nullptr ? form::open : known->reads;
                // Windows along one axis may move over steps; what comes after them decides.
                bool const either = reads == form::maps && next.class_name.ends_with("1D");
                otherwise = either ? form::maps : otherwise;
                if (reads == form::flat) return either_form(otherwise, reads);
                if (reads != form::open && !either) return reads;
                if (seen.size() < 1000 && seen.insert(next.name).second) open.push_back(next.name);
            }
        }
        return either_form(otherwise, rank == 3 ? form::maps : rank == 2 ? form::steps : form::flat);
    }
    /// For a layer that works on each value by itself, or on the features along an axis.
    void make_any(layer_config const& layer, keras_value& of, bool along_features = false) {
        refuse_zeros(layer, of);
        if (of.is != form::open) return;
        auto wanted = form_after(layer, of.shape.size());
        if (along_features && wanted == form::flat && of.shape.size() > 1)
            wanted = of.shape.size() == 2 ? form::steps : form::maps;
        if (wanted == form::flat) return make_flat(layer, of);
        decide(layer, of, of.shape.size() == 1 ? form::flat : wanted);
    }

    /// The result of a layer, to which it applies its function.
    void finish(layer_config const& layer, keras_value made) {
        if (layer.find("activation") != nullptr) {
            auto const name = spare(layer.name + " activation");
            if (!apply(layer, keras_activation(layer, "activation", "linear"), made, name))
                names_.erase(name);
        }
        values_[layer.name] = std::move(made);
    }

    /// False where the function is the identity.
    bool apply(layer_config const& layer, keras_function const& function, keras_value& to,
               std::string const& name) {
        if (function.kind == activation_kind::identity) return false;
        if (function.kind == activation_kind::unspecified)
            notes_.push_back(layer.described() + " applies " + in_quotes(function.name) +
                             ", a function that spinet does not know: its activation is unspecified");
        add(name, "activation", {to.node}).kind = to_string(function.kind);
        to.node = name;
        return true;
    }

    // ---- layers

    void take_nothing(layer_config const& layer) {
        note(layer, "it changes nothing when the network is used");
        values_[layer.name] = value_of(layer);
    }

    [[nodiscard]] keras_arrays weights_of(layer_config const& layer) {
        any_weights_ = true;
        return arrays_->of(layer);
    }

    void take_dense(layer_config const& layer) {
        auto of = value_of(layer);
        tensors_.put_dense(layer.described(), weights_of(layer), layer.name);
        std::size_t const in = tensors_.find(layer.name + ".weight")->shape()[1],
                          out = tensors_.find(layer.name + ".weight")->shape()[0];
        if (of.is == form::open && (of.shape.empty() || of.shape == value_shape{0})) of.shape = {in};
        if (of.shape.back() != in || (of.is == form::maps && of.channels_first && of.shape.size() > 1))
            layer.refuse("has a kernel for ", in, " values, but reads values of shape ",
                         tuple_text(of.shape));
        if (of.shape.size() == 1) {
            make_flat(layer, of);
            add(layer.name, "dense", {of.node});
        } else if (of.is == form::maps || of.shape.size() > 2) {  // at each position the same
            make_maps(layer, of, of.shape.size() - 1);
            refuse_zeros(layer, of);
            auto shape = value_shape{out, in};
            shape.resize(of.shape.size() + 1, 1);
            tensors_.put(layer.name + ".weight", tensors_.find(layer.name + ".weight")->reshaped(shape));
            add(layer.name, "convolution", {of.node});
        } else {
            make_steps(layer, of);
            add(layer.name, "dense", {of.node});
        }
        of.node = layer.name;
        of.shape.back() = out;
        finish(layer, std::move(of));
    }

    /// Windows over maps: what padding comes to, and the shape of the result.
    struct windows {
        std::vector<std::size_t> stride, dilation, before, after;
        value_shape shape;
    };
    [[nodiscard]] windows windows_of(layer_config const& layer, keras_value const& of,
                                     std::vector<std::size_t> const& window, std::vector<std::size_t> stride,
                                     std::size_t channels) const {
        std::size_t const axes = window.size();
        windows made{std::move(stride), layer.sizes("dilation_rate", axes, 1), {}, {}, {}};
        if (made.stride.empty()) made.stride.assign(axes, 1);
        if (made.dilation.empty()) made.dilation.assign(axes, 1);
        auto const rule = layer.text("padding", "valid");
        if (rule != "valid" && rule != "same" && rule != "causal")
            layer.refuse("has the padding ", in_quotes(rule), ", which is none of valid, same and causal");
        std::vector<std::size_t> lengths;
        for (std::size_t a = 0; a < axes; ++a) {
            std::size_t const length = length_of(of, a), span = (window[a] - 1) * made.dilation[a] + 1;
            std::size_t before = 0, after = 0;
            if (rule == "causal") before = span - 1;
            if (rule == "same") {
                std::size_t const covered =
                    ((length + made.stride[a] - 1) / made.stride[a] - 1) * made.stride[a] + span;
                std::size_t const all = covered > length ? covered - length : 0;
                before = all / 2, after = all - before;
            }
            if (length + before + after < span)
                layer.refuse("has a window of ", span, " positions, but reads values of shape ",
                             tuple_text(of.shape));
            lengths.push_back((length + before + after - span) / made.stride[a] + 1);
            made.before.push_back(before + (of.before.empty() ? 0 : of.before[a]));
            made.after.push_back(after + (of.after.empty() ? 0 : of.after[a]));
        }
        made.shape = lengths;
        made.shape.insert(of.channels_first ? made.shape.begin() : made.shape.end(), channels);
        return made;
    }

    /// A convolution whose weights are put; false where its kernel does not fit.
    void add_windows(layer_config const& layer, keras_value& of, std::string const& name,
                     std::size_t groups) {
        auto const& shape = tensors_.find(name + ".weight")->shape();
        make_maps(layer, of, shape.size() - 2);
        if (shape[1] * groups != channels_of(of))
            layer.refuse("has a kernel for ", shape[1] * groups, " channels, but reads values of shape ",
                         tuple_text(of.shape));
        std::vector<std::size_t> const window(shape.begin() + 2, shape.end());
        auto made = windows_of(layer, of, window, layer.sizes("strides", window.size(), 1), shape[0]);
        auto& spec = add(name, "convolution", {of.node});
        mark_steps(spec, of);
        if (of.is == form::steps && groups != 1)
            layer.refuse("has groups of the features of steps, for which spinet has no operation");
        spec.stride = std::move(made.stride), spec.dilation = std::move(made.dilation);
        spec.padding = std::move(made.before), spec.padding_after = std::move(made.after);
        spec.groups = groups;
        of.node = name;
        of.shape = std::move(made.shape);
        of.before.clear(), of.after.clear();
    }
    static void mark_steps(node_spec& spec, keras_value const& of) {
        if (of.is == form::steps) spec.of_steps = true;
    }
    /// The axes of positions that a class says at its end: 1 of "Conv1D".
    [[nodiscard]] static std::size_t axes_of(layer_config const& layer) {
        return layer.class_name.ends_with("1D") ? 1 : 2;
    }
    void check_axes(layer_config const& layer, std::string const& name) const {
        auto const& weight = *tensors_.find(name + ".weight");
        if (weight.rank() != axes_of(layer) + 2)
            layer.refuse("has a kernel of another rank, ", weight.described());
    }

    void take_convolution(layer_config const& layer) {
        auto of = value_of(layer);
        tensors_.put_convolution(layer.described(), weights_of(layer), keras_tensors::kernel_kind::whole,
                                 layer.name);
        check_axes(layer, layer.name);
        auto const groups = layer.sizes("groups", 1, 1);
        add_windows(layer, of, layer.name, groups.empty() ? 1 : groups[0]);
        finish(layer, std::move(of));
    }
    void take_depthwise(layer_config const& layer) {
        auto of = value_of(layer);
        tensors_.put_convolution(layer.described(), weights_of(layer), keras_tensors::kernel_kind::depthwise,
                                 layer.name);
        check_axes(layer, layer.name);
        make_maps(layer, of, tensors_.find(layer.name + ".weight")->rank() - 2);
        add_windows(layer, of, layer.name, channels_of(of));
        finish(layer, std::move(of));
    }
    /// A depthwise convolution and one of a single position.
    void take_separable(layer_config const& layer) {
        auto of = value_of(layer);
        auto const where = layer.described();
        auto const weights = weights_of(layer);
        auto const depthwise = spare(layer.name + " depthwise");
        tensors_.put_kernel(where, tensors_.take(where, weights, "depthwise_kernel", 0),
                            keras_tensors::kernel_kind::depthwise, depthwise);
        tensors_.put_kernel(where, tensors_.take(where, weights, "pointwise_kernel", 1),
                            keras_tensors::kernel_kind::whole, layer.name);
        tensors_.put(layer.name + ".bias", tensors_.maybe(where, weights, "bias", 2));
        check_axes(layer, depthwise);
        check_axes(layer, layer.name);
        make_maps(layer, of, tensors_.find(depthwise + ".weight")->rank() - 2);
        add_windows(layer, of, depthwise, channels_of(of));
        auto const& pointwise = tensors_.find(layer.name + ".weight")->shape();
        if (pointwise[1] != channels_of(of) ||
            pointwise[1] * pointwise[0] != tensors_.find(layer.name + ".weight")->size())
            layer.refuse("has a pointwise kernel that does not follow its depthwise one");
        mark_steps(add(layer.name, "convolution", {of.node}), of);
        of.node = layer.name;
        (of.channels_first ? of.shape.front() : of.shape.back()) = pointwise[0];
        finish(layer, std::move(of));
    }

    void take_pooling(layer_config const& layer) {
        auto of = value_of(layer);
        std::size_t const axes = axes_of(layer);
        make_maps(layer, of, axes);
        auto window = layer.sizes("pool_size", axes, 1);
        if (window.empty()) window.assign(axes, 2);
        auto stride = layer.sizes("strides", axes, 1);
        if (stride.empty()) stride = window;
        auto made = windows_of(layer, of, window, std::move(stride), channels_of(of));
        bool const average = layer.class_name.front() == 'A';
        auto& spec = add(layer.name, "pooling", {of.node});
        mark_steps(spec, of);
        spec.kind = average ? "average" : "maximum";
        spec.window = std::move(window), spec.stride = std::move(made.stride);
        spec.padding = std::move(made.before), spec.padding_after = std::move(made.after);
        if (average && of.before.empty()) spec.count_padding = false;  // 'same' leaves its padding out
        if (average && !of.before.empty() && layer.text("padding", "valid") != "valid")
            layer.refuse("averages over zeros that a ZeroPadding layer adds and others that it leaves out");
        of.node = layer.name;
        of.shape = std::move(made.shape);
        of.before.clear(), of.after.clear();
        finish(layer, std::move(of));
    }

    void take_global_pooling(layer_config const& layer) {
        auto of = value_of(layer);
        std::size_t const axes = axes_of(layer);
        bool const average = layer.class_name.find("Average") != std::string::npos;
        bool const keep = layer.flag("keepdims", false);
        make_maps(layer, of, axes);
        refuse_zeros(layer, of);
        if (of.is == form::steps && average && !keep) {
            add(layer.name, "mean_over_steps", {of.node});
            of = {form::flat, layer.name, 0, {of.shape[1]}};
            return finish(layer, std::move(of));
        }
        std::size_t const channels = channels_of(of);
        auto& spec = add(layer.name, "pooling", {of.node});
        mark_steps(spec, of);
        spec.kind = average ? "average" : "maximum";
        of.node = layer.name;
        of.shape = keep ? value_shape(axes + 1, 1) : value_shape{channels};
        (of.channels_first ? of.shape.front() : of.shape.back()) = channels;
        finish(layer, std::move(of));
    }

    /// padding: one number; (along y, along x); ((top, bottom), (left, right)).
    void take_zeros(layer_config const& layer) {
        auto of = value_of(layer);
        std::size_t const axes = axes_of(layer);
        make_maps(layer, of, axes);
        auto const* padding = layer.find("padding");
        if (of.before.empty()) of.before.assign(axes, 0), of.after.assign(axes, 0);
        for (std::size_t a = 0; a < axes; ++a) {
            auto const* own = padding;
            if (axes == 2 && own != nullptr && own->is_array() && own->size() == 2) own = &(*own)[a];
            for (std::size_t side = 0; side < 2; ++side) {
                auto const* number = own;
                if (number != nullptr && number->is_array() && number->size() == 2) number = &(*number)[side];
                bool const known = number != nullptr && number->is_number_unsigned();
                if (padding != nullptr && (!known || number->get<std::size_t>() > 1'000'000))
                    layer.refuse("has a padding that is no number, or larger than 10^6");
                (side == 0 ? of.before : of.after)[a] += padding == nullptr ? 1 : number->get<std::size_t>();
            }
        }
        // The zeros themselves belong to the layer that reads them; the shape is that without them.
        values_[layer.name] = std::move(of);
    }

    /// The axis of the features: the last, or the first of channels_first maps.
    void require_features(layer_config const& layer, keras_value const& of) const {
        std::size_t const rank = of.shape.size();
        std::size_t const features = of.is == form::maps && of.channels_first && rank > 1 ? 0 : rank - 1;
        if (rank == 0 || layer.axis(rank) != features)
            layer.refuse("normalises along another axis than that of the features");
    }
    void normalise(layer_config const& layer, keras_value of, double epsilon) {
        if (of.is != form::flat && of.shape.size() == 1) make_flat(layer, of);
        auto& spec = add(layer.name, "batch_normalisation", {of.node});
        mark_steps(spec, of);
        spec.epsilon = epsilon;
        of.node = layer.name;
        values_[layer.name] = std::move(of);
    }
    void take_batch_normalisation(layer_config const& layer) {
        auto of = value_of(layer);
        auto const weights = weights_of(layer);
        if (layer.flag("renorm", false)) layer.refuse("renormalises");
        tensors_.put_batch_normalisation(layer.described(), weights, layer.flag("scale", true),
                                         layer.flag("center", true), layer.name);
        if (of.is == form::open && (of.shape.empty() || of.shape == value_shape{0}))
            of.shape = {tensors_.find(layer.name + ".running_mean")->size()};
        if (of.is == form::open) of.channels_first = of.shape.size() == 3 && layer.axis(3) == 0;
        make_any(layer, of, true);
        require_features(layer, of);
        normalise(layer, std::move(of), layer.number("epsilon", 1e-3));
    }

    /// y = scale x + offset, as a normalisation.
    void add_affine(layer_config const& layer, keras_value of, std::vector<double> const& scale,
                    std::vector<double> const& shift) {
        if (of.shape.empty()) layer.refuse("reads an input of which the model leaves the shape open");
        std::size_t const n = channels_of(of);
        make_any(layer, of);
        std::size_t const size = of.is == form::flat ? of.shape[0] : n;
        constants_.take(4 * size * sizeof(double));
        if ((scale.size() != 1 && scale.size() != n) || (shift.size() != 1 && shift.size() != n))
            layer.refuse("has ", std::max(scale.size(), shift.size()), " numbers for values of shape ",
                         tuple_text(of.shape));
        auto const put = [&](char const* part, std::vector<double> const& values) {
            std::vector<double> all(size);
            for (std::size_t k = 0; k < size; ++k) all[k] = values[k % values.size()];
            tensors_.put(layer.name + part,
                         {layer.name + part, dtype::f64, {size}, bytes_of(std::span<double const>(all))});
        };
        put(".running_mean", {0}), put(".running_var", {1}), put(".weight", scale), put(".bias", shift);
        normalise(layer, std::move(of), 0);
    }
    [[nodiscard]] static std::vector<double> numbers_in(layer_config const& layer, char const* key,
                                                        double otherwise) {
        std::vector<double> found;
        std::vector<nlohmann::json const*> open{layer.find(key)};
        if (open[0] == nullptr) return {otherwise};
        while (!open.empty()) {
            auto const* const at = open.back();
            open.pop_back();
            if (at->is_array())
                for (auto each = at->rbegin(); each != at->rend(); ++each) open.push_back(&*each);
            else if (at->is_number())
                found.push_back(at->get<double>());
            else
                layer.refuse("has an option ", in_quotes(key), " that holds something else than numbers");
        }
        if (found.empty()) layer.refuse("has an option ", in_quotes(key), " without numbers");
        return found;
    }
    void take_rescaling(layer_config const& layer) {
        add_affine(layer, value_of(layer), numbers_in(layer, "scale", 1), numbers_in(layer, "offset", 0));
    }
    /// (x - mean) / max(sqrt(variance), 1e-7)
    void take_normalisation(layer_config const& layer) {
        auto of = value_of(layer);
        auto const weights = arrays_->of(layer);
        auto const where = layer.described();
        auto mean = numbers_in(layer, "mean", 0), scale = numbers_in(layer, "variance", 1);
        if (layer.find("mean") == nullptr) {
            auto const from = [&](char const* name, std::size_t number) {
                auto const values = tensors_.take(where, weights, name, number);
                std::vector<double> all(values.size());
                values.copy_to(all);
                return all;
            };
            mean = from("mean", 0), scale = from("variance", 1);
        }
        if (auto const* count = weights.find("count", 2)) tensors_.use(*count);
        if (layer.flag("invert", false) || mean.size() != scale.size() || mean.empty())
            layer.refuse("inverts, or has not as many means as variances");
        for (std::size_t k = 0; k < mean.size(); ++k) {
            scale[k] = 1 / std::max(std::sqrt(scale[k]), 1e-7);
            mean[k] *= -scale[k];
        }
        if (of.is == form::open && (of.shape.empty() || of.shape == value_shape{0})) of.shape = {mean.size()};
        if (mean.size() > 1) require_features(layer, of);
        add_affine(layer, std::move(of), scale, mean);
    }

    void take_layer_normalisation(layer_config const& layer) {
        auto of = value_of(layer);
        auto const weights = weights_of(layer);
        if (layer.flag("rms_scaling", false)) layer.refuse("scales by the root mean square alone");
        make_any(layer, of, true);
        require_features(layer, of);
        if (of.shape.size() == 1) make_flat(layer, of);
        if (of.is == form::maps)
            layer.refuse("normalises the channels of each position, for which spinet has no operation");
        tensors_.put_layer_normalisation(layer.described(), weights, layer.flag("scale", true),
                                         layer.flag("center", true), layer.name);
        add(layer.name, "layer_normalisation", {of.node}).epsilon = layer.number("epsilon", 1e-3);
        of.node = layer.name;
        values_[layer.name] = std::move(of);
    }

    void take_activation(layer_config const& layer) {
        auto of = value_of(layer);
        make_any(layer, of);
        auto function = layer.class_name == "Activation" ? keras_activation(layer, "activation", "linear")
                                                         : keras_function_of(layer.class_name, layer.options);
        if (layer.class_name == "PReLU") {
            for (auto const* each : arrays_->of(layer).all()) tensors_.use(*each);
            notes_.push_back("left out the slopes of " + layer.described() + ": a function has no couplings");
        }
        if (!apply(layer, function, of, layer.name)) note(layer, "it is the identity");
        values_[layer.name] = std::move(of);
    }

    // ---- layers of several inputs

    /// What a layer reads, all in the form of the first.
    [[nodiscard]] std::vector<keras_value> values_of(layer_config const& layer) {
        std::vector<keras_value> all;
        for (auto const& each : layer.inputs) all.push_back(result_of(layer, each));
        if (all.empty()) layer.refuse("takes no inputs");
        for (auto& each : all) {
            if (each.shape.empty()) layer.refuse("reads an input of which the model leaves the shape open");
            make_any(layer, each);
        }
        for (auto& each : all)
            if (each.is != all[0].is || each.shape.size() == 1) {
                if (each.shape.size() != 1)
                    layer.refuse("joins values of different kinds, of shapes ", tuple_text(all[0].shape),
                                 " and ", tuple_text(each.shape));
                make_flat(layer, each);
            }
        return all;
    }
    /// The first of the values with the others, two at a time.
    void join(layer_config const& layer, char const* op, std::vector<keras_value> const& all) {
        std::string node = all[0].node;
        for (std::size_t k = 1; k < all.size(); ++k) {
            auto const name = k + 1 == all.size() ? layer.name : spare(text(layer.name, " ", k));
            auto& spec = add(name, op, {node, all[k].node});
            if (spec.op == "concatenation") mark_steps(spec, all[0]);
            node = name;
        }
        values_[layer.name] = all[0];
        values_[layer.name].node = node;
    }
    void take_addition(layer_config const& layer) {
        auto const all = values_of(layer);
        for (auto const& each : all)
            if (each.shape != all[0].shape || each.channels_first != all[0].channels_first)
                layer.refuse("adds values of shapes ", tuple_text(all[0].shape), " and ",
                             tuple_text(each.shape));
        join(layer, "addition", all);
    }
    void take_concatenation(layer_config const& layer) {
        auto const all = values_of(layer);
        if (all.size() > 1) require_features(layer, all[0]);
        std::size_t features = 0;
        for (auto const& each : all) {
            auto alike = each.shape;
            bool const first = each.is == form::maps && each.channels_first && alike.size() > 1;
            auto& own = first ? alike.front() : alike.back();
            features += own;
            own = first ? all[0].shape.front() : all[0].shape.back();
            if (alike != all[0].shape || each.channels_first != all[0].channels_first)
                layer.refuse("joins values of shapes ", tuple_text(all[0].shape), " and ",
                             tuple_text(each.shape));
        }
        join(layer, "concatenation", all);
        auto& made = values_[layer.name];
        (made.is == form::maps && made.channels_first && made.shape.size() > 1 ? made.shape.front()
                                                                               : made.shape.back()) =
            features;
    }

    // ---- shapes

    void take_flatten(layer_config const& layer) {
        auto of = value_of(layer);
        if (of.is == form::open && of.shape.empty()) {
            note(layer, "values of the shape that the next layer reads");
            values_[layer.name] = std::move(of);
            return;
        }
        bool const last = !layer.channels_first();
        if (of.is == form::maps && of.shape.size() > 1 && of.channels_first && !last) {
            of.channels_first = false;  // it puts the channels last before it lays them flat
            std::rotate(of.shape.begin(), of.shape.begin() + 1, of.shape.end());
        } else if (!last && of.shape.size() > 1 && of.is != form::open) {
            layer.refuse("moves the first axis of what it reads to the end (data_format)");
        }
        lay_flat(layer, std::move(of));
    }
    void lay_flat(layer_config const& layer, keras_value of) {
        if (of.is == form::open) {
            refuse_zeros(layer, of);
            of.shape = {size_of_value(layer, of)};
        } else {
            make_flat(layer, of, layer.name);
        }
        if (of.node != layer.name) note(layer, "the values are in a row already");
        values_[layer.name] = std::move(of);
    }
    void take_reshape(layer_config const& layer) {
        auto of = value_of(layer);
        auto const* const target = layer.find("target_shape");
        if (target == nullptr || !target->is_array() || of.shape.empty())
            layer.refuse("has no target_shape, or reads values of unknown shape");
        std::size_t const size = size_of_value(layer, of);
        value_shape shape;
        std::size_t* open = nullptr;
        for (auto const& each : *target)
            shape.push_back(each.is_number_unsigned() ? each.get<std::size_t>() : 1);
        for (std::size_t k = 0; k < shape.size() && open == nullptr; ++k)
            if (!(*target)[k].is_number_unsigned()) open = &shape[k];  // -1: the rest
        auto const rest = checked_product(shape);
        if (open != nullptr && rest && *rest != 0 && size % *rest == 0) *open = size / *rest;
        if (checked_product(shape) != size)
            layer.refuse("makes ", tuple_text(shape), " of values of shape ", tuple_text(of.shape));
        bool const channels = of.is == form::maps && size == channels_of(of) && !shape.empty() &&
                              (of.channels_first ? shape.front() : shape.back()) == size;
        if (shape == of.shape || of.is == form::open || (channels && shape.size() > 1)) {
            note(layer, "the order of the values stays");
            of.shape = std::move(shape);
            values_[layer.name] = std::move(of);
        } else if (shape.size() == 1) {
            lay_flat(layer, std::move(of));
        } else {
            layer.refuse("makes ", tuple_text(shape), " of values of shape ", tuple_text(of.shape),
                         ", for which spinet has no operation");
        }
    }

    // ---- sequences

    void take_embedding(layer_config const& layer) {
        auto of = value_of(layer);
        auto const where = layer.described();
        if (of.is == form::open && of.shape.empty())
            if (auto const length = layer.sizes("input_length", 1, 1); !length.empty()) of.shape = length;
        if (of.shape.size() != 1 && !of.shape.empty())
            layer.refuse("reads values of shape ", tuple_text(of.shape), ", not (steps) of tokens");
        if (of.is != form::open) layer.refuse("does not read an input");
        decide(layer, of, form::steps);
        tensors_.put(layer.name + ".weight", tensors_.take(where, weights_of(layer), "embeddings", 0));
        auto const& table = *tensors_.find(layer.name + ".weight");
        if (table.rank() != 2) layer.refuse("has a table of another rank than 2, ", table.described());
        add(layer.name, "embedding", {of.node});
        of.node = layer.name;
        of.shape.push_back(table.shape()[1]);
        finish(layer, std::move(of));
    }

    [[nodiscard]] static std::string recurrent_kind_of(layer_config const& layer) {
        auto const& kind = layer.class_name;
        if (kind != "LSTM" && kind != "GRU" && kind != "SimpleRNN")
            layer.refuse("is not read: LSTM, GRU and SimpleRNN are");
        return kind == "LSTM" ? "lstm" : kind == "GRU" ? "gru" : "rnn";
    }

    /// A recurrent layer of one direction, named `name`; `of` becomes its states, or the last one.
    void add_recurrent(layer_config const& layer, keras_arrays const& weights, keras_value& of,
                       std::string const& name, bool backwards) {
        auto const kind = recurrent_kind_of(layer);
        bool const sequences = layer.flag("return_sequences", false);
        if (layer.flag("time_major", false)) layer.refuse("has its steps before the batch (time_major)");
        make_steps(layer, of);
        tensors_.put_recurrent(layer.described(), weights, kind, name, backwards ? "_l0_reverse" : "_l0");
        auto& spec = add(name, "recurrent", {of.node});
        spec.kind = kind;
        if (backwards) spec.reversed = true;
        auto const* const bias = weights.find("bias", 2);
        bool const after = bias == nullptr ? layer.flag("reset_after", true) : bias->shape.size() == 2;
        if (kind == "gru" && !after) spec.reset_after = false;
        auto const function = keras_activation(layer, "activation", "tanh");
        if (kind == "rnn") spec.activation = to_string(function.kind);
        note_functions(layer, kind, function);
        of.node = name;
        of.shape[1] =
            tensors_.find(detail::text(name, ".weight_hh", backwards ? "_l0_reverse" : "_l0"))->shape()[1];
        if (sequences) return;
        auto const last = spare(name + " last");
        auto& step = add(last, "select_step", {name});
        if (backwards) step.index = 0;
        of = {form::flat, last, 0, {of.shape[1]}};
    }
    void note_functions(layer_config const& layer, std::string const& kind, keras_function const& function) {
        if (kind == "rnn") {
            if (function.kind == activation_kind::unspecified)
                notes_.push_back(layer.described() + " applies " + in_quotes(function.name) +
                                 ", a function that spinet does not know: its activation is unspecified");
            return;
        }
        auto const gates = keras_activation(layer, "recurrent_activation", "sigmoid");
        if (function.kind != activation_kind::tanh || gates.kind != activation_kind::sigmoid)
            notes_.push_back(layer.described() + " applies " + in_quotes(function.name) +
                             ", and to its gates " + in_quotes(gates.name) +
                             ": the network has tanh and sigmoid in their place");
    }

    void take_recurrent(layer_config const& layer) {
        auto of = value_of(layer);
        bool const backwards = layer.flag("go_backwards", false);
        if (backwards && layer.flag("return_sequences", false))
            layer.refuse(
                "gives its states from the last step to the first (go_backwards), for which spinet "
                "has no operation");
        add_recurrent(layer, weights_of(layer), of, layer.name, backwards);
        values_[layer.name] = std::move(of);
    }

    /// The layer within a wrapper, under the wrapper's name.
    [[nodiscard]] static layer_config inner(layer_config const& layer, char const* key) {
        auto const* const of = layer.find(key);
        auto made = layer;
        if (of == nullptr || !of->is_object() || !of->contains("class_name") || !of->contains("config") ||
            !(*of)["class_name"].is_string() || !(*of)["config"].is_object())
            layer.refuse("has no ", in_quotes(key));
        made.class_name = (*of)["class_name"].get<std::string>();
        made.options = (*of)["config"];
        return made;
    }

    void take_bidirectional(layer_config const& layer) {
        auto const of = value_of(layer);
        auto const weights = weights_of(layer);
        auto const forward = inner(layer, "layer");
        auto const backward = layer.find("backward_layer") ? inner(layer, "backward_layer") : forward;
        bool const turned = forward.flag("go_backwards", false);
        if (layer.find("backward_layer") && backward.flag("go_backwards", false) == turned)
            layer.refuse("has two layers of one direction");
        auto const mode =
            layer.find("merge_mode") == nullptr ? std::string("none") : layer.text("merge_mode", "");
        if (turned || (mode != "sum" && mode != "concat"))
            layer.refuse("joins the states of its directions by ", in_quotes(mode),
                         ", for which spinet has no operation");
        auto one = of, other = of;
        add_recurrent(forward, weights.along("forward"), one, spare(layer.name + " forward"), false);
        add_recurrent(backward, weights.along("backward"), other, spare(layer.name + " backward"), true);
        if (one.is != other.is || one.shape.size() != other.shape.size())
            layer.refuse("has two layers of which one gives all its states");
        join(layer, mode == "sum" ? "addition" : "concatenation", {one, other});
        if (mode == "concat") values_[layer.name].shape.back() += other.shape.back();
    }

    /// The same layer at each step: what layers make of sequences anyway.
    void take_distributed(layer_config const& layer) {
        auto of = value_of(layer);
        auto const within = inner(layer, "layer");
        auto const* const known = kind_of(within.class_name);
        bool const plain = known != nullptr && (known->take == &keras_translation::take_dense ||
                                                known->take == &keras_translation::take_activation ||
                                                known->take == &keras_translation::take_nothing);
        if (!plain) layer.refuse("applies a layer of class ", in_quotes(within.class_name), " at each step");
        make_steps(layer, of);
        (this->*known->take)(within);
    }

    std::vector<keras_layer_config> const* model_;
    keras_index const* arrays_;
    std::vector<std::string> const* ignored_;
    value_shape const* input_shape_;
    std::set<std::string, std::less<>> names_;  ///< of layers and nodes
    std::map<std::string, std::vector<std::size_t>, std::less<>> readers_;
    std::vector<model_input> inputs_;
    std::map<std::string, keras_value, std::less<>> values_;  ///< by layer
    std::map<std::string, std::string, std::less<>> flat_;    ///< by node: the one that lays it flat
    std::set<std::string, std::less<>> channels_last_;        ///< of those, by channels last
    network_architecture nodes_;
    keras_tensors tensors_;
    std::vector<std::string> notes_;
    memory_allowance constants_{std::uint64_t{64} << 20, "its layers of constants need more than 64 MiB"};
    bool any_weights_ = false;
};

}  // namespace spinet::detail
