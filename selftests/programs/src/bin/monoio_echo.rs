// SPDX-License-Identifier: GPL-2.0
//! An echo server on the monoio runtime, at the address that is its argument.
//!
//! The runtime chooses: io_uring if that has all that it may ever want of it, else epoll.

use monoio::{
    io::{AsyncReadRent, AsyncWriteRentExt},
    net::{TcpListener, TcpStream},
};

async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buf = vec![0; 4096];
    loop {
        let (read, back) = stream.read(buf).await;
        buf = back;
        let len = read?;
        if len == 0 {
            return Ok(());
        }
        buf.truncate(len);
        let (written, back) = stream.write_all(buf).await;
        written?;
        buf = back;
        buf.resize(4096, 0);
    }
}

#[monoio::main]
async fn main() {
    let address = std::env::args().nth(1).expect("an address");
    let listener = TcpListener::bind(address).expect("bind");
    loop {
        let (stream, _) = listener.accept().await.expect("accept");
        monoio::spawn(async move { echo(stream).await.expect("echo") });
    }
}
