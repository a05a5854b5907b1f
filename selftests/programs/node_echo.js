// SPDX-License-Identifier: GPL-2.0
// An echo server for node: what comes is written to a file, and what is read back from that is sent. With UV_USE_IO_URING=1 node does
// what it has to do with files by io_uring, and tells epoll by that which sockets it waits for.
//
// Usage: node node_echo.js HOST:PORT DIRECTORY
'use strict';
const fs = require('fs/promises');
const net = require('net');
const path = require('path');

const [host, port] = process.argv[2].split(':');
let clients = 0;

async function serve(socket) {
	const name = path.join(process.argv[3], `client${clients++}`);
	const file = await fs.open(name, 'w+');
	let at = 0;
	for await (const data of socket) {
		await file.write(data, 0, data.length, at);
		const { buffer } = await file.read(Buffer.alloc(data.length), 0, data.length, at);
		at += data.length;
		if ((await fs.stat(name)).size !== at)
			throw new Error(`${name} has another size`);
		socket.write(buffer);
	}
	await file.close();
	await fs.unlink(name);
	socket.end();
}

net.createServer({ allowHalfOpen: true }, (socket) => {
	serve(socket).catch((error) => {
		console.error(error);
		process.exit(1);
	});
}).listen(Number(port), host);
