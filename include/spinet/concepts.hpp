// SPDX-License-Identifier: BSD-3-Clause
/// All concepts of the core. Each stands in the concepts.hpp of its room; docs/concepts.md states their laws.
#pragma once

#include <spinet/model/concepts.hpp>
