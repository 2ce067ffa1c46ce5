// outgoing.ts: the messages that were given to a room and are not stored yet.
//
// One message of a room is on its way at a time: the next one follows when it is stored. So a message that has to be
// sent again, after a lost connection or because the server is busy, can never come after a later one. It keeps its
// client_msg_id, with which the server stores it once.
//
// Does not know: connections, which the room gives it as a function; what is shown.
import { type StoaError } from '@stoa/client';
import { fullJitterMs, localError, type Timers } from '@stoa/client/inner';

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
}

/** What sends the messages of one room, in order. @internal */
export interface Queue {
  /** Throws OUTBOX_FULL. */
  append_(text: string, replyTo: bigint): Outgoing;
  /** Send the next one if it may be sent. */
  pump_(): void;
  /** The server has it: by the answer, or by the push of it. */
  stored_(clientMsgId: string, offset: bigint): void;
  /** The room was left. */
  close_(): void;
}

const enum Outbox {
  MAX = 100,
}

let lastId = 0;

/** May the server do it later? @internal */
export const isPassing = ({ code, temporary }: StoaError): boolean => temporary || code === Code.INTERNAL;

const enum Code {
  INTERNAL = 100,
  // From here on the codes are about a message: a person is told how long it takes, and decides.
  MESSAGE = 120,
}

/** `room.outgoing` has all that are not stored, failed ones too; it is a new array after every change.
 *
 *  `mayIn`: connected, and a member. The timers are cleared when the connection is lost. @internal */
export function createQueue(
  room: { outgoing: readonly Outgoing[] },
  mayIn: () => boolean,
  transmit: (message: Outgoing, settle: (error: StoaError | undefined, place: { offset: bigint }) => void) => void,
  changed: (message: Outgoing) => void,
  timers: Timers,
): Queue {
  let attempt = 0;

  const without = (message: Outgoing) => room.outgoing.filter((other) => other !== message);

  const put = (message: Outgoing, state: OutgoingState, items = room.outgoing) => {
    message.state = state;
    room.outgoing = items;
    changed(message);
  };

  const discard = (message: Outgoing) => put(message, 'discarded', without(message));

  const append = (message: Outgoing) => {
    put(message, 'queued', [...without(message), message]);
    queue.pump_();
  };

  const queue: Queue = {
    append_(text, replyTo) {
      if (room.outgoing.length >= Outbox.MAX) {
        throw localError('OUTBOX_FULL');
      }
      const message: Outgoing = {
        state: 'queued',
        sinceMs: Date.now(),
        clientMsgId: `${Math.random()}-${++lastId}`,
        text,
        replyTo,
        retry() {
          if (message.state === 'failed') {
            message.error = undefined;
            append(message);
          }
        },
        discard() {
          const isIdle = message.state === 'queued' || message.state === 'failed';
          if (isIdle) {
            discard(message);
          }
          return isIdle;
        },
      };
      append(message);
      return message;
    },
    pump_() {
      // The one on its way is before those that wait.
      const next = room.outgoing.find(({ state }) => state !== 'failed');
      if (next?.state === 'queued' && !timers.has_(queue.pump_) && mayIn()) {
        put(next, 'sent');
        transmit(next, (error, place) => {
          if (!error) {
            queue.stored_(next.clientMsgId, place.offset);
          // Its own push may have been here first.
          } else if (next.state === 'sent') {
            if (error.code < Code.MESSAGE && isPassing(error)) {
              put(next, 'queued');
              timers.set_(error.retryMs + fullJitterMs(attempt++), queue.pump_);
            } else {
              next.error = error;
              put(next, 'failed');
              queue.pump_();
            }
          }
        });
      }
    },
    stored_(clientMsgId, offset) {
      const message = room.outgoing.find((other) => other.clientMsgId === clientMsgId);
      if (message) {
        attempt = 0;
        message.offset = offset;
        put(message, 'stored', without(message));
        queue.pump_();
      }
    },
    close_: () => room.outgoing.forEach(discard),
  };
  return queue;
}
