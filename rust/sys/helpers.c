// SPDX-License-Identifier: GPL-2.0
/* No logic here, only what C alone can name. */
#include "bindings.h"

/*
 * Always, as the compiler thinks that code of Rust and of C cannot be inlined into each other:
 * see rust/helpers/helpers.c of the kernel. Where they are not linked into Rust it has no effect.
 */
#define __helper __always_inline

#include "helpers/task.c"
#include "helpers/wait.c"
#include "helpers/file.c"
#include "helpers/memory.c"
#include "helpers/socket.c"
#include "helpers/lsm.c"
