// Bun: `bun bun.mjs fanout|echo PORT [--deflate] [--tls CERTIFICATE KEY]`. Fan-out uses Bun's publish(); limits are
// lifted so that nothing is dropped.
const [mode, port, ...options] = process.argv.slice(2);
const deflate = options.includes("--deflate");
const tls = options.indexOf("--tls");
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  tls: tls < 0 ? undefined : { cert: Bun.file(options[tls + 1]), key: Bun.file(options[tls + 2]) },
  fetch(request, self) {
    return self.upgrade(request) ? undefined : new Response("WebSocket only\n", { status: 426 });
  },
  websocket: {
    perMessageDeflate: deflate,
    idleTimeout: 0,
    maxPayloadLength: 64 * 1024 * 1024,
    backpressureLimit: 256 * 1024 * 1024,
    open(socket) {
      if (mode !== "echo") {
        socket.subscribe("room");
      }
    },
    message(socket, message) {
      if (mode === "echo") {
        socket.send(message, deflate);
      } else {
        server.publish("room", message, deflate);
      }
    },
  },
});
console.log(`listening on 127.0.0.1:${server.port}`);
