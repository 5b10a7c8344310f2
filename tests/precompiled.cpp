// SPDX-License-Identifier: BSD-3-Clause
/// Nothing of its own: the program that the precompiled headers of the rooms belong to.
int main() { return 0; }
