// SPDX-License-Identifier: BSD-3-Clause
/// Descriptors of networks as tables of comma-separated values.
#pragma once

#include <spinet/io/atomic_file.hpp>
#include <spinet/statistics/descriptor.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace spinet {

namespace detail {

/// A field of a CSV file, quoted where it must be (RFC 4180).
[[nodiscard]] inline std::string csv_field(std::string const& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string quoted = "\"";
    for (char const c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
}

[[nodiscard]] inline std::string csv_row(std::string const& front, curve_point const& abs,
                                         curve_point const& mean) {
    std::string row = front;
    append_numbers(row, ",%.9g,%.9g,%.9g,%.9g,%.6g,%.6g,%d\n", abs.temperature, abs.value, abs.error,
                   mean.value, abs.tau, abs.effective_samples, abs.equilibrated ? 1 : 0);
    return row;
}

}  // namespace detail

/// curve.csv -> curve.layers.csv
[[nodiscard]] inline std::filesystem::path layers_path(std::filesystem::path path) {
    auto const extension = path.extension();
    return path.replace_extension(".layers" + extension.string());
}

/// The table of curves: one row per network and temperature, in the given order.
[[nodiscard]] inline std::string curves_csv(std::vector<descriptor> const& networks) {
    std::string text =
        "network,temperature,mean_abs_q,mean_abs_q_error,abs_mean_q,tau_int,effective_samples,equilibrated\n";
    for (auto const& each : networks)
        for (std::size_t k = 0; k < each.parts[0].mean_abs.size(); ++k)
            text += detail::csv_row(detail::csv_field(each.network), each.parts[0].mean_abs[k],
                                    each.parts[0].abs_mean[k]);
    return text;
}

/// Writes that table, atomically.
inline void write_curves(std::filesystem::path const& path, std::vector<descriptor> const& networks) {
    write_atomically(path, curves_csv(networks));
}

/// One row per network, layer and temperature. tau_int and effective_samples are those of the whole |q|.
inline void write_layer_curves(std::filesystem::path const& path, std::vector<descriptor> const& networks) {
    std::string text =
        "network,layer,temperature,mean_abs_q,mean_abs_q_error,abs_mean_q,tau_int,effective_samples,"
        "equilibrated\n";
    for (auto const& each : networks)
        for (std::size_t part = 1; part < each.parts.size(); ++part)
            for (std::size_t k = 0; k < each.parts[part].mean_abs.size(); ++k)
                text += detail::csv_row(
                    detail::csv_field(each.network) + "," + detail::csv_field(each.parts[part].part),
                    each.parts[part].mean_abs[k], each.parts[part].abs_mean[k]);
    write_atomically(path, text);
}

}  // namespace spinet
