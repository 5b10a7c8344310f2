// SPDX-License-Identifier: BSD-3-Clause
/// Thousands of damaged safetensors files: each loads as a sound chain of layers, or is refused with
/// spinet::error.
#include "../files.hpp"
#include <spinet/readers/safetensors/safetensors.hpp>

#include <algorithm>
#include <cmath>
#include <exception>
#include <random>
#include <typeinfo>

using namespace network_test;

namespace {

class damage {
public:
    explicit damage(unsigned seed) : random_(seed) {}

    std::string operator()(std::string bytes) {
        for (auto rounds = 1 + below(3); rounds > 0; --rounds) once(bytes);
        return bytes;
    }

private:
    std::size_t below(std::size_t end) { return random_() % end; }

    /// Anywhere; mostly in the header, which has more ways to go wrong.
    std::size_t place(std::string const& bytes) {
        return below(below(4) == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 400));
    }

    void once(std::string& bytes) {
        static std::string const telling = "{}[]\",:0123456789-.eEFIBU\\ \t";
        if (bytes.empty()) return;
        auto const at = place(bytes);
        switch (below(8)) {
            case 0:
                bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
                break;
            case 1:
                bytes[at] = telling[below(telling.size())];
                break;
            case 2:
                bytes.insert(at, 1, telling[below(telling.size())]);
                break;
            case 3:
                bytes.erase(at, 1 + below(4));
                break;
            case 4:
                bytes.resize(at);
                break;
            case 5:
                bytes += std::string(1 + below(9), '\0');
                break;
            case 6:
                replace_digit(bytes, at);
                break;
            default:
                repeat(bytes, at);
                break;
        }
        if (below(2) == 0) repair_length(bytes);
    }

    void repeat(std::string& bytes, std::size_t from) {
        auto const part = bytes.substr(from, below(60));
        bytes.insert(place(bytes), part);
    }

    void replace_digit(std::string& bytes, std::size_t from) {
        auto const digit = bytes.find_first_of("0123456789", from);
        if (digit != bytes.npos) bytes[digit] = static_cast<char>('0' + below(10));
    }

    /// Lets the header end where its JSON seems to end, so that damage reaches the checks behind.
    static void repair_length(std::string& bytes) {
        auto const end = bytes.find("}}");
        if (bytes.size() < 8 || end == bytes.npos || end < 8) return;
        bytes.replace(0, 8, bytes_of(std::vector<std::uint64_t>{end + 2 - 8}));
    }

    std::mt19937 random_;
};

/// What must hold of whatever was loaded.
void check_sound(spinet::network const& net) {
    auto const chain = dense_chain(net);
    for (std::size_t i = 0; i < chain.size(); ++i) {
        if (i > 0) REQUIRE(chain[i - 1].outputs() == chain[i].inputs());
        auto const weight = chain[i].weight.as<double, 2>();
        REQUIRE(std::all_of(weight.begin(), weight.end(), [](double x) { return std::isfinite(x); }));
        if (chain[i].bias) REQUIRE(chain[i].bias->as<double, 1>().size() == chain[i].outputs());
    }
}

}  // namespace

TEST_CASE("damaged files load or are refused", "[network]") {
    temporary_directory const directory;
    std::vector<std::string> const sound{
        safetensors_file({counted("0.weight", {3, 4}), counted("0.bias", {3}), counted("2.weight", {2, 3}),
                          counted("2.bias", {2})}),
        safetensors_file({{"fc1.weight", "F16", {2, 3}, std::string(12, '\1')},
                          {"fc1.bias", "BF16", {2}, std::string(4, '\2')},
                          {"fc2.weight", "F64", {1, 2}, std::string(16, '\3')},
                          {"n", "I64", {}, std::string(8, '\4')}},
                         R"("__metadata__":{"format":"pt"})")};
    damage spoil(20240229);
    int loaded = 0, refused = 0;
    for (int trial = 0; trial < 6000; ++trial) {
        auto const bytes = spoil(sound[static_cast<std::size_t>(trial) % sound.size()]);
        auto const path = directory.write("f.safetensors", bytes);
        try {
            check_sound(spinet::safetensors{}(path));
            ++loaded;
        } catch (spinet::file_error const& reason) {
            REQUIRE(reason.path() == path.string());
            ++refused;
        } catch (std::exception const& other) {
            FAIL("trial " << trial << " threw " << typeid(other).name() << ": " << other.what());
        }
    }
    // both outcomes are frequent, so the damage is neither always fatal nor never felt
    CHECK(loaded > 100);
    CHECK(refused > 3000);
}

TEST_CASE("random bytes are refused", "[network]") {
    temporary_directory const directory;
    std::mt19937 random(7);
    std::uniform_int_distribution<int> byte(0, 255);
    for (int trial = 0; trial < 500; ++trial) {
        std::string bytes(static_cast<std::size_t>(1 + trial), '\0');
        for (auto& c : bytes) c = static_cast<char>(byte(random));
        auto const path = directory.write("f.safetensors", bytes);
        REQUIRE_THROWS_AS(spinet::safetensors{}(path), spinet::file_error);
    }
}
