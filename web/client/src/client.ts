// client.ts: one talk with a server, kept alive through breaks.
//
// Opens the socket when it is made. When the line breaks, it comes back by itself after a random, growing delay; it
// stays away when the server said so (close codes 4500 to 4999) and when the program closed it.
//
// Does not know: what the messages mean. Listeners are called one at a time in the order of the frames; those of a
// change of state that close() makes are called before it returns.
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
  /** Of the close, 1006 for a line that broke. */
  code?: number;
  reason?: string;
  /** Until the next attempt. */
  delayMs?: number;
}

/** What the client needs of a WebSocket: the browser's has it, and that of npm's `ws`. */
export interface Socket {
  binaryType: string;
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
  /** Of a call that says nothing else; 0 waits until the line goes. Default: 10000. */
  timeoutMs?: number;
  /** Calls that may wait for their replies. Default: 256. */
  callsMax?: number;
  /** Silence that makes a line a dead one; 0 is for servers that do not ping. Default: 35000 when the API has a
   *  message `ping`, else 0. */
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
const DELAY_MIN_MS = 500;
const DELAY_BASE_MS = 1000;
const DELAY_MAX_MS = 20000;
// A line that held this long was a good one: the next break starts again with the shortest delay.
const STABLE_MS = 10000;

const page: any = globalThis;
const now = (): number => performance.now();

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
  private heardAt = 0;
  private openedAt = 0;

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
    page.addEventListener?.('online', this.retryNow);
    this.connect();
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

  /** End the talk for good. */
  close(code = 1000, reason = ''): void {
    if (this.state !== 'closed') {
      this.abandon(code, reason);
      this.finish(code, reason);
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
    this.listeners.get(key)?.forEach((listener) => listener(...values));
  }

  private enter(state: State, detail: StateDetail = {}): void {
    this.state = state;
    this.tell('state', state, detail);
  }

  private connect(): void {
    clearTimeout(this.timer);
    const socket = new this.options.WebSocket(this.url, this.options.protocol) as Socket;
    // A socket that was left may still speak; nobody listens.
    const ours = (run: (event: any) => void) => (event: any) => {
      if (this.socket === socket) {
        run(event);
      }
    };
    this.socket = socket;
    this.heardAt = now();
    socket.binaryType = 'arraybuffer';
    socket.onopen = ours(() => {
      this.heardAt = this.openedAt = now();
      this.enter('connected');
      this.watch();
    });
    socket.onmessage = ours(({ data }) => {
      this.heardAt = now();
      this.receive(data);
    });
    socket.onclose = ours(({ code, reason }) => this.lose(code, reason));
    // Without a listener, `ws` would end the program; a close follows in any case.
    socket.onerror = () => {};
    this.watch();
  }

  // One timer that looks at the clock, instead of one that every message restarts.
  private watch(): void {
    clearTimeout(this.timer);
    const limitMs = this.state === 'connected' ? this.options.silenceMs : CONNECT_MS;
    const leftMs = this.heardAt + limitMs - now();
    if (!this.socket || !limitMs) {
      return;
    }
    if (leftMs > 0) {
      this.timer = setTimeout(() => this.watch(), leftMs);
    } else {
      this.lose(1006, 'silence');
    }
  }

  // A dead line may keep a closing socket for minutes, so it is not waited for.
  private abandon(code?: number, reason?: string): void {
    clearTimeout(this.timer);
    const { socket } = this;
    this.socket = undefined;
    socket?.close(code, reason);
    this.pending.forEach(([settle]) => settle(localError('DISCONNECTED')));
  }

  private finish(code: number, reason: string): void {
    page.removeEventListener?.('online', this.retryNow);
    this.enter('closed', { code, reason });
  }

  private lose(code: number, reason: string): void {
    this.abandon();
    if (code >= 4500 && code <= 4999) {
      this.finish(code, reason);
      return;
    }
    if (this.state === 'connected' && now() - this.openedAt >= STABLE_MS) {
      this.attempt = 0;
    }
    // Full jitter: a thousand clients that lost one server do not come back in one moment.
    const bound = Math.min(DELAY_MAX_MS, DELAY_BASE_MS * 2 ** this.attempt++);
    const delayMs = DELAY_MIN_MS + Math.random() * (bound - DELAY_MIN_MS);
    this.timer = setTimeout(this.retryNow, delayMs);
    this.enter('reconnecting', { code, reason, delayMs });
  }

  private transmit(words: number[], type: Type<any>, message: any): void {
    if (this.state !== 'connected') {
      throw localError('DISCONNECTED');
    }
    const payload = this.isJson
      ? encoder.encode(JSON.stringify(encodeJson(type, message)))
      : encodeBinary(type, message);
    const start = 4 * words.length;
    const frame = new Uint8Array(start + payload.length);
    const view = new DataView(frame.buffer);
    words.forEach((word, index) => view.setUint32(4 * index, word, this.options.littleEndian));
    frame.set(payload, start);
    this.socket!.send(frame);
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
    // A text has no length in bytes.
    const word = (at: number) => new DataView(data).getUint32(at, this.options.littleEndian);
    const isCall = data.byteLength > 3 && word(0) & CALL;
    if (!(data.byteLength >= (isCall ? 8 : 4))) {
      this.tell('error', localError('BAD_FRAME', false), 0);
      return;
    }
    const isError = word(0) & ERROR;
    // The bits below the two.
    const number = word(0) & (ERROR - 1);
    // A reply to a call that was given up finds nobody.
    const known: any = isCall
      ? this.pending.get(word(4))
      : Object.values(this.api.messages).find(([own]) => own === number);
    if (known || (isError && !isCall)) {
      const message = this.interpret(known?.[1], isError, new Uint8Array(data, isCall ? 8 : 4));
      if (isCall) {
        known[0](message);
      } else {
        this.tell(message instanceof StoaError ? 'error' : number, message, number);
      }
    }
  }
}
