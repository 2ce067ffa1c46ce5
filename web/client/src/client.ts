// client.ts: a connection to a server, kept alive through breaks.
//
// Opens the socket when it is made. When the connection is lost, it comes back by itself after a random, growing delay,
// and not before the server's time when it is refused because the server is full. It stays away when coming back is
// useless (close codes 4500 to 4999, see isFinal) and when the program closed it.
//
// Does not know: what the messages mean. Listeners are called one at a time in the order of the frames; those of a
// change of state that close() makes are called before it returns. Whatever throws in them, or in the WebSocket, leaves
// the client in a state that is true: it is reported as an error that nobody caught, and the others are called.
import { decodeBinary, encodeBinary } from './binary.js';
import { ErrorDetail, localError, StoaError } from './error.js';
import { decodeJson, encodeJson } from './json.js';
import { type Init, type MessageOf, type Type } from './type.js';
import { decoder, encoder } from './wire.js';

/** What travels under which number, as generated. */
export interface Api {
  readonly messages: Readonly<Record<string, readonly [number, Type<any>]>>;
  readonly calls: Readonly<Record<string, readonly [number, Type<any>, Type<any>]>>;
}

/** `reconnecting` waits for its next attempt or makes it; `closed` is for good. */
export type State = 'connecting' | 'connected' | 'reconnecting' | 'closed';

export interface StateDetail {
  /** Of the close, 1006 for a connection that broke. */
  code?: number;
  reason?: string;
  /** Until the next attempt. */
  delayMs?: number;
}

/** What the client needs of a WebSocket: the browser's has it, and that of npm's `ws`. */
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

export interface ClientOptions {
  /** Default: stoa.json. */
  protocol?: 'stoa.json' | 'stoa.proto';
  /** Default: the global one, which Node has from 22 on. */
  WebSocket?: new (url: string, protocol: string) => unknown;
  /** Type numbers and ids in little-endian order. Default: false. */
  littleEndian?: boolean;
  /** Of a call that says nothing else; 0 waits until the connection is lost. Default: 10000. */
  timeoutMs?: number;
  /** Calls that may wait for their replies. Default: 256. */
  callsMax?: number;
  /** Silence after which the connection is tried by the API's `ping`; it is lost after 10 s more without a word. 0 is
   *  for servers that do not ping. Default: 10 s more than the server's interval, which a reply tells in its field
   *  `ping_ms`; 35000 before; 0 when the API has no message `ping`. */
  silenceMs?: number;
}

export interface CallOptions {
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** Forgets the call, and gives whoever made it the value or the error; and what the reply is. */
type Pending = readonly [settle: (value: unknown) => void, type: Type<any>];

const CALL = 0x80000000;
const ERROR = 0x40000000;

const CONNECT_MS = 15000;
// Beyond the server's interval, and for a sign of life after a Ping.
const GRACE_MS = 10000;
const DELAY_MIN_MS = 500;
const DELAY_BASE_MS = 1000;
const DELAY_MAX_MS = 20000;
// A connection that held this long was a good one: the next break starts again with the shortest delay.
const STABLE_MS = 10000;
const REASON_BYTES_MAX = 123;

// Is coming back useless? Not after 4502, a Hello that came too late, nor after 4504, which older servers sent when
// they were full.
const isFinal = (code: number): boolean => code > 4499 && code < 5000 && ![4502, 4504].includes(code);
// Too fast, and full: the error before the close tells when to come back.
const isBusy = (code: number): boolean => [4013, 4014].includes(code);

// After any of them timers may have slept and the network may be another one.
const WAKING = ['online', 'pageshow', 'visibilitychange'];

const page: any = globalThis;
const now = (): number => performance.now();
// A time that setTimeout() cannot hold counts as none at all for it.
const later = (run: () => void, ms: number): unknown => setTimeout(run, Math.min(ms, 2 ** 31 - 1));

type Listener = (...values: any[]) => void;

export class Client<A extends Api> {
  /** Changed by the client only. */
  state: State = 'connecting';
  private readonly options: Required<ClientOptions>;
  /** By type number; those of the client itself by a word. */
  private readonly listeners = new Map<unknown, Set<Listener>>();
  private readonly pending = new Map<number, Pending>();
  private socket?: Socket;
  private timer: any;
  private id = 0;
  private readonly isJson: boolean;
  private attempt = 0;
  // What follows is set when a connection begins or ends, before anybody looks.
  private openedAt!: number;
  /** When silence begins to mean something, and whether the connection was tried since it was heard. */
  private dueAt!: number;
  private isTried?: boolean;
  /** What the server's last error said, and until when it wants to be left alone. */
  private retryMs!: number;
  private retryAt!: number;

  constructor(
    private readonly api: A,
    private readonly url: string,
    options?: ClientOptions,
  ) {
    this.options = {
      protocol: 'stoa.json',
      WebSocket: page.WebSocket,
      littleEndian: false,
      timeoutMs: 10000,
      callsMax: 256,
      silenceMs: api.messages.ping ? 35000 : 0,
      ...options,
    };
    this.isJson = this.options.protocol === 'stoa.json';
    this.connect();
    this.listenToPage('add');
  }

  /** Hear every message of this name. Returns what ends it. */
  on<K extends keyof A['messages']>(
    name: K,
    listener: (message: MessageOf<A['messages'][K][1]>) => void,
  ): () => void {
    return this.listen(this.api.messages[name as string][0], listener);
  }

  /** Hear every change of state. Returns what ends it. */
  onState(listener: (state: State, detail: StateDetail) => void): () => void {
    return this.listen('state', listener);
  }

  /** Hear what went wrong with plain messages: the server's errors, and frames that cannot be read (BAD_FRAME). */
  onError(listener: (error: StoaError, type: number) => void): () => void {
    return this.listen('error', listener);
  }

  /** Throws a StoaError (DISCONNECTED) unless connected, a TypeError when a value does not fit its field. */
  send<K extends keyof A['messages']>(name: K, message: Init<MessageOf<A['messages'][K][1]>>): void {
    const [number, type] = this.api.messages[name as string];
    this.transmit([number], type, message);
  }

  /** Resolves with the reply. Rejects with the server's StoaError, with one of ours (TIMEOUT, CANCELLED, DISCONNECTED,
   *  TOO_MANY_CALLS, BAD_FRAME), or with a TypeError when a value does not fit its field. */
  call<K extends keyof A['calls']>(
    name: K,
    request: Init<MessageOf<A['calls'][K][1]>>,
    { timeoutMs = this.options.timeoutMs, signal }: CallOptions = {},
  ): Promise<MessageOf<A['calls'][K][2]>> {
    return new Promise((resolve, reject) => {
      const cancelled = localError('CANCELLED', false);
      if (signal?.aborted) {
        throw cancelled;
      }
      if (this.pending.size >= this.options.callsMax) {
        throw localError('TOO_MANY_CALLS');
      }
      const [number, type, reply] = this.api.calls[name as string];
      do {
        this.id = (this.id + 1) >>> 0;
      } while (this.pending.has(this.id));
      const { id } = this;
      this.transmit([CALL + number, id], type, request);
      const settle = (value: any) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        this.pending.delete(id);
        (value instanceof StoaError ? reject : resolve)(value);
      };
      const abort = () => settle(cancelled);
      const timer = timeoutMs && setTimeout(() => settle(localError('TIMEOUT')), timeoutMs);
      signal?.addEventListener('abort', abort);
      this.pending.set(id, [settle, reply]);
    });
  }

  /** End the connection for good. A code that pages may not send (all but 1000 and 3000 to 4999) becomes 1000, and of a
   *  reason go 123 bytes. */
  close(code = 1000, reason = ''): void {
    if (this.state !== 'closed') {
      // A WebSocket would throw. As a stream, a character that is cut is left out.
      const sent = code > 2999 && code < 5000 ? code : 1000;
      const text = new TextDecoder().decode(encoder.encode(reason).subarray(0, REASON_BYTES_MAX), { stream: true });
      this.lose(sent, text, sent);
    }
  }

  /** The wait for the next attempt is over, as when the network is back. Nothing happens in other states. */
  readonly retryNow = (): void => {
    if (this.state === 'reconnecting' && !this.socket) {
      this.connect();
    }
  };

  private listen(key: unknown, listener: Listener): () => void {
    const listeners = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  private tell(key: unknown, ...values: unknown[]): void {
    this.listeners.get(key)?.forEach((listener) => {
      // A listener before may have changed the state again.
      if (key !== 'state' || values[0] === this.state) {
        try {
          listener(...values);
        } catch (error) {
          // As the browser does with what a listener of an event throws.
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    });
  }

  private enter(state: State, detail: StateDetail = {}): void {
    this.state = state;
    this.tell('state', state, detail);
  }

  private connect(): void {
    clearTimeout(this.timer);
    let socket: Socket;
    try {
      socket = new this.options.WebSocket(this.url, this.options.protocol) as Socket;
    } catch (error) {
      // At first it is the program's mistake, a URL that is none, and nothing has begun.
      if (this.state === 'connecting') {
        throw error;
      }
      this.lose(1006, String(error));
      return;
    }
    // A socket that was left may still speak; nobody listens.
    const ours = (run: (event: any) => void) => (event: any) => {
      if (this.socket === socket) {
        run(event);
      }
    };
    this.socket = socket;
    this.retryMs = 0;
    this.hear();
    socket.binaryType = 'arraybuffer';
    socket.onopen = ours(() => {
      this.openedAt = now();
      this.enter('connected');
      this.hear();
      this.watch();
    });
    socket.onmessage = ours(({ data }) => {
      this.hear();
      this.receive(data);
    });
    socket.onclose = ours(({ code, reason }) => this.lose(code, reason));
    // Without a listener, `ws` would end the program; a close follows in any case.
    socket.onerror = () => {};
    this.watch();
  }

  private hear(): void {
    this.dueAt = now() + (this.state === 'connected' ? this.options.silenceMs || Infinity : CONNECT_MS);
    this.isTried = false;
  }

  // One timer that looks at the clock, instead of one that every message restarts. It may come late, for a page sleeps;
  // what was received meanwhile is then still on its way to us, so the connection is tried before it counts as lost.
  private watch(): void {
    const leftMs = this.dueAt - now();
    if (!this.socket) {
      return;
    }
    clearTimeout(this.timer);
    if (leftMs > 0) {
      this.timer = later(() => this.watch(), leftMs);
    } else if (this.state === 'connected' && !this.isTried) {
      this.probe();
    } else {
      this.lose(1006, 'silence');
    }
  }

  // A Ping has no answer. But on a connection that is gone it meets an error, or more silence.
  private probe(): void {
    if (this.dueAt <= now()) {
      this.dueAt = now() + GRACE_MS;
      this.isTried = true;
    }
    try {
      this.send('ping', {});
    } catch {
      // The API has none, or the socket is closing: its end will be seen.
    }
    this.watch();
  }

  private readonly wake = (): void => {
    if (page.document?.hidden) {
      return;
    }
    if (this.state === 'connected') {
      this.probe();
    } else if (now() >= this.retryAt) {
      this.retryNow();
    }
  };

  private listenToPage(verb: 'add' | 'remove'): void {
    WAKING.forEach((name) => page[`${verb}EventListener`]?.(name, this.wake));
  }

  // The connection is gone, or left for good when a code is to be sent. A dead one may keep a closing socket for
  // minutes, so it is not waited for.
  private lose(code: number, reason: string, sent?: number): void {
    clearTimeout(this.timer);
    const { socket } = this;
    this.socket = undefined;
    try {
      socket?.close(sent, sent ? reason : undefined);
    } catch {
      // It is left in any case.
    }
    this.pending.forEach(([settle]) => settle(localError('DISCONNECTED')));
    if (sent || isFinal(code)) {
      this.listenToPage('remove');
      this.enter('closed', { code, reason });
      return;
    }
    if (this.state === 'connected' && now() - this.openedAt >= STABLE_MS) {
      this.attempt = 0;
    }
    // Full jitter: a thousand clients that lost one server do not come back in one moment.
    const bound = Math.min(DELAY_MAX_MS, DELAY_BASE_MS * 2 ** this.attempt++);
    const askedMs = isBusy(code) ? this.retryMs : 0;
    const delayMs = askedMs + DELAY_MIN_MS + Math.random() * (bound - DELAY_MIN_MS);
    this.retryAt = now() + askedMs;
    this.timer = later(this.retryNow, delayMs);
    this.enter('reconnecting', { code, reason, delayMs });
  }

  private transmit(words: number[], type: Type<any>, message: any): void {
    const payload = this.isJson
      ? encoder.encode(JSON.stringify(encodeJson(type, message)))
      : encodeBinary(type, message);
    const start = 4 * words.length;
    const frame = new Uint8Array(start + payload.length);
    const view = new DataView(frame.buffer);
    words.forEach((word, index) => view.setUint32(4 * index, word, this.options.littleEndian));
    frame.set(payload, start);
    // Here, for encoding may run code of the program's. A socket that is closing would drop the frame in silence.
    try {
      if (this.state !== 'connected' || this.socket!.readyState! > 1) {
        throw this;
      }
      this.socket!.send(frame);
    } catch {
      throw localError('DISCONNECTED');
    }
  }

  // What cannot be read becomes an error like those that the server sends. An empty payload is the empty message.
  private interpret(type: Type<any>, isError: unknown, payload: Uint8Array): any {
    try {
      const of: Type<any> = isError ? ErrorDetail : type;
      const message = this.isJson
        ? decodeJson(of, JSON.parse(decoder.decode(payload) || '{}'))
        : decodeBinary(of, payload);
      return isError ? new StoaError(message) : message;
    } catch (error) {
      return localError('BAD_FRAME', false, String(error));
    }
  }

  private receive(data: ArrayBuffer): void {
    const word = (at: number) => new DataView(data).getUint32(at, this.options.littleEndian);
    let head = 0;
    let known: any;
    try {
      // Throws for a text, and for a frame that is shorter than its head.
      head = word(0);
      // A reply to a call that was given up finds nobody.
      known = head & CALL && this.pending.get(word(4));
    } catch {
      this.tell('error', localError('BAD_FRAME', false), 0);
      return;
    }
    const isCall = head & CALL;
    const isError = head & ERROR;
    // The bits below the two.
    const number = head & (ERROR - 1);
    known = isCall ? known : Object.values(this.api.messages).find(([own]) => own === number);
    if (known || (isError && !isCall)) {
      const message = this.interpret(known?.[1], isError, new Uint8Array(data, isCall ? 8 : 4));
      if (isCall) {
        known[0](message);
        if (this.options.silenceMs && message.pingMs > 0) {
          this.options.silenceMs = Number(message.pingMs) + GRACE_MS;
          this.hear();
          this.watch();
        }
      } else if (message instanceof StoaError) {
        this.retryMs = message.retryMs;
        this.tell('error', message, number);
      } else {
        this.tell(number, message);
      }
    }
  }
}
