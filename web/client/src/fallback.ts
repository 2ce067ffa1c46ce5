// fallback.ts: a WebSocket that becomes HTTP where a proxy lets no WebSocket through: events from the server in the
// response to one request (Server-Sent Events), and POST to it. The server needs `server.http_fallback`.
//
//   new Client(api, url, { WebSocket: withFallback() })
//
// It tries a WebSocket first. When that fails before it ever opened, or does not open for some seconds, it tries HTTP
// too; whichever opens first is used. On a page whose WebSocket has worked, the network is blamed only when one fails
// twice in a row. What worked is remembered for some minutes, then a new connection tries a WebSocket first again.
//
// Does not know: what the messages mean. Who uses it reconnects, as after the end of any WebSocket.
import type { Socket } from './client.js';

export interface FallbackOptions {
  /** Default: the global one. Without any, every connection is HTTP. */
  WebSocket?: new (url: string, protocol: string) => unknown;
  /** Default: the global one; Node has it since version 18. */
  fetch?: typeof fetch;
  /** How long a connection may hang before the other kind is tried beside it. Default: 5000. */
  hangMs?: number;
  /** How long HTTP is tried first after it has worked. Default: 300000. */
  rememberMs?: number;
  /** Called when a connection has opened. */
  onOpen?: (kind: Kind) => void;
}

export type Kind = 'websocket' | 'http';

const HANG_MS = 5000;
const REMEMBER_MS = 300000;
// A body has at most so many bytes, unless it is one message.
const BODY_BYTES = 65536;
const TEXT = 0x80000000;
// The server answers a post within 30 s, by default; a longer silence is the network's.
const POST_MS = 45000;
const AGAIN_MS = 200;
const AGAIN_MAX_MS = 3000;
// How long close() waits for messages that were sent before, and a refused post for the close that says why.
const FLUSH_MS = 2000;
// The answers of servers and proxies that pass. All others mean that the session is gone.
const PASSING = [408, 425, 429, 500, 502, 503, 504];

const encoder = new TextEncoder();
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

/** The message in a line of data: see docs/fallback.md. */
function decode(line: string): ArrayBuffer | string {
  const kind = line[0];
  const rest = line.slice(1);
  if (kind === 't') {
    return rest;
  }
  if (kind === 'u') {
    return new TextDecoder().decode(bytesOf(rest));
  }
  if (kind === 'b') {
    return bytesOf(rest).buffer as ArrayBuffer;
  }
  const headLen = kind === 'c' ? 8 : 4;
  const payload = encoder.encode(rest.slice(2 * headLen));
  const frame = new Uint8Array(headLen + payload.length);
  for (let i = 0; i < headLen; i += 1) {
    frame[i] = parseInt(rest.slice(2 * i, 2 * i + 2), 16);
  }
  frame.set(payload, headLen);
  return frame.buffer;
}

/** Takes messages off the queue, for one post. */
function pack(queue: (Uint8Array | string)[]): Uint8Array {
  const taken: [Uint8Array, number][] = [];
  let size = 0;
  while (queue.length) {
    const [first] = queue;
    const bytes = typeof first === 'string' ? encoder.encode(first) : first;
    if (size && size + 4 + bytes.length > BODY_BYTES) {
      break;
    }
    queue.shift();
    taken.push([bytes, bytes === first ? 0 : TEXT]);
    size += 4 + bytes.length;
  }
  const body = new Uint8Array(size);
  let at = 0;
  for (const [bytes, kind] of taken) {
    new DataView(body.buffer).setUint32(at, kind + bytes.length);
    body.set(bytes, at + 4);
    at += 4 + bytes.length;
  }
  return body;
}

/** A session over HTTP, as a WebSocket. */
function openHttp(url: string, protocol: string, ask: typeof fetch): Socket {
  const target = new URL(url.replace(/^ws/, 'http')).href;
  const stop = new AbortController();
  const queue: (Uint8Array | string)[] = [];
  let state = 0;
  let key = '';
  let number = 0;
  let isPosting = false;
  let last = [1006, ''] as [number, string];

  const end = (code: number, reason: string): void => {
    if (state < 3) {
      state = 3;
      stop.abort();
      Promise.resolve().then(() => socket.onclose?.({ code, reason }));
    }
  };

  const request = (headers: Record<string, string>, body: Uint8Array | undefined, signal: AbortSignal) =>
    ask(target, { method: 'POST', headers, body: body as BodyInit | undefined, credentials: 'include', cache: 'no-store', signal });

  // Sends it until an answer comes: the number makes sure that it is applied once. False when the session is gone.
  const post = async (headers: Record<string, string>, body?: Uint8Array): Promise<boolean> => {
    for (let againMs = AGAIN_MS; state < 3; againMs = Math.min(2 * againMs, AGAIN_MAX_MS)) {
      const one = new AbortController();
      const leave = () => one.abort();
      const timer = setTimeout(leave, POST_MS);
      stop.signal.addEventListener('abort', leave);
      try {
        const { ok, status } = await request({ 'stoa-session': key, ...headers }, body, one.signal);
        if (ok || !PASSING.includes(status)) {
          return ok;
        }
      } catch {
        // The network; or the session has ended.
      } finally {
        clearTimeout(timer);
        stop.signal.removeEventListener('abort', leave);
      }
      await sleep(againMs);
    }
    return false;
  };

  const refuse = () => setTimeout(() => end(...last), FLUSH_MS);

  const pump = async (): Promise<void> => {
    isPosting = true;
    // What is sent in one turn of the page goes in one post.
    await null;
    while (queue.length && state < 3) {
      const body = pack(queue);
      number += 1;
      const headers = { 'content-type': 'application/octet-stream', 'stoa-sequence': String(number) };
      if (!(await post(headers, body))) {
        // The stream has the reason, or will have it.
        refuse();
        return;
      }
    }
    isPosting = false;
    if (state === 2) {
      end(...last);
    }
  };

  const take = (event: string): void => {
    const [, name, data] = /^(?:event:(\w+)\n)?data:([^]*)$/.exec(event) ?? [];
    if (data === undefined) {
      // A comment is a ping: the server wants to hear something.
      post({}).then((ok) => ok || refuse());
    } else if (name === 'open') {
      key = JSON.parse(data).key;
      state = 1;
      socket.onopen?.({});
    } else if (name === 'close') {
      last = [parseInt(data, 10), data.slice(data.indexOf(' ') + 1)];
    } else if (!name && state === 1) {
      socket.onmessage?.({ data: decode(data) });
    }
  };

  const read = async (): Promise<void> => {
    const response = await request({ accept: 'text/event-stream', 'stoa-protocol': protocol }, undefined, stop.signal);
    const type = response.headers.get('content-type') ?? '';
    if (!response.ok || !response.body || !type.startsWith('text/event-stream')) {
      throw new Error(`status ${response.status}, ${type}`);
    }
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let text = '';
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      // The end of an event may be in two chunks.
      let from = Math.max(0, text.length - 1);
      let at = 0;
      text += decoder.decode(chunk.value, { stream: true });
      for (let found = text.indexOf('\n\n', from); found >= 0; found = text.indexOf('\n\n', from)) {
        take(text.slice(at, found));
        at = found + 2;
        from = at;
      }
      text = text.slice(at);
    }
  };

  const socket: Socket = {
    binaryType: 'arraybuffer',
    get readyState() { return state; },
    onopen: null,
    onmessage: null,
    onclose: null,
    onerror: null,
    send(data: Uint8Array | string) {
      if (!state) {
        throw new Error('not open');
      }
      if (state === 1) {
        // The caller may use its bytes again.
        queue.push(typeof data === 'string' ? data : data.slice());
        if (!isPosting) {
          pump();
        }
      }
    },
    close(code = 1005, reason = '') {
      const isBusy = state === 1 && isPosting;
      if (state < 2) {
        last = [code, reason];
        state = 2;
        if (isBusy) {
          refuse();
        } else {
          end(code, reason);
        }
      }
    },
  };
  read().then(() => end(...last), (error) => end(last[0], last[1] || String(error)));
  return socket;
}

/** A class to be given as the option `WebSocket` of Client and Chat. Each call gives one with a memory of its own. */
export function withFallback(options: FallbackOptions = {}): new (url: string, protocol: string) => Socket {
  const { hangMs = HANG_MS, rememberMs = REMEMBER_MS, onOpen } = options;
  // What is known about this network.
  let hasWorked = false;
  let failures = 0;
  let httpUntil = -Infinity;

  const open = (url: string, protocol: string): Socket => {
    const Native = options.WebSocket ?? (globalThis as any).WebSocket;
    const ask = options.fetch ?? ((input, init) => fetch(input, init));
    const isHttpFirst = performance.now() < httpUntil;
    const kinds: Kind[] = isHttpFirst ? ['http', 'websocket'] : ['websocket', 'http'];
    const left = kinds.filter((kind) => (kind === 'http' ? isHttpFirst || !hasWorked || failures > 0 || !Native : Native));
    const tried = new Set<Socket>();
    let state = 0;
    let used: Socket | undefined;
    let timer: any;

    const tryNext = (): void => {
      clearTimeout(timer);
      const kind = left.shift()!;
      const socket: Socket = kind === 'http' ? openHttp(url, protocol, ask) : (new Native(url, protocol) as Socket);
      tried.add(socket);
      socket.binaryType = 'arraybuffer';
      socket.onopen = (event) => {
        if (state) {
          return;
        }
        clearTimeout(timer);
        state = 1;
        used = socket;
        tried.delete(socket);
        tried.forEach((other) => other.close());
        hasWorked ||= kind === 'websocket';
        failures = kind === 'websocket' ? 0 : failures;
        httpUntil = kind === 'http' ? performance.now() + rememberMs : -Infinity;
        onOpen?.(kind);
        shown.onopen?.(event);
      };
      socket.onmessage = (event) => used === socket && shown.onmessage?.(event);
      socket.onerror = () => {};
      socket.onclose = (event) => {
        tried.delete(socket);
        if (!state) {
          failures += kind === 'websocket' ? 1 : 0;
        }
        if (!state && left.length) {
          tryNext();
        } else if (used === socket || (state !== 1 && !tried.size && state < 3)) {
          clearTimeout(timer);
          state = 3;
          shown.onclose?.(event);
        }
      };
      if (left.length) {
        timer = setTimeout(tryNext, hangMs);
      }
    };

    const shown: Socket = {
      binaryType: 'arraybuffer',
      get readyState() { return state === 1 ? used!.readyState : state; },
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: null,
      send(data: Uint8Array) {
        if (!used) {
          throw new Error('not open');
        }
        used.send(data);
      },
      close(code?: number, reason?: string) {
        clearTimeout(timer);
        left.length = 0;
        if (used) {
          used.close(code, reason);
        } else if (!state) {
          state = 2;
          tried.forEach((socket) => socket.close());
        }
      },
    };
    tryNext();
    return shown;
  };

  // A constructor that returns an object gives that object.
  return function FallbackSocket(url: string, protocol: string) {
    return open(url, protocol);
  } as unknown as new (url: string, protocol: string) => Socket;
}
