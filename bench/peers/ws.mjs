// Node's ws: `node ws.mjs fanout|echo PORT [--deflate] [--tls CERTIFICATE KEY]`. Written as its documentation shows.
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { WebSocket, WebSocketServer } from "ws";

const [mode, port, ...options] = process.argv.slice(2);
const deflate = options.includes("--deflate");
const tls = options.indexOf("--tls");
const web =
  tls < 0
    ? http.createServer()
    : https.createServer({ cert: readFileSync(options[tls + 1]), key: readFileSync(options[tls + 2]) });
const server = new WebSocketServer({ server: web, perMessageDeflate: deflate, maxPayload: 64 * 1024 * 1024 });

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
web.listen({ host: "127.0.0.1", port: Number(port), backlog: 4096 }, () => {
  console.log(`listening on 127.0.0.1:${web.address().port}`);
});
