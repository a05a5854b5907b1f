// SPDX-License-Identifier: GPL-2.0

//! What one call with a NOP costs a program on the `io-uring` crate: see `tools/call-cost.c`.

use io_uring::{opcode, IoUring};
use std::{io, time::Instant};

const CALLS: u32 = 10_000;

fn call(ring: &mut IoUring) -> io::Result<()> {
    // SAFETY: A NOP refers to no memory.
    unsafe { ring.submission().push(&opcode::Nop::new().build()) }.map_err(io::Error::other)?;
    let submitted = ring.submit_and_wait(1)?;
    let done = ring.completion().next();
    assert!(submitted == 1 && done.is_some_and(|cqe| cqe.result() == 0));
    Ok(())
}

fn main() -> io::Result<()> {
    let mut ring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .build(8)?;
    // Once, for what happens but once.
    call(&mut ring)?;
    let start = Instant::now();
    for _ in 0..CALLS {
        call(&mut ring)?;
    }
    println!(
        "crate: {} ns per call",
        start.elapsed().as_nanos() / u128::from(CALLS)
    );
    Ok(())
}
