// SPDX-License-Identifier: BSD-3-Clause
/// The reader of Keras's files: HDF5 and .keras, whole models and weights, of Keras 1 to 3. Needs libhdf5,
/// zlib, libzip and nlohmann_json.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/architecture.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/keras/arrays.hpp>
#include <spinet/readers/keras/config.hpp>
#include <spinet/readers/keras/contents.hpp>
#include <spinet/readers/keras/layers.hpp>
#include <spinet/readers/zip_archive.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet {

/// Reads `model.save("x.keras")` (a zip file), `model.save("x.h5")`, `model.save_weights("x.h5")` and Keras
/// 3's `model.save_weights("x.weights.h5")`. Sources of the layouts: keras/src/legacy/saving/
/// legacy_h5_format.py and keras/src/saving/saving_lib.py.
///
/// A whole model, Sequential or Functional, says what its layers do and what feeds what; docs/network-files.md
/// lists the classes of layers that are read. Kernels become weights of the library's order of axes and
/// gates, (out, in, positions...), of the type that the file has: float16, bfloat16, float32 or float64.
/// Values with channels last become values with channels first, and the columns of a dense layer that reads
/// such values in a row are moved accordingly. A function that spinet does not know is `unspecified`, with a
/// note; a layer that changes nothing when the network is used, such as Dropout, is left out with a note; a
/// layer without an operation is refused by name and class.
///
/// Weights alone take an `architecture`, whose nodes are named like the layers. Without one they have to be
/// those of dense layers, which follow each other in the order of `layer_names`, or (Keras 3) of the numbers
/// that the layers' groups have.
///
/// The C library parses the file. Version 1.10.8 was seen to go on forever with a bit flipped in the file, so
/// where there is fork() all of it happens in a copy of the process, which hands over the arrays; where it
/// dies or takes longer than `time_limit`, the file is refused.
struct keras_hdf5 {
    /// The names of the dense layers from input to output; all others are skipped with a note. Empty: all, in
    /// the order of the file.
    std::vector<std::string> layers = {};
    /// Names of layers to skip, with a note.
    std::vector<std::string> ignored = {};
    /// Where the file holds weights only: after each layer but the last, and after the last.
    activation_kind hidden = activation_kind::unspecified;
    activation_kind output = activation_kind::unspecified;
    /// For the process that reads the file. Zero: the library reads it in this process, for files that can be
    /// trusted, and for programs that must not fork or hold the library's locks in other threads.
    std::chrono::milliseconds time_limit = std::chrono::minutes(2);
    /// Where the file holds weights only: what they are. An input has its channels first, as in every
    /// architecture, and the weights of dense layers after a flatten node are those of channels last.
    network_architecture architecture = {};
    /// The shape of one sample, without the batch and in Keras's order of axes, where the model leaves it
    /// open.
    std::vector<std::size_t> input_shape = {};

    [[nodiscard]] static std::string_view name() noexcept { return "keras"; }

    /// By the first eight bytes, those of any HDF5 file, or as a zip file of config.json and
    /// model.weights.h5. False where the file cannot be read.
    [[nodiscard]] bool recognises(std::filesystem::path const& path) const;

    /// Throws `file_error`, which names the file and the layer, group or data set, where the file is no valid
    /// file of Keras, has a layer without an operation, or a value that is not finite. Nothing outside the
    /// file is read, and no filter is loaded. Memory: four times the bytes of the arrays, which may be ten
    /// times the size of the file and 64 MiB. One thread reads at a time.
    [[nodiscard]] network operator()(std::filesystem::path const& path) const;
};

namespace detail {

/// One reading of the arrays of one file.
class keras_reading {
public:
    keras_reading(keras_contents const& contents, keras_hdf5 const& options)
        : contents_(&contents), options_(&options), index_(contents) {
        if (contents.config) model_ = keras_config_reader().read(*contents.config);
    }

    /// Throws `error`.
    [[nodiscard]] network run() {
        check_options();
        if (!options_->architecture.nodes.empty()) return by_architecture();
        if (!options_->layers.empty() || !model_) return chain();
        keras_translation translation(*model_, index_, options_->ignored, options_->input_shape);
        auto made = translation.run();
        for (auto const& group : contents_->groups)
            for (auto const& each : group.arrays)
                if (!translation.used(each))
                    throw error("layer ", in_quotes(group.name),
                                " has weights, but model_config does not name it: ", in_quotes(each.path));
        return made;
    }

private:
    void check_options() const {
        if (!options_->architecture.nodes.empty() && (model_ || !options_->layers.empty()))
            throw error(model_ ? "the file says what its layers do; the option 'architecture' is for files "
                                 "of weights alone"
                               : "the options 'layers' and 'architecture' exclude each other");
        std::set<std::string_view> known;
        for (auto const& group : contents_->groups) known.insert(group.name);
        if (model_)
            for (auto const& layer : model_->layers) known.insert(layer.name);
        for (auto const* names : {&options_->ignored, &options_->layers})
            for (auto const& name : *names)
                if (known.count(name) == 0)
                    throw error("there is no layer ", in_quotes(name), ", which the option '",
                                (names == &options_->ignored ? "ignored" : "layers"), "' names");
    }

    [[nodiscard]] static bool named(std::vector<std::string> const& names, std::string const& name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    }

    // ---- chains of dense layers

    struct candidate {
        std::string name, described;
        keras_arrays arrays;
        keras_layer_config const* config = nullptr;
    };

    [[nodiscard]] std::vector<candidate> candidates() const {
        std::vector<candidate> all;
        if (model_) {
            for (auto const& layer : model_->layers)
                all.push_back({layer.name, layer.described(), index_.of(layer), &layer});
            return all;
        }
        for (auto const& group : contents_->groups) {
            auto const kind = numbered(group.group).first;
            auto described = "layer " + in_quotes(group.name);
            if (!kind.empty()) described += " of class " + in_quotes(kind);
            keras_arrays arrays;
            for (auto const& each : group.arrays) arrays.add(each);
            all.push_back({group.name, std::move(described), std::move(arrays), nullptr});
        }
        return all;
    }

    [[nodiscard]] static bool looks_dense(candidate const& layer) {
        if (layer.config != nullptr) return layer.config->class_name == "Dense";
        auto const* const kernel = layer.arrays.find("kernel", 0);
        std::size_t const known = layer.arrays.find("bias", 1) == nullptr ? 1 : 2;
        return kernel != nullptr && layer.arrays.size() == known && kernel->shape.size() == 2;
    }

    /// The dense layers that the option names in its order, or, of weights alone, all in that of the file.
    [[nodiscard]] network chain() {
        std::vector<dense_layer> found;
        bool skipped = false;  // the last dense layer
        for (auto const& each : candidates()) {
            bool const wanted = options_->layers.empty() ? !named(options_->ignored, each.name)
                                                         : named(options_->layers, each.name);
            if (wanted && looks_dense(each)) {
                found.push_back(dense_of(each));
                skipped = false;
            } else if (wanted && !options_->layers.empty()) {
                throw error("layer ", in_quotes(each.name), ", which the option 'layers' names, is not dense");
            } else if (wanted && !each.arrays.empty()) {
                throw error(each.described, " with the weights ", each.arrays.names(),
                            " is not dense, and the file does not say what it does; describe the network in "
                            "the option 'architecture', or name the dense layers in 'layers'");
            } else {
                skipped = skipped || looks_dense(each);
                if (!skipped && !found.empty() && each.config != nullptr) follow(found.back(), *each.config);
                note(each, wanted ? "it has no weights, and the file does not say what it does" : "as asked");
            }
        }
        if (found.empty())
            throw error("no dense layer: the file has none with a kernel of shape (in, out)");
        order(found);
        if (!model_)
            for (std::size_t k = 0; k < found.size(); ++k)
                found[k].activation = k + 1 < found.size() ? options_->hidden : options_->output;
        auto made = dense_network(found);
        if (contents_->numbered)
            made.add_note(
                "ordered layers of one class by their numbers; the file does not say how they are connected");
        for (auto& each : notes_) made.add_note(std::move(each));
        return made;
    }

    void note(candidate const& layer, std::string const& why) {
        notes_.push_back("left out " + layer.described + ": " + why);
    }

    [[nodiscard]] dense_layer dense_of(candidate const& layer) {
        tensors_.put_dense(layer.described, layer.arrays, layer.name);
        dense_layer made{layer.name, *tensors_.find(layer.name + ".weight")};
        if (auto const* bias = tensors_.find(layer.name + ".bias")) made.bias = *bias;
        made.activation = activation_kind::identity;
        if (layer.config != nullptr)
            made.activation = keras_activation(*layer.config, "activation", "linear").kind;
        return made;
    }

    /// The function of a layer that follows a dense one.
    static void follow(dense_layer& before, keras_layer_config const& layer) {
        if (before.activation != activation_kind::identity) return;
        if (layer.class_name == "Activation")
            before.activation = keras_activation(layer, "activation", "linear").kind;
        else if (layer.class_name == "ReLU" || layer.class_name == "Softmax")
            before.activation = keras_function_of(layer.class_name, layer.options).kind;
    }

    void order(std::vector<dense_layer>& chain) const {
        if (options_->layers.empty()) return;
        std::vector<dense_layer> ordered;
        for (auto const& name : options_->layers)
            for (auto const& layer : chain)
                if (layer.name == name) ordered.push_back(layer);
        chain = std::move(ordered);
    }

    // ---- weights alone, described

    [[nodiscard]] network by_architecture() {
        std::set<std::string, std::less<>> taken;
        for (auto const& spec : options_->architecture.nodes) put(spec, taken);
        auto made = tensors_.assembled(options_->architecture);
        for (auto const& group : contents_->groups)
            if (taken.count(group.name) == 0 && !group.arrays.empty())
                made.add_note("left out layer " + in_quotes(group.name) +
                              ", which the architecture does not name");
        auto const flattened = laid_flat_maps(made);
        return flattened.empty() ? made : channels_last_columns(made, flattened).run();
    }

    /// The tensors that a node of the architecture takes.
    void put(node_spec const& spec, std::set<std::string, std::less<>>& taken) {
        auto const& prefix = spec.weights.empty() ? spec.name : spec.weights;
        auto const where = "layer " + in_quotes(prefix);
        keras_arrays of;
        std::string kind;
        for (auto const& group : contents_->groups) {
            if (group.name != prefix && group.group != prefix) continue;
            for (auto const& each : group.arrays) of.add(each);
            kind = numbered(group.group).first;
            taken.insert(group.name);
            break;
        }
        if (of.empty()) return;  // it says itself what it lacks
        if (spec.op == "dense") {
            tensors_.put_dense(where, of, prefix);
        } else if (spec.op == "convolution") {
            bool const depthwise = of.find("depthwise_kernel", 100) != nullptr || kind.starts_with("depthwise");
            tensors_.put_convolution(where, of,
                                     depthwise ? keras_tensors::kernel_kind::depthwise
                                               : keras_tensors::kernel_kind::whole,
                                     prefix);
        } else if (spec.op == "batch_normalisation") {
            bool const both = of.size() == 4;
            if (contents_->numbered && !both && of.size() != 2)
                throw error(where, " has ", of.size(), " arrays: a scale or a shift is missing, and the file "
                            "does not say which");
            tensors_.put_batch_normalisation(where, of, both || of.find("gamma", 100) != nullptr,
                                             both || of.find("beta", 100) != nullptr, prefix);
        } else if (spec.op == "layer_normalisation") {
            tensors_.put_layer_normalisation(where, of, of.find("gamma", 0) != nullptr,
                                             of.find("beta", 1) != nullptr, prefix);
        } else if (spec.op == "recurrent") {
            bool const reversed = spec.reversed.value_or(false);
            auto const suffix = detail::text("_l", spec.layer.value_or(0), reversed ? "_reverse" : "");
            tensors_.put_recurrent(where, of.along(reversed ? "backward" : "forward"), spec.kind, prefix,
                                   suffix);
        } else if (spec.op == "embedding") {
            tensors_.put(prefix + ".weight", tensors_.take(where, of, "embeddings", 0));
        }
    }

    /// The nodes that lay channels at positions flat, not steps.
    [[nodiscard]] static std::set<std::string, std::less<>> laid_flat_maps(network const& of) {
        std::set<std::string, std::less<>> maps, found;
        auto const shapes = result_shapes(of);
        for (std::size_t k = 0; k < of.nodes().size(); ++k) {
            auto const& at = of.nodes()[k];
            bool const from_maps = !at.inputs.empty() && maps.count(at.inputs[0]) != 0;
            if (at.op.is<flatten>() && from_maps) found.insert(at.name);
            bool const passed = from_maps && shapes[k].size() > 1;
            if (at.op.is<convolution>() || at.op.is<pooling>() || shapes[k].size() == 3 || passed)
                maps.insert(at.name);
        }
        return found;
    }

    keras_contents const* contents_;
    keras_hdf5 const* options_;
    keras_index index_;
    std::optional<keras_model> model_;
    keras_tensors tensors_;
    std::vector<std::string> notes_;
};

[[nodiscard]] inline bool is_hdf5(input_file& file) { return begins_with(file, "\x89HDF\r\n\x1a\n"); }

/// The two entries of a .keras file; their sizes are 0 where one is missing.
struct keras_entries {
    zip_reader::entry config, weights;
};
[[nodiscard]] inline keras_entries keras_entries_of(zip_reader const& zip) {
    keras_entries found;
    for (auto& each : zip.entries()) {
        if (each.name == "config.json") found.config = each;
        if (each.name == "model.weights.h5") found.weights = each;
    }
    return found;
}

/// What the file holds: an HDF5 file, or one within a zip file, beside the configuration of the model.
[[nodiscard]] inline keras_contents contents_of(input_file& file, keras_hdf5 const& options) {
    if (is_hdf5(file)) return read_keras_apart(file, {}, options.ignored, options.time_limit);
    if (!begins_as_zip(file)) file.refuse("begins neither as an HDF5 file does nor as a zip file");
    zip_reader const zip(file);
    auto const [config, weights] = keras_entries_of(zip);
    if (config.size == 0 || weights.size == 0)
        file.refuse("is no file of Keras: it has no config.json or no model.weights.h5");
    if (config.size > largest_keras_config)
        file.refuse("its config.json has ", config.size, " bytes, more than ", largest_keras_config);
    std::string text(static_cast<std::size_t>(config.size), '\0');
    zip.read(config, std::as_writable_bytes(std::span(text)));
    std::vector<std::byte> image(static_cast<std::size_t>(weights.size));
    zip.read(weights, image);
    if (std::string_view(reinterpret_cast<char const*>(image.data()), std::min<std::size_t>(8, image.size())) !=
        "\x89HDF\r\n\x1a\n")
        file.refuse("its model.weights.h5 does not begin as an HDF5 file does");
    auto found = read_keras_apart(file, image, {}, options.time_limit);
    found.config = std::move(text);
    return found;
}

}  // namespace detail

inline bool keras_hdf5::recognises(std::filesystem::path const& path) const {
    return detail::recognised(path, [](input_file& file) {
        if (detail::is_hdf5(file)) return true;
        if (!detail::begins_as_zip(file)) return false;
        auto const found = detail::keras_entries_of(detail::zip_reader(file));
        return found.config.size > 0 && found.weights.size > 0;
    });
}

inline network keras_hdf5::operator()(std::filesystem::path const& path) const {
    return detail::network_from(path, [&] {
        input_file file(path);
        auto const contents = detail::contents_of(file, *this);
        return detail::keras_reading(contents, *this).run();
    });
}

}  // namespace spinet
