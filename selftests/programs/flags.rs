// SPDX-License-Identifier: GPL-2.0
//! Sends a datagram on descriptor 0 with ruring's own flag, by the io-uring crate: one completion. And a receive
//! that stays although its group has no buffer: none. What makes the entries comes from Documentation/porting.rst.

use io_uring::IoUring;

fn main() {
    let data = b"a datagram of Rust's";
    let mut ring = IoUring::new(8).expect("a ring");
    // SAFETY: What is sent is there until all is over.
    unsafe { ring.submission().push(&send_combined(0, data).user_data(1)) }.expect("room");
    ring.submit_and_wait(1).expect("submit");
    let sent = ring.completion().next().expect("a completion");
    assert_eq!((sent.user_data(), sent.result()), (1, data.len() as i32));
    assert!(!io_uring::cqueue::more(sent.flags()));
    // SAFETY: It has no memory.
    unsafe { ring.submission().push(&receive_kept(0, 7).user_data(2)) }.expect("room");
    ring.submit().expect("submit");
    assert!(ring.completion().next().is_none());
    println!("rust: all is well");
}
