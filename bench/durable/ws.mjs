// A plain WebSocket server, which sends each message to all: `node ws.mjs PORT`
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const web = createServer();
const server = new WebSocketServer({ server: web });

server.on('connection', (socket) => {
  socket.on('error', () => socket.terminate());
  socket.on('message', (data) => server.clients.forEach((each) => each.send(data, { binary: false })));
});
web.listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4096 }, () => console.log('listening'));
