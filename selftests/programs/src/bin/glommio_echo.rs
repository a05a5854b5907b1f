// SPDX-License-Identifier: GPL-2.0
//! An echo server on the glommio runtime, which has more than one ring, at the address that is its argument.

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use glommio::{
    net::{TcpListener, TcpStream},
    LocalExecutor,
};

async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
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
    LocalExecutor::default().run(async {
        let listener = TcpListener::bind(address).expect("bind");
        loop {
            let stream = listener.accept().await.expect("accept");
            glommio::spawn_local(async move { echo(stream).await.expect("echo") }).detach();
        }
    });
}
