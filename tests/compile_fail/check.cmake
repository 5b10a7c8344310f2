# SPDX-License-Identifier: BSD-3-Clause
# Compiles one snippet with and without -DCONTROL; see CMakeLists.txt beside it.

file(STRINGS "${snippet}" lines REGEX "^// expect: ")
if(NOT lines)
    message(FATAL_ERROR "${snippet} has no line `// expect: <text>`")
endif()

execute_process(COMMAND "${compiler}" "@${arguments}" -DCONTROL "${snippet}"
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "with -DCONTROL it has to compile, but:\n${output}")
endif()

# Flags with which it is to be refused.
file(STRINGS "${snippet}" flags REGEX "^// flags: ")
string(REPLACE "// flags: " "" flags "${flags}")
separate_arguments(flags)

execute_process(COMMAND "${compiler}" "@${arguments}" ${flags} "${snippet}"
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(status EQUAL 0)
    message(FATAL_ERROR "it has to be refused, but compiles")
endif()
# The first error is ours: the first expected text stands in it.
list(GET lines 0 first)
string(REPLACE "// expect: " "" first "${first}")
string(REGEX MATCH "[^\n]*error:[^\n]*" first_error "${output}")
string(FIND "${first_error}" "${first}" position)
if(position EQUAL -1)
    message(FATAL_ERROR "the first error has to contain `${first}`, but is:\n${first_error}")
endif()
foreach(line IN LISTS lines)
    string(REPLACE "// expect: " "" text "${line}")
    string(FIND "${output}" "${text}" position)
    if(position EQUAL -1)
        message(FATAL_ERROR "the message has to contain `${text}`, but is:\n${output}")
    endif()
endforeach()
# A refused set of flags is refused once.
if(flags)
    string(REGEX MATCHALL "error:" errors "${output}")
    list(LENGTH errors count)
    if(count GREATER 2)
        message(FATAL_ERROR "it has to be one refusal, but is:\n${output}")
    endif()
endif()
