// SPDX-License-Identifier: GPL-2.0
//! An echo server on the nuclei runtime, whose ring has a thread of the kernel's, at the address that is its argument.

use futures::{AsyncReadExt, AsyncWriteExt};
use nuclei::{drive, spawn, Handle};
use std::net::{TcpListener, TcpStream};

async fn echo(mut stream: Handle<TcpStream>) -> std::io::Result<()> {
    let mut buf = [0; 4096];
    loop {
        let len = stream.read(&mut buf).await?;
        if len == 0 {
            return Ok(());
        }
        stream.write_all(&buf[..len]).await?;
    }
}

fn main() {
    let address = std::env::args().nth(1).expect("an address");
    drive(async {
        let listener = Handle::<TcpListener>::bind(address).expect("bind");
        loop {
            let (stream, _) = listener.accept().await.expect("accept");
            spawn(async move { echo(stream).await.expect("echo") }).detach();
        }
    });
}
