#include <spinet/mean_field/bond_matrix.hpp>
