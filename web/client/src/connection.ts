// connection.ts: a connection to a server, which reconnects after breaks, and the calls over it.
//
// Opens the socket when it is made. When the connection is lost, it reconnects after a random, growing delay. When the
// server is full, it also waits for the time that the server sent. It does not reconnect when that is useless (close
// codes 4500 to 4999), or when the program closed it. move_() lets it change to another connection at a set
// time, because the server is going away. After its end all functions do nothing, or throw DISCONNECTED.
//
// Client and Chat are made of it. What they have in common is here; what only one of them needs is there, so that a
// bundle has nothing of the other.
//
// Does not know: what the messages mean. What it tells is told in the order of the frames; after close_() the state is
// told before that returns. When the WebSocket throws, the state stays correct.
import { localError, StoaError } from './error.js';
import { createTimers, fullJitterMs, now, page } from './time.js';
import { type Type } from './type.js';

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
  /** Without a type it is an error's, ErrorDetail. */
  decode(type: Type<any> | undefined, payload: Uint8Array): any;
}

export interface ConnectionOptions {
  /** Default: the global one; Node has it since version 22. */
  WebSocket?: new (url: string, protocol: string) => unknown;
  /** Type numbers and ids in little-endian order. Default: false. */
  littleEndian?: boolean;
  /** The timeout of a call that sets none; 0 waits until the connection is lost. Default: 10000. */
  timeoutMs?: number;
  /** Silence after which the client sends the API's `ping`; after 10 s more without a message the connection is lost.
   *  Infinity is for servers that do not ping. Default: 10 s more than the server's interval, which a reply has in its
   *  field `ping_ms`; 35000 before that reply; Infinity when the API has no message `ping`. */
  silenceMs?: number;
  /** Called when the network may have changed under an open connection, and when the page is shown: sends something that
   *  the server answers. When nothing is received for 3 s after it, the connection is lost. Default: the API's `ping`,
   *  which has no answer. */
  probe?: () => void;
}

/** The reply, or why there is none. */
export type Settle<T> = (error: StoaError | undefined, reply: T) => void;
/** Takes a frame of a call: its first word, and its payload. */
export type Take = (head: number, payload: Uint8Array) => void;
type Row = readonly [number, Type<any>, Type<any>];

/** To whom the connection belongs. */
export interface Owner {
  state_(state: State, detail: StateDetail): void;
  message_(name: string, message: any): void;
  error_(error: StoaError, number: number): void;
}

export interface Connection {
  /** Throws localError('DISCONNECTED') unless it is open, or what encode() throws. */
  send_(name: string, message: unknown): void;
  transmit_(words: readonly number[], payload?: Uint8Array): void;
  /** Never throws: a StoaError is what the payload of an error says, or why it cannot be decoded. */
  interpret_(type: Type<any>, head: number, payload: Uint8Array): any;
  /** Sends a request. `settle` gets a reply, an error of the server or of the connection, or what encode() throws, once.
   *  Returns its id and how to end it. With `take` that gets the frames of the answer, and ends the call. */
  request_(
    row: Row, request: unknown, settle?: Settle<any>, timeoutMs?: number, take?: Take,
  ): [id: number, end: (value?: unknown) => void];
  /** Gives the connection up, and reconnects after the usual time and `waitMs`; with a code to send it is closed. */
  lose_(code: number, reason: string, waitMs?: number, sent?: number): void;
  /** Does nothing in other states than `reconnecting`. */
  retryNow_(): void;
  move_(delayMs: number, url?: string): void;
}

export const enum Bit {
  CALL = 0x80000000,
  ERROR = 0x40000000,
  NUMBER = ERROR - 1,
}

const enum Ms {
  CONNECT = 15000,
  // Added to the server's interval; also the limit for a message after a Ping.
  GRACE = 10000,
  SILENCE = 35000,
  // The same when timers were suspended for so long that the server, too, had to close a living connection: what it sent
  // meanwhile is delivered at once.
  SHOWN = 1000,
  // The limit for an answer to the probe, and the shortest time between two probes.
  PROBE = 3000,
  // After a connection that was open this long, the next break starts with the shortest delay again.
  STABLE = 10000,
  CALL = 10000,
}

const enum Close {
  LOST = 1006,
  MOVED = 4001,
  RATE = 4013,
  FULL = 4014,
  // From here on it is useless to connect again, but not after 4502: Hello was too late.
  FINAL = 4500,
  NO_HELLO = 4502,
  END = 5000,
}

// After each of these events timers may have been suspended, or the network may have changed.
const WAKING = ['online', 'pageshow', 'visibilitychange'];

export function connection(
  api: Api, url: string, protocol: Protocol, options: ConnectionOptions, owner: Owner,
): Connection {
  const { WebSocket = page.WebSocket, littleEndian, probe } = options;
  let { silenceMs = Ms.SILENCE } = options;
  const pending = new Map<number, readonly [end: (value?: unknown) => void, take: Take]>();
  // Undefined between two attempts.
  let socket: Socket | undefined;
  let isClosed = false;
  // Of the socket; 0 when it is not open.
  let openedAt = 0;
  // By the ids of calls, the one of the connection by `connect`, and move_().
  const timers = createTimers();
  let lastId = 0;
  let attempt = 0;
  // The following are set when a connection begins or ends, before they are read.
  let heardAt: number;
  // The server's last error, and until when it asked the client to wait.
  let retryMs: number;
  let retryAt: number;
  let probeAt = 0;
  // move_(): when, and the URL of the next attempt.
  let moveAt = 0;
  let moveTo: string | undefined;

  if (!WebSocket) {
    throw new TypeError('no WebSocket: pass { WebSocket }');
  }

  const arm = (run: (lateMs: number) => void, ms: number) => timers.set_(ms, run, connect);

  const lost = () => lose(Close.LOST, 'silence');

  // Pages are suspended, and what was received meanwhile is then still queued when a timer runs too late.
  const silent = (lateMs: number) => (lateMs >= Ms.SHOWN ? arm(lost, Ms.SHOWN) : lost());

  const hear = () => {
    heardAt = now();
    openedAt ? arm(() => challenge(), silenceMs) : arm(silent, Ms.CONNECT);
  };

  // A Ping has no answer. But on a dead connection it causes an error, or the silence continues.
  const ping = () => {
    try {
      it.send_('ping', {});
    } catch {
      // The API has no ping, or the socket is closing: its close event follows.
    }
  };

  // When nothing is received in this time, the connection is lost.
  const challenge = (limitMs: number = Ms.GRACE, send = ping) => {
    arm(silent, limitMs);
    send();
  };

  const wake = ({ type }: { type: string }) => {
    if (type === WAKING[2] && page.document.hidden) {
      return;
    }
    if (!openedAt) {
      if (now() >= retryAt) {
        it.retryNow_();
      }
    } else if (now() - heardAt >= silenceMs) {
      challenge(Ms.SHOWN);
    } else if (now() > probeAt) {
      probeAt = now() + Ms.PROBE;
      probe ? challenge(Ms.PROBE, probe) : ping();
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
  const lose = (
    code: number, reason: string, waitMs = code === Close.RATE || code === Close.FULL ? retryMs : 0, sent?: number,
  ) => {
    if (isClosed) {
      return;
    }
    const left = socket;
    socket = undefined;
    timers.clear_();
    try {
      try {
        left?.close(sent, reason);
      } catch {
        // Pages may not send each code, nor a long reason.
        left?.close();
      }
    } catch {
      // The socket is left in any case.
    }
    pending.forEach(([end]) => end(localError('DISCONNECTED')));
    if (openedAt && now() - openedAt >= Ms.STABLE) {
      attempt = 0;
    }
    openedAt = 0;
    if (sent || code >= Close.FINAL && code < Close.END && code !== Close.NO_HELLO) {
      isClosed = true;
      listenToPage('remove');
      return owner.state_('closed', { code, reason });
    }
    // The server has chosen a random time for a move.
    const askedMs = moveAt ? Math.max(0, moveAt - now()) : waitMs;
    const delayMs = askedMs + (moveAt ? 0 : fullJitterMs(attempt++));
    moveAt = 0;
    retryAt = now() + askedMs;
    arm(it.retryNow_, delayMs);
    owner.state_('reconnecting', { code, reason, delayMs });
  };

  const connect = () => {
    const to = moveTo || url;
    moveTo = '';
    const opened = new WebSocket(to, protocol.name) as Socket;
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
      hear();
      owner.state_('connected', {});
    });
    opened.onmessage = ours(({ data }) => {
      hear();
      receive(data);
    });
    opened.onclose = ours(({ code, reason }) => lose(code, reason));
    // Without a listener `ws` would end the program; a close event follows in any case.
    opened.onerror = () => {};
  };

  const receive = (data: ArrayBuffer) => {
    let head: number;
    let take: Take | undefined;
    try {
      // Throws for a text, and for a frame that is shorter than its head.
      const view = new DataView(data);
      head = view.getUint32(0, littleEndian);
      // A reply to a call that has ended is ignored.
      take = head & Bit.CALL ? pending.get(view.getUint32(4, littleEndian))?.[1] : plain;
    } catch {
      owner.error_(localError('BAD_FRAME'), 0);
      return;
    }
    take?.(head, new Uint8Array(data, head & Bit.CALL ? 8 : 4));
  };

  const plain = (head: number, payload: Uint8Array) => {
    const number = head & Bit.NUMBER;
    const [name, row] = Object.entries(api.messages).find(([, [own]]) => own === number) ?? [];
    if (name || head & Bit.ERROR) {
      const message = it.interpret_(row?.[1]!, head, payload);
      if (message instanceof StoaError) {
        retryMs = message.retryMs;
        owner.error_(message, number);
      } else {
        owner.message_(name!, message);
      }
    }
  };

  const it: Connection = {
    send_(name, message) {
      const [number, type] = api.messages[name];
      it.transmit_([number], protocol.encode(type, message));
    },
    transmit_(words, payload = new Uint8Array()) {
      const start = 4 * words.length;
      const frame = new Uint8Array(start + payload.length);
      words.forEach((word, index) => new DataView(frame.buffer).setUint32(4 * index, word, littleEndian));
      frame.set(payload, start);
      // Checked here, because encoding has run code of the program. A closing socket would drop the frame without an
      // error.
      try {
        if (!openedAt || socket!.readyState! > 1) {
          throw 0;
        }
        socket!.send(frame);
      } catch {
        throw localError('DISCONNECTED');
      }
    },
    interpret_(type, head, payload) {
      try {
        return head & Bit.ERROR ? new StoaError(protocol.decode(undefined, payload)) : protocol.decode(type, payload);
      } catch (error) {
        return localError('BAD_FRAME', true, String(error));
      }
    },
    request_([number, type, reply], request, settle, timeoutMs = options.timeoutMs ?? Ms.CALL, take) {
      const id = ++lastId;
      const end = (value?: any) => {
        timers.cancel_(id);
        pending.delete(id);
        if (value?.pingMs > 0 && silenceMs < Infinity) {
          silenceMs = Number(value.pingMs) + Ms.GRACE;
          hear();
        }
        settle?.(value instanceof Error ? value as StoaError : undefined, value);
      };
      try {
        it.transmit_([Bit.CALL + number, id], protocol.encode(type, request));
        if (timeoutMs) {
          timers.set_(timeoutMs, () => end(localError('TIMEOUT')), id);
        }
        pending.set(id, [end, take ?? ((head, payload) => end(it.interpret_(reply, head, payload)))]);
      } catch (error) {
        end(error);
      }
      return [id, end];
    },
    lose_: lose,
    retryNow_() {
      if (!socket && !isClosed) {
        try {
          connect();
        } catch (error) {
          lose(Close.LOST, String(error));
        }
      }
    },
    move_(delayMs, to) {
      if (!isClosed) {
        moveAt = now() + delayMs;
        moveTo = to;
        timers.set_(delayMs, () => socket && lose(Close.MOVED, 'moved'), it);
      }
    },
  };
  // An invalid URL is the program's mistake; then nothing has started.
  connect();
  listenToPage('add');
  return it;
}
