// SPDX-License-Identifier: GPL-2.0
/*
 * What C alone can name: macros, inline functions and fields that bindgen does not have, one of them in a function as a
 * rule. Logic is only in those functions that decide by several such fields, or that do several such calls in one piece:
 * what a socket's state means for poll(2) and recvmsg(2), and that its end is not waited for (socket.c), which files need no
 * descriptors of the task, the locks of a file system and sendfile(2) (file.c), counts that are changed up to a limit, and
 * whether pages follow each other (memory.c), signal masks and clocks (task.c), and whether audit is on, and the message
 * that a hook is asked about (lsm.c). In Rust each of these fields would be one more call, with the logic between them.
 */
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
