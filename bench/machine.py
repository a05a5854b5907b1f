# SPDX-License-Identifier: GPL-2.0
"""The emulated machine on which instructions are counted."""

import pathlib
import subprocess

OUT = pathlib.Path(__file__).resolve().parent.parent / "build" / "release" / "bench"
# A processor whose "rep movsb" is not taken for copies: it would count once for each byte.
QEMU = "-icount shift=0,sleep=off,align=off -cpu max,-erms,-fsrm"
# Where what is sent to 192.0.2.2 goes: a device that drops it.
SINK = ("ip link add sink mtu 65000 type dummy && ip address add 192.0.2.1/24 dev sink && "
        "echo 1 >/proc/sys/net/ipv6/conf/sink/disable_ipv6 && ip link set sink up")


def plugin(name):
    """Words for qemu's command line, and the file to which the plugin will write."""
    symbols = subprocess.run(["nm", OUT / "bench"], check=True, stdout=subprocess.PIPE,
                             text=True).stdout
    marks = [f"{fields[2].removeprefix('bench_mark_')}={fields[0]}"
             for fields in map(str.split, symbols.splitlines())
             if fields[-1].startswith("bench_mark_")]
    out = OUT / f"{name}.out"
    out.unlink(missing_ok=True)
    return f"-plugin {OUT}/{name}.so,out={out}," + ",".join(marks), out
