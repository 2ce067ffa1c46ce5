// pages.mjs: serves a page as another origin would, or as a proxy would, with nothing but Node.

import { createServer, get } from 'node:http';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import { fileURLToPath } from 'node:url';

// Returns {origin, close()} of a server that answers every path with the first client's page.
export async function serveFirstClient() {
  const page = await readFile(fileURLToPath(new URL('../../examples/first-client/index.html', import.meta.url)));
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(page);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }),
  };
}

function forwardUpgrade(request, socket, path, port) {
  const up = net.connect(port, '127.0.0.1', () => {
    const fields = [];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      fields.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}\r\n`);
    }
    up.write(`GET ${path} HTTP/1.1\r\n${fields.join('')}\r\n`);
    socket.pipe(up).pipe(socket);
  });
  up.on('error', () => socket.destroy());
  socket.on('error', () => up.destroy());
  socket.on('close', () => up.destroy());
}

// Returns {origin, close()} of a proxy in front of the server on `port` that gives it the folder `prefix` of its host,
// as nginx's `location /chat/ { proxy_pass http://server/; }` does: the prefix is taken off, all else is 404.
export async function serveUnder(prefix, port) {
  const inner = (url) => (url.startsWith(prefix) ? url.slice(prefix.length - 1) : null);
  const sockets = new Set();
  const server = createServer((request, response) => {
    const path = inner(request.url);
    if (path === null) {
      response.writeHead(404).end();
      return;
    }
    get({ port, host: '127.0.0.1', path, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    }).on('error', () => response.destroy());
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.on('upgrade', (request, socket) => {
    const path = inner(request.url);
    if (path === null) {
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    } else {
      forwardUpgrade(request, socket, path, port);
    }
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      sockets.forEach((socket) => socket.destroy());
    }),
  };
}
