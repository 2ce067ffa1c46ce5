// As json.js, with the message in Protobuf: chat.proto has three strings with the numbers 1 to 3. A larger API is better
// served by the generated TypeScript of `protoc --stoa_out=. --stoa_opt=ts`.
const CHAT = 0;
const FIELDS = ['message', 'sender', 'timestamp'];
// The lowest three bits of a field's tag: its value is a length and as many bytes.
const DELIMITED = 2;

const socket = new WebSocket(new URL('./', location.href).href.replace(/^http/, 'ws'), 'stoa.proto');
socket.binaryType = 'arraybuffer';

// Seven bits a byte, the lowest first; the eighth bit says that another byte follows.
function varint(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) {
    bytes.push((value & 127) | 128);
  }
  return [...bytes, value];
}

function encode(chat) {
  return FIELDS.flatMap((name, at) => {
    const text = new TextEncoder().encode(chat[name]);
    return [...varint(((at + 1) << 3) | DELIMITED), ...varint(text.length), ...text];
  });
}

function decode(bytes) {
  const chat = {};
  let at = 0;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) {
        return value;
      }
    }
  };
  while (at < bytes.length) {
    const name = FIELDS[(number() >>> 3) - 1];
    const length = number();
    chat[name] = new TextDecoder().decode(bytes.subarray(at, at + length));
    at += length;
  }
  return chat;
}

socket.onmessage = ({ data }) => {
  if (new DataView(data).getUint32(0) === CHAT) {
    show(decode(new Uint8Array(data, 4)));
  }
};

function send(chat) {
  const frame = Uint8Array.from([0, 0, 0, 0, ...encode(chat)]);
  new DataView(frame.buffer).setUint32(0, CHAT);
  socket.send(frame);
}

// Text stays text: textContent never becomes markup.
function show({ sender = '', message = '', timestamp = '' }) {
  const line = document.createElement('li');
  line.textContent = `${sender}: ${message}`;
  line.title = timestamp;
  document.querySelector('ul').append(line);
}

document.querySelector('form').onsubmit = (event) => {
  event.preventDefault();
  const { sender, message } = event.target.elements;
  send({ sender: sender.value, message: message.value, timestamp: new Date().toISOString() });
  message.value = '';
};

socket.onclose = () => show({ sender: 'This page', message: 'the connection is closed, reload to connect again' });
