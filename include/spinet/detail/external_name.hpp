// SPDX-License-Identifier: BSD-3-Clause
/// Declarations of functions of other libraries under a name of our own.
#pragma once

#define SPINET_TEXT_OF(name) #name
#define SPINET_LINKER_NAME(prefix, name) SPINET_TEXT_OF(prefix) #name

/// After a declaration: the function that the linker knows by `name` (an identifier of C). Whatever else
/// declares it, in whatever way, is no conflict.
#define SPINET_EXTERNAL_NAME(name) __asm__(SPINET_LINKER_NAME(__USER_LABEL_PREFIX__, name))
