# SPDX-License-Identifier: BSD-3-Clause
# Finds what spinet::spinet and its components link to; shared by the build and by the installed package.
# Sets spinet_missing to the names of the required packages that were not found. Nothing is downloaded.

set(spinet_missing "")

# OpenBLAS where it exists, else whatever BLAS there is; a caller's BLA_VENDOR decides for itself.
# The vendor stays set until the end, so that xtensor-blas, which searches again, links the same library.
set(spinet_own_vendor FALSE)
if(NOT BLA_VENDOR AND NOT DEFINED ENV{BLA_VENDOR})
    set(spinet_own_vendor TRUE)
    set(BLA_VENDOR OpenBLAS)
endif()
find_package(BLAS QUIET)
if(NOT BLAS_FOUND AND spinet_own_vendor)
    unset(BLA_VENDOR)
    find_package(BLAS QUIET)
endif()
if(BLAS_FOUND)
    find_package(LAPACK QUIET)
endif()
find_package(Threads QUIET)

# A parent project may have added these two as subdirectories already.
if(NOT TARGET xtensor)
    find_package(xtensor 0.24.3 QUIET CONFIG)
endif()
if(BLAS_FOUND AND LAPACK_FOUND AND NOT TARGET xtensor-blas)
    find_package(xtensor-blas 0.20 QUIET CONFIG)
endif()
if(NOT TARGET nlohmann_json::nlohmann_json)
    find_package(nlohmann_json 3.9 QUIET CONFIG)
endif()

if(NOT TARGET ZLIB::ZLIB)
    find_package(ZLIB QUIET)
endif()

# libzip's own package file fails where its programs are not installed, as on Debian.
if(NOT TARGET spinet_libzip)
    find_path(spinet_zip_include zip.h)
    find_library(spinet_zip_library zip)
    mark_as_advanced(spinet_zip_include spinet_zip_library)
    if(spinet_zip_include AND spinet_zip_library)
        add_library(spinet_libzip INTERFACE IMPORTED)
        target_include_directories(spinet_libzip INTERFACE "${spinet_zip_include}")
        target_link_libraries(spinet_libzip INTERFACE "${spinet_zip_library}")
    endif()
endif()

# The opt-in components, and the library that each needs.
set(spinet_components json zip zlib)
set(spinet_json_needs nlohmann_json::nlohmann_json)
set(spinet_json_name "nlohmann_json >= 3.9")
set(spinet_zlib_needs ZLIB::ZLIB)
set(spinet_zlib_name "zlib")
set(spinet_zip_needs spinet_libzip)
set(spinet_zip_name "libzip")

if(spinet_own_vendor)
    unset(BLA_VENDOR)
endif()
unset(spinet_own_vendor)

if(NOT TARGET BLAS::BLAS)
    list(APPEND spinet_missing "BLAS")
endif()
if(NOT TARGET LAPACK::LAPACK)
    list(APPEND spinet_missing "LAPACK")
endif()
if(NOT TARGET Threads::Threads)
    list(APPEND spinet_missing "Threads")
endif()
if(NOT TARGET xtensor)
    list(APPEND spinet_missing "xtensor >= 0.24.3")
endif()
if(TARGET BLAS::BLAS AND TARGET LAPACK::LAPACK AND NOT TARGET xtensor-blas)
    list(APPEND spinet_missing "xtensor-blas >= 0.20")
endif()
