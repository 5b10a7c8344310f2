// SPDX-License-Identifier: BSD-3-Clause
/// The reader of Keras's HDF5 files: whole models and weights, of Keras 1 to 3. Needs libhdf5, zlib and
/// nlohmann_json.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/child_process.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/keras/config.hpp>
#include <spinet/readers/keras/hdf5_file.hpp>
#include <spinet/readers/layer_order.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet {

/// Reads the dense layers of `model.save("x.h5")` (Keras 1 and 2, or 3 where it is asked for that format), of
/// `model.save_weights("x.h5")` and of Keras 3's `model.save_weights("x.weights.h5")`. Kernels of shape (in,
/// out) become weights of shape (out, in), of the type that the file has: float16, bfloat16, float32 or
/// float64. Sources of the layout: keras/src/legacy/saving/legacy_h5_format.py and
/// keras/src/saving/saving_lib.py.
///
/// A whole model says in which order its layers follow each other and what each applies; a function that
/// spinet does not know is `unspecified`, with a note. Weights alone come in the order of `layer_names`, or
/// (Keras 3) of the numbers that the layers' groups have. Layers without weights that change nothing when a
/// network is used, such as Dropout, are noted; any other layer is refused by name and class, because a
/// network without it would be another network, unless `layers` or `ignored` say so.
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

    [[nodiscard]] static std::string_view name() noexcept { return "keras"; }

    /// By the first eight bytes, those of any HDF5 file. False where the file cannot be read.
    [[nodiscard]] bool recognises(std::filesystem::path const& path) const;

    /// Throws `file_error`, which names the file and the layer, group or data set, where the file is no valid
    /// HDF5 file of Keras, holds no chain of dense layers or a value that is not finite. Nothing outside the
    /// file is read, and no filter is loaded. Memory: three times the
    /// bytes of the arrays, which may be ten times the size of the file and 64 MiB. One thread reads at a
    /// time.
    [[nodiscard]] network operator()(std::filesystem::path const& path) const;
};

namespace detail {

/// An array of a layer, by what it is to the layer: "kernel", or, from Keras 3, "0".
struct keras_weight {
    std::string part;
    std::string path;  ///< within the group
};

struct keras_layer {
    std::string name;
    std::string class_name;  ///< empty: the file does not say
    std::optional<std::string> activation;
    std::string group;  ///< within the group of all layers
    std::vector<keras_weight> weights;

    [[nodiscard]] std::string described() const {
        std::string result = "layer " + in_quotes(name);
        if (!class_name.empty()) result += " of class " + in_quotes(class_name);
        return result;
    }
};

/// Which layers a file has: three layouts, one list.
class keras_layers {
public:
    explicit keras_layers(hdf5_file& file) : file_(&file) { find(); }

    [[nodiscard]] std::vector<keras_layer> const& layers() const noexcept { return layers_; }
    /// Their activations are known.
    [[nodiscard]] bool whole_model() const noexcept { return whole_model_; }
    [[nodiscard]] std::vector<std::string> const& notes() const noexcept { return notes_; }

    [[nodiscard]] hdf5_array array(keras_layer const& layer, keras_weight const& weight) const {
        return file_->array(group_, layer.group + "/" + weight.path);
    }

private:
    void find() {
        auto root = file_->root();
        if (file_->has_group(root, "model_weights")) {
            group_ = file_->group(root, "model_weights");
            read_named();
            if (auto const config = file_->text(root, "model_config")) read_config(*config);
        } else if (has_names(root, "layer_names")) {
            group_ = std::move(root);
            read_named();
        } else {
            for (auto const* name : {"layers", "_layer_checkpoint_dependencies"}) {
                if (!file_->has_group(root, name)) continue;
                check_own(root);
                group_ = file_->group(root, name);
                return read_numbered();
            }
            file_->refuse(
                "is an HDF5 file, but none of Keras: the root group has no model_weights, layer_names or "
                "layers");
        }
    }

    // ---- Keras 1 and 2: lists of names as attributes

    [[nodiscard]] bool has_names(hdf5_group const& group, std::string const& name) const {
        return H5Aexists(group.id.get(), name.c_str()) > 0 ||
               H5Aexists(group.id.get(), (name + "0").c_str()) > 0;
    }

    /// A long list is cut into several: names0, names1, ...
    [[nodiscard]] std::vector<std::string> names(hdf5_group const& group, std::string const& name) const {
        if (auto whole = file_->strings(group, name)) return *std::move(whole);
        std::vector<std::string> all;
        for (std::size_t k = 0;; ++k) {
            auto const part = file_->strings(group, name + std::to_string(k));
            if (!part && k == 0) file_->refuse(group.described(), " has no attribute ", in_quotes(name));
            if (!part) return all;
            all.insert(all.end(), part->begin(), part->end());
        }
    }

    void read_named() {
        std::set<std::string, std::less<>> seen;
        auto all = names(group_, "layer_names");
        if (file_->has_group(group_, top_level)) all.emplace_back(top_level);
        for (auto const& name : all) {
            if (!seen.insert(name).second) file_->refuse("layer ", in_quotes(name), " is listed twice");
            keras_layer layer{name, {}, std::nullopt, name, {}};
            auto const group = file_->group(group_, name);
            if (name != top_level || has_names(group, "weight_names"))
                for (auto& path : names(group, "weight_names"))
                    layer.weights.push_back({part_of(path), path});
            if (name == top_level && layer.weights.empty()) continue;
            layers_.push_back(std::move(layer));
        }
    }

    /// "kernel" of "dense/kernel:0", "dense_1_W" (Keras 1) or "model/dense/kernel".
    [[nodiscard]] static std::string part_of(std::string_view path) {
        auto part = path.substr(path.rfind('/') + 1);
        part = part.substr(0, part.rfind(':'));
        if (part.size() > 2 && part.substr(part.size() - 2) == "_W") return "kernel";
        if (part.size() > 2 && part.substr(part.size() - 2) == "_b") return "bias";
        return std::string(part);
    }

    /// Puts the layers in the order of the model, which names classes and functions.
    void read_config(std::string const& text) {
        auto configs = keras_config_reader().read(text);
        std::map<std::string, keras_layer, std::less<>> stored;
        for (auto& layer : layers_) stored.emplace(layer.name, std::move(layer));
        layers_.clear();
        for (auto& config : configs) {
            // a layer without weights may be left out
            keras_layer layer{config.name, {}, std::nullopt, config.name, {}};
            if (auto const at = stored.find(config.name); at != stored.end()) {
                layer = std::move(at->second);
                stored.erase(at);
            }
            layer.class_name = std::move(config.class_name);
            layer.activation = std::move(config.activation);
            layers_.push_back(std::move(layer));
        }
        for (auto const& [name, layer] : stored)
            if (!layer.weights.empty())
                file_->refuse("layer ", in_quotes(name), " has weights, but model_config does not name it");
        whole_model_ = true;
    }

    // ---- Keras 3: groups named after classes, numbered

    /// Weights of the model beside those of its layers would be left out.
    void check_own(hdf5_group const& root) const {
        if (file_->has_group(root, "vars") && !file_->names(file_->group(root, "vars")).empty())
            file_->refuse("the model has weights of its own, in group 'vars'");
    }

    /// "dense" and 12 of "dense_12"; without a number 0.
    [[nodiscard]] static std::pair<std::string, std::uint64_t> numbered(std::string const& group) {
        auto const bar = group.rfind('_');
        auto const digits = bar == group.npos ? std::string() : group.substr(bar + 1);
        bool const is_number =
            !digits.empty() && digits.size() < 10 && std::all_of(digits.begin(), digits.end(), is_digit);
        if (!is_number) return {group, 0};
        return {group.substr(0, bar), std::stoull(digits)};
    }

    void read_numbered() {
        auto groups = file_->names(group_);
        std::sort(groups.begin(), groups.end(),
                  [](auto const& a, auto const& b) { return numbered(a) < numbered(b); });
        for (auto const& group : groups) {
            keras_layer layer{group, numbered(group).first, std::nullopt, group, {}};
            auto const at = file_->group(group_, group);
            if (file_->has_group(at, "vars")) {
                auto const vars = file_->group(at, "vars");
                if (auto own = file_->strings(vars, "name"); own && own->size() == 1)
                    layer.name = own->front();
            }
            std::size_t left = 10'000;
            list_weights(at, "", 0, left, layer.weights);
            layers_.push_back(std::move(layer));
        }
        notes_.push_back(
            "ordered layers of one class by their numbers; the file does not say how they are connected");
    }

    /// All arrays below a group: those of the layer, vars/0 on, and of what is within it. Groups that hold
    /// each other end at the depth.
    void list_weights(hdf5_group const& group, std::string const& path, std::size_t depth, std::size_t& left,
                      std::vector<keras_weight>& found) const {
        if (depth > 8) file_->refuse(group.described(), " is nested deeper than any of Keras");
        for (auto const& name : file_->names(group, left)) {
            if (left-- == 0) file_->refuse(group.described(), " has too many entries");
            auto const below = path.empty() ? name : path + "/" + name;
            if (file_->has_group(group, name))
                list_weights(file_->group(group, name), below, depth + 1, left, found);
            else
                found.push_back({depth == 1 && path == "vars" ? name : below, below});
        }
    }

    static constexpr char const* top_level = "top_level_model_weights";

    hdf5_file* file_;
    hdf5_group group_;
    std::vector<keras_layer> layers_;
    std::vector<std::string> notes_;
    bool whole_model_ = false;
};

/// What a file holds: all that the process which reads it hands over.
struct keras_chain {
    std::vector<dense_layer> layers;
    std::vector<std::string> notes;
};

/// One reading of one file: takes layer after layer, each as its class asks for.
class keras_reading {
public:
    keras_reading(hdf5_file& file, keras_hdf5 const& options)
        : file_(&file), options_(&options), layers_(file) {}

    [[nodiscard]] keras_chain run() {
        check_options();
        for (auto const& layer : layers_.layers()) take(layer);
        order();
        if (chain_.empty())
            file_->refuse("no dense layer: the file has none with a kernel of shape (in, out)");
        if (!layers_.whole_model())
            for (std::size_t i = 0; i < chain_.size(); ++i)
                chain_[i].activation = i + 1 < chain_.size() ? options_->hidden : options_->output;
        auto notes = layers_.notes();
        notes.insert(notes.end(), notes_.begin(), notes_.end());
        return {std::move(chain_), std::move(notes)};
    }

private:
    using taking = void (keras_reading::*)(keras_layer const&);

    /// A class of layers: what it is called, what Keras 3 calls its group, and what is done with it.
    struct layer_kind {
        std::string_view class_name, group_name;
        taking take;
    };

    [[nodiscard]] static std::span<layer_kind const> kinds() {
        static constexpr std::array<layer_kind, 14> all{
            {{"Dense", "dense", &keras_reading::take_dense},
             {"Activation", "activation", &keras_reading::take_activation},
             {"ReLU", "re_lu", &keras_reading::take_activation},
             {"Softmax", "softmax", &keras_reading::take_activation},
             {"LeakyReLU", "leaky_re_lu", &keras_reading::take_activation},
             {"ELU", "elu", &keras_reading::take_activation},
             {"ThresholdedReLU", "thresholded_re_lu", &keras_reading::take_activation},
             {"InputLayer", "input_layer", &keras_reading::take_nothing},
             {"Dropout", "dropout", &keras_reading::take_nothing},
             {"AlphaDropout", "alpha_dropout", &keras_reading::take_nothing},
             {"GaussianDropout", "gaussian_dropout", &keras_reading::take_nothing},
             {"GaussianNoise", "gaussian_noise", &keras_reading::take_nothing},
             {"ActivityRegularization", "activity_regularization", &keras_reading::take_nothing},
             {"Flatten", "flatten", &keras_reading::take_nothing}}};
        return all;
    }

    void check_options() const {
        auto const check = [&](std::vector<std::string> const& names, char const* option) {
            for (auto const& name : names)
                if (std::none_of(layers_.layers().begin(), layers_.layers().end(),
                                 [&](auto const& layer) { return layer.name == name; }))
                    file_->refuse("there is no layer ", in_quotes(name), ", which the option '", option,
                                  "' names");
        };
        check(options_->ignored, "ignored");
        check(options_->layers, "layers");
    }

    void take(keras_layer const& layer) {
        if (named(options_->ignored, layer.name)) return skip(layer);
        auto const* const found = kind_of(layer);
        bool const is_dense = found != nullptr && found->take == &keras_reading::take_dense;
        if (!options_->layers.empty() && !named(options_->layers, layer.name) &&
            (found == nullptr || is_dense)) {
            after_skipped_ = after_skipped_ || is_dense;
            return skip(layer);
        }
        if (found != nullptr) return (this->*found->take)(layer);
        if (layer.weights.empty() && layer.class_name.empty())
            return note(layer, "it has no weights, and the file does not say what it does");
        file_->refuse(layer.described(), (layer.weights.empty() ? "" : " with the weights " + parts(layer)),
                      " is not read; if the network is meant without it, name the dense layers in the option "
                      "'layers', or this layer in 'ignored'");
    }

    /// A layer of which the file does not say the class is dense where it has what a dense layer has.
    [[nodiscard]] layer_kind const* kind_of(keras_layer const& layer) const {
        auto const all = kinds();
        if (layer.class_name.empty()) return looks_dense(layer) ? all.data() : nullptr;
        for (auto const& each : all)
            if (layer.class_name == (layers_.whole_model() ? each.class_name : each.group_name)) return &each;
        return nullptr;
    }

    [[nodiscard]] bool looks_dense(keras_layer const& layer) const {
        auto const* const kernel = weight(layer, "kernel", "0");
        std::size_t const known = weight(layer, "bias", "1") == nullptr ? 1 : 2;
        return kernel != nullptr && layer.weights.size() == known &&
               layers_.array(layer, *kernel).shape.size() == 2;
    }

    [[nodiscard]] static keras_weight const* weight(keras_layer const& layer, std::string_view part,
                                                    std::string_view number) {
        for (auto const& each : layer.weights)
            if (each.part == part || each.part == number) return &each;
        return nullptr;
    }

    [[nodiscard]] static bool named(std::vector<std::string> const& names, std::string const& name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    }

    [[nodiscard]] static std::string parts(keras_layer const& layer) {
        std::string text;
        for (std::size_t k = 0; k < layer.weights.size() && k < 8; ++k) {
            if (k > 0) text += ", ";
            text += in_quotes(layer.weights[k].part);
        }
        return text += layer.weights.size() > 8 ? ", ..." : "";
    }

    void note(keras_layer const& layer, std::string const& what) {
        notes_.push_back("left out " + layer.described() + ": " + what);
    }

    void skip(keras_layer const& layer) { note(layer, "as asked"); }

    // ---- the kinds of layers

    void take_dense(keras_layer const& layer) {
        auto const* const kernel = weight(layer, "kernel", "0");
        auto const* const bias = weight(layer, "bias", "1");
        if (kernel == nullptr) file_->refuse(layer.described(), " has no kernel");
        if (layer.weights.size() != (bias == nullptr ? 1u : 2u))
            file_->refuse(layer.described(), " has the weights ", parts(layer),
                          "; a dense layer has a kernel and perhaps a bias");
        dense_layer taken{layer.name, transposed(layer, layers_.array(layer, *kernel))};
        if (bias != nullptr) {
            auto const array = layers_.array(layer, *bias);
            check_rank(layer, array, 1, "the bias of a dense layer has rank 1, (out)");
            taken.bias = loaded(array);
        }
        taken.activation = activation_kind::identity;
        chain_.push_back(std::move(taken));
        after_skipped_ = false;
        if (layer.activation) apply(layer);
    }

    void take_activation(keras_layer const& layer) {
        if (!layers_.whole_model()) return note(layer, "the file does not say which function it is");
        if (after_skipped_) return skip(layer);
        if (!layer.activation) file_->refuse(layer.described(), " does not say which function it is");
        apply(layer);
    }

    void take_nothing(keras_layer const& layer) {
        // Dropout keeps the state of its random numbers, and nothing else may have any
        for (auto const& each : layer.weights)
            if (each.path.find("seed_generator") == each.path.npos)
                file_->refuse(layer.described(), " has the weights ", parts(layer));
        note(layer, "it changes nothing when the network is used");
    }

    /// Joins the function of a layer to the dense layer before, or of itself.
    void apply(keras_layer const& layer) {
        auto const kind = keras_activation(*layer.activation);
        if (kind == activation_kind::identity) return;
        if (chain_.empty())
            file_->refuse(layer.described(), " applies ", in_quotes(*layer.activation),
                          " before the first dense layer");
        auto& before = chain_.back().activation;
        if (before != activation_kind::identity)
            file_->refuse(layer.described(), " applies ", in_quotes(*layer.activation),
                          " to what another function gave, without a dense layer between");
        before = kind.value_or(activation_kind::unspecified);
        if (!kind)
            notes_.push_back(layer.described() + " applies " + in_quotes(*layer.activation) +
                             ", a function that spinet does not know: its activation is unspecified");
    }

    // ---- arrays

    void check_rank(keras_layer const& layer, hdf5_array const& array, std::size_t rank,
                    std::string const& why) const {
        if (array.shape.size() != rank)
            file_->refuse(layer.described(), ": ", array.described(), " has rank ", array.shape.size(), "; ",
                          why);
    }

    [[nodiscard]] tensor loaded(hdf5_array const& array) {
        return {array.path, array.type.value(), {array.shape.begin(), array.shape.end()}, file_->read(array)};
    }

    /// The kernel of shape (in, out) as a weight of shape (out, in), tile by tile for the sake of the caches.
    [[nodiscard]] tensor transposed(keras_layer const& layer, hdf5_array const& array) {
        check_rank(layer, array, 2, "the kernel of a dense layer has rank 2, (in, out)");
        auto const stored = file_->read(array);
        auto const in = static_cast<std::size_t>(array.shape[0]),
                   out = static_cast<std::size_t>(array.shape[1]), width = size_of(*array.type);
        constexpr std::size_t tile = 32;
        std::vector<std::byte> result(stored.size());
        for (std::size_t top = 0; top < in; top += tile)
            for (std::size_t left = 0; left < out; left += tile)
                for (auto i = top; i < std::min(in, top + tile); ++i)
                    for (auto j = left; j < std::min(out, left + tile); ++j)
                        std::memcpy(result.data() + (j * in + i) * width,
                                    stored.data() + (i * out + j) * width, width);
        return {array.path, array.type.value(), {out, in}, std::move(result)};
    }

    /// As `layers` asks for.
    void order() {
        if (options_->layers.empty()) return;
        std::vector<dense_layer> ordered;
        for (auto const& name : options_->layers) {
            auto const at = std::find_if(chain_.begin(), chain_.end(),
                                         [&](auto const& layer) { return layer.name == name; });
            if (at == chain_.end())
                file_->refuse("layer ", in_quotes(name), ", which the option 'layers' names, is not dense");
            ordered.push_back(*at);
        }
        chain_ = std::move(ordered);
    }

    hdf5_file* file_;
    keras_hdf5 const* options_;
    keras_layers layers_;
    std::vector<dense_layer> chain_;
    std::vector<std::string> notes_;
    bool after_skipped_ = false;  ///< the last dense layer of the file was left out
};

/// Throws `error`.
[[nodiscard]] inline keras_chain read_keras(input_file const& file, keras_hdf5 const& options) {
    hdf5_session const session;
    hdf5_file opened(file);
    return keras_reading(opened, options).run();
}

inline void put_tensor(archive_writer& out, tensor const& values) {
    out.put(values.name());
    out.put_value(static_cast<std::uint8_t>(values.type()));
    out.put(values.shape());
    auto const bytes = values.bytes();
    out.put(std::vector<std::byte>(bytes.begin(), bytes.end()));
}

[[nodiscard]] inline tensor get_tensor(archive_reader& in) {
    auto name = in.get_text();
    auto const type = in.get_value<std::uint8_t>();
    if (type > static_cast<std::uint8_t>(dtype::f64)) throw error("damaged: no type of numbers");
    auto shape = in.get<std::size_t>();
    return {std::move(name), static_cast<dtype>(type), std::move(shape), in.get<std::byte>()};
}

[[nodiscard]] inline std::vector<std::byte> packed(keras_chain const& chain) {
    archive_writer out;
    out.put_value(std::uint8_t{1});
    out.put_value(std::uint64_t{chain.notes.size()});
    for (auto const& note : chain.notes) out.put(note);
    out.put_value(std::uint64_t{chain.layers.size()});
    for (auto const& layer : chain.layers) {
        out.put(layer.name);
        out.put_value(static_cast<std::uint8_t>(layer.activation));
        out.put_value(static_cast<std::uint8_t>(layer.bias.has_value()));
        put_tensor(out, layer.weight);
        if (layer.bias) put_tensor(out, *layer.bias);
    }
    return std::move(out).take();
}

[[nodiscard]] inline keras_chain unpacked(archive_reader& in) {
    keras_chain chain;
    for (auto left = in.get_value<std::uint64_t>(); left > 0; --left) chain.notes.push_back(in.get_text());
    for (auto left = in.get_value<std::uint64_t>(); left > 0; --left) {
        auto name = in.get_text();
        auto const function = in.get_value<std::uint8_t>();
        if (function > static_cast<std::uint8_t>(activation_kind::log_softmax))
            throw error("damaged: no activation");
        bool const with_bias = in.get_value<std::uint8_t>() != 0;
        dense_layer layer{std::move(name), get_tensor(in)};
        if (with_bias) layer.bias = get_tensor(in);
        layer.activation = static_cast<activation_kind>(function);
        chain.layers.push_back(std::move(layer));
    }
    return chain;
}

/// What the process that reads hands over: the chain or, after a 0, why there is none.
[[nodiscard]] inline std::vector<std::byte> keras_answer(input_file const& file, keras_hdf5 const& options) {
    std::string why;
    try {
        return packed(read_keras(file, options));
    } catch (file_error const& reason) {
        why = std::string(reason.what()).substr(file.path().size() + 2);
    } catch (std::exception const& reason) {
        why = reason.what();
    }
    archive_writer out;
    out.put_value(std::uint8_t{0});
    out.put(why);
    return std::move(out).take();
}

[[nodiscard]] inline bool is_hdf5(input_file& file) { return begins_with(file, "\x89HDF\r\n\x1a\n"); }

[[nodiscard]] inline keras_chain read_keras_apart(input_file const& file, keras_hdf5 const& options) {
#if SPINET_HAS_CHILD_PROCESS
    if (options.time_limit.count() > 0) {
        // names and notes beside the arrays: less than the file and some
        auto const answer = in_child_process(20 * file.size() + (std::uint64_t{128} << 20),
                                             options.time_limit, [&] { return keras_answer(file, options); });
        archive_reader in(answer);
        if (in.get_value<std::uint8_t>() == 0) file.refuse(in.get_text());
        return unpacked(in);
    }
#endif
    return read_keras(file, options);
}

}  // namespace detail

inline bool keras_hdf5::recognises(std::filesystem::path const& path) const {
    return detail::recognised(path, detail::is_hdf5);
}

inline network keras_hdf5::operator()(std::filesystem::path const& path) const {
    return detail::network_from(path, [&] {
        input_file file(path);
        if (!detail::is_hdf5(file)) file.refuse("does not begin as an HDF5 file does");
        auto const chain = detail::read_keras_apart(file, *this);
        auto result = dense_network(chain.layers);
        for (auto const& note : chain.notes) result.add_note(note);
        return result;
    });
}

}  // namespace spinet
