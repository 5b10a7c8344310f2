// SPDX-License-Identifier: BSD-3-Clause
/// All of spinet that needs nothing but xtensor, xtensor-blas and a BLAS. Readers of network files
/// (network/load.hpp) and what stands under testing/ are included by those who want them.
#pragma once

#include <spinet/concepts.hpp>
#include <spinet/ensemble/anneal.hpp>
#include <spinet/ensemble/annealing.hpp>
#include <spinet/ensemble/spectral_exchange.hpp>
#include <spinet/ensemble/suggested_temperatures.hpp>
#include <spinet/ensemble/tempering.hpp>
#include <spinet/error.hpp>
#include <spinet/execution/blas_threads.hpp>
#include <spinet/execution/executor.hpp>
#include <spinet/io/checkpoint.hpp>
#include <spinet/io/curve.hpp>
#include <spinet/io/progress_bar.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/kernel/metropolis.hpp>
#include <spinet/kernel/mirrored.hpp>
#include <spinet/kernel/multi_spin.hpp>
#include <spinet/kernel/rejection_free.hpp>
#include <spinet/kernel/wolff.hpp>
#include <spinet/mapping/null_models.hpp>
#include <spinet/mapping/twin_hopfield.hpp>
#include <spinet/mean_field/bond_matrix.hpp>
#include <spinet/mean_field/coupling_spectrum.hpp>
#include <spinet/model/dense_ising.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/model/lattices.hpp>
#include <spinet/model/network_glass.hpp>
#include <spinet/model/sparse_ising.hpp>
#include <spinet/network/mlp.hpp>
#include <spinet/network/network.hpp>
#include <spinet/observable/energy.hpp>
#include <spinet/observable/lift.hpp>
#include <spinet/observable/magnetisation.hpp>
#include <spinet/observable/overlap.hpp>
#include <spinet/observable/overlap_histogram.hpp>
#include <spinet/sample.hpp>
#include <spinet/statistics/equilibration.hpp>
#include <spinet/statistics/estimates.hpp>
#include <spinet/statistics/free_energy.hpp>
#include <spinet/statistics/overlap_distribution.hpp>
#include <spinet/version.hpp>
