// SPDX-License-Identifier: BSD-3-Clause
/// The kinds of files that PyTorch's users have (docs/studies/torch_fixtures.py): what each layer gives is
/// what PyTorch gives. And weights in parts, made by hand.
#include "../files.hpp"
#include "evaluate.hpp"
#include <spinet/io/atomic_file.hpp>
#include <spinet/mapping/twin_hopfield.hpp>
#include <spinet/mean_field/coupling_spectrum.hpp>
#include <spinet/readers/architecture_file.hpp>
#include <spinet/readers/load.hpp>
#include <spinet/readers/torch/state_dict.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using namespace network_test;
using Catch::Matchers::ContainsSubstring;
using spinet::activation_kind;
using spinet::safetensors;
using spinet::state_dict;

namespace {

std::filesystem::path fixture(std::string const& name) {
    return SPINET_SOURCE_DIR "/tests/data/torch/" + name;
}

std::string refused(std::filesystem::path const& path, state_dict const& reader = {}) {
    return refusal(path, [&] { (void)reader(path); });
}

bool has_note(spinet::network const& net, std::string const& part) {
    return std::any_of(net.notes().begin(), net.notes().end(),
                       [&](std::string const& note) { return note.find(part) != note.npos; });
}

/// Compares all fields that PyTorch lists for `file`; `prefix` is what the names in the network lack.
void check_fields(spinet::network const& net, std::string const& file, std::string const& prefix = "") {
    auto const forward = nlohmann::json::parse(std::ifstream(fixture("forward.json")))[file];
    INFO(file);
    REQUIRE(forward.is_object());
    numbers input;
    for (std::size_t k = 0; k < forward["inputs"].get<std::size_t>(); ++k)
        input.push_back(std::sin(static_cast<double>(k + 1)));
    auto const values = evaluate(net, input);
    std::size_t compared = 0;
    for (auto const& [name, expected] : forward["fields"].items()) {
        if (!name.starts_with(prefix)) continue;
        INFO(name);
        auto const found = values.find(name.substr(prefix.size()));
        REQUIRE(found != values.end());
        auto const wanted = expected.get<numbers>();
        REQUIRE(found->second.values.size() == wanted.size());
        for (std::size_t k = 0; k < wanted.size(); ++k)
            CHECK(found->second.values[k] == Approx(wanted[k]).epsilon(1e-5).margin(1e-6));
        ++compared;
    }
    CHECK(compared == forward["fields"].size());
}

state_dict relu() { return {.hidden = activation_kind::relu, .output = activation_kind::identity}; }

state_dict choosing(std::string network) {
    auto reader = relu();
    reader.network = std::move(network);
    return reader;
}

/// Layer by layer the same names, shapes and bytes.
void check_same(spinet::network const& a, spinet::network const& b) {
    auto const left = dense_chain(a), right = dense_chain(b);
    REQUIRE(left.size() == right.size());
    for (std::size_t k = 0; k < left.size(); ++k) {
        CHECK(left[k].name == right[k].name);
        CHECK(left[k].weight.shape() == right[k].weight.shape());
        CHECK(std::ranges::equal(left[k].weight.bytes(), right[k].weight.bytes()));
        REQUIRE(left[k].bias.has_value() == right[k].bias.has_value());
        if (left[k].bias) CHECK(std::ranges::equal(left[k].bias->bytes(), right[k].bias->bytes()));
    }
}

numbers weight_of(std::vector<file_tensor> const& tensors) {
    temporary_directory const place;
    return numbers_of(
        dense_chain(safetensors{}(place.write("made.safetensors", safetensors_file(tensors))))[0].weight);
}
std::string refused_weights(std::vector<file_tensor> const& tensors, safetensors const& reader = {}) {
    temporary_directory const place;
    auto const path = place.write("made.safetensors", safetensors_file(tensors));
    return refusal(path, [&] { (void)reader(path); });
}
file_tensor of_floats(std::string name, std::vector<std::uint64_t> shape, std::vector<float> const& values) {
    return {std::move(name), "F32", std::move(shape), bytes_of(values)};
}

}  // namespace

TEST_CASE("torch kinds: every container holds the same weights, with PyTorch's fields", "[network]") {
    auto const plain = relu()(fixture("plain.pt"));
    for (std::string const name : {"plain.pt", "legacy.pt", "module.pt", "legacy_module.pt", "script.pt",
                                   "trace.pt", "lightning.ckpt", "parallel_compiled.pt", "only_member.pt"}) {
        INFO(name);
        CHECK(state_dict{}.recognises(fixture(name)));
        auto const net = relu()(fixture(name));
        check_fields(net, name);
        check_same(net, plain);
    }
    CHECK(has_note(relu()(fixture("parallel_compiled.pt")), "'_orig_mod.'"));
    CHECK(has_note(relu()(fixture("only_member.pt")), "read the dict 'generator'"));
    // The old format is recognised by its first bytes, too.
    temporary_directory const place;
    auto const renamed = place.write("weights", spinet::read_whole(fixture("legacy.pt")));
    CHECK(state_dict{}.recognises(renamed));
    CHECK_FALSE(safetensors{}.recognises(renamed));
    check_same(spinet::load_network(renamed, safetensors{}, relu()), plain);
}

TEST_CASE("torch kinds: files of the old format, cut at every byte and damaged", "[network]") {
    temporary_directory const place;
    auto const original = spinet::read_whole(fixture("legacy.pt"));
    auto const write = [&](std::string const& bytes) {
        std::filesystem::remove(place.path() / "a.pt");
        return place.write("a.pt", bytes);
    };
    for (std::size_t n = 1; n < original.size(); ++n) {
        CAPTURE(n);
        CHECK(refused(write(original.substr(0, n))) != "nothing was thrown");
    }
    std::size_t loaded = 0;
    for (std::size_t k = 0; k < 8 * original.size(); k += 3) {
        auto flipped = original;
        flipped[k / 8] = static_cast<char>(flipped[k / 8] ^ (1 << k % 8));
        auto const what = refusal(write(flipped), [&] {
            for (auto const& layer : dense_chain(state_dict{}(place.path() / "a.pt")))
                for (auto const x : numbers_of(layer.weight)) REQUIRE(std::isfinite(x));
            ++loaded;
        });
        CHECK(what.size() < 4000);
    }
    CHECK(loaded > original.size() / 10);  // weights
    auto const replaced = [&](std::string const& from, std::string const& to) {
        auto bytes = original;
        REQUIRE(bytes.find(from) != bytes.npos);
        return refused(write(bytes.replace(bytes.find(from), from.size(), to)));
    };
    CHECK_THAT(replaced("little_endianq\2\x88", "little_endianq\2\x89"), ContainsSubstring("byte order"));
    CHECK_THAT(replaced("M\xE9\3.", "M\xE8\3."), ContainsSubstring("other than 1001"));
    CHECK_THAT(replaced("FloatStorage", "FloatStoragf"), ContainsSubstring("'torch.FloatStoragf'"));
    // The number of elements in front of the first storage: 2^63 - 1 and 49.
    auto const count = original.find(bytes_of<std::uint64_t>({48}));
    REQUIRE(count != original.npos);
    for (auto const size : {std::uint64_t{1} << 63, std::uint64_t{49}}) {
        auto bytes = original;
        CHECK(refused(write(bytes.replace(count, 8, bytes_of<std::uint64_t>({size})))) !=
              "nothing was thrown");
    }
    CHECK_THAT(refused(write("\x80")), ContainsSubstring("bare pickle"));
}

TEST_CASE("torch kinds: a zip file of stable-baselines3 with a damaged policy", "[network]") {
    temporary_directory const place;
    auto const original = spinet::read_whole(fixture("ppo.zip"));
    auto const begin = original.find("policy.pth"), end = original.find("PK\1\2");
    REQUIRE(begin != original.npos);
    for (std::size_t k = begin; k < original.size(); k += k < end ? 7 : 1) {
        auto flipped = original;
        flipped[k] = static_cast<char>(flipped[k] ^ 1);
        std::filesystem::remove(place.path() / "a.zip");
        auto const path = place.write("a.zip", flipped);
        auto const what = refusal(path, [&] { (void)choosing("action_net")(path); });
        CHECK(what.size() < 4000);
    }
}

TEST_CASE("torch kinds: the couplings are those of the safetensors file, bit for bit", "[network]") {
    std::vector<file_tensor> tensors;
    for (auto const& layer : dense_chain(state_dict{}(fixture("plain.pt"))))
        for (auto const* part : {&layer.weight, layer.bias ? &*layer.bias : nullptr}) {
            if (part == nullptr) continue;
            std::vector<std::uint64_t> const shape(part->shape().begin(), part->shape().end());
            std::string const bytes(reinterpret_cast<char const*>(part->bytes().data()),
                                    part->bytes().size());
            tensors.push_back({part->name(), "F32", shape, bytes});
        }
    temporary_directory const place;
    auto const path = place.write("same.safetensors", safetensors_file(tensors));
    auto const couplings = [](spinet::network const& net) {
        return couplings_of(spinet::twin_hopfield{}.map<float>(net));
    };
    auto const expected = couplings(safetensors{}(path));
    for (char const* name : {"legacy.pt", "module.pt", "script.pt", "lightning.ckpt"})
        CHECK((couplings(state_dict{}(fixture(name))) == expected));
}

TEST_CASE("torch kinds: normalisations between the layers of a Sequential", "[network]") {
    auto const bn = relu()(fixture("bn.pt"));
    check_fields(bn, "bn.pt");
    std::vector<std::string> kinds;
    for (auto const& node : bn.nodes()) kinds.emplace_back(node.op.label());
    CHECK(kinds == std::vector<std::string>{"input", "dense layer", "batch normalisation", "activation",
                                            "dense layer", "activation", "batch normalisation",
                                            "dense layer"});
    CHECK(has_note(bn, "read '6' as batch normalisation"));
    check_fields(relu()(fixture("ln.pt")), "ln.pt");
    auto const prelu = relu()(fixture("prelu.pt"));
    REQUIRE(prelu.nodes().size() == 4);
    CHECK(prelu.nodes()[2].name == "1");
    CHECK(prelu.nodes()[2].op.is<spinet::activation>());
    CHECK(has_note(prelu, "read '1' as PReLU"));
}

TEST_CASE("torch kinds: where names leave a choice, the message has the architecture to write", "[network]") {
    temporary_directory const place;
    for (std::string const name : {"bn_named.pt", "prelu_channels.pt"}) {
        auto const what = refused(fixture(name), relu());
        REQUIRE(what.find("{\"nodes\"") != what.npos);
        auto reader = relu();
        reader.architecture =
            spinet::read_architecture(place.write("a.json", what.substr(what.find("{\"nodes\""))));
        auto const net = reader(fixture(name));
        if (name == "bn_named.pt") check_fields(net, name);
        CHECK(net.nodes().size() > 3);
    }
    CHECK_THAT(refused(fixture("bn_named.pt")),
               ContainsSubstring("whether 'bn2' stands before or after the activation") &&
                   ContainsSubstring("'architecture' (--architecture FILE): "));
    CHECK_THAT(refused(fixture("prelu_channels.pt")),
               ContainsSubstring("'1', which has 8 numbers and no bias"));
}

TEST_CASE("torch kinds: places of normalisations by numbers", "[network]") {
    auto const norm = [](std::string const& name, std::uint64_t width) {
        return std::vector<file_tensor>{counted(name + ".weight", {width}), counted(name + ".bias", {width})};
    };
    auto const order = [&](std::vector<std::string> const& norms) {
        temporary_directory const place;
        std::vector<file_tensor> tensors{counted("0.weight", {4, 4}), counted("4.weight", {4, 4})};
        for (auto const& name : norms) {
            auto const made = norm(name, 4);
            tensors.insert(tensors.end(), made.begin(), made.end());
        }
        auto const net = safetensors{}(place.write("a.safetensors", safetensors_file(tensors)));
        std::string names;
        for (auto const& node : net.nodes())
            names += node.op.is<spinet::activation>() ? "f "
                     : node.op.is<spinet::input>()    ? ""
                                                      : node.name + " ";
        return names;
    };
    CHECK(order({"1"}) == "0 1 f 4 f ");
    CHECK(order({"3"}) == "0 f 3 4 f ");
    CHECK(order({"5"}) == "0 f 4 5 f ");
    CHECK(order({"6"}) == "0 f 4 f 6 f ");
    CHECK(order({"1", "2", "3"}) == "0 1 2 3 f 4 f ");
    CHECK(order({"1", "3"}) == "0 1 f 3 4 f ");
    CHECK_THAT(error_of([&] { return order({"2"}); }),
               ContainsSubstring("whether '2' stands before or after"));
    CHECK_THAT(error_of([&] { return order({"1", "2", "norm"}); }), ContainsSubstring("fits several layers"));
    auto const with = [&](std::vector<file_tensor> more) {
        more.push_back(counted("fc1.weight", {4, 3}));
        more.push_back(counted("fc2.weight", {2, 4}));
        return refused_weights(more);
    };
    CHECK_THAT(with(norm("ln1", 5)),
               ContainsSubstring("layer_normalisation 'ln1' of 5 features fits no layer"));
    CHECK_THAT(with(norm("gn1", 4)),
               ContainsSubstring("seems to be one over the batch, groups or instances"));
    CHECK_THAT(with({counted("scale.weight", {4})}), ContainsSubstring("{\"name\": \"scale\", \"op\""));
    CHECK_THAT(with({counted("bn1.running_mean", {4})}),
               ContainsSubstring("lacks the other of running_mean"));
}

TEST_CASE("torch kinds: weight and spectral normalisation, pruning", "[network]") {
    for (std::string const name : {"weight_norm.pt", "weight_norm_2.pt", "weight_norm_columns.pt",
                                   "spectral_norm.pt", "spectral_norm_2.pt", "pruned.pt"})
        check_fields(relu()(fixture(name)), name);
    CHECK(has_note(relu()(fixture("weight_norm.pt")), "computed '0.weight' from '0.weight_v', '0.weight_g'"));
    CHECK_THAT(refused(fixture("orthogonal.pt")), ContainsSubstring("parametri"));
    // 3-4-5: the norms are 5 and 13.
    auto const g = of_floats("weight_g", {2, 1}, {10, 26}), v = of_floats("weight_v", {2, 2}, {3, 4, 5, 12});
    CHECK(weight_of({g, v}) == numbers{6, 8, 10, 24});
    CHECK_THAT(refused_weights({of_floats("weight_g", {3, 1}, {1, 2, 3}), v}),
               ContainsSubstring("do not fit"));
    CHECK_THAT(refused_weights({g, of_floats("weight_v", {2, 2}, {0, 0, 1, 1})}), ContainsSubstring("nan"));
    // Before PyTorch 1.0 there is u alone: W^T u = (3, 4), of norm 5.
    auto const original = of_floats("a.weight_orig", {2, 2}, {3, 4, 1, 7}),
               u = of_floats("a.weight_u", {2}, {1, 0});
    CHECK(weight_of({original, u}) == numbers{3.0F / 5, 4.0F / 5, 1.0F / 5, 7.0F / 5});
    CHECK_THAT(refused_weights({original, of_floats("a.weight_u", {3}, {1, 0, 0})}),
               ContainsSubstring("do not fit"));
    CHECK_THAT(refused_weights({original, of_floats("a.weight_mask", {2}, {1, 0})}),
               ContainsSubstring("do not fit"));
    CHECK(weight_of({original, u, of_floats("a.weight", {2, 2}, {1, 2, 3, 4})}) == numbers{1, 2, 3, 4});
    // (in, out), as Flax and Keras name it
    CHECK(weight_of({of_floats("a.kernel", {2, 3}, {1, 2, 3, 4, 5, 6}),
                     of_floats("a.bias", {3}, {1, 2, 3})}) == numbers{1, 4, 2, 5, 3, 6});
    CHECK_THAT(
        refused_weights({of_floats("a.kernel", {2, 2}, {1, 2, 3, 4}), of_floats("a.bias", {3}, {1, 2, 3})}),
        ContainsSubstring("'a.kernel'"));
    // GPT-2's, which only the names tell where the matrix is square; other layers are (out, in) as ever.
    auto const square = [&](std::string const& name) {
        return weight_of({of_floats(name + ".weight", {2, 2}, {1, 2, 3, 4})});
    };
    CHECK(square("h.0.mlp.c_fc") == numbers{1, 3, 2, 4});
    CHECK(square("attn.c_proj") == numbers{1, 3, 2, 4});
    CHECK(square("h.0.mlp.fc") == numbers{1, 2, 3, 4});
    CHECK(square("xmlp.c_fc") == numbers{1, 2, 3, 4});
    temporary_directory const place;
    auto const block = dense_chain(safetensors{}(
        place.write("gpt2.safetensors",
                    safetensors_file({of_floats("h.0.mlp.c_proj.weight", {3, 2}, {1, 2, 3, 4, 5, 6}),
                                      of_floats("h.0.mlp.c_fc.weight", {2, 3}, {1, 2, 3, 4, 5, 6})}))));
    REQUIRE(block.size() == 2);
    CHECK(block[0].name == "h.0.mlp.c_fc");
    CHECK(numbers_of(block[0].weight) == numbers{1, 4, 2, 5, 3, 6});
    CHECK(numbers_of(block[1].weight) == numbers{1, 3, 5, 2, 4, 6});
}

TEST_CASE("torch kinds: quantised weights and their scales", "[network]") {
    check_fields(relu()(fixture("dynamic.pt")), "dynamic.pt");
    check_fields(relu()(fixture("channels.pt")), "channels.pt");
    file_tensor const q{"a.weight", "I8", {2, 4}, bytes_of<std::int8_t>({1, 2, 3, 4, -1, -2, -3, -128})};
    auto const one = of_floats("a.weight_scale", {}, {0.5F});
    CHECK(weight_of({q, one}) == numbers{.5, 1, 1.5, 2, -.5, -1, -1.5, -64});
    CHECK(weight_of({q, of_floats("a.weight_scale", {2, 1}, {1, 2})}) ==
          numbers{1, 2, 3, 4, -2, -4, -6, -256});
    CHECK(weight_of({q, of_floats("a.weight_scale", {2, 2}, {1, 2, 3, 4})}) ==
          numbers{1, 2, 6, 8, -3, -6, -12, -512});
    CHECK(weight_of({q, one, {"a.weight_zero_point", "I8", {2}, bytes_of<std::int8_t>({1, -1})}}) ==
          numbers{0, .5, 1, 1.5, 0, -.5, -1, -63.5});
    CHECK(weight_of({q, of_floats("a.SCB", {2}, {127, 254})}) == numbers{1, 2, 3, 4, -2, -4, -6, -256});
    CHECK(weight_of({{"a.weight", "U8", {1, 2}, bytes_of<std::uint8_t>({0, 255})},
                     one,
                     {"a.weight_zero_point", "U8", {}, bytes_of<std::uint8_t>({128})}}) ==
          numbers{-64, 63.5});
    // The tables of the OCP specifications of 8-bit and microscaling formats.
    auto const bytes = [](char const* type, std::vector<std::uint8_t> const& values) {
        return file_tensor{"a.weight", type, {1, values.size()}, bytes_of(values)};
    };
    auto const unit = of_floats("a.weight_scale", {1}, {1});
    CHECK(weight_of({bytes("F8_E4M3", {0x38, 0x7E, 0x01, 0xB8, 0x08, 0x00}), unit}) ==
          numbers{1, 448, std::ldexp(1, -9), -1, std::ldexp(1, -6), 0});
    CHECK(weight_of({bytes("F8_E5M2", {0x3C, 0x7B, 0x01, 0xC0, 0x04}), unit}) ==
          numbers{1, 57344, std::ldexp(1, -16), -2, std::ldexp(1, -14)});
    CHECK(weight_of({bytes("F8_E4M3FNUZ", {0x40, 0x7F, 0x01}), unit}) == numbers{1, 240, std::ldexp(1, -10)});
    CHECK(weight_of({bytes("F8_E5M2FNUZ", {0x40, 0x7F, 0x01}), unit}) ==
          numbers{1, 57344, std::ldexp(1, -17)});
    CHECK(weight_of({bytes("F8_E4M3", {0x38, 0x40}), {"a.weight_scale", "F8_E8M0", {1, 2}, "\x80\x7E"}}) ==
          numbers{2, 1});
    CHECK(weight_of({{"a.weight", "F4", {2, 4}, "\x10\x32\x54\xF6"},
                     of_floats("a.weight_scale", {2}, {1, 10})}) == numbers{0, .5, 1, 1.5, 20, 30, 40, -60});
    for (char const* type : {"F8_E4M3", "F8_E5M2"})
        CHECK_THAT(refused_weights({bytes(type, {0x7F, 0x38}), unit}), ContainsSubstring("nan at (0, 0)"));
    // Blocks of 128, the last one cut.
    std::string const rows(3 * 130, '\x38');
    auto const blocks =
        weight_of({{"a.weight", "F8_E4M3", {3, 130}, rows}, of_floats("a.weight_scale_inv", {1, 2}, {2, 3})});
    CHECK(blocks[127] == 2);
    CHECK(blocks[128] == 3);
    CHECK(blocks[389] == 3);
}

TEST_CASE("torch kinds: quantised weights that are not known are refused", "[network]") {
    file_tensor const q{"a.weight", "I8", {2, 4}, std::string(8, '\1')},
        u{"a.weight", "U8", {2, 4}, std::string(8, '\1')};
    CHECK_THAT(refused_weights({q}),
               ContainsSubstring("dtype I8") && ContainsSubstring("in 'a.weight_scale'"));
    CHECK_THAT(refused_weights({q, of_floats("a.weight_scale", {3}, {1, 2, 3})}),
               ContainsSubstring("do not fit"));
    CHECK_THAT(refused_weights({q, of_floats("a.weight_scale", {2, 3}, {1, 2, 3, 4, 5, 6})}),
               ContainsSubstring("do not fit"));
    CHECK_THAT(refused_weights({q, of_floats("a.weight_scale", {0}, {})}), ContainsSubstring("do not fit"));
    CHECK_THAT(refused_weights({u, of_floats("a.weight_scale", {2}, {1, 2})}),
               ContainsSubstring("in a way that is not known"));
    CHECK_THAT(refused_weights(
                   {q, of_floats("a.weight_scale", {2}, {1, 2}), of_floats("a.weight_scale_2", {}, {1})}),
               ContainsSubstring("in a way that is not known"));
    CHECK_THAT(refused_weights({q, {"a.weight_scale", "C64", {}, std::string(8, '\0')}}),
               ContainsSubstring("dtype C64"));
    CHECK_THAT(refused_weights({{"a.weight", "I8", {0, 4}, ""}, of_floats("a.weight_scale", {}, {1})}),
               ContainsSubstring("do not fit"));
    CHECK_THAT(refused_weights({{"a.qweight", "I32", {2, 4}, std::string(32, '\1')}}),
               ContainsSubstring("GPTQ"));
}

TEST_CASE("torch kinds: several networks are listed, and one is chosen", "[network]") {
    CHECK(refused(fixture("training.pt")) ==
          "holds 2 networks: 'actor' (4-8-4), 'critic' (4-8-4); choose one in the option 'network' "
          "(--network NAME)");
    check_fields(choosing("critic")(fixture("training.pt")), "training.pt");
    CHECK(has_note(choosing("actor")(fixture("training.pt")), "read the network 'actor', 4 of 9 tensors"));
    CHECK_THAT(refused(fixture("training.pt"), choosing("policy")),
               ContainsSubstring("there is no network 'policy'") && ContainsSubstring("'critic' (4-8-4)"));
    check_fields(relu()(fixture("ema.pt")), "ema.pt");
    auto const average = choosing("ema")(fixture("ema.pt"));
    CHECK_FALSE(std::ranges::equal(dense_chain(average)[0].weight.bytes(),
                                   dense_chain(relu()(fixture("ema.pt")))[0].weight.bytes()));
    auto by_entry = relu();
    by_entry.entry = "ema";
    check_same(by_entry(fixture("ema.pt")), average);
    CHECK(
        refused(fixture("ppo.zip")) ==
        "holds 2 networks: 'action_net' (4-8-8-8), 'value_net' (4-8-8-1); choose one in the option 'network' "
        "(--network NAME)");
    CHECK(state_dict{}.recognises(fixture("ppo.zip")));
    auto const ppo = choosing("action_net")(fixture("ppo.zip"));
    check_fields(ppo, "ppo.zip");
    CHECK(has_note(ppo, "read 'policy.pth' of a zip file of stable-baselines3"));
    check_fields(choosing("q_net.q_net")(fixture("dqn.zip")), "dqn.zip");
    check_fields(choosing("actor.mu")(fixture("td3.zip")), "td3.zip");
    CHECK_THAT(refused(fixture("td3.zip")),
               ContainsSubstring("holds 6 networks: ") && ContainsSubstring("'critic_target.qf1' (4-8-8-1)"));
    check_fields(choosing("actor.mu")(fixture("sac.zip")), "sac.zip", "");
    CHECK_THAT(refused(fixture("sac.zip"), choosing("actor")),
               ContainsSubstring("holds 2 networks: 'actor.log_std' (3-8-8-2), 'actor.mu' (3-8-8-2)"));
    auto both = choosing("actor");
    both.layers = {"0"};
    CHECK_THAT(refused(fixture("training.pt"), both), ContainsSubstring("exclude each other"));
}

TEST_CASE("torch kinds: one of several networks with an architecture, in the names of the network itself",
          "[network]") {
    std::string const exported = SPINET_SOURCE_DIR "/tests/data/exported/lenet";
    auto const architecture = spinet::read_architecture(exported + ".json");
    auto const alone = state_dict{.architecture = architecture}(exported + ".pt");
    auto const chosen =
        state_dict{.architecture = architecture, .network = "target"}(fixture("online_target.pt"));
    REQUIRE(chosen.nodes().size() == alone.nodes().size());
    for (std::size_t k = 0; k < alone.nodes().size(); ++k)
        alone.nodes()[k].op.visit([&]<class Op>(Op const& op) {
            auto const left = spinet::detail::tensors_in(op),
                       right = spinet::detail::tensors_in(*chosen.nodes()[k].op.get_if<Op>());
            REQUIRE(left.size() == right.size());
            for (std::size_t t = 0; t < left.size(); ++t)
                CHECK(std::ranges::equal(left[t]->bytes(), right[t]->bytes()));
        });
    CHECK_THAT(refused(fixture("online_target.pt")),
               ContainsSubstring("'online' (") && ContainsSubstring("'target' ("));
    CHECK_THAT(refused(fixture("online_target.pt"), choosing("target.fc1")),
               ContainsSubstring("is one layer, not a network"));
}

TEST_CASE("torch kinds: a chosen network keeps the normalisations between its layers", "[network]") {
    temporary_directory const place;
    std::vector<file_tensor> tensors{counted("action_net.weight", {2, 8}),
                                     counted("value_net.weight", {1, 8}), counted("log_std", {2})};
    for (std::string const tower : {"mlp_extractor.policy_net.", "mlp_extractor.value_net."}) {
        tensors.push_back(counted(tower + "0.weight", {8, 4}));
        tensors.push_back(counted(tower + "1.weight", {8}));
        tensors.push_back(counted(tower + "1.bias", {8}));
        tensors.push_back(counted(tower + "3.weight", {8, 8}));
    }
    auto const net =
        safetensors{.network = "action_net"}(place.write("a.safetensors", safetensors_file(tensors)));
    std::string names;
    for (auto const& node : net.nodes())
        if (!node.op.is<spinet::activation>()) names += node.name + " ";
    CHECK(
        names ==
        "input mlp_extractor.policy_net.0 mlp_extractor.policy_net.1 mlp_extractor.policy_net.3 action_net ");
}

TEST_CASE("torch kinds: what is no several networks keeps its message", "[network]") {
    // One head and one trunk are one network; an autoencoder has two orders.
    CHECK_THAT(refused_weights({counted("encoder.0.weight", {3, 5}), counted("encoder.2.weight", {2, 3}),
                                counted("decoder.0.weight", {3, 2}), counted("decoder.2.weight", {5, 3})}),
               ContainsSubstring("ambiguous") && ContainsSubstring("'layers' (--layers") &&
                   ContainsSubstring("or choose one of 'decoder' (2-3-5), 'encoder' (5-3-2)"));
    CHECK_THAT(refused_weights(
                   {counted("q.weight", {3, 5}), counted("k.weight", {4, 6}), counted("v.weight", {7, 8})}),
               ContainsSubstring("shapes do not chain"));
    CHECK_THAT(refused_weights(
                   {counted("0.weight", {3, 5}), counted("2.weight", {4, 6}), counted("9.weight", {7, 8})}),
               ContainsSubstring("shapes do not chain"));
    CHECK(refused_weights({counted("fc1.weight", {8, 4}), counted("fc_pi.weight", {2, 8}),
                           counted("fc_v.weight", {1, 8})}) ==
          "holds 2 networks: 'fc_pi' (4-8-2), 'fc_v' (4-8-1); choose one in the option 'network' (--network "
          "NAME)");
    CHECK_THAT(
        refused_weights({counted("a.0.weight", {3, 5}), counted("a.2.weight", {2, 3})}, {.network = "b"}),
        ContainsSubstring("there is no network 'b'") && ContainsSubstring("holds one network"));
    // Cycles of heads, and names of many parts.
    CHECK_THAT(refused_weights(
                   {counted("a.weight", {2, 3}), counted("b.weight", {3, 2}), counted("c.weight", {5, 7})}),
               ContainsSubstring("shapes do not chain"));
    std::string deep;
    for (int k = 0; k < 500; ++k) deep += "a.";
    CHECK_THAT(refused_weights({counted(deep + "x.weight", {2, 3}), counted(deep + "y.weight", {4, 5})}),
               ContainsSubstring("shapes do not chain"));
}

TEST_CASE("torch kinds: Git LFS pointers and numbers beyond float", "[network]") {
    temporary_directory const place;
    std::string const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123\n";
    for (char const* name : {"a.pt", "a.safetensors", "a.npz"}) {
        auto const path = place.write(name, pointer);
        CHECK(refusal(path, [&] { (void)spinet::load_network(path, safetensors{}, state_dict{}); }) ==
              "is a Git LFS pointer, not the file: git lfs pull");
    }
    file_tensor const huge{"a.weight", "F64", {1, 2}, bytes_of<double>({1, -1e200})};
    auto const beyond = place.write("huge.safetensors", safetensors_file({huge}));
    CHECK(refusal(beyond, [&] { (void)spinet::load_network(beyond); }) ==
          "node 'a': tensor 'a.weight' of shape (1, 2) holds -1e+200 at (0, 1), too large for float");
    double const largest = std::numeric_limits<float>::max();
    CHECK(weight_of({{"a.weight", "F64", {1, 2}, bytes_of<double>({largest, -largest})}}) ==
          numbers{largest, -largest});
}

TEST_CASE("torch kinds: computed weights are taken from the allowance of the file", "[network]") {
    // Expanded from one element: 16 million integers, which as weights take 64 MB.
    auto const path = fixture("expanded.pt");
    CHECK_THAT(refused(path), ContainsSubstring("more memory than ten times"));
}
