// SPDX-License-Identifier: BSD-3-Clause
/// Where xtensor keeps its headers: one place that knows both layouts (0.24 to 0.25, and 0.26 onwards).
#pragma once

#include <spinet/detail/language.hpp>

#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xadapt.hpp>
#include <xtensor/xtensor.hpp>
#endif
