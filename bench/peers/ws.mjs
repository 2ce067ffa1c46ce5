// Node's ws: `node ws.mjs broadcast|echo PORT`. Written as its documentation shows, without compression.
import { WebSocket, WebSocketServer } from "ws";

const [mode, port] = process.argv.slice(2);
const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(port),
  perMessageDeflate: false,
  maxPayload: 64 * 1024 * 1024,
  backlog: 4096,
});

function broadcast(data, isBinary) {
  for (const client of server.clients) {
    if (client.readyState === WebSocket.OPEN) {
      client.send(data, { binary: isBinary });
    }
  }
}

server.on("connection", (socket) => {
  socket.on("error", () => socket.terminate());
  socket.on("message", (data, isBinary) => {
    if (mode === "echo") {
      socket.send(data, { binary: isBinary });
    } else {
      broadcast(data, isBinary);
    }
  });
});
server.on("listening", () => console.log(`listening on 127.0.0.1:${server.address().port}`));
