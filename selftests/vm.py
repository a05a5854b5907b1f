# SPDX-License-Identifier: GPL-2.0
"""A guest that runs programs one after the other and says when each starts and ends."""

import os
import pathlib
import queue
import subprocess
import threading
import time

from processors import Processors

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What a boot, a module load and, at the end, a search for leaks take at most.
BOOT_SECONDS = 240
# How often a guest is started anew in one run because this machine did not let it run.
MAX_UNFIT = 3


def say(text):
    """One line, at once."""
    print(text, flush=True)


class Guest:
    """One boot of the VM. Its command says "ruring-test start NAME" and "ruring-test end NAME …"."""

    processors = Processors()
    unfit = 0

    # pylint: disable=too-many-arguments
    def __init__(self, kernel, command, *, log, seconds, **env):
        self.log = log
        self.begun = time.monotonic()
        env = dict(os.environ, VM_LOG=str(log), VM_TIMEOUT=str(BOOT_SECONDS + seconds), **env)
        # Standard output only carries the words above; errors go straight to the user.
        # pylint: disable=consider-using-with
        self.vm = subprocess.Popen([ROOT / "qemu" / "vm", kernel, command],
                                   env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   text=True, errors="replace")
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.vm.stdout:
            self.lines.put(line.rstrip())
        self.lines.put(None)

    def next_line(self, seconds):
        """The guest's next word; None at its end, "stall" if there is none in time.

        "unfit" as soon as a processor of this machine has stood still, which need not be so again.
        """
        deadline = time.monotonic() + seconds
        while True:
            if Guest.unfit < MAX_UNFIT and self.processors.stood_still(self.begun):
                Guest.unfit += 1
                return "unfit"
            try:
                return self.lines.get(timeout=1)
            except queue.Empty:
                if time.monotonic() > deadline:
                    return "stall"

    def stop(self):
        """Ends a guest that hangs, and shows what its kernel log says."""
        self.vm.terminate()
        self.vm.wait()
        subprocess.run([ROOT / "qemu" / "scan-log", self.log], check=False)
        tail = self.log.read_text(errors="replace").splitlines()[-15:]
        say("  the end of the kernel log:")
        for line in tail:
            say(f"  | {line[:200]}")

    def abandon(self, names):
        """Ends a guest that this machine did not let run `names`. False if its kernel log has more than stalls."""
        self.vm.terminate()
        self.vm.wait()
        self.processors.wait()
        seconds = self.processors.stood_still(self.begun)
        say(f"  a processor of this machine stood still for {seconds:.0f} s: {len(names)} programs run again in a new VM")
        if not self.log.exists():
            return True
        done = subprocess.run([ROOT / "qemu" / "scan-log", self.log], check=False,
                              env=dict(os.environ, STALLS_ARE_HARMLESS="1"))
        return done.returncode == 0
