# SPDX-License-Identifier: BSD-3-Clause
# How spinet's own tests, examples and benchmarks are compiled. Nothing here reaches a user's target.
include(CheckCXXCompilerFlag)

# No -ffast-math, ever: equal results for any number of workers and exact comparisons depend on it.
add_library(spinet_own_flags INTERFACE)
target_compile_options(spinet_own_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(SPINET_WARNINGS_AS_ERRORS)
    target_compile_options(spinet_own_flags INTERFACE -Werror)
endif()
if(SPINET_NATIVE)
    check_cxx_compiler_flag(-march=native spinet_has_march_native)
    if(spinet_has_march_native)
        target_compile_options(spinet_own_flags INTERFACE -march=native)
    endif()
endif()
if(SPINET_SANITIZE)
    list(JOIN SPINET_SANITIZE "," sanitizers)
    # Instrumented code makes g++ warn of uninitialised variables in its own library.
    target_compile_options(spinet_own_flags INTERFACE
        -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer
        $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    target_link_options(spinet_own_flags INTERFACE -fsanitize=${sanitizers})
endif()
if(SPINET_SYNTAX_ONLY)
    target_compile_options(spinet_own_flags INTERFACE -fsyntax-only)
endif()

# spinet_add_program(<name> <source>...): a program, or under SPINET_SYNTAX_ONLY its sources checked.
# Links spinet::spinet, and spinet::json where it exists; knows the repository as SPINET_SOURCE_DIR.
function(spinet_add_program name)
    if(SPINET_SYNTAX_ONLY)
        add_library(${name} OBJECT ${ARGN})
    else()
        add_executable(${name} ${ARGN})
    endif()
    target_link_libraries(${name} PRIVATE spinet::spinet spinet_own_flags)
    if(TARGET spinet::json)
        target_link_libraries(${name} PRIVATE spinet::json)
    endif()
    target_compile_definitions(${name} PRIVATE "SPINET_SOURCE_DIR=\"${PROJECT_SOURCE_DIR}\"")
endfunction()

# spinet_without_json(<variable>): drops from a list of files those that need spinet::json, when it is missing.
function(spinet_without_json variable)
    if(TARGET spinet::json)
        return()
    endif()
    set(kept "")
    foreach(file IN LISTS ${variable})
        file(STRINGS "${file}" uses LIMIT_COUNT 1
            REGEX "#include [<\"](nlohmann/|spinet/network/(load|safetensors[a-z_]*)\\.hpp)")
        if(uses)
            message(STATUS "spinet: nlohmann_json was not found, skipping ${file}")
        else()
            list(APPEND kept "${file}")
        endif()
    endforeach()
    set(${variable} "${kept}" PARENT_SCOPE)
endfunction()
