// SPDX-License-Identifier: GPL-2.0
/*
 * One client of the load generator.
 *
 * It sends a pseudo-random stream of its own, cut into messages, keeps at most
 * a window of messages ahead of their echo, and compares every byte that comes
 * back with what that place of the stream holds. After the last message it
 * shuts its side down, and the stream has to end there.
 *
 * Byte p of a stream is byte p % 8 of a mix of the client's seed and p / 8, so
 * any part of it can be made again where it is needed, and nothing is kept.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "load.h"

/* The output function of splitmix64: every bit depends on every bit. */
static __u64 mix(__u64 x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* Bytes @position and on of the stream. */
static void fill(unsigned char *to, size_t len, __u64 seed, __u64 position)
{
	while (len) {
		__u64 word = mix(seed ^ position / 8);
		unsigned int skip = position % 8;
		size_t n = 8 - skip < len ? 8 - skip : len;

		memcpy(to, (unsigned char *)&word + skip, n);
		to += n;
		len -= n;
		position += n;
	}
}

/* How many of @len bytes differ from the stream's at @position. */
static __u64 count_mismatches(const unsigned char *data, size_t len,
			      __u64 seed, __u64 position)
{
	unsigned char expected[4096];
	__u64 wrong = 0;

	while (len) {
		size_t n = len < sizeof(expected) ? len : sizeof(expected);
		size_t i;

		fill(expected, n, seed, position);
		if (memcmp(data, expected, n)) {
			for (i = 0; i < n; i++)
				wrong += data[i] != expected[i];
		}
		data += n;
		len -= n;
		position += n;
	}
	return wrong;
}

static unsigned int message_size(const struct load_client *client,
				 unsigned long message,
				 const struct load_options *opt)
{
	unsigned int range = opt->size_max - opt->size_min + 1;

	return opt->size_min + mix(client->seed + message) % range;
}

/* Move a stream on by @n bytes of the present message. */
static void advance(struct load_stream *stream, unsigned int n,
		    const struct load_client *client,
		    const struct load_options *opt)
{
	stream->position += n;
	stream->left -= n;
	if (!stream->left) {
		stream->messages++;
		stream->left = message_size(client, stream->messages, opt);
	}
}

/*
 * Clients that share an address. It has some 28,000 ports, but a free one among
 * many that are taken, or that wait for the end of an earlier run, is long
 * looked for.
 */
#define CLIENTS_PER_ADDRESS	4000

int load_client_start(struct load_client *client, unsigned int index,
		      const struct load_options *opt)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(opt->port),
	};
	struct sockaddr_in from = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + index / CLIENTS_PER_ADDRESS),
	};
	int one = 1;

	memset(client, 0, sizeof(*client));
	client->seed = mix(mix(opt->seed) + index);
	client->sent.left = message_size(client, 0, opt);
	client->echoed.left = client->sent.left;

	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			    0);
	if (client->fd < 0)
		return -errno;
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	/* The port is chosen when it connects, when it is known to whom. */
	setsockopt(client->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(client->fd, (struct sockaddr *)&from, sizeof(from)))
		return -errno;
	if (connect(client->fd, (struct sockaddr *)&addr, sizeof(addr)) &&
	    errno != EINPROGRESS)
		return -errno;
	return 0;
}

static enum load_interest finish(struct load_client *client, const char *why,
				 struct load_totals *totals)
{
	if (client->state == LOAD_RUNNING)
		totals->open--;
	else
		totals->refused++;
	client->state = LOAD_FINISHED;
	close(client->fd);
	totals->finished++;
	if (why && totals->failed++ < 10)
		fprintf(stderr, "load: client failed: %s, after %lu messages sent and %lu echoed\n",
			why, client->sent.messages, client->echoed.messages);
	return LOAD_WANT_NOTHING;
}

/*
 * Send until the window or the socket is full: one call a message, so that
 * messages stay as small on the way as they are. Returns 0 or an errno.
 */
static int send_messages(struct load_client *client,
			 const struct load_options *opt)
{
	static unsigned char data[1 << 16];
	struct load_stream *sent = &client->sent;

	while (sent->messages < opt->messages &&
	       sent->messages - client->echoed.messages < opt->window) {
		unsigned int len = sent->left;
		ssize_t n;

		if (len > sizeof(data))
			len = sizeof(data);
		fill(data, len, client->seed, sent->position);
		n = send(client->fd, data, len, MSG_NOSIGNAL);
		client->blocked = n < 0 && errno == EAGAIN;
		if (client->blocked)
			return 0;
		if (n < 0)
			return errno;
		advance(sent, n, client, opt);
	}
	if (sent->messages == opt->messages && !client->closed) {
		client->closed = true;
		if (shutdown(client->fd, SHUT_WR))
			return errno;
	}
	return 0;
}

/* Check @len bytes of echo, and count the messages they complete. */
static void check_echo(struct load_client *client, const unsigned char *data,
		       size_t len, const struct load_options *opt,
		       struct load_totals *totals)
{
	struct load_stream *echoed = &client->echoed;

	totals->bytes += len;
	totals->mismatches += count_mismatches(data, len, client->seed,
					       echoed->position);
	while (len) {
		unsigned int n = echoed->left < len ? echoed->left : len;
		unsigned long before = echoed->messages;

		advance(echoed, n, client, opt);
		totals->messages += echoed->messages - before;
		len -= n;
	}
}

/* Why the end of the stream is an error here, or NULL if it is not. */
static const char *judge_end(const struct load_client *client)
{
	if (client->echoed.position < client->sent.position)
		return "short: the stream ended early";
	if (!client->closed)
		return "short: the server closed the connection";
	return NULL;
}

enum load_interest load_client_event(struct load_client *client,
				     bool readable,
				     const struct load_options *opt,
				     struct load_totals *totals)
{
	static unsigned char data[1 << 16];
	int err;

	if (client->state == LOAD_CONNECTING) {
		socklen_t len = sizeof(err);

		if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &err, &len))
			err = errno;
		if (err)
			return finish(client, strerror(err), totals);
		client->state = LOAD_RUNNING;
		totals->connected++;
		totals->open++;
	}

	if (readable) {
		ssize_t n = recv(client->fd, data, sizeof(data), 0);

		if (n == 0)
			return finish(client, judge_end(client), totals);
		if (n < 0 && errno != EAGAIN)
			return finish(client, strerror(errno), totals);
		if (n > 0)
			check_echo(client, data, n, opt, totals);
		if (client->echoed.position > client->sent.position)
			return finish(client, "more echoed than sent", totals);
	}

	if (!totals->talking)
		return LOAD_WANT_READ;
	err = send_messages(client, opt);
	if (err)
		return finish(client, strerror(err), totals);
	return client->blocked ? LOAD_WANT_WRITE : LOAD_WANT_READ;
}
