// SPDX-License-Identifier: BSD-3-Clause
/// The arrays of Keras's HDF5 files, by layer: of Keras 1 and 2, and of Keras 3. Needs libhdf5 and zlib.
#pragma once

#include <spinet/archive.hpp>
#include <spinet/error.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/child_process.hpp>
#include <spinet/readers/file.hpp>
#include <spinet/readers/keras/hdf5_file.hpp>
#include <spinet/readers/layer_order.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet::detail {

/// An array of a layer.
struct keras_array {
    std::string path;   ///< "dense/kernel:0"; of Keras 3 "vars/0", within the layer's group
    std::string whole;  ///< in the file, for messages
    std::vector<std::size_t> shape;
    std::string type_name;         ///< where spinet does not compute with its elements
    std::optional<tensor> values;  ///< else

    /// "kernel" of "dense/kernel:0", "dense_1_W" (Keras 1) or "model/dense/kernel"; "0" of "vars/0".
    [[nodiscard]] std::string part() const {
        auto part = std::string_view(path).substr(path.rfind('/') + 1);
        part = part.substr(0, part.rfind(':'));
        if (part.size() > 2 && part.substr(part.size() - 2) == "_W") return "kernel";
        if (part.size() > 2 && part.substr(part.size() - 2) == "_b") return "bias";
        return std::string(part);
    }
};

/// What a file lists as a layer; where a whole model is one, that is all of it.
struct keras_group {
    std::string name;
    std::string group;  ///< of Keras 3, which is named after the class: "dense_1"
    std::vector<keras_array> arrays = {};
};

struct keras_contents {
    bool numbered = false;  ///< Keras 3: groups named after classes, arrays by numbers
    std::optional<std::string> config = std::nullopt;
    std::vector<keras_group> groups = {};
};

/// "dense" and 12 of "dense_12"; without a number 0.
[[nodiscard]] inline std::pair<std::string, std::uint64_t> numbered(std::string const& group) {
    auto const bar = group.rfind('_');
    auto const digits = bar == group.npos ? std::string() : group.substr(bar + 1);
    bool const is_number =
        !digits.empty() && digits.size() < 10 && std::all_of(digits.begin(), digits.end(), is_digit);
    if (!is_number) return {group, 0};
    return {group.substr(0, bar), std::stoull(digits)};
}

/// Reads all arrays of the layers but those named in `ignored`. Members throw `error`.
class keras_listing {
public:
    keras_listing(hdf5_file& file, std::vector<std::string> const& ignored)
        : file_(&file), ignored_(ignored.begin(), ignored.end()) {}

    [[nodiscard]] keras_contents run() {
        auto root = file_->root();
        if (file_->has_group(root, "model_weights")) {
            found_.config = file_->text(root, "model_config");
            read_named(file_->group(root, "model_weights"));
        } else if (has_names(root, "layer_names")) {
            read_named(root);
        } else {
            read_numbered(root);
        }
        return std::move(found_);
    }

private:
    // ---- Keras 1 and 2: lists of names as attributes

    [[nodiscard]] static bool has_names(hdf5_group const& group, std::string const& name) {
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

    void read_named(hdf5_group const& of) {
        std::set<std::string, std::less<>> seen;
        auto all = names(of, "layer_names");
        if (file_->has_group(of, top_level)) all.emplace_back(top_level);
        for (auto const& name : all) {
            if (!seen.insert(name).second) file_->refuse("layer ", in_quotes(name), " is listed twice");
            keras_group layer{name, {}};
            auto const group = file_->group(of, name);
            if (ignored_.count(name) == 0 && (name != top_level || has_names(group, "weight_names")))
                for (auto const& path : names(group, "weight_names")) take(layer, group, path);
            if (name != top_level || !layer.arrays.empty()) found_.groups.push_back(std::move(layer));
        }
    }

    // ---- Keras 3: groups named after classes, numbered

    void read_numbered(hdf5_group const& root) {
        found_.numbered = true;
        for (auto const* name : {"layers", "_layer_checkpoint_dependencies"}) {
            if (!file_->has_group(root, name)) continue;
            // Weights of the model beside those of its layers would be left out.
            if (file_->has_group(root, "vars") && !file_->names(file_->group(root, "vars")).empty())
                file_->refuse("the model has weights of its own, in group 'vars'");
            return read_groups(file_->group(root, name));
        }
        file_->refuse(
            "is an HDF5 file, but none of Keras: the root group has no model_weights, layer_names or layers");
    }

    void read_groups(hdf5_group const& of) {
        auto groups = file_->names(of);
        std::sort(groups.begin(), groups.end(),
                  [](auto const& a, auto const& b) { return numbered(a) < numbered(b); });
        for (auto const& name : groups) {
            keras_group layer{name, name};
            auto const at = file_->group(of, name);
            if (file_->has_group(at, "vars")) {
                auto const vars = file_->group(at, "vars");
                if (auto own = file_->strings(vars, "name"); own && own->size() == 1)
                    layer.name = own->front();
            }
            std::size_t left = 10'000;
            if (ignored_.count(layer.name) == 0) take_all(layer, at, at, "", 0, left);
            found_.groups.push_back(std::move(layer));
        }
    }

    /// All arrays below a group: vars/0 on, and those of what is within it. Groups that hold each other end
    /// at the depth.
    void take_all(keras_group& layer, hdf5_group const& top, hdf5_group const& group, std::string const& path,
                  std::size_t depth, std::size_t& left) {
        if (depth > 16) file_->refuse(group.described(), " is nested deeper than any of Keras");
        for (auto const& name : file_->names(group, left)) {
            if (left-- == 0) file_->refuse(group.described(), " has too many entries");
            auto const below = path.empty() ? name : path + "/" + name;
            if (name == "seed_generator") continue;  // the state of random numbers
            if (file_->has_group(group, name))
                take_all(layer, top, file_->group(group, name), below, depth + 1, left);
            else
                take(layer, top, below);
        }
    }

    void take(keras_group& layer, hdf5_group const& group, std::string const& path) {
        if (path.find("seed_generator") != path.npos) return;
        auto const array = file_->array(group, path);
        keras_array taken{path, array.path, {array.shape.begin(), array.shape.end()}, {}, std::nullopt};
        if (array.type)
            taken.values.emplace(array.path, *array.type, taken.shape, file_->read(array));
        else
            taken.type_name = array.type_name;
        layer.arrays.push_back(std::move(taken));
    }

    static constexpr char const* top_level = "top_level_model_weights";

    hdf5_file* file_;
    std::set<std::string, std::less<>> ignored_;
    keras_contents found_;
};

// ---- from one process to another

[[nodiscard]] inline std::vector<std::byte> packed(keras_contents const& of) {
    archive_writer out;
    out.put_value(std::uint8_t{1});
    out.put_value(static_cast<std::uint8_t>(of.numbered));
    out.put_value(static_cast<std::uint8_t>(of.config.has_value()));
    out.put(of.config.value_or(""));
    out.put_value(std::uint64_t{of.groups.size()});
    for (auto const& layer : of.groups) {
        out.put(layer.name);
        out.put(layer.group);
        out.put_value(std::uint64_t{layer.arrays.size()});
        for (auto const& array : layer.arrays) {
            out.put(array.path);
            out.put(array.whole);
            out.put(array.shape);
            out.put(array.type_name);
            if (!array.values) continue;
            out.put_value(static_cast<std::uint8_t>(array.values->type()));
            auto const bytes = array.values->bytes();
            out.put(std::vector<std::byte>(bytes.begin(), bytes.end()));
        }
    }
    return std::move(out).take();
}

[[nodiscard]] inline keras_contents unpacked(archive_reader& in) {
    keras_contents found{in.get_value<std::uint8_t>() != 0};
    bool const with_config = in.get_value<std::uint8_t>() != 0;
    auto config = in.get_text();
    if (with_config) found.config = std::move(config);
    for (auto left = in.get_value<std::uint64_t>(); left > 0; --left) {
        keras_group layer{in.get_text(), {}};
        layer.group = in.get_text();
        for (auto arrays = in.get_value<std::uint64_t>(); arrays > 0; --arrays) {
            keras_array array{in.get_text(), {}, {}, {}, std::nullopt};
            array.whole = in.get_text();
            array.shape = in.get<std::size_t>();
            array.type_name = in.get_text();
            if (array.type_name.empty()) {
                auto const type = in.get_value<std::uint8_t>();
                if (type > static_cast<std::uint8_t>(dtype::f64)) throw error("damaged: no type of numbers");
                array.values.emplace(array.whole, static_cast<dtype>(type), array.shape, in.get<std::byte>());
            }
            layer.arrays.push_back(std::move(array));
        }
        found.groups.push_back(std::move(layer));
    }
    return found;
}

/// Reads the file in this process; `image` as for hdf5_file. Throws `error`.
[[nodiscard]] inline keras_contents read_keras(input_file const& file, std::span<std::byte> image,
                                               std::vector<std::string> const& ignored) {
    hdf5_session const session;
    hdf5_file opened(file, image);
    return keras_listing(opened, ignored).run();
}

/// What the process that reads hands over: the arrays or, after a 0, why there are none.
[[nodiscard]] inline std::vector<std::byte> keras_answer(input_file const& file, std::span<std::byte> image,
                                                         std::vector<std::string> const& ignored) {
    std::string why;
    try {
        return packed(read_keras(file, image, ignored));
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

/// The same in a process of its own, which is ended after `limit`; in this one where that is 0.
[[nodiscard]] inline keras_contents read_keras_apart(input_file const& file, std::span<std::byte> image,
                                                     std::vector<std::string> const& ignored,
                                                     std::chrono::milliseconds limit) {
#if SPINET_HAS_CHILD_PROCESS
    if (limit.count() > 0) {
        // names beside the arrays: less than the file and some
        auto const answer = in_child_process(20 * file.size() + (std::uint64_t{128} << 20), limit,
                                             [&] { return keras_answer(file, image, ignored); });
        archive_reader in(answer);
        if (in.get_value<std::uint8_t>() == 0) file.refuse(in.get_text());
        return unpacked(in);
    }
#endif
    return read_keras(file, image, ignored);
}

}  // namespace spinet::detail
