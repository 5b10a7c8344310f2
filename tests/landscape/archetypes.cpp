// SPDX-License-Identifier: BSD-3-Clause
/// The least objectives through every function that takes one, and points in every form that a user may have.
#include "../files.hpp"
#include <spinet/landscape/basin.hpp>
#include <spinet/landscape/critical_points.hpp>
#include <spinet/landscape/directions.hpp>
#include <spinet/landscape/hessian.hpp>
#include <spinet/landscape/network_loss.hpp>
#include <spinet/landscape/objective.hpp>
#include <spinet/landscape/surface.hpp>
#include <spinet/network/mlp.hpp>
#include <spinet/testing/archetype_objectives.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <stop_token>
#include <vector>
#if __has_include(<xtensor/views/xview.hpp>)
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xview.hpp>
#endif

using namespace spinet;
using namespace spinet::testing::archetypes;
using Catch::Matchers::ContainsSubstring;
using network_test::error_of;

TEST_CASE("the least objective is enough for sections, planes and widths", "[landscape]") {
    objective const f;
    auto const where = section_along({1, 0, 0}, {0, 1, 0}, {0, 0, 1});
    CHECK(plane(f, where, {0, 1, 2}, {0, 2, 3})(1, 2) == 1 + 2 + 12 + 1);
    auto const along = section_along({0, 0, 0}, {0, 1, 0});
    CHECK(line(f, along, {0, 1, 2}).values(1) == 2);
    plane_checkpoint saved;
    std::size_t seen = 0;
    auto const keep = [&](plane_progress const& now) {
        saved = now.save();
        return ++seen < 2 || now.last;
    };
    (void)plane(f, where, {0, 1, 20}, {0, 2, 30}, serial{}, keep, std::stop_token{});
    CHECK((resume_plane(saved, f, where, {0, 1, 20}, {0, 2, 30}).values ==
           plane(f, where, {0, 1, 20}, {0, 2, 30}).values));
    seen = 0;
    (void)line(f, along, {0, 1, 500}, threads{2}, keep);
    CHECK((resume_line(saved, f, along, {0, 1, 500}).values == line(f, along, {0, 1, 500}).values));
    auto const path =
        trajectory(f, where, std::vector<std::vector<double>>{{1, 2, 3}, {0, 0, 1}}, threads{2});
    CHECK(path.values(0) == 1 + 8 + 27 + 2);
    CHECK(path.a(0) == Approx(2));
    CHECK(path.b(0) == Approx(3));
    CHECK(path.distance(1) == Approx(1));
    CHECK(basin_width(f, along, {.rise = 2}) == Approx(1).epsilon(1e-3));
    with_weight_decay const g(f, 2);
    CHECK(line(g, along, {0, 1, 2}).values(1) == 3);
    static_assert(!DifferentiableObjective<decltype(g)>);
}

TEST_CASE("the least objectives with derivatives are enough for searches and spectra", "[landscape]") {
    differentiable_objective const f;
    auto const low = descend(f, {1, 1, 1});
    CHECK(low.converged);
    CHECK(std::abs(low.x(0)) < 1e-6);
    CHECK(sharpness(f, {0, 0, 1}, {.radius = 0.1}) > 0.6);
    with_weight_decay const decayed(f, 1);
    CHECK(descend(decayed, {1, 1, 1}).converged);

    twice_differentiable_objective const h;
    auto const found = find_critical_point(h, {1, 1, 1});
    CHECK(found.converged);
    CHECK(found.index == 0);
    hessian const of(h, {0, 0, 0});
    auto const matrix = matrix_of(of);
    CHECK((matrix == row_major_array<double, 2>{{2, 1, 0}, {1, 4, 0}, {0, 0, 6}}));
    auto const eigenvalues = hessian_eigenvalues(of);
    CHECK(eigenvalues(2) == Approx(6));
    CHECK(eigenvalues(0) == Approx(3 - std::sqrt(2.0)));
    CHECK(top_eigenpairs(of, 1).values[0] == Approx(6));
    CHECK(smallest_eigenvalue(of) == Approx(eigenvalues(0)));
    CHECK(hessian_trace(of, 50).value == Approx(12).epsilon(0.2));
    CHECK(hessian_density(of, {.width = 0.5}).at.size() == 201);
    CHECK(index_of(eigenvalues) == 0);
    with_weight_decay const more(h, 1);
    CHECK(hessian_eigenvalues(hessian(more, {0, 0, 0}))(2) == Approx(7));
}

TEST_CASE("the least objective on the sphere", "[landscape]") {
    objective_on_sphere const f;
    auto const top = std::sqrt(3.0);
    CHECK(descend(f, {1, 1, 1}).converged);
    auto const found = find_critical_point(f, {0.1, 0.1, std::sqrt(2.98)});
    CHECK(found.converged);
    CHECK(found.value == Approx(9));
    CHECK(found.index == 2);
    CHECK(hessian(f, {0, 0, top}).size() == 2);
    CHECK(plane(f, great_circles({0, 0, top}, {1, 0, 0}, {0, 1, 0}), {0, 1, 2}, {0, 1, 2})(0, 0) ==
          Approx(9));
    CHECK_THAT(error_of([&] {
                   return line(f, section_along({0, 0, top}, {1, 0, 0}), {}).at.size();
               }),
               ContainsSubstring("needs chart::great_circles"));
}

TEST_CASE("values_on_plane is used where it is there", "[landscape]") {
    plane_objective const f;
    auto const where = section_along({1, 0, 0}, {0, 1, 0}, {0, 0, 1});
    CHECK(plane(f, where, {0, 1, 2}, {0, 2, 3}, threads{2})(1, 2) == 1 + 2 + 12 + 1);
    CHECK(f.asked == 1);
    CHECK(line(f, section_along({0, 0, 0}, {0, 1, 0}), {0, 1, 2}).values(1) == 2);
    CHECK(f.asked == 2);
}

TEST_CASE("points and directions enter in any form", "[landscape]") {
    std::vector<double> const numbers{3, 0, 4};
    xt::xtensor<double, 1, xt::layout_type::column_major> const column{3, 0, 4};
    xt::xtensor<float, 1> const floats{3, 0, 4};
    xt::xarray<int> const integers{3, 0, 4};
    xt::xtensor<double, 2> const table{{3, 9}, {0, 9}, {4, 9}};
    auto const same = [](vector_argument const& v) {
        return v.size() == 3 && v[0] == 3 && v[1] == 0 && v[2] == 4;
    };
    CHECK(same(numbers));
    CHECK(same(std::span(numbers)));
    CHECK(same(std::vector<float>{3, 0, 4}));
    CHECK(same(column));
    CHECK(same(floats));
    CHECK(same(integers));
    CHECK(same(xt::view(table, xt::all(), 0)));
    CHECK(same(column + 0 * column));
    CHECK(same({3, 0, 4}));
    CHECK_THAT(error_of([&] {
                   return vector_argument(xt::xarray<double>{{1, 2}}).size();
               }),
               ContainsSubstring("rank 1"));
    // Numbers of the caller are read where they are.
    CHECK(vector_argument(numbers).data() == numbers.data());

    objective const f;
    xt::xtensor<double, 2> const points{{1, 2, 3}, {0, 0, 1}, {0, 1, 0}};
    auto const where = section_along(xt::view(points, 2, xt::all()), 2 * floats);
    CHECK(where.centre(1) == 1);
    CHECK(where.first(2) == 8);
    CHECK(trajectory(f, where, points).values(0) == 38);
    CHECK(trajectory(f, where, xt::transpose(xt::xtensor<double, 2>(xt::transpose(points)))).values(0) == 38);
    CHECK(trajectory(f, where, std::vector{xt::xtensor<float, 1>{1, 2, 3}}).values(0) == 38);
    CHECK((principal_directions_of(points, 1).directions ==
           principal_directions_of(std::vector<std::vector<int>>{{1, 2, 3}, {0, 0, 1}, {0, 1, 0}}, 1)
               .directions));
    CHECK_THAT(error_of([&] {
                   return trajectory(f, where, std::vector<std::vector<double>>{{1, 2, 3}, {1, 2}}).size();
               }),
               ContainsSubstring("points of 3 and 2 numbers"));
    CHECK_THAT(error_of([&] {
                   return trajectory(f, where, xt::xtensor<double, 2>{{1, 2}}).size();
               }),
               ContainsSubstring("a point of 2 numbers for an objective of 3"));
}

TEST_CASE("data sets are made from arrays", "[landscape]") {
    xt::xtensor<double, 2, xt::layout_type::column_major> const inputs{{1, 2, 3}, {4, 5, 6}};
    auto const labelled = labelled_samples(inputs, xt::xtensor<int, 1>{0, 1});
    CHECK(labelled.count == 2);
    CHECK(labelled.size == 3);
    CHECK(labelled.inputs == std::vector<float>{1, 2, 3, 4, 5, 6});
    CHECK(labelled.labels == std::vector<std::uint32_t>{0, 1});
    auto const fitted_targets = xt::view(inputs, xt::all(), xt::range(0, 2));
    auto const fitted = samples_with_targets<double>(inputs / 2, fitted_targets);
    CHECK(fitted.inputs == std::vector<double>{0.5, 1, 1.5, 2, 2.5, 3});
    CHECK(fitted.targets == std::vector<double>{1, 2, 4, 5});
    CHECK_THAT(error_of([&] { return labelled_samples(inputs, std::vector<int>{0}).count; }),
               ContainsSubstring("expected 2 rows"));
    // Outputs (1, 5) and (4, 11) for the targets (1, 2) and (4, 5).
    xt::xtensor<double, 2> const w{{1, 0, 0}, {0, 1, 1}};
    network_loss<double> const f(mlp({{w}}, activation_kind::identity),
                                 samples_with_targets<double>(inputs, fitted_targets),
                                 loss_kind::mean_squared_error);
    CHECK(f.value(f.parameters()) == Approx((9.0 + 36) / 4));
}
