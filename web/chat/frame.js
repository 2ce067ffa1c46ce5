// frame.js: the typed frame with a JSON payload, in one binary WebSocket message.
//
//   plain   type: u32 | payload
//   call    type with bit 31: u32 | id: u32 | payload       the reply has the same type and id
//   error   the type of the frame that it answers, with bit 30; the payload is an error {code, reason, message, ...}
//
// Numbers are big-endian. Does not know: sockets, or what a type means.

const CALL_BIT = 0x80000000;
const ERROR_BIT = 0x40000000;
const TYPE_MASK = 0x3fffffff;
const TYPE_BYTES = 4;
const CALL_BYTES = 8;

const encoder = new TextEncoder();
// A payload that is not UTF-8 must be refused, not shown with replacement characters.
const decoder = new TextDecoder('utf-8', { fatal: true });

function build(headBytes, message) {
  const payload = encoder.encode(JSON.stringify(message));
  const frame = new Uint8Array(headBytes + payload.length);
  frame.set(payload, headBytes);
  return frame;
}

export function encodePlain(type, message) {
  const frame = build(TYPE_BYTES, message);
  new DataView(frame.buffer).setUint32(0, type);
  return frame;
}

export function encodeCall(type, id, message) {
  const frame = build(CALL_BYTES, message);
  const view = new DataView(frame.buffer);
  // `|` would give a negative number; setUint32 would wrap it, but addition is clearer.
  view.setUint32(0, CALL_BIT + type);
  view.setUint32(4, id);
  return frame;
}

// The bytes of a call's frame.
export function callBytes(message) {
  return CALL_BYTES + encoder.encode(JSON.stringify(message)).length;
}

// An empty payload is an empty message, as in a Ping.
function parse(buffer, offset) {
  const text = decoder.decode(new Uint8Array(buffer, offset));
  const message = text === '' ? {} : JSON.parse(text);
  if (message === null || typeof message !== 'object' || Array.isArray(message)) {
    throw new TypeError('the payload is not an object');
  }
  return message;
}

// Read one frame from an ArrayBuffer: {type, call, error, id, message}; id is 0 when it is not a call.
// Throws when the frame is too short, not UTF-8 or not a JSON object.
export function decodeFrame(buffer) {
  const view = new DataView(buffer);
  const word = view.getUint32(0);
  const call = (word & CALL_BIT) !== 0;
  return {
    type: word & TYPE_MASK,
    call,
    error: (word & ERROR_BIT) !== 0,
    id: call ? view.getUint32(4) : 0,
    message: parse(buffer, call ? CALL_BYTES : TYPE_BYTES),
  };
}
