// outgoing.ts: the messages that were given to a room and are not stored yet.
//
// One message of a room is on its way at a time: the next one follows when it is stored. So a message that has to be
// sent again, after a lost connection or because the server is busy, can never come after a later one. It keeps its
// client_msg_id, with which the server stores it once.
//
// Does not know: connections, which the room gives it as a function; what is shown.
import { type StoaError } from '@stoa/client';
import { fullJitterMs, later, localError } from '@stoa/client/inner';

/** `queued`: will be sent, or sent again. `sent`: waits for its answer. `stored` and `failed`: final, unless it is
 *  retried. `discarded`: taken back by the program, or when the room was left. */
export type OutgoingState = 'queued' | 'sent' | 'stored' | 'failed' | 'discarded';

/** One message that this client sends. */
export interface Outgoing {
  /** Only the client changes it. */
  state: OutgoingState;
  /** Why it failed. */
  error?: StoaError;
  /** Where it is stored. */
  offset?: bigint;
  readonly sinceMs: number;
  readonly clientMsgId: string;
  readonly text: string;
  readonly replyTo: bigint;

  /** Send a failed message again, after those that were sent since. Does nothing in other states. */
  retry(): void;

  /** Give up a message that is queued or failed. One that is on its way may be stored already. Returns whether it was
   *  given up. */
  discard(): boolean;

  /** Resolves when it is stored. Rejects with the error when it fails, with the reason DISCARDED when it is discarded. */
  done(): Promise<Outgoing>;

  /** @internal */
  settle_(): void;
}

/** The messages of one room, in order. @internal */
export interface Queue {
  /** Failed ones too. A new array after every change. */
  items_: readonly Outgoing[];
  append_(clientMsgId: string, text: string, replyTo: bigint): Outgoing;
  /** The room is joined again: what waits because of the connection before need not wait any more. */
  resume_(): void;
  /** There is no connection to wait for. */
  pause_(): void;
  /** The server has it: by the answer, or by the push of it. */
  stored_(clientMsgId: string, offset: bigint): void;
  /** The room was left. */
  close_(): void;
}

// The server may do it later, whatever `temporary` says.
const PASSING = [100, 106, 108, 111];
// Muted, slow mode: a person is told how long it takes, and decides.
const PERSONAL = [120, 127];

/** @internal */
export const isPassing = ({ code, temporary }: { code: number; temporary?: boolean }): boolean =>
  temporary || PASSING.includes(code);

/** `mayIn`: 0, and the message counts; or how long to wait for the server's rate; undefined: not connected, or not a
 *  member. @internal */
export function createQueue(
  mayIn: () => number | undefined,
  transmit: (message: Outgoing, settle: (error: StoaError | undefined, place: { offset: bigint }) => void) => void,
  changed: (message: Outgoing) => void,
): Queue {
  let sending: Outgoing | undefined;
  let attempt = 0;
  let timer: any;

  const without = (message: Outgoing) => queue.items_.filter((other) => other !== message);

  const put = (message: Outgoing, state: OutgoingState) => {
    message.state = state;
    changed(message);
    message.settle_();
  };

  const append = (message: Outgoing) => {
    queue.items_ = [...without(message), message];
    put(message, 'queued');
    pump();
  };

  const end = (message: Outgoing, state: OutgoingState) => {
    queue.items_ = without(message);
    put(message, state);
  };

  const wait = (ms: number) => {
    clearTimeout(timer);
    timer = later(queue.resume_, ms);
  };

  const answer = (message: Outgoing, error: StoaError | undefined, { offset }: { offset: bigint }) => {
    if (!error) {
      queue.stored_(message.clientMsgId, offset);
    } else if (!PERSONAL.includes(error.code) && (isPassing(error) || error.reason === 'BAD_FRAME')) {
      put(message, 'queued');
      // A lost connection needs no timer: the room is joined again.
      if (error.reason !== 'DISCONNECTED') {
        wait(error.retryMs + fullJitterMs(attempt++));
      }
    } else {
      message.error = error;
      put(message, 'failed');
      pump();
    }
  };

  const pump = () => {
    const next = queue.items_.find(({ state }) => state === 'queued');
    if (timer || sending || !next) {
      return;
    }
    const waitMs = mayIn();
    if (waitMs! > 0) {
      wait(waitMs!);
    } else if (waitMs !== undefined) {
      sending = next;
      put(next, 'sent');
      transmit(next, (error, place) => {
        // Its own push may have been here first; then another one is on its way.
        if (sending === next) {
          sending = undefined;
          answer(next, error, place ?? {});
        }
      });
    }
  };

  const queue: Queue = {
    items_: [],
    append_(clientMsgId, text, replyTo) {
      let waiting: [(it: Outgoing) => void, (why: unknown) => void][] = [];
      const message: Outgoing = {
        state: 'queued',
        sinceMs: Date.now(),
        clientMsgId,
        text,
        replyTo,
        retry() {
          if (message.state === 'failed') {
            message.error = undefined;
            append(message);
          }
        },
        discard() {
          const isIdle = ['queued', 'failed'].includes(message.state);
          if (isIdle) {
            end(message, 'discarded');
          }
          return isIdle;
        },
        done: () => new Promise((resolve, reject) => {
          waiting.push([resolve, reject]);
          message.settle_();
        }),
        settle_() {
          if (!['queued', 'sent'].includes(message.state)) {
            waiting.forEach(([resolve, reject]) =>
              message.state === 'stored' ? resolve(message) : reject(message.error ?? localError('DISCARDED', false)),
            );
            waiting = [];
          }
        },
      };
      append(message);
      return message;
    },
    resume_() {
      queue.pause_();
      pump();
    },
    pause_() {
      clearTimeout(timer);
      timer = undefined;
    },
    stored_(clientMsgId, offset) {
      const message = queue.items_.find((other) => other.clientMsgId === clientMsgId);
      if (message) {
        attempt = 0;
        message.offset = offset;
        if (sending === message) {
          sending = undefined;
        }
        end(message, 'stored');
        pump();
      }
    },
    close_() {
      sending = undefined;
      queue.items_.forEach((message) => end(message, 'discarded'));
    },
  };
  return queue;
}
