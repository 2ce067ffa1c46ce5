// Socket.IO with connection state recovery, as its documentation shows: `node socketio.mjs PORT`
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const web = createServer();
const io = new Server(web, { connectionStateRecovery: { maxDisconnectionDuration: 2 * 60 * 1000 } });

io.on('connection', (socket) => {
  socket.on('post', (number, answer) => {
    io.emit('post', number);
    answer();
  });
});
web.listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4096 }, () => console.log('listening'));
