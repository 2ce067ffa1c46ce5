// client.ts: a typed client of an API over a connection: calls as promises, listeners by the names of messages.
//
// Listeners are called one at a time in the order of the frames; after close(), the state listeners are called before
// it returns. When a listener throws, it is reported as an uncaught error, and the other listeners are called.
import {
  connection, type Api, type ConnectionOptions, type Protocol, type Settle, type State, type StateDetail, type Take,
} from './connection.js';
import { ErrorDetail, localError, type StoaError } from './error.js';
import { listeners } from './listeners.js';
import { read, write } from './plain.js';
import { type Init, type MessageOf, type Type } from './type.js';
import { decoder, encoder } from './wire.js';

export {
  type Api, type ConnectionOptions, type Protocol, type Settle, type Socket, type State, type StateDetail,
} from './connection.js';

/** JSON. */
const json: Protocol = {
  name: 'stoa.json',
  encode: (type, message) => encoder.encode(JSON.stringify(write(type, message))),
  // An empty payload is the empty message.
  decode: (type = ErrorDetail, payload) => read(type, JSON.parse(decoder.decode(payload) || '{}')),
};

export interface ClientOptions extends ConnectionOptions {
  /** Default: JSON. `protobuf` of this package is the other one; a bundle has it only when it is imported. */
  protocol?: Protocol;
  /** Calls that may wait for their replies. Default: 256. */
  callsMax?: number;
}

export interface CallOptions {
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** A call as stream.ts needs it. `interpret` never throws: a StoaError is what the payload of an error says, or why it
 *  cannot be decoded. */
export type Begun = readonly [
  id: number,
  end: (value?: StoaError) => void,
  transmit: (words: number[]) => void,
  interpret: (type: Type<any>, head: number, payload: Uint8Array) => any,
];

const REASON_BYTES_MAX = 123;

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
    const { protocol = json, callsMax = 256 } = options;
    // Messages by their rows in the API, states and errors by a name.
    const [add, tell] = listeners();
    let calls = 0;

    if (!protocol.encode) {
      throw new TypeError('unknown protocol: pass { protocol: protobuf }, or none for JSON');
    }
    const line = connection(api, url, protocol, {
      ...options, silenceMs: options.silenceMs ?? (api.messages.ping ? undefined : Infinity),
    }, {
      state_: (state, detail) => {
        this.state = state;
        // A listener may change the state again; the others then hear of the last one only.
        tell('state', [state, detail], () => this.state === state);
      },
      message_: (name, message) => tell(api.messages[name], [message]),
      error_: (error, number) => tell('error', [error, number]),
    });

    const members: Omit<Client<A>, 'state'> = {
      on: (name, listener) => add(api.messages[name as string], listener),
      onState: (listener) => add('state', listener),
      onError: (listener) => add('error', listener),
      send: (name, message) => line.send_(name as string, message),
      call: (name, request, more) => new Promise((resolve, reject) => {
        this.request(name, request, (error, reply) => (error ? reject(error) : resolve(reply)), more);
      }),
      request: (name, ...rest) => {
        this.$begin(api.calls[name as string], ...rest);
      },
      $begin: (row, request, settle, { timeoutMs, signal } = {}, take) => {
        const cancelled = localError('CANCELLED', false);
        if (signal?.aborted) {
          throw cancelled;
        }
        if (calls >= callsMax) {
          throw localError('TOO_MANY_CALLS');
        }
        let isBegun = false;
        const settled: Settle<any> = (error, reply) => {
          if (!isBegun) {
            throw error;
          }
          calls -= 1;
          signal?.removeEventListener('abort', abort);
          settle(error, reply);
        };
        const [id, end] = line.request_(row, request, settled, timeoutMs, take);
        const abort = () => end(cancelled);
        calls += 1;
        isBegun = true;
        signal?.addEventListener('abort', abort);
        return [id, end, line.transmit_, line.interpret_];
      },
      close: (code = 1000, reason = '') => {
        // A WebSocket would throw. With `stream`, a character that is cut is left out.
        const bytes = encoder.encode(reason).subarray(0, REASON_BYTES_MAX);
        const sent = code > 2999 && code < 5000 ? code : 1000;
        line.lose_(sent, new TextDecoder().decode(bytes, { stream: true }), 0, sent);
      },
      retryNow: line.retryNow_,
      reconnect: (waitMs = 0, reason = '') => line.lose_(1000, reason, waitMs),
      move: line.move_,
    };
    Object.assign(this, members);
  }
}
