# SPDX-License-Identifier: GPL-2.0
"""Notices when a processor of this machine stands still.

A virtual machine can lose the timer of one of its processors while there is much to do. Who runs there then is not
interrupted any more, and all others that belong there wait until he gives it up: 290 seconds have been seen, of which
the machine's own kernel said "workqueue lockup". A guest whose processor is one of them has stalls and lost interrupts
that no kernel can help. What such a guest says means nothing.

A process on each processor is woken up by that of another one, several times a second, and says when it was.
"""

import mmap
import os
import select
import signal
import struct
import time

# Seconds that somebody who has just been woken up never waits for a processor that runs.
LIMIT = 15
PERIOD = 0.3
# Of each processor: when its process was there last, when it last came too late, and by how much.
RECORD = struct.Struct("3d")


class Processors:
    """All that this process may run on. Its processes end with it."""

    def __init__(self):
        self.numbers = sorted(os.sched_getaffinity(0))
        self.records = mmap.mmap(-1, RECORD.size * len(self.numbers))
        pipes = [os.pipe() for _ in self.numbers]
        begun, parent = time.monotonic(), os.getpid()
        for index in range(len(self.numbers)):
            self._write(index, begun, 0.0, 0.0)
            if os.fork() == 0:
                self._beat(parent, index, pipes[index][0], pipes[(index + 1) % len(pipes)][1])
        for pipe in pipes:
            os.close(pipe[0])
            os.close(pipe[1])

    def _write(self, index, *record):
        RECORD.pack_into(self.records, index * RECORD.size, *record)

    def _read(self, index):
        return RECORD.unpack_from(self.records, index * RECORD.size)

    def _beat(self, parent, index, own, next_one):
        """One of the processes, of the process `parent`: until that is gone."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.sched_setaffinity(0, {self.numbers[index]})
        os.set_blocking(own, False)
        os.set_blocking(next_one, False)
        last, late, by = self._read(index)
        told = 0.0
        while os.getppid() == parent:
            if select.select([own], [], [], PERIOD)[0]:
                os.read(own, 4096)
            now = time.monotonic()
            if now - last > LIMIT:
                late, by = now, now - last
            last = now
            self._write(index, last, late, by)
            if now - told >= PERIOD / 2:
                told = now
                try:
                    os.write(next_one, b"x")
                except BlockingIOError:
                    pass
        os._exit(0)  # pylint: disable=protected-access

    def wait(self):
        """Waits until all of them run."""
        while any(time.monotonic() - self._read(index)[0] > 4 * PERIOD for index in range(len(self.numbers))):
            time.sleep(PERIOD)

    def stood_still(self, since):
        """For how many seconds one of them has stood still after `since`; 0 if all have run."""
        longest, now = 0.0, time.monotonic()
        for index in range(len(self.numbers)):
            last, late, by = self._read(index)
            if now - last > LIMIT:
                longest = max(longest, now - last)
            if late > since:
                longest = max(longest, by)
        return longest
