// SPDX-License-Identifier: GPL-2.0
//! An echo server on the compio runtime, at the address that is its argument.

use compio::{
    io::{AsyncRead, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    BufResult,
};

async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buf = Vec::with_capacity(4096);
    loop {
        let BufResult(read, mut back) = stream.read(buf).await;
        if read? == 0 {
            return Ok(());
        }
        let BufResult(written, data) = stream.write_all(back).await;
        written?;
        back = data;
        back.clear();
        buf = back;
    }
}

#[compio::main]
async fn main() {
    let address = std::env::args().nth(1).expect("an address");
    let listener = TcpListener::bind(address).await.expect("bind");
    loop {
        let (stream, _) = listener.accept().await.expect("accept");
        compio::runtime::spawn(async move { echo(stream).await.expect("echo") }).detach();
    }
}
