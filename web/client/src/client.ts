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
import { wrong, type Init, type MessageOf, type Type } from './type.js';

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

interface Pending {
  readonly type: Type<any>;
  /** Forget the call; whoever made it gets the value or the error. */
  settle(value: unknown): void;
}

const CALL = 0x80000000;
const ERROR = 0x40000000;

const CONNECT_MS = 15000;
const DELAY_MIN_MS = 500;
const DELAY_BASE_MS = 1000;
const DELAY_MAX_MS = 20000;
// A line that held this long was a good one: the next break starts again with the shortest delay.
const STABLE_MS = 10000;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const page: Partial<EventTarget> = globalThis as any;

function add<F>(listeners: Set<F>, listener: F): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export class Client<A extends Api> {
  /** Changed by the client only. */
  state: State = 'connecting';
  private readonly options: Required<ClientOptions>;
  private readonly messageListeners = new Map<number, Set<(message: any) => void>>();
  private readonly stateListeners = new Set<(state: State, detail: StateDetail) => void>();
  private readonly errorListeners = new Set<(error: StoaError, type: number) => void>();
  private readonly pending = new Map<number, Pending>();
  private readonly types = new Map<number, Type<any>>();
  private socket?: Socket;
  private timer?: any;
  private id = 0;
  private attempt = 0;
  private heardAt = 0;
  private openedAt = 0;

  constructor(
    private readonly api: A,
    private readonly url: string,
    options: ClientOptions = {},
  ) {
    this.options = {
      protocol: 'stoa.json',
      WebSocket: (globalThis as any).WebSocket,
      littleEndian: false,
      timeoutMs: 10000,
      callsMax: 256,
      silenceMs: api.messages.ping ? 35000 : 0,
      ...options,
    };
    for (const [number, type] of Object.values(api.messages)) {
      this.types.set(number, type);
    }
    page.addEventListener?.('online', this.retryNow);
    this.connect();
  }

  /** Hear every message of this name. Returns what ends it. */
  on<K extends keyof A['messages']>(
    name: K,
    listener: (message: MessageOf<A['messages'][K][1]>) => void,
  ): () => void {
    const [number] = this.api.messages[name as string];
    const listeners = this.messageListeners.get(number) ?? new Set();
    this.messageListeners.set(number, listeners);
    return add(listeners, listener);
  }

  /** Hear every change of state. Returns what ends it. */
  onState(listener: (state: State, detail: StateDetail) => void): () => void {
    return add(this.stateListeners, listener);
  }

  /** Hear what went wrong with plain messages: the server's errors, and frames that cannot be read (BAD_FRAME). */
  onError(listener: (error: StoaError, type: number) => void): () => void {
    return add(this.errorListeners, listener);
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
      const cancelled = () => localError('CANCELLED', 'the call was given up', false);
      if (signal?.aborted) {
        throw cancelled();
      }
      if (this.pending.size >= this.options.callsMax) {
        throw localError('TOO_MANY_CALLS', 'too many calls wait for their replies');
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
      const abort = () => settle(cancelled());
      const timer = timeoutMs && setTimeout(() => settle(localError('TIMEOUT', 'no reply in time')), timeoutMs);
      signal?.addEventListener('abort', abort);
      this.pending.set(id, { type: reply, settle });
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

  private enter(state: State, detail: StateDetail = {}): void {
    this.state = state;
    this.stateListeners.forEach((listener) => listener(state, detail));
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
    this.heardAt = performance.now();
    socket.binaryType = 'arraybuffer';
    socket.onopen = ours(() => {
      this.heardAt = this.openedAt = performance.now();
      this.enter('connected');
      this.watch();
    });
    socket.onmessage = ours(({ data }) => {
      this.heardAt = performance.now();
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
    const leftMs = this.heardAt + limitMs - performance.now();
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
    this.pending.forEach(({ settle }) => settle(localError('DISCONNECTED', 'the line is gone')));
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
    if (this.state === 'connected' && performance.now() - this.openedAt >= STABLE_MS) {
      this.attempt = 0;
    }
    // Full jitter: a thousand clients that lost one server do not come back in one moment.
    const bound = Math.min(DELAY_MAX_MS, DELAY_BASE_MS * 2 ** this.attempt++);
    const delayMs = DELAY_MIN_MS + Math.random() * (bound - DELAY_MIN_MS);
    this.timer = setTimeout(this.retryNow, delayMs);
    this.enter('reconnecting', { code, reason, delayMs });
  }

  private transmit(words: number[], type: Type<any>, message: unknown): void {
    if (!this.socket || this.state !== 'connected') {
      throw localError('DISCONNECTED', 'there is no line');
    }
    const payload =
      this.options.protocol === 'stoa.json'
        ? encoder.encode(JSON.stringify(encodeJson(type, message as any)))
        : encodeBinary(type, message as any);
    const frame = new Uint8Array(4 * words.length + payload.length);
    const view = new DataView(frame.buffer);
    words.forEach((word, index) => view.setUint32(4 * index, word, this.options.littleEndian));
    frame.set(payload, 4 * words.length);
    this.socket.send(frame);
  }

  // An empty payload is the empty message in both codecs.
  private decode(type: Type<any>, payload: Uint8Array): any {
    return this.options.protocol === 'stoa.json'
      ? decodeJson(type, JSON.parse(decoder.decode(payload) || '{}'))
      : decodeBinary(type, payload);
  }

  // What cannot be read becomes an error like those that the server sends.
  private attemptDecode(type: Type<any>, isError: unknown, payload: Uint8Array): any {
    try {
      return isError ? new StoaError(this.decode(ErrorDetail, payload)) : this.decode(type, payload);
    } catch (error) {
      return localError('BAD_FRAME', String(error), false);
    }
  }

  private receive(data: ArrayBuffer): void {
    const view = new DataView(data);
    const word = view.getUint32(0, this.options.littleEndian);
    const isError = word & ERROR;
    const number = word & 0x3fffffff;
    if (word & CALL) {
      // A reply to a call that was given up finds nobody.
      const pending = this.pending.get(view.getUint32(4, this.options.littleEndian));
      pending?.settle(this.attemptDecode(pending.type, isError, new Uint8Array(data, 8)));
      return;
    }
    const type = this.types.get(number);
    if (!type && !isError) {
      return;
    }
    const message = this.attemptDecode(type!, isError, new Uint8Array(data, 4));
    if (message instanceof StoaError) {
      this.errorListeners.forEach((listener) => listener(message, number));
    } else {
      this.messageListeners.get(number)?.forEach((listener) => listener(message));
    }
  }
}
