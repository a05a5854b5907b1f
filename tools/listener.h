/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the echo servers have in common, whatever tells them of events.
 */
#ifndef RURING_TOOLS_LISTENER_H
#define RURING_TOOLS_LISTENER_H

/*
 * As many descriptors as the system lets a process have. With CAP_SYS_RESOURCE
 * that is fs.nr_open, whatever the hard limit was. Returns that number.
 */
unsigned long raise_file_limit(void);

/*
 * A TCP socket that listens on the loopback, close-on-exec; ends the program
 * on failure. A port of 0 is any free one, which is left in @port.
 */
int open_listener(unsigned int *port, int flags);

/* SIGINT and SIGTERM, as a file that becomes readable. */
int open_signals(void);

#endif /* RURING_TOOLS_LISTENER_H */
