// SPDX-License-Identifier: GPL-2.0
//! What one call with a NOP costs a program of Zig, whose std makes its calls inline: see tools/call-cost.c.
const std = @import("std");
const linux = std.os.linux;

fn now() u64 {
    var ts: linux.timespec = undefined;
    _ = linux.clock_gettime(.MONOTONIC, &ts);
    return @as(u64, @intCast(ts.sec)) * 1_000_000_000 + @as(u64, @intCast(ts.nsec));
}

fn call(ring: *linux.IoUring) !void {
    _ = try ring.nop(0);
    if (try ring.submit_and_wait(1) != 1) return error.NotSubmitted;
    if ((try ring.copy_cqe()).res != 0) return error.NopFailed;
}

pub fn main() !void {
    const calls = 10000;
    var ring = try linux.IoUring.init(8, linux.IORING_SETUP_SINGLE_ISSUER | linux.IORING_SETUP_DEFER_TASKRUN);
    defer ring.deinit();
    // Once, for what happens but once.
    try call(&ring);
    const start = now();
    for (0..calls) |_| try call(&ring);
    std.debug.print("zig: {d} ns per call\n", .{(now() - start) / calls});
}
