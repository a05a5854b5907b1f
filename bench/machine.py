# SPDX-License-Identifier: GPL-2.0
"""The emulated machine on which instructions are counted."""

# A processor whose "rep movsb" is not taken for copies: it would count once for each byte.
QEMU = "-icount shift=0,sleep=off,align=off -cpu max,-erms,-fsrm"
# Where what is sent to 192.0.2.2 goes: a device that drops it.
SINK = ("ip link add sink mtu 65000 type dummy && ip address add 192.0.2.1/24 dev sink && "
        "echo 1 >/proc/sys/net/ipv6/conf/sink/disable_ipv6 && ip link set sink up")
