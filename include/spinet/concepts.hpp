// SPDX-License-Identifier: BSD-3-Clause
/// All concepts of the core. Each stands in the concepts.hpp of its room, or beside the type it belongs to;
/// docs/concepts.md has their tables and laws.
#pragma once

#include <spinet/ensemble/concepts.hpp>
#include <spinet/execution/executor.hpp>
#include <spinet/kernel/concepts.hpp>
#include <spinet/kernel/rule.hpp>
#include <spinet/mapping/concepts.hpp>
#include <spinet/model/concepts.hpp>
#include <spinet/observable/concepts.hpp>
#include <spinet/run/progress.hpp>
