// wire.mjs: the protocol once more, written for the tests alone, so that no fault of the page's code hides in both.

export const CHAT = 0;
export const HELLO = 16;
export const JOIN = 20;
export const PING = 40;
export const CALL = 0x80000000;
export const ERROR = 0x40000000;

const LENGTH_DELIMITED = 2;

// The fields of each message, by codec-independent name, in the order of their numbers from 1; '' is not in use.
const FIELDS = {
  chat: ['message', 'sender', 'timestamp', 'room', 'offset', 'epoch', 'clientMsgId', 'userId', 'tsMs'],
  joinRequest: ['room'],
  joinReply: ['room', 'epoch', 'offset'],
  helloRequest: ['nick'],
  helloReply: ['sessionId', 'nick', 'server', 'serverMs', 'messageBytesMax', 'pingMs', 'userId', 'textCharsMax'],
  error: ['code', 'reason', 'message'],
};

function varint(number) {
  const bytes = [];
  let rest = number;
  while (rest > 127) {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, rest]);
}

function readVarint(bytes, at) {
  let value = 0;
  for (let i = 0; ; i += 1) {
    value += (bytes[at + i] & 0x7f) * 2 ** (7 * i);
    if (bytes[at + i] < 0x80) {
      return [value, at + i + 1];
    }
  }
}

function protoEncode(kind, message) {
  const parts = [];
  for (const [index, name] of FIELDS[kind].entries()) {
    if (message[name]) {
      const text = Buffer.from(message[name]);
      parts.push(varint(((index + 1) << 3) | LENGTH_DELIMITED), varint(text.length), text);
    }
  }
  return Buffer.concat(parts);
}

// Strings and numbers; the tests read nothing else, and a map field of an error is skipped over.
function protoDecode(kind, bytes) {
  const message = {};
  let at = 0;
  while (at < bytes.length) {
    let key;
    let value;
    [key, at] = readVarint(bytes, at);
    [value, at] = readVarint(bytes, at);
    if ((key & 7) === LENGTH_DELIMITED) {
      at += value;
      value = bytes.toString('utf8', at - value, at);
    }
    message[FIELDS[kind][(key >> 3) - 1] ?? `field ${key >> 3}`] = value;
  }
  return message;
}

const CODECS = {
  json: {
    encode: (kind, message) => Buffer.from(JSON.stringify(message)),
    decode: (kind, bytes) => (bytes.length === 0 ? {} : JSON.parse(bytes.toString('utf8'))),
  },
  proto: { encode: protoEncode, decode: protoDecode },
};

export function words(...numbers) {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, index) => bytes.writeUInt32BE(number, 4 * index));
  return bytes;
}

// subprotocol  'stoa.json', 'stoa.proto', or '' for the first client, which speaks JSON
export class Wire {
  #codec;

  constructor(subprotocol) {
    this.#codec = CODECS[subprotocol === 'stoa.proto' ? 'proto' : 'json'];
  }

  chat(text) {
    return Buffer.concat([words(CHAT), this.#codec.encode('chat', { message: text })]);
  }

  hello(id, nick) {
    return Buffer.concat([words(CALL + HELLO, id), this.#codec.encode('helloRequest', { nick })]);
  }

  // Of the default room, and without a page.
  join(id) {
    return Buffer.concat([words(CALL + JOIN, id), this.#codec.encode('joinRequest', {})]);
  }

  // {type, call, error, id, message} of a received message.
  read(bytes) {
    const word = bytes.readUInt32BE(0);
    const call = word >= CALL;
    const error = (word & ERROR) !== 0;
    const type = word & 0x3fffffff;
    const kind = error ? 'error' : { [CHAT]: 'chat', [HELLO]: 'helloReply', [JOIN]: 'joinReply' }[type] ?? 'chat';
    const message = this.#codec.decode(kind, bytes.subarray(call ? 8 : 4));
    return { type, call, error, id: call ? bytes.readUInt32BE(4) : 0, message };
  }
}
