// uWebSockets.js: `node uws.mjs fanout|echo PORT [--deflate] [--tls CERTIFICATE KEY]`. Fan-out uses its publish();
// limits are lifted so that nothing is dropped. The npm package uws-pack has the binaries of uWebSockets.js.
import { App, DISABLED, SHARED_COMPRESSOR, SSLApp } from "uws-pack";

const [mode, port, ...options] = process.argv.slice(2);
const deflate = options.includes("--deflate");
const tls = options.indexOf("--tls");
const app = tls < 0 ? App() : SSLApp({ cert_file_name: options[tls + 1], key_file_name: options[tls + 2] });

app.ws("/*", {
  compression: deflate ? SHARED_COMPRESSOR : DISABLED,
  idleTimeout: 0,
  maxPayloadLength: 64 * 1024 * 1024,
  maxBackpressure: 256 * 1024 * 1024,
  open(socket) {
    if (mode !== "echo") {
      socket.subscribe("room");
    }
  },
  message(socket, message, isBinary) {
    if (mode === "echo") {
      socket.send(message, isBinary, deflate);
    } else {
      app.publish("room", message, isBinary, deflate);
    }
  },
});
app.listen("127.0.0.1", Number(port), (listening) => {
  if (!listening) {
    throw new Error(`port ${port} cannot be listened on`);
  }
  console.log(`listening on 127.0.0.1:${port}`);
});
