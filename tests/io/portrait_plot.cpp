// SPDX-License-Identifier: BSD-3-Clause
/// Pictures of portraits: data and script, and what is refused.
#include "../files.hpp"
#include <spinet/io/checked_file.hpp>
#include <spinet/io/portrait_plot.hpp>

#include <string>

using namespace spinet;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

namespace {

class_portraits two_classes() {
    class_portraits made;
    made.temperature = 3;
    made.means = {{0.5, -0.5, 0.25, 0.75}, {0.0, -0.25, 0.25, -0.75}};
    return made;
}

}  // namespace

TEST_CASE("portraits are drawn as images or as bars", "[io]") {
    network_test::temporary_directory const place;
    auto const picture = place.path() / "portraits.png";
    bool const drawn = plot_portraits(
        picture, two_classes(),
        {.what = portrait_picture::shown::means, .rows = 2, .columns = 2, .names = {"it's one"}});
    CHECK(std::filesystem::exists(picture) == drawn);
    auto const data = read_whole(place.path() / "portraits.dat");
    CHECK(data == "# one block per class\n0.5 -0.5\n0.25 0.75\n\n\n0 -0.25\n0.25 -0.75\n\n\n");
    auto const script = read_whole(place.path() / "portraits.gp");
    CHECK_THAT(script, ContainsSubstring("set title 'it''s one'"));
    CHECK_THAT(script, ContainsSubstring("set title 'class 1'"));
    CHECK_THAT(script, ContainsSubstring("(1 - $2)"));
    // Less their mean over the two classes, one number to a line.
    (void)plot_portraits(picture, two_classes());
    CHECK(read_whole(place.path() / "portraits.dat") ==
          "# one block per class\n0.25\n-0.125\n0\n0.75\n\n\n-0.25\n0.125\n0\n-0.75\n\n\n");
    CHECK_THAT(read_whole(place.path() / "portraits.gp"), ContainsSubstring("with impulses"));
    CHECK(error_of([&] { return plot_portraits(picture, two_classes(), {.rows = 2, .columns = 3}); }) ==
          "plot_portraits: an image of 2 x 3 points for 4 inputs");
    CHECK(error_of([&] { return plot_portraits(picture, two_classes(), {.columns = 4}); }) ==
          "plot_portraits: an image of 0 x 4 points for 4 inputs");
    CHECK(error_of([&] { return plot_portraits(picture, class_portraits{}); }) ==
          "plot_portraits: no classes");
}
