// stream.ts: a call whose reply is a stream, as an iterator of its items.
//
// Items wait as bytes until the program takes them, and only what was taken is granted to the server again: a slow
// program bounds the server, and this client keeps at most a window and one item. docs/streams.md has the frames.
//
// Does not know: sockets. Everything here runs in the client's task, or in one of the program that calls next().
import { type Begun, type Client } from './client.js';
import { Bit } from './connection.js';
import { localError, StoaError } from './error.js';
import { type Init, type Type } from './type.js';

export interface StreamOptions {
  /** Cancels the stream, which then throws CANCELLED. */
  signal?: AbortSignal;
}

/** The items of a stream, in order. */
export interface Stream<T> extends AsyncIterableIterator<T> {
  /** Cancels the stream. Calls of next() that wait get its end. */
  return(value?: any): Promise<IteratorResult<T>>;
}

/** The bit of an item. */
const MORE = 0x20000000;
/** What the server may send at first; half of it is granted again when it was taken. */
const WINDOW_BYTES = 262144;
/** What an item takes of the credit beside its payload. */
const ITEM_COST = 8;

/** Calls an rpc that returns a stream, at once; generated code calls it. Nothing is thrown before the first next().
 *
 *  The iterator ends after the last item, or throws: the server's StoaError, one from this client as of call() (there is
 *  no timeout), or BAD_FRAME for a mistake of the server. What was received before is returned first, except after
 *  CANCELLED. return(), which `break` calls, cancels the stream; one that is neither cancelled nor taken to its end stays
 *  open. */
export function stream<Q, T>(
  client: Client<any>, row: readonly [number, Type<Q>, Type<T>], request: Init<Q>, { signal }: StreamOptions = {},
): Stream<T> {
  // Items that wait for the program. A queue of two stacks: the older ones in reverse.
  let older: Uint8Array[] = [];
  let newer: Uint8Array[] = [];
  // Calls of next() that wait for items.
  const waiting: (readonly [resolve: (result: IteratorResult<T>) => void, reject: (error: unknown) => void])[] = [];
  let credit = WINDOW_BYTES;
  let taken = 0;
  // No more items come, and what is thrown after those that wait.
  let isOver = false;
  let failure: unknown;
  // Set unless it could not begin.
  let call: Begun | undefined;

  const [number, , itemType] = row;

  const tell = (bits: number, ...words: number[]) => {
    const [id, , transmit] = call!;
    try {
      transmit([bits + number, id, ...words]);
    } catch {
      // The socket is closing; its end is the end of the stream.
    }
  };

  /** Ends the call, and tells finish(). */
  const end = (error?: StoaError) => call![1](error);

  const finish = (error?: unknown) => {
    isOver = true;
    failure = error;
    serve();
  };

  const cancel = (error?: StoaError) => {
    if (isOver) {
      finish(error);
    } else {
      tell(Bit.CALL + Bit.ERROR);
      end(error);
    }
  };

  const drop = (error?: StoaError) => {
    older = [];
    newer = [];
    cancel(error);
  };

  const abort = () => drop(localError('CANCELLED', false));

  const deliver = (payload: Uint8Array) => {
    const item = call![3](itemType, 0, payload);
    if (item instanceof StoaError) {
      drop(item);
      return;
    }
    taken += payload.length + ITEM_COST;
    waiting.shift()![0]({ value: item, done: false });
    if (!isOver && taken >= WINDOW_BYTES / 2) {
      tell(Bit.CALL + Bit.ERROR + MORE, taken);
      credit += taken;
      taken = 0;
    }
  };

  const serve = () => {
    while (waiting.length) {
      if (!older.length) {
        older = newer.reverse();
        newer = [];
      }
      const payload = older.pop();
      if (payload) {
        deliver(payload);
      } else if (isOver) {
        signal?.removeEventListener('abort', abort);
        const [resolve, reject] = waiting.shift()!;
        // Once; then it is at its end.
        const error = failure;
        failure = undefined;
        error ? reject(error) : resolve({ value: undefined, done: true });
      } else {
        return;
      }
    }
  };

  const mistake = (what: string) => cancel(localError('BAD_FRAME', true, what));

  const take = (head: number, payload: Uint8Array) => {
    const bits = head - number;
    const { length } = payload;
    if (bits === Bit.CALL + MORE && credit > 0) {
      credit -= length + ITEM_COST;
      newer.push(payload);
      serve();
    } else if (bits === Bit.CALL + MORE) {
      mistake('more items than the credit of the stream');
    } else if (bits === Bit.CALL + Bit.ERROR) {
      end(call![3](itemType, head, payload));
    } else if (bits === Bit.CALL && !length) {
      end();
    } else {
      mistake('wrong frame of a stream');
    }
  };

  try {
    if (signal?.aborted) {
      throw localError('CANCELLED', false);
    }
    call = client.$begin(row, request, finish, { timeoutMs: 0 }, take);
    signal?.addEventListener('abort', abort);
  } catch (error) {
    finish(error);
  }

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => new Promise((resolve, reject) => {
      waiting.push([resolve, reject]);
      serve();
    }),
    return: async (value) => {
      signal?.removeEventListener('abort', abort);
      drop();
      return { value: await value, done: true };
    },
  };
}
