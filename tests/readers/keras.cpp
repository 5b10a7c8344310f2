// SPDX-License-Identifier: BSD-3-Clause
/// Keras's HDF5 files: models and weights of all three layouts, every type of numbers, and what is refused.
#include "../files.hpp"
#include <spinet/io/atomic_file.hpp>
#include <spinet/network/network.hpp>
#include <spinet/readers/keras/keras.hpp>
#include <spinet/readers/safetensors/safetensors.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <hdf5.h>
#include <span>
#include <string>
#include <vector>

using namespace network_test;
using Catch::Matchers::ContainsSubstring;
using spinet::activation_kind;
using spinet::keras_hdf5;

namespace {

// The files are written by docs/studies/keras_fixtures.py with h5py, which also says what they hold.
std::filesystem::path fixture(std::string const& name) {
    return std::filesystem::path(SPINET_SOURCE_DIR) / "tests/data/keras" / name;
}

std::vector<double> values_of(spinet::tensor const& tensor) {
    std::vector<double> values(tensor.size());
    tensor.copy_to(std::span<double>(values));
    return values;
}

/// kernel[i, j] = (out i + j - 3) / 8, transposed to (out, in).
std::vector<double> weight(std::size_t in, std::size_t out) {
    std::vector<double> values;
    for (std::size_t j = 0; j < out; ++j)
        for (std::size_t i = 0; i < in; ++i) values.push_back((static_cast<double>(out * i + j) - 3) / 8);
    return values;
}

std::vector<double> bias(std::size_t out) {
    std::vector<double> values;
    for (std::size_t j = 0; j < out; ++j) values.push_back((1 - static_cast<double>(j)) / 4);
    return values;
}

void check_layer(spinet::dense_layer const& layer, std::string const& name, std::size_t in, std::size_t out,
                 activation_kind activation, bool with_bias = true) {
    CAPTURE(name);
    CHECK(layer.name == name);
    CHECK(layer.weight.shape() == std::vector<std::size_t>{out, in});
    CHECK(values_of(layer.weight) == weight(in, out));
    REQUIRE(layer.bias.has_value() == with_bias);
    if (with_bias) CHECK(values_of(*layer.bias) == bias(out));
    CHECK(layer.activation == activation);
}

bool noted(spinet::network const& net, std::string const& text) {
    return std::any_of(net.notes().begin(), net.notes().end(),
                       [&](auto const& note) { return note.find(text) != note.npos; });
}

std::string refused(std::string const& name, keras_hdf5 const& reader = {}) {
    auto const path = fixture(name);
    REQUIRE(std::filesystem::exists(path));
    return refusal(path, [&] { (void)reader(path); });
}

}  // namespace

TEST_CASE("whole models of Keras 2, Sequential and Functional", "[network]") {
    for (auto const* name : {"model.h5", "functional.h5", "functional_3.h5"}) {
        CAPTURE(name);
        CHECK(keras_hdf5{}.recognises(fixture(name)));
        auto const net = keras_hdf5{}(fixture(name));
        auto const chain = dense_chain(net);
        REQUIRE(chain.size() == 3);
        check_layer(chain[0], "first", 5, 4, activation_kind::relu);
        check_layer(chain[1], "dense", 4, 3, activation_kind::tanh);  // of the Activation that follows
        check_layer(chain[2], "a_last", 3, 2, activation_kind::softmax);
        CHECK(chain[0].weight.type() == spinet::dtype::f32);
        CHECK(net.source() == fixture(name));
        for (auto const* left : {"'dropout' of class 'Dropout'", "'flatten'"}) CHECK(noted(net, left));
        CHECK(net.notes().size() == 2);
        CHECK(net.find("input_1") != nullptr);
    }
}

TEST_CASE("the network that PyTorch exported for Keras", "[network]") {
    auto const place = std::filesystem::path(SPINET_SOURCE_DIR) / "tests/data/exported";
    auto const chain = dense_chain(keras_hdf5{}(place / "mlp.h5")),
               wanted = dense_chain(spinet::safetensors{}(place / "mlp.safetensors"));
    REQUIRE(chain.size() == wanted.size());
    for (std::size_t k = 0; k < chain.size(); ++k) {
        CHECK(chain[k].name == wanted[k].name);
        CHECK(chain[k].weight.shape() == wanted[k].weight.shape());
        CHECK(values_of(chain[k].weight) == values_of(wanted[k].weight));
        CHECK(values_of(chain[k].bias.value()) == values_of(wanted[k].bias.value()));
        CHECK(chain[k].activation ==
              (k + 1 < chain.size() ? activation_kind::relu : activation_kind::identity));
    }
}

TEST_CASE("weights alone: names in lists, and numbered groups", "[network]") {
    auto const unspecified = activation_kind::unspecified;
    for (auto const* name : {"weights.h5", "split_names.h5"}) {
        CAPTURE(name);
        auto const net = keras_hdf5{.hidden = activation_kind::relu}(fixture(name));
        auto const chain = dense_chain(net);
        REQUIRE(chain.size() == 3);
        check_layer(chain[0], "first", 5, 4, activation_kind::relu);
        check_layer(chain[1], "dense", 4, 3, activation_kind::relu);
        check_layer(chain[2], "a_last", 3, 2, unspecified);
        CHECK(noted(net, "'act': it has no weights"));
    }
    auto const old = dense_chain(keras_hdf5{}(fixture("keras_1.h5")));
    REQUIRE(old.size() == 1);
    check_layer(old[0], "dense_1", 3, 2, unspecified);

    auto const net = keras_hdf5{}(fixture("numbered.weights.h5"));
    auto const chain = dense_chain(net);
    REQUIRE(chain.size() == 4);  // 10 comes after 2
    check_layer(chain[0], "name0", 2, 3, unspecified);
    check_layer(chain[1], "name1", 3, 2, unspecified);
    check_layer(chain[2], "middle", 2, 2, unspecified, false);
    check_layer(chain[3], "last", 2, 2, unspecified);
    CHECK(noted(net, "by their numbers"));
    CHECK(noted(net, "'dropout'"));

    for (auto const* name : {"dependencies.weights.h5", "bfloat16.weights.h5"}) {
        auto const two = dense_chain(keras_hdf5{}(fixture(name)));
        REQUIRE(two.size() == 2);
        check_layer(two[0], "name0", 2, 3, unspecified);
        check_layer(two[1], "name1", 3, 2, unspecified);
        CHECK((two[0].weight.type() == spinet::dtype::bf16) == (std::string(name).front() == 'b'));
    }
}

TEST_CASE("every type of numbers, order of bytes and packing", "[network]") {
    auto const chain = dense_chain(keras_hdf5{}(fixture("types.h5")));
    REQUIRE(chain.size() == 6);
    using enum spinet::dtype;
    std::vector<spinet::dtype> const types{f16, f16, f32, f64, f64, f32};
    for (std::size_t k = 0; k < 6; ++k) {
        check_layer(chain[k], std::string(1, static_cast<char>('a' + k)), 4, 4, activation_kind::unspecified,
                    false);
        CHECK(chain[k].weight.type() == types[k]);
    }
}

TEST_CASE("functions that are not known, and layers that are left out as asked", "[network]") {
    auto const net = keras_hdf5{}(fixture("unknown_function.h5"));
    auto const chain = dense_chain(net);
    REQUIRE(chain.size() == 2);
    check_layer(chain[0], "x", 3, 3, activation_kind::unspecified);
    check_layer(chain[1], "y", 3, 2, activation_kind::unspecified);
    CHECK(noted(net, "layer 'x' of class 'Dense' applies 'hard_sigmoid'"));
    CHECK(noted(net, "layer 'leaky' of class 'LeakyReLU' applies 'LeakyReLU'"));

    CHECK_THAT(refused("refused_class.h5"),
               ContainsSubstring("layer 'times_two' of class 'Lambda' is not read: spinet has no operation"));
    CHECK(dense_chain(keras_hdf5{.ignored = {"times_two"}}(fixture("refused_class.h5"))).size() == 3);
    CHECK(keras_hdf5{}(fixture("normalised.h5")).find("bn") != nullptr);
    auto const without = keras_hdf5{.ignored = {"bn"}}(fixture("normalised.h5"));
    CHECK(dense_chain(without).size() == 3);
    CHECK(noted(without, "left out layer 'bn' of class 'BatchNormalization': as asked"));
    auto const asked = dense_chain(keras_hdf5{.layers = {"first", "dense"}}(fixture("model.h5")));
    REQUIRE(asked.size() == 2);
    check_layer(asked[1], "dense", 4, 3, activation_kind::tanh);
    auto const skipped = dense_chain(keras_hdf5{.layers = {"a_last"}}(fixture("model.h5")));
    REQUIRE(skipped.size() == 1);
    check_layer(skipped[0], "a_last", 3, 2, activation_kind::softmax);
    CHECK_THAT(refused("model.h5", {.layers = {"none"}}), ContainsSubstring("no layer 'none'"));
    CHECK_THAT(refused("model.h5", {.ignored = {"none"}}), ContainsSubstring("no layer 'none'"));
    CHECK_THAT(refused("model.h5", {.layers = {"act"}}), ContainsSubstring("layer 'act', which"));
    CHECK_THAT(refused("model.h5", {.layers = {"dense", "first"}}), ContainsSubstring("shapes do not chain"));
    CHECK_THAT(refused("refused_convolution.weights.h5"),
               ContainsSubstring("layer 'c' of class 'conv2d' with the weights '0' is not dense"));
}

TEST_CASE("refused: arrays that are elsewhere, not there, or no numbers", "[network]") {
    auto const is = [](std::string const& name, std::string const& what) {
        CAPTURE(name);
        CHECK_THAT(refused("refused_" + name + ".h5"), ContainsSubstring(what));
    };
    is("soft", "link 'kernel:0' of group 'dense' is a soft link");
    is("dangling", "soft link");
    is("cycle", "soft link");
    is("external_link", "link 'kernel:0' of group 'dense' leads out of the file");
    is("external_storage", "data set 'dense/kernel:0' of shape (4, 4) is stored in other files");
    is("virtual", "is virtual");
    is("integers", "elements of type integer of 32 bits");
    is("texts", "that is no number");
    is("references", "that is no number");
    is("complex", "that is no number");
    is("long_double", "float of 128 bits");
    is("group", "'dense/kernel:0' is no data set");
    is("missing", "group 'dense' has no entry 'kernel:0'");
    is("unwritten", "needs 64 bytes, but 0 are stored");
    is("huge", "more than ten times the size of the file");
    is("zeros", "more than ten times the size of the file");
    is("overflow", "larger than 2^64");
    is("partly", "the chunk at (0, 2) of data set 'dense/kernel:0' of shape (4, 4) is not in the file");
    is("lzf", "packed by filter 32000");
    is("scalar", "layer 'dense'");
    is("empty", "has no shape");
    is("nan", "holds nan at (3, 0); every weight has to be finite");
    is("short_chunk", "does not unpack to 64 bytes");
    is("long_chunk", "does not unpack to 64 bytes");
    is("no_zlib", "does not unpack to 64 bytes");
    is("more", "layer 'first' of class 'Dense' has the weights 'kernel', 'bias', 'more', more than");
    is("deep", "nested deeper than 64");
}

TEST_CASE("refused: files that are none, cut and with flipped bits", "[network]") {
    temporary_directory const place;
    auto const reading = [&](std::string const& bytes, int milliseconds = 100) {
        auto const path = place.write("x.h5", bytes);
        keras_hdf5 const reader{.time_limit = std::chrono::milliseconds(milliseconds)};
        bool finite = true;
        auto const what = refusal(path, [&] {
            for (auto const& layer : dense_chain(reader(path)))
                for (double const value : values_of(layer.weight)) finite = finite && std::isfinite(value);
        });
        CHECK(finite);
        return what;
    };
    CHECK_THAT(reading("no HDF5"), ContainsSubstring("begins neither as an HDF5 file does nor as a zip file"));
    CHECK_FALSE(keras_hdf5{}.recognises(place.path() / "none.h5"));
    CHECK_FALSE(keras_hdf5{}.recognises(place.write("text.h5", "text that is long enough")));
    auto const whole = spinet::read_whole(fixture("keras_1.h5"));
    for (std::size_t n = 1; n < whole.size(); ++n) {
        CAPTURE(n);
        REQUIRE(reading(whole.substr(0, n), 0) != "nothing was thrown");
    }
    std::size_t harmless = 0;
    // HDF5 1.10.8 crashes on some of these and hangs on others, where lengths of texts are damaged: the
    // process that reads the file is to die alone.
    for (std::size_t k = 0; k < whole.size(); k += 7) {
        auto flipped = whole;
        flipped[k] = static_cast<char>(flipped[k] ^ (1 << k % 8));
        harmless += reading(flipped) == "nothing was thrown" ? 1u : 0u;
    }
    CHECK(harmless < whole.size() / 7);  // unused bytes, and those of numbers
}

TEST_CASE("the state of the library stays as it was", "[network]") {
    H5E_auto2_t before = nullptr, after = nullptr;
    void *data = nullptr, *data_after = nullptr;
    unsigned plugins = 0, plugins_after = 1;
    auto const path = fixture("model.h5"), bad = fixture("refused_lzf.h5");
    keras_hdf5 const here{.time_limit = std::chrono::milliseconds(0)};
    CHECK(dense_chain(here(path)).size() == 3);
    H5Eget_auto2(H5E_DEFAULT, &before, &data);
    H5PLget_loading_state(&plugins);
    CHECK(dense_chain(here(path)).size() == 3);
    CHECK_THAT(refusal(bad, [&] { (void)here(bad); }), ContainsSubstring("filter 32000"));
    H5Eget_auto2(H5E_DEFAULT, &after, &data_after);
    H5PLget_loading_state(&plugins_after);
    CHECK(before == after);
    CHECK(data == data_after);
    CHECK(plugins == plugins_after);
    CHECK(H5Fget_obj_count(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_ALL) == 0);  // nothing is left open
}
