// gate.mjs: a proxy in front of a server, as a hostile network has it: it lets WebSocket through or does not, and the
// requests of the HTTP fallback likewise, and it cuts what is open.

import http from 'node:http';
import net from 'node:net';

// Returns {port, lets: {websocket, http}, opened: {websocket, http, post}, onPost, cut(), close()}.
//   lets   what is let through from now on; an upgrade that is not gets 403, as many proxies answer, or, with 'hang',
//          nothing at all
//   opened how many of each were let through; onPost() is called, when it is set, after each post was counted
//   cut()  ends every connection
export async function startGate(port) {
  const sockets = new Set();
  const gate = { lets: { websocket: true, http: true }, opened: { websocket: 0, http: 0, post: 0 } };
  const agent = new http.Agent({ keepAlive: true });
  const server = http.createServer((request, response) => {
    const kind = request.headers['stoa-protocol'] ? 'http' : request.headers['stoa-session'] ? 'post' : '';
    if (kind && !gate.lets.http) {
      response.writeHead(403).end('blocked');
      return;
    }
    gate.opened[kind] += 1;
    if (kind === 'post') {
      gate.onPost?.();
    }
    const forward = http.request(
      { host: '127.0.0.1', port, method: request.method, path: request.url, headers: request.headers, agent },
      (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
        answer.on('error', () => response.destroy());
      });
    forward.on('error', () => response.destroy());
    response.on('close', () => forward.destroy());
    request.pipe(forward);
  });
  server.on('upgrade', (request, socket, head) => {
    if (gate.lets.websocket === 'hang') {
      return;
    }
    if (!gate.lets.websocket) {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      return;
    }
    gate.opened.websocket += 1;
    const up = net.connect(port, '127.0.0.1', () => {
      let text = `GET ${request.url} HTTP/1.1\r\n`;
      for (let i = 0; i < request.rawHeaders.length; i += 2) {
        text += `${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}\r\n`;
      }
      up.write(`${text}\r\n`);
      up.write(head);
      socket.pipe(up).pipe(socket);
    });
    for (const one of [up, socket]) {
      one.on('error', () => {});
      one.on('close', () => { up.destroy(); socket.destroy(); });
    }
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  gate.cut = () => sockets.forEach((socket) => socket.destroy());
  gate.close = () => { server.close(); gate.cut(); agent.destroy(); };
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  gate.port = server.address().port;
  return gate;
}
