// SPDX-License-Identifier: BSD-3-Clause
/// The reader of NNet files, the text format of the ACAS Xu networks.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/network.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/file.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace spinet {

/// Reads a chain of dense layers, "layer 1" on, with ReLU between them and nothing after the last; values are
/// f64, the nearest to the text. Source of the format: https://github.com/sisl/NNet, README. The file also
/// says how inputs are normalised, (x - mean) / range, and that outputs are multiplied by a range and shifted
/// by a mean: that is kept in notes only, since the couplings are those of the network of normalised inputs.
struct nnet {
    [[nodiscard]] static std::string_view name() noexcept { return "nnet"; }

    /// By the extension .nnet or, failing that, by comments and a line of four whole numbers at the start.
    /// False where the file cannot be read.
    [[nodiscard]] bool recognises(std::filesystem::path const& path) const;

    /// Throws `file_error`, which names the file and the line, where a line has too many or too few numbers,
    /// one that is not finite or other text, or where lines are missing or left over. Memory: the text and
    /// its numbers.
    [[nodiscard]] network operator()(std::filesystem::path const& path) const;
};

namespace detail {

/// The lines of a text, and the numbers of each: separated by commas, the last of which may be left out.
class nnet_lines {
public:
    explicit nnet_lines(std::string_view text) : rest_(text) {}

    [[nodiscard]] std::size_t number() const noexcept { return number_; }
    [[nodiscard]] std::size_t bytes_left() const noexcept { return rest_.size(); }

    /// Throws `error`, naming the line.
    template <class... Pieces>
    [[noreturn, gnu::always_inline]] void refuse(Pieces const&... what) const {
        throw error("line ", number_, ": ", what...);
    }

    void skip_comments() {
        while (rest_.starts_with("//")) (void)next("");
    }

    /// Appends the numbers of the next line, which are `what`; exactly `count`.
    template <class Number>
    void append(std::size_t count, std::string const& what, std::vector<Number>& out) {
        auto line = trimmed(next(what));
        std::size_t found = 0;
        for (; !line.empty(); ++found) {
            auto const comma = line.find(',');
            auto const text = trimmed(line.substr(0, comma));
            if (found == count)
                refuse("more than the ", count, " numbers that ", what, " are, from ", in_quotes(text),
                       " on");
            out.push_back(value<Number>(text, found, what));
            line = comma == line.npos ? std::string_view() : trimmed(line.substr(comma + 1));
        }
        if (found != count) refuse(found, " numbers instead of the ", count, " that ", what, " are");
    }

    /// The same, by themselves.
    template <class Number>
    [[nodiscard]] std::vector<Number> numbers(std::size_t count, std::string const& what) {
        std::vector<Number> found;
        append(count, what, found);
        return found;
    }

    /// Nothing but blanks may follow.
    void finish() {
        while (!rest_.empty()) {
            auto const line = trimmed(next(""));
            if (!line.empty()) refuse(in_quotes(line), " after the biases of the last layer");
        }
    }

private:
    static std::string_view trimmed(std::string_view text) {
        constexpr std::string_view blanks = " \t\r";
        auto const begin = text.find_first_not_of(blanks);
        if (begin == text.npos) return {};
        return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
    }

    std::string_view next(std::string const& what) {
        ++number_;
        if (rest_.empty()) refuse("the file ends, but ", what, " are to follow");
        auto const end = std::min(rest_.find('\n'), rest_.size());
        auto const line = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        return line;
    }

    template <class Number>
    [[nodiscard]] Number value(std::string_view text, std::size_t index, std::string const& what) const {
        Number result{};
        auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), result);
        auto const where = detail::text(in_quotes(text), ", number ", index + 1, " of ", what, ", is ");
        if (code == std::errc::result_out_of_range) refuse(where, "out of range");
        if (code != std::errc() || end != text.data() + text.size())
            refuse(where, (std::integral<Number> ? "no whole number" : "no number"));
        if constexpr (std::same_as<Number, double>)
            if (!std::isfinite(result)) refuse(where, "not finite");
        return result;
    }

    std::string_view rest_;
    std::size_t number_ = 0;
};

/// What stands before the weights.
struct nnet_header {
    std::vector<std::uint64_t> sizes;  ///< of the input and of every layer
    std::vector<double> least, greatest, mean, range;
};

/// The line of four whole numbers: layers, inputs, outputs, size of the largest layer.
[[nodiscard]] inline std::vector<std::uint64_t> nnet_counts(nnet_lines& lines) {
    lines.skip_comments();
    return lines.numbers<std::uint64_t>(4, "the counts of layers, inputs, outputs and the largest layer");
}

[[nodiscard]] inline nnet_header read_nnet_header(nnet_lines& lines) {
    auto const counts = nnet_counts(lines);
    // each layer takes bytes of its own, so that a count beyond them cannot be right
    if (counts[0] == 0 || counts[0] > lines.bytes_left())
        lines.refuse("the number of layers is ", counts[0], ", but only ", lines.bytes_left(),
                     " bytes follow");
    nnet_header header;
    header.sizes =
        lines.numbers<std::uint64_t>(static_cast<std::size_t>(counts[0]) + 1, "the sizes of the layers");
    for (auto const size : header.sizes)
        if (size == 0 || size > lines.bytes_left())
            lines.refuse("a layer has the size ", size, ", but only ", lines.bytes_left(), " bytes follow");
    if (header.sizes.front() != counts[1] || header.sizes.back() != counts[2])
        lines.refuse("the sizes of layers begin with ", header.sizes.front(), " and end with ",
                     header.sizes.back(), ", but the file has ", counts[1], " inputs and ", counts[2],
                     " outputs");
    auto const largest = *std::max_element(header.sizes.begin(), header.sizes.end());
    if (largest > counts[3])
        lines.refuse("a layer has the size ", largest, ", but the file gives the largest as ", counts[3]);
    auto const inputs = static_cast<std::size_t>(counts[1]);
    (void)lines.numbers<double>(1, "the flag that is not used");
    header.least = lines.numbers<double>(inputs, "the least values of the inputs");
    header.greatest = lines.numbers<double>(inputs, "the greatest values of the inputs");
    header.mean = lines.numbers<double>(inputs + 1, "the means of the inputs and of the outputs");
    header.range = lines.numbers<double>(inputs + 1, "the ranges of the inputs and of the outputs");
    return header;
}

/// Layer k from 1 on, of shape (outputs, inputs): a line for each row, then one for each bias.
[[nodiscard]] inline dense_layer read_nnet_layer(nnet_lines& lines, std::size_t k, std::size_t outputs,
                                                 std::size_t inputs) {
    auto const name = text("layer ", k);
    // a number takes at least two bytes: a digit, and a comma or the end of the line
    auto const weights = checked_product<std::size_t>({outputs, inputs});
    if (!weights || *weights > (lines.bytes_left() + 1) / 2)
        lines.refuse(name, " has ", outputs, " x ", inputs, " weights, but only ", lines.bytes_left(),
                     " bytes follow");
    std::vector<double> values;
    values.reserve(*weights);
    for (std::size_t row = 0; row < outputs; ++row)
        lines.append(inputs, text("the weights of row ", row + 1, " of ", name), values);
    dense_layer layer{name, tensor(name + ".weight", dtype::f64, {outputs, inputs}, bytes_of(values))};
    values.clear();
    for (std::size_t row = 0; row < outputs; ++row)
        lines.append(1, text("the bias ", row + 1, " of ", name), values);
    layer.bias = tensor(name + ".bias", dtype::f64, {outputs}, bytes_of(values));
    return layer;
}

/// "(1.5, 2)", each number as short as it can be without loss; long lists are cut.
[[nodiscard]] inline std::string nnet_list(std::span<double const> values) {
    constexpr std::size_t longest = 16;
    std::string result = "(";
    for (std::size_t i = 0; i < values.size() && i < longest; ++i) {
        std::array<char, 32> text{};
        auto const end = std::to_chars(text.data(), text.data() + text.size(), values[i]).ptr;
        if (i > 0) result += ", ";
        result.append(text.data(), end);
    }
    return result += values.size() > longest ? ", ...)" : ")";
}

/// What the file says and the network does not hold.
inline void add_nnet_notes(network& net, nnet_header const& header) {
    auto const inputs = header.least.size();
    auto const first = [&](std::vector<double> const& of) { return nnet_list(std::span(of).first(inputs)); };
    auto const last = [&](std::vector<double> const& of) { return nnet_list(std::span(of).subspan(inputs)); };
    net.add_note("the weights are those of normalised inputs, (x - mean) / range, with the means " +
                 first(header.mean) + " and the ranges " + first(header.range));
    net.add_note("inputs are limited to least values " + first(header.least) + " and greatest values " +
                 first(header.greatest));
    net.add_note("outputs are meant to be multiplied by " + last(header.range) + " and shifted by " +
                 last(header.mean));
}

}  // namespace detail

inline bool nnet::recognises(std::filesystem::path const& path) const {
    return detail::recognised(path, [&](input_file& file) {
        if (path.extension() == ".nnet") return true;
        auto const text = file.text(0, std::min<std::uint64_t>(file.size(), 4096));
        if (!text.starts_with("//")) return false;
        detail::nnet_lines lines(text);
        (void)detail::nnet_counts(lines);
        return true;
    });
}

inline network nnet::operator()(std::filesystem::path const& path) const {
    return detail::network_from(path, [&] {
        input_file file(path);
        auto const text = file.text(0, file.size());
        detail::nnet_lines lines(text);
        auto const header = detail::read_nnet_header(lines);
        std::vector<dense_layer> layers;
        for (std::size_t k = 1; k < header.sizes.size(); ++k) {
            layers.push_back(detail::read_nnet_layer(lines, k, static_cast<std::size_t>(header.sizes[k]),
                                                     static_cast<std::size_t>(header.sizes[k - 1])));
            layers.back().activation =
                k + 1 < header.sizes.size() ? activation_kind::relu : activation_kind::identity;
        }
        lines.finish();
        auto result = dense_network(layers);
        detail::add_nnet_notes(result, header);
        return result;
    });
}

}  // namespace spinet
