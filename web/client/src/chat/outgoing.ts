// outgoing.ts: the messages that were given to a room and are not stored yet.
//
// One message of a room is on its way at a time: the next one follows when it is stored. So a message that has to be
// sent again, after a lost connection or because the server is busy, can never come after a later one. It keeps its
// client_msg_id, with which the server stores it once.
//
// Does not know: connections, which the room gives it as a function; what is shown.
import { type StoaError } from '@stoa/client';
import { fullJitterMs, localError } from '@stoa/client/inner';

import { type Timers } from './timers.js';

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
  /** The server has it: by the answer, or by the push of it. */
  stored_(clientMsgId: string, offset: bigint): void;
  /** The room was left. */
  close_(): void;
}

/** May the server do it later? Of some codes that is so whatever `temporary` says; 112 is a place that is lost, after
 *  which a room can be joined again. @internal */
export const isPassing = ({ code, temporary }: { code: number; temporary?: boolean }): boolean =>
  temporary || /^1(0[068]|1[12])$/.test(`${code}`);

// A person is told how long it takes, and decides.
const enum Code {
  MUTED = 120,
  SLOW_MODE = 127,
}

/** `mayIn`: not above 0, and the message counts; or how long to wait for the server's rate; undefined: not
 *  connected, or not a member. @internal */
export function createQueue(
  mayIn: () => number | undefined,
  transmit: (message: Outgoing, settle: (error: StoaError | undefined, place: { offset: bigint }) => void) => void,
  changed: (message: Outgoing) => void,
  timers: Timers,
): Queue {
  let attempt = 0;

  const without = (message: Outgoing) => queue.items_.filter((other) => other !== message);

  const put = (message: Outgoing, state: OutgoingState) => {
    message.state = state;
    if (state === 'stored' || state === 'discarded') {
      queue.items_ = without(message);
    }
    changed(message);
    message.settle_();
  };

  const append = (message: Outgoing) => {
    queue.items_ = [...without(message), message];
    put(message, 'queued');
    pump();
  };

  const wait = (ms: number) => timers.set_('send', ms, pump);

  const answer = (message: Outgoing, error: StoaError | undefined, offset: bigint) => {
    if (!error) {
      queue.stored_(message.clientMsgId, offset);
    } else if (
      error.code !== Code.MUTED && error.code !== Code.SLOW_MODE && (isPassing(error) || error.reason === 'BAD_FRAME')
    ) {
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
    // The one on its way is before those that wait.
    const next = queue.items_.find(({ state }) => state !== 'failed');
    if (next?.state === 'queued' && !timers.has_('send')) {
      const waitMs = mayIn();
      // Neither, when it is undefined.
      if (waitMs! > 0) {
        wait(waitMs!);
      } else if (waitMs! <= 0) {
        put(next, 'sent');
        transmit(next, (error, place) => {
          // Its own push may have been here first.
          if (next.state === 'sent') {
            answer(next, error, place?.offset);
          }
        });
      }
    }
  };

  const queue: Queue = {
    items_: [],
    append_(clientMsgId, text, replyTo) {
      const ends: (() => void)[] = [];
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
            put(message, 'discarded');
          }
          return isIdle;
        },
        done: () => new Promise((resolve, reject) => {
          ends.push(() =>
            (message.state === 'stored' ? resolve(message) : reject(message.error ?? localError('DISCARDED', false))));
          message.settle_();
        }),
        settle_() {
          if (!['queued', 'sent'].includes(message.state)) {
            ends.splice(0).forEach((end) => end());
          }
        },
      };
      append(message);
      return message;
    },
    resume_() {
      timers.cancel_('send');
      pump();
    },
    stored_(clientMsgId, offset) {
      const message = queue.items_.find((other) => other.clientMsgId === clientMsgId);
      if (message) {
        attempt = 0;
        message.offset = offset;
        put(message, 'stored');
        pump();
      }
    },
    close_() {
      queue.items_.forEach((message) => put(message, 'discarded'));
    },
  };
  return queue;
}
