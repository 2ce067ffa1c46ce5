// A whole client of examples/broadcast, without a library: a frame is the number of the message's type, big-endian, and
// the message in JSON.
const CHAT = 0;

const socket = new WebSocket(new URL('./', location.href).href.replace(/^http/, 'ws'), 'stoa.json');
socket.binaryType = 'arraybuffer';

socket.onmessage = ({ data }) => {
  if (new DataView(data).getUint32(0) === CHAT) {
    show(JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4))));
  }
};

function send(chat) {
  const payload = new TextEncoder().encode(JSON.stringify(chat));
  const frame = new Uint8Array(4 + payload.length);
  new DataView(frame.buffer).setUint32(0, CHAT);
  frame.set(payload, 4);
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
