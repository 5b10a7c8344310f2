# SPDX-License-Identifier: BSD-3-Clause
# Builds and runs the consumer project against spinet, installed into a new prefix or as a subdirectory (also with a
# BLAS of 64-bit integers).

function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE status)
    if(NOT status EQUAL 0)
        list(JOIN ARGN " " command)
        message(FATAL_ERROR "failed (${status}): ${command}")
    endif()
endfunction()

file(REMOVE_RECURSE "${work}")
string(REPLACE "|" ";" prefixes "${prefixes}")
if(mode STREQUAL "package")
    run("${CMAKE_COMMAND}" --install "${build}" --prefix "${work}/prefix")
    list(PREPEND prefixes "${work}/prefix")
    set(how "")
else()
    set(how "-DSPINET_SUBDIRECTORY=${source}")
    if(mode STREQUAL "integers64")
        list(APPEND how -DBLA_SIZEOF_INTEGER=8)
    endif()
endif()
list(JOIN prefixes "\;" prefixes)
run("${CMAKE_COMMAND}" -S "${source}/tests/consumer" -B "${work}/build" -G "${generator}" ${how}
    "-DCMAKE_CXX_COMPILER=${compiler}" "-DCMAKE_PREFIX_PATH=${prefixes}" -DCMAKE_BUILD_TYPE=Debug)
run("${CMAKE_COMMAND}" --build "${work}/build")
find_program(consumer consumer PATHS "${work}/build" "${work}/build/Debug" NO_DEFAULT_PATH REQUIRED)
run("${consumer}")
