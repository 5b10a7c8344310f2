// SPDX-License-Identifier: BSD-3-Clause
/// PyTorch's checkpoints: files that PyTorch wrote (docs/studies/state_dict_fixtures.py and exported/), and
/// files made by hand which no PyTorch would write.
#include "../files.hpp"
#include <spinet/io/atomic_file.hpp>
#include <spinet/readers/load.hpp>
#include <spinet/readers/numpy/npz.hpp>
#include <spinet/readers/torch/state_dict.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <limits>
#include <span>
#include <string>
#include <vector>
#include <zip.h>

using namespace network_test;
using Catch::Matchers::ContainsSubstring;
using spinet::state_dict;

namespace {

std::filesystem::path fixture(std::string const& name) {
    return SPINET_SOURCE_DIR "/tests/data/state_dict_" + name + ".pt";
}

std::vector<double> values_of(spinet::tensor const& tensor) {
    std::vector<double> values(tensor.size());
    tensor.copy_to(std::span<double>(values));
    return values;
}

/// What state_dict_fixtures.py calls counted(first, size).
std::vector<double> counted_from(double first, std::size_t size) {
    std::vector<double> values;
    for (std::size_t k = 0; k < size; ++k) values.push_back(first + static_cast<double>(k) / 4);
    return values;
}

/// The network of `chain(first)` there.
void check_chain(spinet::network const& net, double first = 0) {
    auto const chain = dense_chain(net);
    REQUIRE(chain.size() == 2);
    CHECK(chain[0].name == "0");
    CHECK(chain[0].weight.shape() == std::vector<std::size_t>{2, 3});
    CHECK(values_of(chain[0].weight) == counted_from(first, 6));
    REQUIRE(chain[0].bias.has_value());
    CHECK(values_of(*chain[0].bias) == counted_from(first + 10, 2));
    CHECK(chain[1].name == "2");
    CHECK(values_of(chain[1].weight) == counted_from(first + 20, 2));
    CHECK_FALSE(chain[1].bias.has_value());
}

bool has_note(spinet::network const& net, std::string const& part) {
    return std::any_of(net.notes().begin(), net.notes().end(),
                       [&](std::string const& note) { return note.find(part) != note.npos; });
}

std::string refused(std::filesystem::path const& path, state_dict const& reader = {}) {
    return refusal(path, [&] { (void)reader(path); });
}

struct zipped {
    std::string name, bytes;
};

std::filesystem::path write_zip(temporary_directory const& place, std::vector<zipped> const& entries,
                                int method = ZIP_CM_STORE) {
    auto const path = place.path() / "made.pt";
    std::filesystem::remove(path);
    int code = 0;
    zip_t* const zip = zip_open(path.c_str(), ZIP_CREATE | ZIP_EXCL, &code);
    REQUIRE(zip != nullptr);
    for (auto const& each : entries) {
        auto* const source = zip_source_buffer(zip, each.bytes.data(), each.bytes.size(), 0);
        auto const index = zip_file_add(zip, each.name.c_str(), source, ZIP_FL_ENC_UTF_8);
        REQUIRE(index >= 0);
        REQUIRE(zip_set_file_compression(zip, static_cast<zip_uint64_t>(index), method, 0) == 0);
    }
    REQUIRE(zip_close(zip) == 0);
    return path;
}

// --- pickles by hand

std::string text(std::string const& value) {
    return "X" + bytes_of<std::uint32_t>({static_cast<std::uint32_t>(value.size())}) + value;
}
std::string integer(std::int64_t value) { return "\x8A\x08" + bytes_of<std::int64_t>({value}); }
std::string global(std::string const& module, std::string const& name) {
    return "c" + module + "\n" + name + "\n";
}
std::string tuple(std::vector<std::int64_t> const& values) {
    std::string made = "(";
    for (auto const value : values) made += integer(value);
    return made + "t";
}
std::string storage(std::int64_t numel, std::string const& type = "FloatStorage",
                    std::string const& key = "0") {
    return "(" + text("storage") + global("torch", type) + text(key) + text("cpu") + integer(numel) + "tQ";
}
std::string const hooks = global("collections", "OrderedDict") + ")R";
std::string tensor_of(std::string const& in, std::int64_t offset, std::string const& sizes,
                      std::string const& strides, std::string const& more = "") {
    return global("torch._utils", "_rebuild_tensor_v2") + "(" + in + integer(offset) + sizes + strides +
           "\x89" + hooks + more + "tR";
}
std::string whole(std::string const& values) { return "\x80\x02" + values + "."; }
std::string dict_of(std::string const& entries) { return "}(" + entries + "u"; }
std::string one_tensor(std::string const& tensor) { return whole(dict_of(text("w.weight") + tensor)); }

std::string const six = bytes_of<float>({1, 2, 3, 4, 5, 6});
std::string const good = one_tensor(tensor_of(storage(6), 0, tuple({2, 3}), tuple({3, 1})));

std::filesystem::path write_pickle(temporary_directory const& place, std::string const& pickle,
                                   std::string const& data = six, int method = ZIP_CM_STORE) {
    return write_zip(place, {{"made/data.pkl", pickle}, {"made/data/0", data}, {"made/version", "3\n"}},
                     method);
}
std::string refused_pickle(std::string const& pickle) {
    temporary_directory const place;
    return refused(write_pickle(place, pickle));
}
std::string refused_tensor(std::string const& tensor) { return refused_pickle(one_tensor(tensor)); }

/// A new file each time: writing over an old one waits for the disk on some file systems.
std::filesystem::path write_anew(temporary_directory const& place, std::string const& bytes) {
    std::filesystem::remove(place.path() / "damaged.pt");
    return place.write("damaged.pt", bytes);
}

/// Loads, and then holds finite values, or is refused. Returns whether it loads.
bool loads_or_is_refused(std::filesystem::path const& path) {
    bool loads = false;
    auto const what = refusal(path, [&] {
        auto const net = state_dict{}(path);
        for (auto const& layer : dense_chain(net))
            for (auto const x : values_of(layer.weight)) REQUIRE(std::isfinite(x));
        loads = true;
    });
    CHECK(what.size() < 4000);
    return loads;
}

}  // namespace

TEST_CASE("state dicts: all tensors of exported networks are those that PyTorch lists", "[network]") {
    std::string const exported = SPINET_SOURCE_DIR "/tests/data/exported/";
    for (std::string const name : {"mlp", "lenet", "resnet_block", "rnn", "gru", "lstm", "transformer"}) {
        spinet::input_file file(exported + name + ".pt");
        spinet::detail::memory_allowance memory(file.size());
        auto const opened = spinet::detail::open_checkpoint(file, memory);
        auto const found = spinet::detail::checkpoint_listing(file, *opened.values, memory).run("");
        spinet::detail::checkpoint_loader const loader(opened.storage, memory);
        auto const reference = nlohmann::json::parse(std::ifstream(exported + name + ".reference.json"));
        std::size_t compared = 0;
        for (auto const& [key, expected] : reference["tensors"].items()) {
            INFO(name + " " + key);
            auto const listed = found.listed.find(key);
            REQUIRE(listed != found.listed.end());
            if (!listed->second.type) continue;
            auto const tensor = loader.load(key, found.places.find(key)->second);
            CHECK(tensor.shape() == expected["shape"].get<std::vector<std::size_t>>());
            auto const read = values_of(tensor);
            double sum = 0;
            for (auto const x : read) sum += x;
            CHECK(sum == Approx(expected["sum"].get<double>()).epsilon(1e-10).margin(1e-10));
            auto const first = expected["first"].get<std::vector<double>>();
            for (std::size_t k = 0; k < first.size(); ++k) CHECK(read.at(k) == Approx(first[k]));
            ++compared;
        }
        CHECK(compared >= 3);
        CHECK(found.notes.empty());
    }
}

TEST_CASE("state dicts: recognised by extension and by content", "[network]") {
    temporary_directory const place;
    CHECK(state_dict{}.recognises(fixture("small")));
    auto const bytes = spinet::read_whole(fixture("small"));
    CHECK(state_dict{}.recognises(place.write("checkpoint", bytes)));
    CHECK(state_dict{}.recognises(place.write("weights.pth", bytes)));
    CHECK_FALSE(spinet::npz{}.recognises(place.write("checkpoint", bytes)));
    CHECK_FALSE(spinet::safetensors{}.recognises(place.write("checkpoint", bytes)));
    CHECK_FALSE(state_dict{}.recognises(place.write("checkpoint", bytes.substr(0, 400))));
    auto const other = place.path() / "other.zip";
    std::filesystem::rename(write_zip(place, {{"a.npy", "x"}, {"metadata.pkl", "x"}}), other);
    CHECK_FALSE(state_dict{}.recognises(other));
    CHECK_FALSE(state_dict{}.recognises(place.path() / "none"));
    check_chain(
        spinet::load_network(fixture("parallel"), spinet::safetensors{}, spinet::npz{}, state_dict{}));
}

TEST_CASE("state dicts: every type of element", "[network]") {
    auto const net = state_dict{}(fixture("types"));
    auto const chain = dense_chain(net);
    REQUIRE(chain.size() == 3);
    CHECK(chain[0].weight.type() == spinet::dtype::f16);
    CHECK(values_of(chain[0].weight) == counted_from(1, 12));
    CHECK(chain[0].bias.value().type() == spinet::dtype::bf16);
    CHECK(values_of(*chain[0].bias) == counted_from(-2, 4));
    CHECK(chain[1].weight.type() == spinet::dtype::f64);
    CHECK(values_of(chain[1].weight) == counted_from(2, 12));
    CHECK(values_of(chain[1].bias.value()) == counted_from(-3, 3));
    CHECK(chain[2].weight.type() == spinet::dtype::bf16);
    CHECK(values_of(chain[2].weight) == counted_from(3, 6));
    for (std::string const note : {"'a' of dtype int64", "'b' of dtype int32", "'c' of dtype int16",
                                   "'d' of dtype int8", "'e' of dtype uint8", "'f' of dtype bool"})
        CHECK(has_note(net, note));
    CHECK(dense_chain(state_dict{.layers = {"1", "2"}}(fixture("types"))).size() == 2);
}

TEST_CASE("state dicts: transposed, sliced and expanded tensors", "[network]") {
    auto const chain = dense_chain(state_dict{}(fixture("views")));
    REQUIRE(chain.size() == 5);
    std::vector<double> transposed, sliced, column;
    for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 3; ++j) transposed.push_back(1 + (4 * j + i) / 4.0);
    for (int i = 1; i < 7; i += 2)
        for (int j = 2; j < 10; j += 2) sliced.push_back((12 * i + j) / 4.0);
    for (int i = 3; i < 6; ++i) column.push_back((12 * i + 5) / 4.0);
    CHECK(chain[0].weight.shape() == std::vector<std::size_t>{4, 3});
    CHECK(values_of(chain[0].weight) == transposed);
    CHECK(chain[1].weight.shape() == std::vector<std::size_t>{3, 4});
    CHECK(values_of(chain[1].weight) == sliced);
    CHECK(values_of(chain[1].bias.value()) == column);
    CHECK(values_of(chain[2].weight) == std::vector<double>{5, 5.25, 5.5, 5, 5.25, 5.5});
    CHECK(values_of(chain[2].bias.value()) == std::vector<double>{3, 3});
    CHECK(values_of(chain[3].weight) == std::vector<double>{7.25, 7.5});
    CHECK(values_of(chain[4].weight) == std::vector<double>{9});
}

TEST_CASE("state dicts: tensors that share a storage share it once read", "[network]") {
    auto const chain = dense_chain(state_dict{}(fixture("shared")));
    REQUIRE(chain.size() == 3);
    auto const* const start = chain[0].weight.bytes().data();
    CHECK(chain[1].weight.bytes().data() == start);
    CHECK(chain[2].weight.bytes().data() == start + 3 * sizeof(float));
    CHECK(chain[2].bias.value().bytes().data() == start + 7 * sizeof(float));
    CHECK(values_of(chain[1].weight) == counted_from(1, 9));
    CHECK(values_of(chain[2].weight) == counted_from(1.75, 6));
    CHECK(values_of(chain[2].bias.value()) == counted_from(2.75, 2));
}

TEST_CASE("state dicts: in checkpoints, behind prefixes and in every protocol", "[network]") {
    auto const checkpoint = state_dict{}(fixture("checkpoint"));
    check_chain(checkpoint);
    CHECK(has_note(checkpoint, "read the dict 'model_state_dict' of a checkpoint: its keys are 'epoch'"));
    check_chain(state_dict{.entry = "model_state_dict"}(fixture("checkpoint")));
    check_chain(state_dict{.entry = "model"}(fixture("two_networks")));
    check_chain(state_dict{.entry = "net"}(fixture("two_networks")), 1);
    check_chain(state_dict{.entry = "a.b.c"}(fixture("two_networks")), 2);
    check_chain(state_dict{.entry = "a.b.c.d"}(fixture("two_networks")), 3);
    auto const parallel = state_dict{}(fixture("parallel"));
    check_chain(parallel);
    CHECK(has_note(parallel, "dropped the prefix 'module.'"));
    auto const beside = state_dict{}(fixture("beside"));
    check_chain(beside);
    for (std::string const key : {"'epoch'", "'size'", "'none'", "'x._extra_state'"})
        CHECK(has_note(beside, "left out the key " + key));
    for (char const* way : {"parameters", "legacy", "module", "script"})
        check_chain(state_dict{}(fixture(way)));
    auto const quantised = dense_chain(state_dict{}(fixture("quantised")));
    CHECK(values_of(quantised.at(0).weight) == counted_from(1, 6));
    for (std::string const protocol : {"3", "4", "5"}) {
        auto const net = state_dict{}(fixture("protocol_" + protocol));
        check_chain(net);
        CHECK(net.notes().empty());
    }
}

TEST_CASE("state dicts: refused, with what to do instead", "[network]") {
    auto const of = [](std::string const& name) { return refused(fixture(name)); };
    CHECK_THAT(of("sparse"), ContainsSubstring("_rebuild_sparse_tensor") && ContainsSubstring("to_dense()"));
    CHECK_THAT(of("complex"), ContainsSubstring("torch.ComplexFloatStorage"));
    CHECK_THAT(of("tensor"), ContainsSubstring("holds a tensor, not a dict"));
    CHECK_THAT(of("infinite"), ContainsSubstring("'0.weight'") && ContainsSubstring("inf at (1, 1)"));
    CHECK_THAT(of("protocol_0"), ContainsSubstring("protocol 2 to 5"));
    CHECK_THAT(of("two_networks"),
               ContainsSubstring("(--network NAME)") && ContainsSubstring("'model' (3-2-1), 'net' (3-2-1)"));
    CHECK_THAT(refused(fixture("checkpoint"), {.entry = "model"}),
               ContainsSubstring("there is no dict 'model'") && ContainsSubstring("'optimizer'"));
    CHECK_THAT(refused(fixture("checkpoint"), {.entry = "epoch"}), ContainsSubstring("no dict 'epoch'"));
    CHECK_THAT(refused(fixture("checkpoint"), {.entry = "optimizer"}),
               ContainsSubstring("'state.0.exp_avg'"));
    CHECK_THAT(refused(fixture("two_networks"), {.entry = "a.b.e"}), ContainsSubstring("no dict 'e'"));
    temporary_directory const place;
    CHECK_THAT(refused(place.write("a.pt", std::string(257, '\0') + "ustar" + std::string(250, '\0'))),
               ContainsSubstring("tar file"));
    CHECK_THAT(refused(place.write("a.pt", good)), ContainsSubstring("bare pickle"));
    CHECK_THAT(refused(place.write("a.pt", "no archive")),
               ContainsSubstring("neither a zip file nor one of PyTorch before 1.6"));
    CHECK(refused(place.path() / "none.pt") == "no such file");
}

TEST_CASE("state dicts: what surrounds the pickle in the archive", "[network]") {
    temporary_directory const place;
    std::vector<zipped> const plain{{"m/data.pkl", good}, {"m/data/0", six}};
    auto const with = [&](std::vector<zipped> const& more) {
        auto entries = plain;
        entries.insert(entries.end(), more.begin(), more.end());
        return write_zip(place, entries);
    };
    auto const loads = [](std::filesystem::path const& path) {
        auto const chain = dense_chain(state_dict{}(path));
        return chain.size() == 1 && values_of(chain[0].weight) == std::vector<double>{1, 2, 3, 4, 5, 6};
    };
    // As PyTorch 2 has it, and as other programs pack it again.
    CHECK(loads(with({{"m/byteorder", "little"}, {"m/version", "3\n"}, {"m/.data/serialization_id", "12"}})));
    CHECK(loads(with({{"m/.format_version", "1"}, {"m/.storage_alignment", "64"}})));
    CHECK(loads(write_zip(place, {{"data.pkl", good}, {"data/0", six}})));
    CHECK(loads(write_zip(place, plain, ZIP_CM_DEFLATE)));
    CHECK_THAT(refused(with({{"m/byteorder", "big"}})), ContainsSubstring("byte order 'big'"));
    CHECK_THAT(refused(with({{"m/byteorder", ""}})), ContainsSubstring("byte order ''"));
    CHECK(loads(with({{"m/code/a.py", ""}, {"m/constants.pkl", "\x80\x02)."}})));
    CHECK_THAT(refused(with({{"n/data.pkl", good}})), ContainsSubstring("two pickles"));
    CHECK_THAT(refused(write_zip(place, {{"m/data/0", six}})), ContainsSubstring("without data.pkl"));
    CHECK_THAT(refused(write_zip(place, {{"m/data.pkl", good}})),
               ContainsSubstring("tensor 'w.weight': its storage, entry 'data/0', is missing"));
    CHECK_THAT(refused(write_zip(place, {{"m/data.pkl", good}, {"m/data/0", six + "1"}})),
               ContainsSubstring("6 elements of float32 does not have the size of entry 'data/0', 25 bytes"));
    CHECK_THAT(refused(write_zip(place, {{"m/data.pkl", good}, {"m/data/0", ""}})),
               ContainsSubstring(", 0 bytes"));
    CHECK_THAT(refused(write_zip(place, {{"m/data.pkl", ""}, {"m/data/0", six}})),
               ContainsSubstring("byte 0 of data.pkl"));
}

TEST_CASE("state dicts: nothing is run", "[network]") {
    auto const call = [](std::string const& module, std::string const& name) {
        return refused_pickle(whole(global(module, name) + "(" + text("touch /tmp/spinet") + "tR"));
    };
    CHECK_THAT(call("os", "system"),
               ContainsSubstring("byte 2 of data.pkl: the file asks to run 'os.system'") &&
                   ContainsSubstring("nothing is run"));
    CHECK_THAT(call("builtins", "eval"), ContainsSubstring("'builtins.eval'"));
    CHECK_THAT(call("__builtin__", "getattr"), ContainsSubstring("'__builtin__.getattr'"));
    CHECK_THAT(call("torch.serialization", "load"), ContainsSubstring("'torch.serialization.load'"));
    CHECK_THAT(call("collections", "OrderedDict "), ContainsSubstring("'collections.OrderedDict '"));
    CHECK_THAT(call("collections.OrderedDict", ""), ContainsSubstring("'collections.OrderedDict.'"));
    CHECK_THAT(call("collections", "OrderedDict"), ContainsSubstring("is made of arguments"));
    CHECK_THAT(call("torch", "FloatStorage"), ContainsSubstring("asks to run 'torch.FloatStorage'"));
    CHECK(call(std::string(100'000, 'x'), "y").size() < 600);
    CHECK_THAT(refused_pickle("\x80\x04\x8C\x02os\x8C\x06system\x93)R."), ContainsSubstring("'os.system'"));
    CHECK_THAT(refused_pickle("\x80\x04K\1K\2\x93."), ContainsSubstring("is no string"));
    CHECK_THAT(refused_pickle(whole(text("os") + ")R")), ContainsSubstring("what is called is no function"));
    CHECK_THAT(refused_pickle(whole(global("torch", "Size") + "]R")), ContainsSubstring("are no tuple"));
    // INST, OBJ, EXT1, PERSID, POP, DUP and STRING
    for (std::string const code : {"(ios\nsystem\n.", "(o", "\x82\x01", "Px\n", "N0", "N2", "S'x'\n"})
        CHECK_THAT(refused_pickle(whole(code)), ContainsSubstring("of pickle, which the tensors of PyTorch"));
    auto const attributes = [](std::string const& what) { return refused_pickle(whole(hooks + what + "b")); };
    CHECK_THAT(attributes("}"), ContainsSubstring("holds no tensors") || ContainsSubstring("no keys"));
    CHECK_THAT(attributes(dict_of(text("_metadata") + "}")), ContainsSubstring("no keys"));
    CHECK_THAT(attributes(dict_of(text("__class__") + "}")), ContainsSubstring("other than _metadata"));
    CHECK_THAT(attributes(dict_of(text("_metadata") + "}" + text("x") + "}")),
               ContainsSubstring("other than _metadata"));
    CHECK_THAT(attributes("]"), ContainsSubstring("are no dict"));
    CHECK_THAT(refused_pickle(whole("}}b")), ContainsSubstring("no OrderedDict"));
}

TEST_CASE("state dicts: pickles that make no sense", "[network]") {
    CHECK_THAT(refused_pickle("\x80\x01N."), ContainsSubstring("protocol 1 of pickle"));
    CHECK_THAT(refused_pickle("\x80\x09N."), ContainsSubstring("protocol 9 of pickle"));
    CHECK_THAT(refused_pickle("."), ContainsSubstring("unfinished"));
    CHECK_THAT(refused_pickle("NN."), ContainsSubstring("unfinished"));
    CHECK_THAT(refused_pickle("(N."), ContainsSubstring("unfinished"));
    CHECK_THAT(refused_pickle("N.N"), ContainsSubstring("1 bytes follow"));
    CHECK_THAT(refused_pickle("N."), ContainsSubstring("holds None, not a dict"));
    CHECK_THAT(refused_pickle("K\1."), ContainsSubstring("holds an integer, not a dict"));
    for (std::string const lacks :
         {"R", "b", "Q", "a", "s", "q\1", "\x85", "\x93", "N(\x85", "N(R", "}(Na", "N\x86"})
        CHECK_THAT(refused_pickle(whole(lacks)), ContainsSubstring("lacks a value"));
    for (std::string const lacks : {"t", "e", "u"})
        CHECK_THAT(refused_pickle(whole(lacks)), ContainsSubstring("lacks a mark"));
    CHECK_THAT(refused_pickle(whole("](Nu")), ContainsSubstring("no dict"));
    CHECK_THAT(refused_pickle(whole("}(Ne")), ContainsSubstring("no list"));
    CHECK_THAT(refused_pickle(whole("}(NNNu")), ContainsSubstring("a key without a value"));
    CHECK_THAT(refused_pickle(whole("NQ")), ContainsSubstring("a persistent id is no tuple"));
    CHECK_THAT(refused_pickle(whole("h\7")), ContainsSubstring("memo 7 is used before it is set"));
    CHECK_THAT(refused_pickle(whole("Nq\2h\1")), ContainsSubstring("memo 1 is used before it is set"));
    CHECK_THAT(refused_pickle(whole("Nr\xFF\xFF\xFF\xFF")), ContainsSubstring("memo 4294967295 is beyond"));
    CHECK_THAT(refused_pickle(whole("X\xFF\xFF\xFF\xFFx")), ContainsSubstring("ends within an instruction"));
    CHECK_THAT(refused_pickle(whole("\x8D" + std::string(8, '\xFF'))), ContainsSubstring("ends within"));
    CHECK_THAT(refused_pickle(whole("\x95" + std::string(8, '\xFF'))),
               ContainsSubstring("a frame ends beyond"));
    CHECK_THAT(refused_pickle(whole("cos\nsystem")), ContainsSubstring("ends within"));
    CHECK_THAT(refused_pickle(whole(dict_of(""))), ContainsSubstring("it has no keys"));
    CHECK_THAT(refused_pickle(whole(dict_of("K\1N"))), ContainsSubstring("its keys are '1'"));
}

TEST_CASE("state dicts: tensors that are none", "[network]") {
    auto const sizes = [](std::vector<std::int64_t> const& of, std::vector<std::int64_t> const& strides,
                          std::int64_t offset = 0, std::int64_t numel = 6) {
        return refused_tensor(tensor_of(storage(numel), offset, tuple(of), tuple(strides)));
    };
    auto const most = std::numeric_limits<std::int64_t>::max();
    CHECK_THAT(sizes({2, 3}, {3, 1}, 1), ContainsSubstring("tensor 'w.weight'") &&
                                             ContainsSubstring("reaches element 6 of a storage of 6"));
    CHECK_THAT(sizes({2, 3}, {4, 1}), ContainsSubstring("reaches element 6"));
    CHECK_THAT(sizes({2, 3}, {3, 1}, most), ContainsSubstring("a storage of 6"));
    CHECK_THAT(sizes({2, 3}, {3, 1}, -1), ContainsSubstring("its offset is negative, -1"));
    CHECK_THAT(sizes({2, -3}, {3, 1}), ContainsSubstring("a size is negative, -3"));
    CHECK_THAT(sizes({2, 3}, {3, -1}), ContainsSubstring("a stride is negative, -1"));
    CHECK_THAT(sizes({3, 3}, {most, most}), ContainsSubstring("reach beyond 2^64"));
    CHECK_THAT(sizes({most, most}, {0, 0}), ContainsSubstring("needs more than 2^64 bytes"));
    CHECK_THAT(sizes({most, 1}, {0, 0}), ContainsSubstring("needs more than 2^64 bytes"));
    CHECK_THAT(sizes({2, 3}, {3}), ContainsSubstring("2 sizes, but 1 strides"));
    CHECK_THAT(sizes({2, 3}, {3, 1}, 0, most), ContainsSubstring("does not have the size of entry"));
    CHECK_THAT(sizes({2, 3}, {3, 1}, 0, -6), ContainsSubstring("the size of its storage is negative"));
    CHECK_THAT(sizes({2, 3}, {3, 1}, 0, 7), ContainsSubstring("7 elements of float32"));
    CHECK_THAT(sizes({0, 3}, {3, 1}), ContainsSubstring("a dimension of size 0"));
    CHECK_THAT(sizes(std::vector<std::int64_t>(65, 1), std::vector<std::int64_t>(65, 1)),
               ContainsSubstring("more than 64 axes"));
    CHECK_THAT(sizes({}, {}), ContainsSubstring("has rank 0"));
    // An expanded tensor of 40 GB in a file of 600 bytes.
    CHECK_THAT(sizes({100'000, 100'000}, {0, 0}),
               ContainsSubstring("tensor 'w.weight'") && ContainsSubstring("more memory than"));
    auto const big = "\x8A\x09" + std::string(8, '\0') + "\1";  // 2^64
    auto const axes = tuple({2, 3}) + tuple({3, 1});
    CHECK_THAT(refused_tensor(tensor_of(storage(6), 0, "(" + big + integer(3) + "t", tuple({3, 1}))),
               ContainsSubstring("a size is beyond 2^63"));
    CHECK_THAT(refused_tensor(tensor_of(storage(6), 0, "]", tuple({3, 1}))), ContainsSubstring("no tuple"));
    CHECK_THAT(refused_tensor(tensor_of(storage(6), 0, "(NNt", tuple({3, 1}))),
               ContainsSubstring("a size is no integer"));
    CHECK_THAT(refused_tensor(tensor_of("N", 0, tuple({2, 3}), tuple({3, 1}))),
               ContainsSubstring("it has no storage"));
    CHECK_THAT(refused_tensor(tensor_of("(tQ", 0, tuple({2, 3}), tuple({3, 1}))),
               ContainsSubstring("is not described by"));
    CHECK_THAT(refused_tensor(tensor_of(storage(6, "Size"), 0, tuple({2, 3}), tuple({3, 1}))),
               ContainsSubstring("of the type 'torch.Size'"));
    CHECK_THAT(
        refused_tensor(tensor_of(storage(6, "FloatStorage", "../version"), 0, tuple({2, 3}), tuple({3, 1}))),
        ContainsSubstring("'data/../version', is missing"));
    CHECK_THAT(refused_tensor(tensor_of(storage(6, "DoubleStorage"), 0, tuple({2, 3}), tuple({3, 1}))),
               ContainsSubstring("6 elements of float64"));
    CHECK_THAT(refused_tensor(tensor_of(storage(6, "LongStorage"), 0, tuple({2, 3}), tuple({3, 1}))),
               ContainsSubstring("dtype int64"));
    CHECK_THAT(
        refused_tensor(tensor_of(storage(6), 0, tuple({2, 3}), tuple({3, 1}), dict_of(text("neg") + "\x88"))),
        ContainsSubstring("negated or conjugated"));
    CHECK_THAT(refused_tensor(global("torch._utils", "_rebuild_tensor_v2") + "(t" + "R"),
               ContainsSubstring("6 or 7 arguments"));
    CHECK_THAT(refused_tensor(global("torch._utils", "_rebuild_parameter") + "(N\x88" + hooks + "tR"),
               ContainsSubstring("a parameter is made of no tensor"));
    CHECK_THAT(refused_tensor(global("torch._utils", "_rebuild_parameter") + "(tR"),
               ContainsSubstring("has to have 3 arguments"));
    auto const fine = tensor_of(storage(6), 0, tuple({2, 3}), tuple({3, 1}));
    CHECK_THAT(refused_pickle(whole(dict_of(text("a") + fine + text("a") + fine))),
               ContainsSubstring("tensor 'a': it is there twice"));
    CHECK_THAT(refused_pickle(whole(dict_of("N" + fine))), ContainsSubstring("a key which is no string"));
    CHECK_THAT(refused_pickle(whole(dict_of(text("a\nb") + tensor_of("N", 0, "(t", "(t")))),
               ContainsSubstring("tensor 'a?b'"));
    temporary_directory const place;  // sizes as torch.Size, empty metadata
    auto const size = global("torch", "Size") + "(" + tuple({2, 3}) + "tR";
    auto const path = write_pickle(place, one_tensor(tensor_of(storage(6), 0, size, tuple({3, 1}), "}")));
    CHECK(values_of(dense_chain(state_dict{}(path))[0].weight) == std::vector<double>{1, 2, 3, 4, 5, 6});
    // Along an axis of one element a stride means nothing.
    auto const row = write_pickle(place, one_tensor(tensor_of(storage(6), 0, tuple({1, 6}), tuple({-7, 1}))));
    CHECK(values_of(dense_chain(state_dict{}(row))[0].weight) == std::vector<double>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("state dicts: cycles, depth and bombs", "[network]") {
    auto const started = std::chrono::steady_clock::now();
    // A dict which is its own value and which holds itself as an attribute, a list in itself.
    CHECK_THAT(refused_pickle(whole("}q\1" + text("state_dict") + "h\1s")),
               ContainsSubstring("'state_dict'"));
    CHECK_THAT(refused_pickle(whole(hooks + "q\1" + text("model") + "h\1s")), ContainsSubstring("'model'"));
    CHECK_THAT(refused_pickle(whole(hooks + "q\1" + text("_metadata") + "h\1sh\1b")),
               ContainsSubstring("'_metadata'"));
    CHECK_THAT(refused_pickle(whole("]q\1h\1a")), ContainsSubstring("holds a list"));
    temporary_directory const place;
    auto const cyclic = write_pickle(place, whole("}q\1" + text("a") + "h\1s"));
    CHECK_THAT(refused(cyclic, {.entry = "a.a.a.a.b"}), ContainsSubstring("no dict 'b'"));
    std::size_t const many = 1'000'000;
    CHECK_THAT(refused_pickle(std::string(many, '(') + "N."), ContainsSubstring("more than 10000 deep"));
    CHECK_THAT(refused_pickle("N" + std::string(many, '\x85') + "."), ContainsSubstring("holds a tuple"));
    CHECK_THAT(refused_pickle(std::string(many, ']') + std::string(many - 1, 'a') + "."),
               ContainsSubstring("holds a list"));
    CHECK_THAT(refused_pickle(std::string(many, '}') + "."), ContainsSubstring("unfinished"));
    // Tuples of all values before: 2^1000 leaves.
    std::string doubling = "Nq\1";
    for (int k = 0; k < 1000; ++k) doubling += "h\1\x86q\1h\1";
    CHECK(refused_pickle(whole("h\1" + doubling)) != "nothing was thrown");
    // The attributes of many objects are one large dict.
    std::string large = "}(";
    for (int k = 0; k < 100'000; ++k) large += "NN";
    std::string attributes = large + "uq\1" + hooks;
    for (int k = 0; k < 100'000; ++k) attributes += "h\1b";
    CHECK_THAT(refused_pickle(whole(attributes)), ContainsSubstring("other than _metadata"));
    // Packed: 20 MB of values in 20 kB.
    auto const packed = write_pickle(place, std::string(20'000'000, '}') + ".", six, ZIP_CM_DEFLATE);
    CHECK_THAT(refused(packed), ContainsSubstring("more memory than"));
    auto const zeros = write_pickle(
        place, one_tensor(tensor_of(storage(30'000'000), 0, tuple({1000, 30'000}), tuple({30'000, 1}))),
        std::string(120'000'000, '\0'), ZIP_CM_DEFLATE);
    CHECK_THAT(refused(zeros), ContainsSubstring("would unpack to more than"));
    // Stored, not packed: 64 million bytes of which the file has a hundred.
    auto claimed = spinet::read_whole(write_zip(place, {{"m/data.pkl", good}}));
    auto const size = bytes_of<std::uint32_t>({64'000'000});
    claimed.replace(claimed.find("PK\3\4") + 22, 4, size);
    claimed.replace(claimed.find("PK\1\2") + 24, 4, size);
    CHECK_THAT(refused(write_anew(place, claimed)),
               ContainsSubstring("entry 'm/data.pkl' has ") && ContainsSubstring("bytes, not the 64000000"));
    // Many names for one storage, none of them contiguous.
    std::string names;
    for (int k = 0; k < 200; ++k) {
        names += text(std::to_string(k) + ".weight");
        names += k == 0 ? tensor_of(storage(90'000), 0, tuple({300, 300}), tuple({1, 300})) + "q\1" : "h\1";
    }
    auto const shared =
        write_pickle(place, whole(dict_of(names)), std::string(360'000, '\0'), ZIP_CM_DEFLATE);
    CHECK_THAT(refused(shared), ContainsSubstring("more memory than"));
    CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds(60));
}

TEST_CASE("state dicts: cut at every byte, every bit flipped", "[network]") {
    temporary_directory const place;
    auto const path = fixture("small");
    auto const original = spinet::read_whole(path);
    CHECK(loads_or_is_refused(path));
    for (std::size_t n = 0; n < original.size(); ++n) {
        CAPTURE(n);
        CHECK_FALSE(loads_or_is_refused(write_anew(place, original.substr(0, n))));
    }
    std::size_t loaded = 0;
    for (std::size_t k = 0; k < 8 * original.size(); ++k) {
        CAPTURE(k);
        auto flipped = original;
        flipped[k / 8] = static_cast<char>(flipped[k / 8] ^ (1 << k % 8));
        loaded += loads_or_is_refused(write_anew(place, flipped)) ? 1U : 0U;
    }
    CHECK(loaded < 6 * original.size());  // padding, times, fields that only some readers use
}

TEST_CASE("state dicts: damaged pickles in sound archives", "[network]") {
    temporary_directory const place;
    CHECK(loads_or_is_refused(write_pickle(place, good)));
    for (std::size_t n = 0; n < good.size(); ++n)
        CHECK_FALSE(loads_or_is_refused(write_pickle(place, good.substr(0, n))));
    std::size_t loaded = 0;
    for (std::size_t k = 0; k < 8 * good.size(); ++k) {
        CAPTURE(k);
        auto flipped = good;
        flipped[k / 8] = static_cast<char>(flipped[k / 8] ^ (1 << k % 8));
        loaded += loads_or_is_refused(write_pickle(place, flipped)) ? 1U : 0U;
    }
    CHECK(loaded < 4 * good.size());  // letters of names, whether a gradient is wanted
}

TEST_CASE("pickles: numbers and texts as Python writes them", "[network]") {
    auto const read = [](std::string const& bytes) {
        spinet::detail::memory_allowance memory(bytes.size());
        return spinet::detail::read_pickle(bytes, memory);
    };
    using kind = spinet::detail::pickle_kind;
    // pickle.dumps(x, 2) without the protocol, for each x on the right.
    std::vector<std::pair<std::string, std::int64_t>> const integers{
        {std::string("K\0.", 3), 0},
        {"K\xFF.", 255},
        {std::string("M\0\1.", 4), 256},
        {std::string("J\0\0\1\0.", 6), 65536},
        {"J\xFF\xFF\xFF\xFF.", -1},
        {std::string("\x8A\0.", 3), 0},
        {std::string("\x8A\5\0\0\0\x80\0.", 8), 2147483648},
        {std::string("\x8A\5\xFF\xFF\xFF\x7F\xFF.", 8), -2147483649},
        {std::string("\x8A\x08\0\0\0\0\0\0\0\x80.", 11), std::numeric_limits<std::int64_t>::min()}};
    for (auto const& [bytes, expected] : integers) {
        auto const values = read(bytes);
        CHECK(values.is(values.root(), kind::integer));
        CHECK(values.integer(values.root()) == expected);
    }
    auto const real = read(std::string("G?\xF4\0\0\0\0\0\0.", 10));
    CHECK(real.real(real.root()) == 1.25);
    auto const large = read("\x8A\x09" + std::string(8, '\0') + "\1.");
    CHECK(large.is(large.root(), kind::long_integer));
    for (auto const& bytes : {std::string("X\2\0\0\0ab.", 8), std::string("\x8C\2ab."), std::string("U\2ab."),
                              std::string("T\2\0\0\0ab.", 8), std::string("\x8D\2\0\0\0\0\0\0\0ab.", 12)}) {
        auto const values = read(bytes);
        CHECK(values.is(values.root(), kind::text));
        CHECK(values.text(values.root()) == "ab");
    }
    for (auto const& bytes : {std::string("C\2ab."), std::string("B\2\0\0\0ab.", 8)}) {
        auto const values = read(bytes);
        CHECK(values.is(values.root(), kind::bytes));
        CHECK(values.text(values.root()) == "ab");
    }
    auto const tuple = read(std::string("K\1\x88N\x87\x94h\0\x86.", 10));
    REQUIRE(tuple.count(tuple.root()) == 2);
    auto const inner = tuple.item(tuple.root(), 1);
    REQUIRE(tuple.count(inner) == 3);
    CHECK(tuple.integer(tuple.item(inner, 0)) == 1);
    CHECK(tuple.integer(tuple.item(inner, 1)) == 1);
    CHECK(tuple.is(tuple.item(inner, 2), kind::none));
    auto const dict = read("}(K\1](K\2K\3euK\4Ns.");
    std::vector<std::int64_t> keys;
    dict.for_each(dict.root(), [&](auto key, auto value) {
        keys.push_back(dict.integer(key));
        if (keys.size() == 1) CHECK(dict.count(value) == 2);
    });
    CHECK(keys == std::vector<std::int64_t>{1, 4});
}
