// Bun: `bun bun.mjs broadcast|echo PORT`. Publish is its own fan-out; limits are lifted so that nothing is dropped.
const [mode, port] = process.argv.slice(2);
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  fetch(request, self) {
    return self.upgrade(request) ? undefined : new Response("WebSocket only\n", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
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
        socket.send(message);
      } else {
        server.publish("room", message);
      }
    },
  },
});
console.log(`listening on 127.0.0.1:${server.port}`);
