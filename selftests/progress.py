# SPDX-License-Identifier: GPL-2.0
"""How far a run of the tests is: what runs, what is still to come, and about how long that takes.

durations.csv beside this file has how many seconds each program took in one run, on two slow processors; those of accounting,
attack_programs and random are estimates. "make test" leaves what each of its own run took in build/logs/selftests/durations.csv.
"""

import contextlib
import csv
import math
import pathlib
import re
import threading
import time

from vm import say

DURATIONS = pathlib.Path(__file__).resolve().parent / "durations.csv"
# For a program of which nothing is known; and for a boot with what ends it.
UNKNOWN_SECONDS = 6
BOOT_SECONDS = 40
# What a boot runs takes no longer than this, as far as is known, and at the end of a run at least that long; in between it is this part
# of all that is left, so that two threads that take turns end at about the same time.
MOST_OF_A_BOOT, LEAST_OF_A_BOOT = 600, 150
PART_OF_A_BOOT = 0.4
# Longer than that is long.
LONG_SECONDS = 60
# How many programs run at a time.
LANES = 2
# After so many seconds in which there was nothing to say it is said what runs.
SILENCE_SECONDS = 30
NAMED = 8


class Progress:
    """Of a number of programs, which begin and end in any order."""

    def __init__(self, logs, limit):
        self.logs = logs
        self.limit = float(limit) * 60 if limit else None
        self.begun = time.monotonic()
        self.said = self.begun
        with open(DURATIONS, newline="", encoding="utf-8") as file:
            self.known = {row["program"]: float(row["seconds"]) for row in csv.DictReader(file)}
        self.left, self.there = {}, 0
        self.running = {}
        self.took = {}
        self.lock = threading.RLock()

    def plan(self, names):
        """What there is, in the order in which it is to come as far as that is known."""
        self.left, self.there = dict.fromkeys(names), len(names)

    def more(self, names):
        """There are more than was known."""
        with self.lock:
            self.left.update(dict.fromkeys(names))
            self.there += len(names)

    def expected(self, name):
        """Seconds that a program will take."""
        return self.known.get(name, UNKNOWN_SECONDS)

    def is_long(self, name):
        """Whether it takes minutes."""
        return self.expected(name) > LONG_SECONDS

    def limited(self):
        """Whether there is a time after which nothing is to be begun."""
        return self.limit is not None

    def seconds_left(self):
        """How much may still be begun, by what is expected, if all goes on as slowly as it went."""
        if self.limit is None:
            return math.inf
        with self.lock:
            expected = sum(map(self.expected, self.took))
            pace = max(sum(self.took.values()) / expected, 1) if expected else 1
            return (self.limit - (time.monotonic() - self.begun) - BOOT_SECONDS) / pace

    def of_about(self, name):
        """How long it took before; "" if that is not known, as of what is built."""
        return f" of about {self.known[name]:.0f}" if name in self.known else ""

    def minutes(self):
        """How many minutes all that is left takes."""
        with self.lock:
            now = time.monotonic()
            seconds = sum(map(self.expected, self.left)) * (1 + 2 * BOOT_SECONDS / MOST_OF_A_BOOT)
            seconds += sum(max(self.expected(name) - (now - since), 0) for name, since in self.running.items())
        return round(seconds / LANES / 60)

    def begin(self, name):
        """It runs."""
        with self.lock:
            self.left.pop(name, None)
            self.running[name] = time.monotonic()

    def end(self, name, seconds):
        """It has run: its place among all that have."""
        with self.lock:
            self.left.pop(name, None)
            self.running.pop(name, None)
            self.took[name] = seconds
            return f"[{len(self.took)}/{self.there}]"

    def again(self, names):
        """These are to run again."""
        with self.lock:
            for name in names:
                self.running.pop(name, None)
                self.took.pop(name, None)
                self.left[name] = None

    def cases(self, name):
        """How many cases of a program that runs are over, of how many; "" if that is not known."""
        try:
            text = (self.logs / f"{name}.tap").read_text(errors="replace")
        except OSError:
            return ""
        plan = re.search(r"^1\.\.(\d+)", text, re.M)
        return f", {len(re.findall(r'^(?:not )?ok ', text, re.M))} of {plan[1]} cases" if plan else ""

    @contextlib.contextmanager
    def step(self, what):
        """Something that has to be done before programs run, and is none."""
        begun = time.monotonic()
        with self.lock:
            self.running[what] = begun
        self.tell(f"  {what}")
        try:
            yield
        finally:
            with self.lock:
                del self.running[what]
        self.tell(f"  {what}: done in {time.monotonic() - begun:.0f} s; {self.coming()}")

    def coming(self):
        """What runs, and how much is still to come."""
        with self.lock:
            return f"now {', '.join(self.running) or 'nothing'}; {len(self.left)} to come, {self.minutes()} min"

    def tell(self, text):
        """A line."""
        self.said = time.monotonic()
        say(text)

    def tell_all(self):
        """What runs, how long and how far it is; what is to come."""
        with self.lock:
            now = time.monotonic()
            running = ", ".join(f"{name} ({now - since:.0f} s{self.of_about(name)}{self.cases(name)})"
                                for name, since in self.running.items())
            names = list(self.left)
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            self.tell(f"  {(now - self.begun) / 60:.1f} min: {running or 'between programs'}; "
                      f"to come: {' '.join(names[:NAMED]) or 'nothing'}{more}, {self.minutes()} min")

    def watch(self, over):
        """Tells all whenever nothing else has been told for a while, until the event `over`."""
        def loop():
            while not over.wait(1):
                if time.monotonic() - self.said > SILENCE_SECONDS:
                    self.tell_all()

        threading.Thread(target=loop, daemon=True).start()

    def save(self):
        """Leaves what each took."""
        with self.lock, open(self.logs / "durations.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["program", "seconds"])
            writer.writerows((name, f"{self.took[name]:.0f}") for name in sorted(self.took))
