// SPDX-License-Identifier: BSD-3-Clause
/// Fuzz target: any bytes as the configuration of a Keras model, with the weights of each network of
/// tests/data/keras/networks, make a network whose shapes fit or an error; and what is small is wired.
#include "fuzz.hpp"
#include "wiring.hpp"
#include <spinet/readers/keras/keras.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using nlohmann::json;

/// What is in the files, once with names and once with numbers.
std::vector<spinet::detail::keras_contents> const& weights() {
    static auto const all = [] {
        std::vector<spinet::detail::keras_contents> found;
        for (auto const* name :
             {"images", "series", "graph", "states", "words", "mixed", "branches", "table"})
            for (auto const* type : {".h5", ".keras"}) {
                spinet::input_file file(std::string(SPINET_SOURCE_DIR "/tests/data/keras/networks/") + name +
                                        type);
                found.push_back(spinet::detail::contents_of(file, {}));
            }
        return found;
    }();
    return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string const text(reinterpret_cast<char const*>(data), size);
    for (auto const& each : weights()) {
        try {
            auto contents = each;
            contents.config = text;
            auto const net = [&] {
                // one value of JSON may take a hundred times its text, and a node a thousand times
                fuzz::memory_bound const bound(1000 * size + (std::size_t{65} << 20));
                return spinet::detail::keras_reading(contents, {}).run();
            }();
            fuzz::require_sound(net);
            fuzz::wire(net);
        } catch (spinet::error const&) {
        }
    }
    return 0;
}

#if defined(SPINET_FUZZ)
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

/// All values within one, itself included.
void collect(json& of, std::vector<json*>& all) {
    all.push_back(&of);
    if (of.is_structured())
        for (auto& each : of) collect(each, all);
}

/// Changes of a configuration that keep it JSON.
std::string changed(std::string const& text, unsigned seed) {
    auto whole = json::parse(text, nullptr, false);
    if (!whole.is_structured() || spinet::detail::json_depth(text) > 40) return {};
    std::minstd_rand random(seed);
    for (auto left = 1 + random() % 3; left > 0; --left) {
        std::vector<json*> all;
        collect(whole, all);
        auto& at = *all[random() % all.size()];
        json const other = *all[random() % all.size()];
        switch (random() % 6) {
            case 0:
                at = other;
                break;
            case 1:
                at = std::vector<json>{json(),
                                       json(-1),
                                       json(0),
                                       json(1e300),
                                       json(true),
                                       json("x"),
                                       json(std::uint64_t{1} << 31),
                                       json(3)}[random() % 8];
                break;
            case 2:
                if (at.is_number_integer()) at = at.get<std::int64_t>() + static_cast<int>(random() % 5) - 2;
                break;
            case 3:
                if (at.is_array()) at.push_back(other);
                break;
            case 4:
                if (at.is_structured() && !at.empty())
                    at.erase(std::next(at.begin(), static_cast<std::ptrdiff_t>(random() % at.size())));
                break;
            default:
                if (at.is_array() && at.size() > 1)
                    std::swap(at[random() % at.size()], at[random() % at.size()]);
                break;
        }
    }
    return whole.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned seed) {
    if (seed % 4 != 0) {
        auto const made = changed(std::string(reinterpret_cast<char const*>(data), size), seed);
        if (!made.empty() && made.size() <= most) {
            std::copy(made.begin(), made.end(), data);
            return made.size();
        }
    }
    return LLVMFuzzerMutate(data, size, most);
}
#endif
