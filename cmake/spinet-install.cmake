# SPDX-License-Identifier: BSD-3-Clause
# Install rules: the headers, and the package found by find_package(spinet CONFIG).
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(spinet_package_dir "${CMAKE_INSTALL_DATADIR}/cmake/spinet")

# Components are not exported: the package file makes spinet::json where nlohmann_json is found, and so on.
install(TARGETS spinet EXPORT spinet-targets INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT spinet-targets NAMESPACE spinet:: DESTINATION "${spinet_package_dir}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/spinet" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.hpp")

configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/spinet-config.cmake.in"
    "${PROJECT_BINARY_DIR}/spinet-config.cmake"
    INSTALL_DESTINATION "${spinet_package_dir}"
    NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor release may break the interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/spinet-config-version.cmake"
    COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES
    "${PROJECT_BINARY_DIR}/spinet-config.cmake"
    "${PROJECT_BINARY_DIR}/spinet-config-version.cmake"
    "${CMAKE_CURRENT_LIST_DIR}/spinet-dependencies.cmake"
    DESTINATION "${spinet_package_dir}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
