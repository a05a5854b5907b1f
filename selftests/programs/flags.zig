// SPDX-License-Identifier: GPL-2.0
//! Sends a datagram on descriptor 0 with ruring's own flag, by Zig's std: one completion. And a receive that stays
//! although its group has no buffer: none. What fills the entries comes from Documentation/porting.rst.
const std = @import("std");
const linux = std.os.linux;

pub fn main() !void {
    const data = "a datagram of Zig's";
    var ring = try linux.IoUring.init(8, 0);
    defer ring.deinit();
    sendCombined(try ring.get_sqe(), 0, data);
    if (try ring.submit_and_wait(1) != 1) return error.NotSubmitted;
    const sent = try ring.copy_cqe();
    if (sent.res != data.len or sent.flags & linux.IORING_CQE_F_MORE != 0) return error.NotSent;
    receiveKept(try ring.get_sqe(), 0, 7);
    if (try ring.submit() != 1) return error.NotSubmitted;
    if (ring.cq_ready() != 0) return error.MoreCompletions;
    std.debug.print("zig: all is well\n", .{});
}
