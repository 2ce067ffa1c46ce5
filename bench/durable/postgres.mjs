// A WebSocket server that stores posts in PostgreSQL before it answers: `node postgres.mjs PORT POSTGRES_PORT`
import pg from 'pg';
import { WebSocketServer } from 'ws';

const [port, database] = process.argv.slice(2);
const pool = new pg.Pool({ host: '127.0.0.1', port: Number(database), user: 'bench', database: 'postgres', max: 32 });
await pool.query('CREATE TABLE post(number BIGSERIAL PRIMARY KEY, id TEXT UNIQUE, text TEXT)');
// All connections are there before the first post.
await Promise.all(Array.from({ length: 32 }, () => pool.query('SELECT pg_sleep(0.2)')));
const insert = { name: 'insert', text: 'INSERT INTO post(id, text) VALUES($1, $2) ON CONFLICT DO NOTHING' };
const followers = new Set();
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(port), backlog: 4096 });
server.on('connection', (socket) => {
  socket.on('close', () => followers.delete(socket));
  socket.on('message', async (data) => {
    const [word, id, text] = data.toString().split(' ');
    if (word === 'follow') {
      followers.add(socket);
      socket.send('following');
      return;
    }
    await pool.query({ ...insert, values: [id, text] });
    followers.forEach((follower) => follower.send(text));
    socket.send('ok');
  });
});
