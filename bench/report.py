# SPDX-License-Identifier: GPL-2.0
"""Tables of what bench/run measured: for the terminal, and for the documentation."""

import csv
import fnmatch
import json
import math
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = ROOT / "Documentation"
REASONS = ROOT / "bench" / "reasons.json"

# The highest ratio to io_uring that a row is to have: the first pattern that matches counts. What
# "call/" has is what an ioctl costs more than a system call of its own.
GOALS = (("call/*", None), ("memory/armed-*", 1.00), ("memory/*", None), ("nop/*", 0.90),
         ("recv-multishot/*", 1.00), ("recvmsg-multishot/*", 1.00), ("accept-multishot/*", 1.00),
         ("run/echo", 1.05), ("run/*", 1.15), ("*", 1.05))
# Rows whose cost is to stay within 5% from the first to the last.
FLAT = (("accept/100", "accept/10000"), ("accept-multishot/100", "accept-multishot/10000"),
        ("cancel/10", "cancel/100000"), ("cancel-fd/10", "cancel-fd/100000"),
        ("recv-crowd/100", "recv-crowd/100000"), ("recv-groups/1", "recv-groups/60000"))
# What the plugin counts, in its order.
METERS = ("locked", "lines", "written", "misses", "far_misses")
# Unmodified programs, as rows run/ and preload/ name them.
CALLS = {"syscall": "by the C library's function of that name", "liburing": "by liburing.so.2",
         "crate": "by the ``io-uring`` crate",
         "zig": "by Zig's std, inlined into a static program",
         "echo": "a message of a server with multishot receives"}
# Millions of NOPs per second that the patch reported which brought mapped buffer rings.
PATCH = {"none": 30, "classic-32": 16, "classic-1": 10, "ring-32": 27, "ring-1": 27}


def number(value, digits=1):
    """A figure for a table."""
    return "-" if value is None else f"{value:.{digits}f}"


def show(results):
    """The table of what was counted."""
    print("Instructions per operation (memory: bytes), ruring's as a share of io_uring's and of what\n"
          "a server with epoll needs. A row is marked where ruring needs more than 1% more than\n"
          "io_uring; \"floor\" is the plain system call, \"application\" what the program did itself\n"
          "meanwhile.\n")
    print(f"{'':34} {'io_uring':>9} {'ruring':>9} {'ratio':>7}   {'epoll':>8} {'ratio':>7} "
          f"{'floor':>8} {'application':>12}")
    for row in results:
        if row.get("missing"):
            print(f"{row['row']:34} {number(row['c']):>9}  not there: {row['missing']}")
            continue
        mark = " *" if (row["ratio"] or 0) > 1.01 else "  "
        print(f"{row['row']:34} {number(row['c']):>9} {number(row['ruring']):>9} "
              f"{number(row['ratio'], 3):>7}{mark} {number(row.get('epoll')):>8} "
              f"{number(row.get('epoll_ratio'), 3):>7} {number(row['floor']):>8} "
              f"{number(row.get('ruring_app')):>12}")


def ratio(row, what):
    """ruring's share of io_uring's; None if there is none."""
    c, ruring = row.get("c_" + what), row.get("ruring_" + what)
    return round(ruring / c, 4) if c and ruring else None


def meter_table(results):
    """The rows that have been under the plugin: two figures of each meter, some with a ratio."""
    return [(row["row"], number(row["ratio"], 3),
             number(row.get("c_locked")), number(row.get("ruring_locked")),
             number(row.get("c_lines")), number(row.get("ruring_lines")),
             number(ratio(row, "lines"), 3),
             number(row.get("c_written")), number(row.get("ruring_written")),
             number(row.get("c_misses")), number(row.get("ruring_misses")),
             number(row.get("c_far_misses")), number(row.get("ruring_far_misses")))
            for row in results if "ruring_lines" in row or "c_lines" in row]


def show_meters(results):
    """The table of what the plugin counted."""
    print("\nPer operation, io_uring and ruring: locked instructions, cache lines of data, those of\n"
          "them that are written, and misses of caches of 32 KiB and of 1 MiB.\n")
    print(f"{'':34} {'instr.':>6}  {'locked':^15} {'lines':^24} {'written':^15} {'misses':^15} "
          f"{'of 1 MiB':^15}")
    for name, instructions, *figures in meter_table(results):
        print(f"{name:34} {instructions:>6} " + " ".join(f"{figure:>7}" for figure in figures))


def show_walls(walls):
    """The table of what was timed."""
    print("\nTwo processors: nanoseconds per operation, medians of turns; the ratio is the median\n"
          "of the pairs' ratios, with quartiles.\n")
    for row in walls:
        if row["ratio"]:
            low, high = row["ratio_quartiles"]
            print(f"{row['row']:34} {row['c']:9.1f} {row['ruring']:9.1f} {row['ratio']:7.3f}   "
                  f"({low:.2f} to {high:.2f}, {row['turns']} turns)")


def goal(name):
    """The highest ratio that the row is to have, or None."""
    return next(limit for pattern, limit in GOALS if fnmatch.fnmatch(name, pattern))


def misses(results):
    """Rows, and what was to be reached, that were not."""
    by_name = {row["row"]: row for row in results}
    found = []
    for row in results:
        if row["unit"] == "ns" or not row["ratio"] or goal(row["row"]) is None:
            continue
        if round(row["ratio"], 3) > goal(row["row"]):
            found.append((row["row"], f"at most {goal(row['row']):.2f} of io_uring",
                          f"{row['ratio']:.3f}"))
    for first, last in FLAT:
        if first in by_name and last in by_name:
            grown = [by_name[last][key] / by_name[first][key] if by_name[first][key] else 0
                     for key in ("ruring", "c")]
            # Unless io_uring's grows as well.
            if grown[0] > 1.05 >= grown[1]:
                found.append((last, f"at most 1.05 of {first}", f"{grown[0]:.3f}"))
    buffers = {row[0]: row for row in buffer_table(results)}
    if "ring-32" in buffers:
        for how in ("ring-32", "ring-1"):
            if float(buffers[how][5]) < 0.93:
                found.append((f"nop-buffer/{how}", "at least 0.93 of the rate without buffers",
                              buffers[how][5]))
        difference = float(buffers["ring-1"][4]) / float(buffers["ring-32"][4])
        if difference > 1.02:
            found.append(("nop-buffer/ring-1", "at most 1.02 of nop-buffer/ring-32",
                          f"{difference:.3f}"))
    for name, row in by_name.items():
        plain = by_name.get(name.replace("/combined/", "/zc/"))
        if "/combined/" in name and row["ruring"] and plain and plain["ruring"]:
            saved = (row["ruring"] + row["ruring_app"]) / (plain["ruring"] + plain["ruring_app"])
            if saved > 0.85:
                found.append((name, "at most 0.85 of ruring's two completions", f"{saved:.3f}"))
    return found


def reason(name):
    """Why a row misses its goal, as seen in a profile and written down."""
    reasons = json.loads(REASONS.read_text())
    return next((text for pattern, text in reasons.items() if fnmatch.fnmatch(name, pattern)),
                "not looked into yet")


def mean(values):
    """The geometric mean, and of how many."""
    values = [value for value in values if value]
    if not values:
        return "-", 0
    return number(math.exp(sum(map(math.log, values)) / len(values)), 3), len(values)


def summary(results):
    """What all rows together say, and what it is to be."""
    rows = [row for row in results if row["unit"] == "instructions" and row["ratio"]]
    above = [(row["ruring"] - row["floor"]) / (row["c"] - row["floor"]) for row in rows
             if row["floor"] and min(row["ruring"], row["c"]) > row["floor"]]
    locked = [round(row["ruring_locked"], 1) > round(row["c_locked"], 1) for row in rows
              if "c_locked" in row]
    epoll = [row["epoll_ratio"] for row in results if row.get("epoll_ratio")]
    lines = []
    for what, values, wanted in (
            ("instructions, of io_uring's", [row["ratio"] for row in rows], 0.90),
            ("instructions above the plain call, of io_uring's", above, 0.75),
            ("cache lines, of io_uring's", [ratio(row, "lines") for row in rows], 0.85),
            ("instructions, of epoll's", epoll, None)):
        is_now, number_of = mean(values)
        lines.append((f"{what}: geometric mean of {number_of} rows",
                      "-" if wanted is None else f"at most {wanted:.2f}", is_now))
    lines.append((f"more locked instructions than io_uring, of {len(locked)} rows", "none",
                  str(sum(locked))))
    lines.append((f"more instructions than epoll, of {len(epoll)} rows", "none",
                  str(sum(value > 1 for value in epoll))))
    return lines


def show_summary(results):
    """The same, for the terminal."""
    print()
    for what, wanted, is_now in summary(results):
        print(f"{what:78} {is_now:>6}  ({wanted})")


def show_goals(results):
    """What was to be reached and was not."""
    found = misses(results)
    print("\nEvery row reaches its goal." if not found else "\nNot reached:")
    for name, wanted, got in found:
        print(f"  {name:34} {got:>7}  ({wanted}): {reason(name)}")


def buffer_table(results):
    """The measurement of the patch that brought mapped buffer rings, there and here."""
    rows = {row["row"].removeprefix("nop-buffer/"): row for row in results
            if row["row"].startswith("nop-buffer/")}
    times = {row["row"].removeprefix("wall/nop-buffer/"): row["ruring"] for row in results
             if row["row"].startswith("wall/nop-buffer/")}
    if set(rows) != set(PATCH):
        return []
    whole = {name: row["ruring"] + row["ruring_app"] for name, row in rows.items()}
    return [(name, f"{rate}M", f"{rate / PATCH['none']:.2f}", number(rows[name]["ruring"]),
             number(whole[name]), f"{whole['none'] / whole[name]:.2f}",
             f"{1e3 / times[name]:.2f}M" if name in times else "-")
            for name, rate in PATCH.items()]


def write(name, header, rows):
    """A table for a page."""
    with open(PAGES / name, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def call_table(results):
    """What unmodified programs need for a call: in io_uring, under ruring-run, with libruring.so."""
    rows = {row["row"]: row for row in results}
    return [(f"``{name}``: {how}", number(rows[f"run/{name}"]["c"], 0),
             number(rows[f"run/{name}"]["ruring"], 0),
             number(rows.get(f"preload/{name}", {}).get("ruring"), 0))
            for name, how in CALLS.items() if f"run/{name}" in rows]


def write_tables(results):
    """All tables of Documentation/benchmarks.rst, and that of Documentation/ruring-run.rst."""
    for unit, name in (("instructions", "benchmarks.csv"), ("bytes", "benchmarks-memory.csv")):
        write(name, ("row", "io_uring", "ruring", "ratio", "epoll", "ratio", "floor", "application"),
              [(row["row"], number(row["c"]), number(row["ruring"]),
                row.get("missing") or number(row["ratio"], 3), number(row.get("epoll")),
                number(row.get("epoll_ratio"), 3), number(row["floor"]),
                number(row.get("ruring_app"))) for row in results if row["unit"] == unit])
    write("benchmarks-summary.csv", ("what", "to reach", "is"), summary(results))
    write("benchmarks-meters.csv",
          ("row", "instructions, ratio", "locked, io_uring", "ruring", "lines, io_uring", "ruring",
           "ratio", "written, io_uring", "ruring", "misses, io_uring", "ruring",
           "of 1 MiB, io_uring", "ruring"), meter_table(results))
    write("benchmarks-wall.csv", ("row", "io_uring, ns", "ruring, ns", "ratio", "quartiles"),
          [(row["row"].removeprefix("wall/"), number(row["c"]), number(row["ruring"]),
            number(row["ratio"], 2),
            " to ".join(number(value, 2) for value in row["ratio_quartiles"])) for row in results
           if row["unit"] == "ns" and row["ratio"]])
    write("benchmarks-buffers.csv",
          ("buffers", "the patch", "of none", "kernel", "with application", "of none",
           "NOPs per second"), buffer_table(results))
    write("benchmarks-calls.csv", ("instructions", "io_uring", "ruring-run", "libruring.so"),
          call_table(results))
    write("benchmarks-misses.csv", ("row", "to reach", "is", "because"),
          [(*miss, reason(miss[0])) for miss in misses(results)] or [("none", "", "", "")])
