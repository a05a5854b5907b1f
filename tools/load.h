/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The load generator: load.c has the options, the loop and the reports;
 * load-client.c has one client: what it sends, and how it checks the echo.
 */
#ifndef RURING_TOOLS_LOAD_H
#define RURING_TOOLS_LOAD_H

#include <stdbool.h>
#include <linux/types.h>

struct load_options {
	unsigned int port;
	unsigned int clients;
	unsigned long messages;		/* of each client */
	unsigned int size_min;		/* bytes of a message */
	unsigned int size_max;
	unsigned int window;		/* messages sent ahead of their echo */
	unsigned int timeout;		/* seconds without a byte */
	bool terminal;			/* progress in place in any case */
	__u64 seed;
};

struct load_totals {
	bool talking;			/* all are connected, or refused */
	unsigned int connected;
	unsigned int refused;		/* and these were not */
	unsigned int open;		/* connected, not yet finished */
	unsigned int finished;		/* clients that are done, well or not */
	unsigned int failed;		/* of these, not well */
	__u64 messages;			/* echoed in full */
	__u64 bytes;			/* echoed, right or wrong */
	__u64 mismatches;		/* bytes that are not what was sent */
};

enum load_state {
	LOAD_CONNECTING,
	LOAD_RUNNING,
	LOAD_FINISHED,
};

/* One direction of a client's stream: a sequence of messages. */
struct load_stream {
	unsigned long messages;		/* passed in full */
	unsigned int left;		/* bytes left of the present one */
	__u64 position;			/* bytes passed */
};

struct load_client {
	int fd;
	enum load_state state;
	bool blocked;			/* the socket takes no more for now */
	bool closed;			/* everything sent, and the end shown */
	__u64 seed;
	struct load_stream sent;
	struct load_stream echoed;
};

/* Returned by load_client_event(). */
enum load_interest {
	LOAD_WANT_READ,
	LOAD_WANT_WRITE,		/* and read */
	LOAD_WANT_NOTHING,		/* finished; the socket is closed */
};

/* Start to connect client number @index. */
int load_client_start(struct load_client *client, unsigned int index,
		      const struct load_options *opt);

/* Do all that is possible now that the socket is ready. */
enum load_interest load_client_event(struct load_client *client,
				     bool readable,
				     const struct load_options *opt,
				     struct load_totals *totals);

#endif /* RURING_TOOLS_LOAD_H */
