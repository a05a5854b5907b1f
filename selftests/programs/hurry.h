/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Put before a program that does the same for ten seconds, it makes half a
 * second of them.
 */
#ifndef HURRY_H
#define HURRY_H

#include <sys/time.h>

#define HURRY 20

static inline int hurried_gettimeofday(struct timeval *tv, void *zone)
{
	int ret = gettimeofday(tv, zone);
	unsigned long long us;

	us = (tv->tv_sec * 1000000ULL + tv->tv_usec) * HURRY;
	tv->tv_sec = us / 1000000;
	tv->tv_usec = us % 1000000;
	return ret;
}

#define gettimeofday hurried_gettimeofday

#endif /* HURRY_H */
