// Socket.IO with acknowledgements; a post is stored before it is answered: `node socketio_sqlite.mjs PORT [DATABASE]`
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const [port, path] = process.argv.slice(2);
let store = () => {};
if (path !== undefined) {
  const { default: Database } = await import('better-sqlite3');
  const database = new Database(path);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec('CREATE TABLE post(number INTEGER PRIMARY KEY, id TEXT UNIQUE, text TEXT)');
  const insert = database.prepare('INSERT OR IGNORE INTO post(id, text) VALUES(?, ?)');
  store = (id, text) => insert.run(id, text);
}
const web = createServer();
const io = new Server(web);
io.on('connection', (socket) => {
  socket.on('follow', (answer) => {
    socket.join('bench');
    answer();
  });
  socket.on('post', (id, text, answer) => {
    store(id, text);
    io.to('bench').emit('post', text);
    answer();
  });
});
web.listen({ host: '127.0.0.1', port: Number(port), backlog: 4096 });
