// client.ts: a connection to a server, which reconnects after breaks.
//
// Opens the socket when it is created. When the connection is lost, it reconnects after a random, growing delay. When
// the server is full, it also waits for the time that the server sent. It does not reconnect when that is useless
// (close codes 4500 to 4999, see isFinal), or when the program closed it. move() lets it change to another connection
// at a set time, because the server is going away.
//
// Does not know: what the messages mean. Listeners are called one at a time in the order of the frames; after close(),
// the state listeners are called before it returns. When a listener or the WebSocket throws, the client's state stays
// correct: the exception is reported as an uncaught error, and the other listeners are called.
import { ErrorDetail, localError, StoaError } from './error.js';
import { listeners } from './listeners.js';
import { read, write } from './plain.js';
import { type Init, type MessageOf, type Type } from './type.js';
import { fullJitterMs, later, now, page } from './time.js';
import { decoder, encoder } from './wire.js';

/** The types of an API and their numbers, as generated. */
export interface Api {
  readonly messages: Readonly<Record<string, readonly [number, Type<any>]>>;
  readonly calls: Readonly<Record<string, readonly [number, Type<any>, Type<any>]>>;
}

/** `reconnecting`: waiting for the next attempt, or connecting again. `closed`: final. */
export type State = 'connecting' | 'connected' | 'reconnecting' | 'closed';

export interface StateDetail {
  /** The close code, 1006 when the connection broke. */
  code?: number;
  reason?: string;
  /** The time until the next attempt. */
  delayMs?: number;
}

/** What the client needs from a WebSocket; the browser's and that of npm's `ws` have it. */
export interface Socket {
  binaryType: string;
  /** As in browsers: 2 and 3 are closing and closed. */
  readonly readyState?: number;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(data: Uint8Array): void;
  close(code?: number, reason?: string): void;
}

/** A WebSocket subprotocol, and how its messages are encoded. */
export interface Protocol {
  readonly name: string;
  encode(type: Type<any>, message: any): Uint8Array;
  decode(type: Type<any>, payload: Uint8Array): any;
}

/** JSON. */
const json: Protocol = {
  name: 'stoa.json',
  encode: (type, message) => encoder.encode(JSON.stringify(write(type, message))),
  // An empty payload is the empty message.
  decode: (type, payload) => read(type, JSON.parse(decoder.decode(payload) || '{}')),
};

export interface ClientOptions {
  /** Default: JSON. `protobuf` of this package is the other one; a bundle has it only when it is imported. */
  protocol?: Protocol;
  /** Default: the global one; Node has it since version 22. */
  WebSocket?: new (url: string, protocol: string) => unknown;
  /** Type numbers and ids in little-endian order. Default: false. */
  littleEndian?: boolean;
  /** The timeout of a call that sets none; 0 waits until the connection is lost. Default: 10000. */
  timeoutMs?: number;
  /** Calls that may wait for their replies. Default: 256. */
  callsMax?: number;
  /** Silence after which the client sends the API's `ping`; after 10 s more without a message the connection is lost. 0
   *  is for servers that do not ping. Default: 10 s more than the server's interval, which a reply has in its field
   *  `ping_ms`; 35000 before that reply; 0 when the API has no message `ping`. */
  silenceMs?: number;
  /** Called when the network may have changed under an open connection: sends something that the server answers. When
   *  nothing is received for 3 s after it, the connection is lost. Default: the API's `ping`, which has no answer. */
  probe?: () => void;
}

export interface CallOptions {
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** Takes a frame of a stream: its first word, and its payload. */
type Take = (head: number, payload: Uint8Array) => void;
/** Removes the call and passes on its reply, or a StoaError; and the type of the reply, or who takes the frames. */
type Pending = readonly [settle: (value: unknown) => void, type: Type<any>, take?: Take | undefined];
/** A call as stream.ts needs it. `interpret` never throws: a StoaError is what the payload of an error says, or why it
 *  cannot be decoded. */
export type Begun = readonly [
  id: number,
  end: (value?: StoaError) => void,
  transmit: (words: number[]) => void,
  interpret: (type: Type<any>, isError: number, payload: Uint8Array) => any,
];
/** The reply, or why there is none. */
export type Settle<T> = (error: StoaError | undefined, reply: T) => void;

export const CALL = 0x80000000;
export const ERROR = 0x40000000;

const CONNECT_MS = 15000;
// Added to the server's interval; also the limit for a message after a Ping.
const GRACE_MS = 10000;
// The same when timers were suspended for so long that the server, too, had to close a living connection: what it sent
// meanwhile is delivered at once.
const SHOWN_MS = 1000;
// The limit for an answer to the probe after a change of network, and the shortest time between two probes.
const PROBE_MS = 3000;
// After a connection that was open this long, the next break starts with the shortest delay again.
const STABLE_MS = 10000;
const REASON_BYTES_MAX = 123;

// Is reconnecting useless? Not after 4502 (Hello was too late), and not after 4504, which older servers sent when they
// were full.
const isFinal = (code: number): boolean => code > 4499 && code < 5000 && ![4502, 4504].includes(code);
// Rate exceeded, and server full: the error before the close has the time to wait.
const isBusy = (code: number): boolean => [4013, 4014].includes(code);

// After each of these events timers may have been suspended; after the first one the network may have changed, too.
const WAKING = ['online', 'pageshow', 'visibilitychange'];

export interface Client<A extends Api> {
  /** Listen to the messages of this name. Returns a function that removes the listener. */
  on<K extends keyof A['messages']>(
    name: K,
    listener: (message: MessageOf<A['messages'][K][1]>) => void,
  ): () => void;

  /** Listen to every change of state. Returns a function that removes the listener. */
  onState(listener: (state: State, detail: StateDetail) => void): () => void;

  /** Listen to errors of plain messages: the server's errors, and frames that cannot be decoded (BAD_FRAME). */
  onError(listener: (error: StoaError, type: number) => void): () => void;

  /** Throws a StoaError (DISCONNECTED) unless connected, a TypeError when a value does not fit its field. */
  send<K extends keyof A['messages']>(name: K, message: Init<MessageOf<A['messages'][K][1]>>): void;

  /** Resolves with the reply. Rejects with the server's StoaError, with one from this client (TIMEOUT, CANCELLED,
   *  DISCONNECTED, TOO_MANY_CALLS, BAD_FRAME), or with a TypeError when a value does not fit its field. */
  call<K extends keyof A['calls']>(
    name: K,
    request: Init<MessageOf<A['calls'][K][1]>>,
    options?: CallOptions,
  ): Promise<MessageOf<A['calls'][K][2]>>;

  /** As call(), but `settle` is called once, before anything that the server sent after the reply is interpreted; a
   *  promise may settle later than that. Throws as call() rejects when nothing was sent. */
  request<K extends keyof A['calls']>(
    name: K,
    request: Init<MessageOf<A['calls'][K][1]>>,
    settle: Settle<MessageOf<A['calls'][K][2]>>,
    options?: CallOptions,
  ): void;

  /** request() of this row of the API. With `take` it is a stream, whose frames are given to it as they are; `settle` is
   *  called at its end. No name of a .proto file has a `$`. @internal */
  $begin(
    row: readonly [number, Type<any>, Type<any>], request: any, settle: Settle<any>, options?: CallOptions, take?: Take,
  ): Begun;

  /** Close the connection and do not reconnect. A code that pages may not send (all except 1000 and 3000 to 4999)
   *  becomes 1000; at most 123 bytes of the reason are sent. */
  close(code?: number, reason?: string): void;

  /** Reconnect now instead of waiting, for example when the network is back. Does nothing in other states. */
  retryNow(): void;

  /** Give the connection up, and reconnect after the usual random time and `waitMs`. Does nothing when closed. */
  reconnect(waitMs?: number, reason?: string): void;

  /** Use another connection from `delayMs` on; when this one ends before, not earlier than that. The next attempt uses
   *  `url`, those after it the first URL again. For servers that are going away. */
  move(delayMs: number, url?: string): void;
}

// What is private are variables of the constructor: bundlers shorten their names, those of members they keep.
export class Client<A extends Api> {
  /** Only the client changes it. */
  state: State = 'connecting';

  constructor(api: A, url: string, options: ClientOptions = {}) {
    const { timeoutMs, callsMax, littleEndian, protocol, WebSocket, probe } = {
      WebSocket: page.WebSocket,
      timeoutMs: 10000,
      callsMax: 256,
      ...options,
      protocol: options.protocol ?? json,
    };
    let { silenceMs = api.messages.ping ? 35000 : 0 } = options;
    if (!WebSocket) {
      throw new TypeError('there is no global WebSocket: pass { WebSocket }');
    }
    if (!protocol.encode) {
      throw new TypeError('unknown protocol: pass { protocol: protobuf }, or none for JSON');
    }

    // By type number; the client's own listeners by a name.
    const [add, tell] = listeners();
    const pending = new Map<number, Pending>();
    let socket: Socket | undefined;
    let timer: any;
    let lastId = 0;
    let attempt = 0;
    // The following are set when a connection begins or ends, before they are read.
    let openedAt: number;
    // When the connection is tested next, and whether it was tested since the last message.
    let dueAt: number;
    let isTried: boolean;
    let heardAt: number;
    // The server's last error, and until when it asked the client to wait.
    let retryMs: number;
    let retryAt: number;
    let probedAt = -Infinity;
    // move(): when, and the URL of the next attempt.
    let moveAt = 0;
    let moveTo: string | undefined;

    const isOpen = () => this.state === 'connected';

    const enter = (state: State, detail: StateDetail = {}) => {
      this.state = state;
      // A listener may change the state again; the others then hear of the last one only.
      tell('state', [state, detail], () => this.state === state);
    };

    const hear = () => {
      heardAt = now();
      dueAt = heardAt + (isOpen() ? silenceMs || Infinity : CONNECT_MS);
      isTried = false;
    };

    // One timer that looks at the clock, instead of one that every message restarts. It may run late, because pages are
    // suspended. Messages received meanwhile are then still queued, so the connection is tested before it counts as
    // lost.
    const watch = () => {
      if (!socket) {
        return;
      }
      const moveMs = isOpen() && moveAt ? moveAt - now() : Infinity;
      const leftMs = dueAt - now();
      clearTimeout(timer);
      if (moveMs <= 0) {
        lose(4001, 'moved');
      } else if (leftMs > 0) {
        timer = later(watch, Math.min(leftMs, moveMs));
      } else if (isOpen() && !isTried) {
        challenge(GRACE_MS);
      } else {
        lose(1006, 'silence');
      }
    };

    // A Ping has no answer. But on a dead connection it causes an error, or the silence continues.
    const sendPing = () => {
      try {
        this.send('ping', {});
      } catch {
        // The API has no ping, or the socket is closing: its close event follows.
      }
    };

    // When nothing is received in this time, the connection is lost.
    const challenge = (limitMs: number, send = sendPing) => {
      dueAt = now() + limitMs;
      isTried = true;
      send();
      watch();
    };

    const wake = ({ type }: { type?: string } = {}) => {
      const isNew = type === 'online' || type === 'change';
      if (page.document?.hidden && !isNew) {
        return;
      }
      if (!isOpen()) {
        if (now() >= retryAt) {
          this.retryNow();
        }
      } else if (now() - heardAt >= (silenceMs || Infinity)) {
        challenge(SHOWN_MS);
      } else if (!isNew) {
        sendPing();
      } else if (now() - probedAt > PROBE_MS) {
        probedAt = now();
        if (probe) {
          challenge(PROBE_MS, probe);
        } else {
          sendPing();
        }
      }
    };

    const listenToPage = (verb: 'add' | 'remove') => {
      const name = `${verb}EventListener`;
      WAKING.forEach((event) => page[name]?.(event, wake));
      // Where browsers have it.
      page.navigator?.connection?.[name]?.('change', wake);
    };

    // The connection is lost, or, with a code to send, closed by the program. The close of a dead connection can take
    // minutes, so it is not waited for.
    const lose = (code: number, reason: string, sent?: number, waitMs = isBusy(code) ? retryMs : 0) => {
      clearTimeout(timer);
      const left = socket;
      socket = undefined;
      try {
        left?.close(sent, sent ? reason : undefined);
      } catch {
        // The socket is left in any case.
      }
      pending.forEach(([settle]) => settle(localError('DISCONNECTED')));
      if (sent || isFinal(code)) {
        listenToPage('remove');
        enter('closed', { code, reason });
        return;
      }
      if (isOpen() && now() - openedAt >= STABLE_MS) {
        attempt = 0;
      }
      // The server has chosen a random time for a move.
      const askedMs = moveAt ? Math.max(0, moveAt - now()) : waitMs;
      const delayMs = moveAt ? askedMs : askedMs + fullJitterMs(attempt++);
      moveAt = 0;
      retryAt = now() + askedMs;
      timer = later(this.retryNow, delayMs);
      enter('reconnecting', { code, reason, delayMs });
    };

    const connect = () => {
      clearTimeout(timer);
      const to = moveTo ?? url;
      moveTo = undefined;
      let opened: Socket;
      try {
        opened = new WebSocket(to, protocol.name) as Socket;
      } catch (error) {
        // At the first attempt it is the program's mistake (an invalid URL), and nothing has started.
        if (this.state === 'connecting') {
          throw error;
        }
        lose(1006, String(error));
        return;
      }
      // A socket that was left may still have events; they are ignored.
      const ours = (run: (event: any) => void) => (event: any) => {
        if (socket === opened) {
          run(event);
        }
      };
      socket = opened;
      retryMs = 0;
      hear();
      opened.binaryType = 'arraybuffer';
      opened.onopen = ours(() => {
        openedAt = now();
        enter('connected');
        hear();
        watch();
      });
      opened.onmessage = ours(({ data }) => {
        hear();
        receive(data);
      });
      opened.onclose = ours(({ code, reason }) => lose(code, reason));
      // Without a listener `ws` would end the program; a close event follows in any case.
      opened.onerror = () => {};
      watch();
    };

    const transmit = (words: number[], payload: ArrayLike<number> = []) => {
      const start = 4 * words.length;
      const frame = new Uint8Array(start + payload.length);
      words.forEach((word, index) => new DataView(frame.buffer).setUint32(4 * index, word, littleEndian));
      frame.set(payload, start);
      // Checked here, because encoding has run code of the program. A closing socket would drop the frame without an
      // error.
      try {
        if (!isOpen() || socket!.readyState! > 1) {
          throw 0;
        }
        socket!.send(frame);
      } catch {
        throw localError('DISCONNECTED');
      }
    };

    // What cannot be decoded becomes an error like those from the server.
    const interpret = (type: Type<any>, isError: number, payload: Uint8Array): any => {
      try {
        const message = protocol.decode(isError ? ErrorDetail : type, payload);
        return isError ? new StoaError(message) : message;
      } catch (error) {
        return localError('BAD_FRAME', false, String(error));
      }
    };

    const receive = (data: ArrayBuffer) => {
      const word = (at: number) => new DataView(data).getUint32(at, littleEndian);
      let head = 0;
      let known: any;
      try {
        // Throws for a text, and for a frame that is shorter than its head.
        head = word(0);
        // A reply to a call that has ended is ignored.
        known = head & CALL && pending.get(word(4));
      } catch {
        tell('error', [localError('BAD_FRAME', false), 0]);
        return;
      }
      const isCall = head & CALL;
      const isError = head & ERROR;
      // The bits below these two.
      const number = head & (ERROR - 1);
      known = isCall ? known : Object.values(api.messages).find(([own]) => own === number);
      if (!known && (isCall || !isError)) {
        return;
      }
      const payload = new Uint8Array(data, isCall ? 8 : 4);
      if (known?.[2]) {
        known[2](head, payload);
        return;
      }
      const message = interpret(known?.[1], isError, payload);
      if (isCall) {
        known[0](message);
        if (silenceMs && message.pingMs > 0) {
          silenceMs = Number(message.pingMs) + GRACE_MS;
          hear();
          watch();
        }
      } else if (message instanceof StoaError) {
        retryMs = message.retryMs;
        tell('error', [message, number]);
      } else {
        tell(number, [message]);
      }
    };

    const members: Omit<Client<A>, 'state'> = {
      on: (name, listener) => add(api.messages[name as string][0], listener),
      onState: (listener) => add('state', listener),
      onError: (listener) => add('error', listener),
      send: (name, message) => {
        const [number, type] = api.messages[name as string];
        transmit([number], protocol.encode(type, message));
      },
      call: (name, request, more) => new Promise((resolve, reject) => {
        this.request(name, request, (error, reply) => (error ? reject(error) : resolve(reply)), more);
      }),
      request: (name, ...rest) => {
        this.$begin(api.calls[name as string], ...rest);
      },
      $begin: ([number, type, reply], request, settle, { timeoutMs: limitMs = timeoutMs, signal } = {}, take) => {
        const cancelled = localError('CANCELLED', false);
        if (signal?.aborted) {
          throw cancelled;
        }
        if (pending.size >= callsMax) {
          throw localError('TOO_MANY_CALLS');
        }
        do {
          lastId = (lastId + 1) >>> 0;
        } while (pending.has(lastId));
        const id = lastId;
        transmit([CALL + number, id], protocol.encode(type, request));
        const end = (value: any) => {
          clearTimeout(limit);
          signal?.removeEventListener('abort', abort);
          pending.delete(id);
          (settle as any)(...(value instanceof StoaError ? [value] : [undefined, value]));
        };
        const abort = () => end(cancelled);
        const limit = limitMs && setTimeout(() => end(localError('TIMEOUT')), limitMs);
        signal?.addEventListener('abort', abort);
        pending.set(id, [end, reply, take]);
        return [id, end, transmit, interpret];
      },
      close: (code = 1000, reason = '') => {
        if (this.state !== 'closed') {
          // A WebSocket would throw. With `stream`, a character that is cut is left out.
          const sent = code > 2999 && code < 5000 ? code : 1000;
          const bytes = encoder.encode(reason).subarray(0, REASON_BYTES_MAX);
          lose(sent, new TextDecoder().decode(bytes, { stream: true }), sent);
        }
      },
      retryNow: () => {
        if (this.state === 'reconnecting' && !socket) {
          connect();
        }
      },
      reconnect: (waitMs = 0, reason = '') => {
        if (this.state !== 'closed') {
          lose(1000, reason, undefined, waitMs);
        }
      },
      move: (delayMs, to) => {
        moveAt = now() + delayMs;
        moveTo = to;
        watch();
      },
    };
    Object.assign(this, members);
    connect();
    listenToPage('add');
  }
}
