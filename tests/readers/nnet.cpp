// SPDX-License-Identifier: BSD-3-Clause
/// NNet files: what is read of them, and what is refused, with its line.
#include "../files.hpp"
#include <spinet/readers/nnet/nnet.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

using namespace network_test;
using Catch::Matchers::ContainsSubstring;
using spinet::activation_kind;
using spinet::nnet;

namespace {

/// Two inputs, three hidden neurons, one output; lines are numbered from 1.
std::vector<std::string> good() {
    return {"// Neural Network File Format",
            "//a second comment",
            "2,2,1,3,",
            "2,3,1,",
            "0,",
            "-1.5,-2,",
            "1.5,2,",
            "0.25,0.5,7.5,",
            "3,4,373.94992,",
            "1,-2.5e-1,",
            "0.1,5.40062e-02,",
            "-3e2,.5,",
            "1,",
            "-0.125,",
            "2e-3,",
            "1,2,3,",
            "-7,"};
}

std::string joined(std::vector<std::string> const& lines, std::string const& end = "\n") {
    std::string text;
    for (auto const& line : lines) text += line + end;
    return text;
}

std::vector<double> values_of(spinet::tensor const& tensor) {
    std::vector<double> values(tensor.size());
    tensor.copy_to(std::span<double>(values));
    return values;
}

void check_good(spinet::network const& net) {
    auto const chain = dense_chain(net);
    REQUIRE(chain.size() == 2);
    CHECK(chain[0].name == "layer 1");
    CHECK(chain[1].name == "layer 2");
    CHECK(chain[0].weight.type() == spinet::dtype::f64);
    CHECK(chain[0].weight.shape() == std::vector<std::size_t>{3, 2});
    CHECK(values_of(chain[0].weight) == std::vector<double>{1, -0.25, 0.1, 0.0540062, -300, 0.5});
    CHECK(values_of(*chain[0].bias) == std::vector<double>{1, -0.125, 0.002});
    CHECK(chain[0].activation == activation_kind::relu);
    CHECK(chain[1].weight.shape() == std::vector<std::size_t>{1, 3});
    CHECK(values_of(chain[1].weight) == std::vector<double>{1, 2, 3});
    CHECK(values_of(*chain[1].bias) == std::vector<double>{-7});
    CHECK(chain[1].activation == activation_kind::identity);
}

}  // namespace

TEST_CASE("an NNet file: weights, biases, activations and notes", "[network]") {
    temporary_directory const place;
    auto const path = place.write("a.nnet", joined(good()));
    CHECK(nnet{}.recognises(path));
    auto const net = nnet{}(path);
    check_good(net);
    CHECK(net.source() == path);
    REQUIRE(net.notes().size() == 3);
    CHECK(net.notes()[0] ==
          "the weights are those of normalised inputs, (x - mean) / range, with the means (0.25, 0.5) and "
          "the ranges (3, 4)");
    CHECK(net.notes()[1] == "inputs are limited to least values (-1.5, -2) and greatest values (1.5, 2)");
    CHECK(net.notes()[2] == "outputs are meant to be multiplied by (373.94992) and shifted by (7.5)");
}

TEST_CASE("an NNet file without last commas, with other ends of lines, blanks and names", "[network]") {
    temporary_directory const place;
    auto lines = good();
    check_good(nnet{}(place.write("crlf.nnet", joined(lines, "\r\n"))));
    check_good(nnet{}(place.write("blank.nnet", joined(lines) + "\n \t\n")));
    for (auto& line : lines)
        if (line.back() == ',') line.pop_back();
    lines[9] = " 1 ,\t-0.25  ";
    auto text = joined(lines);
    text.pop_back();  // nor an end of the last line
    auto const path = place.write("weights.txt", text);
    check_good(nnet{}(path));
    CHECK(nnet{}.recognises(path));
    CHECK(nnet{}.recognises(place.write("x.nnet", "anything")));  // refused when it is read
    CHECK_FALSE(nnet{}.recognises(place.write("y.txt", "// a program\nint main() {}\n")));
    CHECK_FALSE(nnet{}.recognises(place.write("z.txt", "2,2,1,3,\n")));
    CHECK_FALSE(nnet{}.recognises(place.path() / "none"));
}

TEST_CASE("refused: lines of an NNet file, by their numbers", "[network]") {
    temporary_directory const place;
    auto const refused = [&](std::size_t line, std::string const& text) {
        auto lines = good();
        lines.at(line - 1) = text;
        auto const path = place.write("a.nnet", joined(lines));
        return refusal(path, [&] { (void)nnet{}(path); });
    };
    CHECK(refused(3, "2,2,1,") ==
          "line 3: 3 numbers instead of the 4 that the counts of layers, inputs, outputs and the largest "
          "layer are");
    CHECK_THAT(refused(3, "2,2,1,3,4,"), ContainsSubstring("line 3: more than the 4 numbers"));
    CHECK_THAT(refused(3, "18446744073709551615,2,1,3,"), ContainsSubstring("18446744073709551615"));
    CHECK_THAT(refused(3, "18446744073709551616,2,1,3,"), ContainsSubstring("out of range"));
    CHECK_THAT(refused(3, "-2,2,1,3,"), ContainsSubstring("'-2', number 1 of the counts"));
    CHECK_THAT(refused(3, "0,2,1,3,"), ContainsSubstring("the number of layers is 0"));
    CHECK_THAT(refused(3, "2.5,2,1,3,"), ContainsSubstring("no whole number"));
    CHECK_THAT(refused(3, "2,3,1,3,"), ContainsSubstring("line 4: the sizes of layers begin with 2"));
    CHECK_THAT(refused(3, "2,2,2,3,"), ContainsSubstring("2 outputs"));
    CHECK_THAT(refused(3, "2,2,1,2,"), ContainsSubstring("gives the largest as 2"));
    CHECK_THAT(refused(3, "3,2,1,3,"), ContainsSubstring("line 4: 3 numbers instead of the 4"));
    CHECK_THAT(refused(4, "2,18446744073709551615,1,"), ContainsSubstring("size 18446744073709551615"));
    CHECK_THAT(refused(4, "2,0,1,"), ContainsSubstring("size 0"));
    CHECK_THAT(refused(5, "flag"), ContainsSubstring("line 5: 'flag', number 1 of the flag"));
    CHECK_THAT(refused(6, "1,"), ContainsSubstring("line 6: 1 numbers instead of the 2"));
    CHECK_THAT(refused(8, "1,2,"), ContainsSubstring("line 8: 2 numbers instead of the 3"));
    CHECK_THAT(
        refused(10, "1,nan,"),
        ContainsSubstring("line 10: 'nan', number 2 of the weights of row 1 of layer 1, is not finite"));
    CHECK_THAT(refused(10, "-inf,1,"), ContainsSubstring("not finite"));
    CHECK_THAT(refused(10, "1,1e999,"), ContainsSubstring("out of range"));
    CHECK_THAT(refused(10, "1,0x10,"), ContainsSubstring("'0x10', number 2"));
    CHECK_THAT(refused(10, "1,2 3,"), ContainsSubstring("'2 3'"));
    CHECK_THAT(refused(10, "1,,2"), ContainsSubstring("'', number 2"));
    CHECK_THAT(refused(11, ""), ContainsSubstring("line 11: 0 numbers instead of the 2"));
    CHECK_THAT(refused(13, "1,2,"), ContainsSubstring("line 13: more than the 1 numbers that the bias 1"));
    CHECK_THAT(refused(17, "-7,\nmore"), ContainsSubstring("line 18: 'more' after the biases of the last"));
    CHECK_THAT(refused(17, "-7,\n1,"), ContainsSubstring("line 18: '1,' after"));
    CHECK_THAT(refused(10, std::string(1'000'000, '1') + ","), ContainsSubstring("...', number 1"));
    auto const huge = joined({"1,4000000000,4000000000,4000000000", "4000000000,4000000000,"});
    auto const path = place.write("huge.nnet", huge);
    CHECK_THAT(refusal(path, [&] { (void)nnet{}(path); }), ContainsSubstring("line 2: a layer has the size"));
}

TEST_CASE("refused: NNet files cut at every byte; with flipped bits they are refused or finite",
          "[network]") {
    temporary_directory const place;
    auto const reading = [&](std::string const& bytes) {
        auto const path = place.write("x.nnet", bytes);
        bool finite = true;
        auto const what = refusal(path, [&] {
            for (auto const& layer : dense_chain(nnet{}(path)))
                for (double const value : values_of(layer.weight)) finite = finite && std::isfinite(value);
        });
        CHECK(finite);
        return what;
    };
    auto const whole = joined(good());
    for (std::size_t n = 1; n + 2 < whole.size(); ++n) {  // the last comma and end of line may go
        CAPTURE(n);
        REQUIRE(reading(whole.substr(0, n)) != "nothing was thrown");
    }
    std::size_t harmless = 0;
    for (std::size_t k = 0; k < 8 * whole.size(); ++k) {
        auto flipped = whole;
        flipped[k / 8] = static_cast<char>(flipped[k / 8] ^ (1 << k % 8));
        harmless += reading(flipped) == "nothing was thrown" ? 1u : 0u;
    }
    CHECK(harmless < 4 * whole.size());  // comments and digits
}
