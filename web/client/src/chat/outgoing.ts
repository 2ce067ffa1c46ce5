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
export class Outgoing {
  /** Only the client changes it. */
  state: OutgoingState = 'queued';
  /** Why it failed. */
  error?: StoaError;
  /** Where it is stored. */
  offset?: bigint;
  readonly sinceMs = Date.now();
  private waiting: [(it: Outgoing) => void, (why: unknown) => void][] = [];

  /** @internal */
  constructor(
    private readonly queue: Queue,
    readonly clientMsgId: string,
    readonly text: string,
    readonly replyTo: bigint,
  ) {}

  /** Send a failed message again, after those that were sent since. Does nothing in other states. */
  retry(): void {
    if (this.state === 'failed') {
      this.error = undefined;
      this.queue.append_(this);
    }
  }

  /** Give up a message that is queued or failed. One that is on its way may be stored already. Returns whether it was
   *  given up. */
  discard(): boolean {
    const isIdle = this.state === 'queued' || this.state === 'failed';
    if (isIdle) {
      this.queue.end_(this, 'discarded');
    }
    return isIdle;
  }

  /** Resolves when it is stored. Rejects with the error when it fails, with the reason DISCARDED when it is discarded. */
  done(): Promise<Outgoing> {
    return new Promise((resolve, reject) => {
      this.waiting.push([resolve, reject]);
      this.settle_();
    });
  }

  /** @internal */
  settle_(): void {
    if (this.state !== 'queued' && this.state !== 'sent') {
      this.waiting.splice(0).forEach(([resolve, reject]) =>
        this.state === 'stored' ? resolve(this) : reject(this.error ?? localError('DISCARDED', false)),
      );
    }
  }
}

/** What the queue needs from its room. @internal */
export interface Sender {
  /** 0, and the message counts; or how long to wait for the server's rate. undefined: not connected, or not a member. */
  mayIn_(): number | undefined;
  transmit_(message: Outgoing, settle: (error: StoaError | undefined, place: { offset: bigint }) => void): void;
  changed_(message: Outgoing): void;
}

// The server may do it later, whatever `temporary` says; and what this client says when there was no answer.
const PASSING = [100, 106, 108, 111];
const LOST = ['DISCONNECTED', 'TIMEOUT', 'TOO_MANY_CALLS', 'BAD_FRAME'];
// Muted, slow mode: a person is told how long it takes, and decides.
const PERSONAL = [120, 127];

const isPassing = ({ code, reason, temporary }: StoaError): boolean =>
  code ? !PERSONAL.includes(code) && (temporary || PASSING.includes(code)) : LOST.includes(reason);

/** The messages of one room, in order. @internal */
export class Queue {
  /** Failed ones too. A new array after every change. */
  items: readonly Outgoing[] = [];
  private sending?: Outgoing;
  private attempt = 0;
  private timer: any;

  constructor(private readonly sender: Sender) {}

  append_(message: Outgoing): void {
    this.items = [...this.items.filter((other) => other !== message), message];
    this.put_(message, 'queued');
    this.pump();
  }

  /** The room is joined again: what waits because of the connection before need not wait any more. */
  resume_(): void {
    this.pause_();
    this.pump();
  }

  /** There is no connection to wait for. */
  pause_(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private pump(): void {
    if (this.timer) {
      return;
    }
    const next = this.items.find(({ state }) => state === 'queued');
    const waitMs = !next || this.sending ? undefined : this.sender.mayIn_();
    if (!next || waitMs === undefined) {
      return;
    }
    if (waitMs > 0) {
      this.wait_(waitMs);
      return;
    }
    this.sending = next;
    this.put_(next, 'sent');
    this.sender.transmit_(next, (error, place) => {
      // Its own push may have been here first; then another one is on its way.
      if (this.sending === next) {
        this.sending = undefined;
        this.answer_(next, error, place);
      }
    });
  }

  /** The server has it: by the answer, or by the push of it. Returns the message. */
  stored_(clientMsgId: string, offset: bigint): Outgoing | undefined {
    const message = this.items.find((other) => other.clientMsgId === clientMsgId);
    if (message) {
      this.attempt = 0;
      message.offset = offset;
      if (this.sending === message) {
        this.sending = undefined;
      }
      this.end_(message, 'stored');
      this.pump();
    }
    return message;
  }

  end_(message: Outgoing, state: OutgoingState): void {
    this.items = this.items.filter((other) => other !== message);
    this.put_(message, state);
  }

  /** The room was left. */
  close_(): void {
    this.sending = undefined;
    this.items.forEach((message) => this.end_(message, 'discarded'));
  }

  private answer_(message: Outgoing, error: StoaError | undefined, place: { offset: bigint }): void {
    if (!error) {
      this.stored_(message.clientMsgId, place.offset);
    } else if (!isPassing(error)) {
      message.error = error;
      this.put_(message, 'failed');
      this.pump();
    } else {
      this.put_(message, 'queued');
      // A lost connection needs no timer: the room is joined again.
      if (error.reason !== 'DISCONNECTED') {
        this.wait_(error.retryMs + fullJitterMs(this.attempt++));
      }
    }
  }

  private put_(message: Outgoing, state: OutgoingState): void {
    message.state = state;
    this.sender.changed_(message);
    message.settle_();
  }

  private wait_(ms: number): void {
    this.pause_();
    this.timer = later(() => this.resume_(), ms);
  }
}
