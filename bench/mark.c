// SPDX-License-Identifier: GPL-2.0
/*
 * What plugins of the emulator wait for. In a file of their own, so that they are
 * really called.
 */
#include "bench.h"

void bench_mark_enter(void)
{
}

void bench_mark_peer(void)
{
}

void bench_mark_end(void)
{
}

void bench_mark_sample(void)
{
}

void bench_mark_row(void)
{
}
