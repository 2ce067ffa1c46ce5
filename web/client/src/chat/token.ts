// token.ts: refreshes the token of a session before it expires, for programs that import it.
import { createTimers } from '@stoa/client/inner';

import { type Chat } from './chat.js';

// Refresh this long before the token expires, at the latest at 3/4 of its time; and again after a failure.
const enum Ms {
  BEFORE = 60000,
  AGAIN = 5000,
}

/** Calls `token` before the last one expires, and gives the server the new one, so that the session goes on. Without it
 *  the server closes an expired session, and the chat comes back with the next token. Returns a function that ends it. */
export function keepToken(chat: Chat, token: () => string | Promise<string>): () => void {
  const timers = createTimers();
  // Counts sessions.
  let turn = 0;

  const refreshIn = (ttlS: number) => {
    if (ttlS) {
      refreshLater(Math.max(ttlS * 750, ttlS * 1000 - Ms.BEFORE));
    }
  };

  const refreshLater = (ms: number) => {
    const mine = turn;
    timers.set_(ms, async () => {
      try {
        const next = await token();
        if (mine === turn) {
          const { tokenTtlS } = await chat.call('refresh', { token: next });
          if (mine === turn) {
            refreshIn(tokenTtlS);
          }
        }
      } catch {
        // The server ends the session when it is too late; the next Hello has a new token.
        if (mine === turn) {
          refreshLater(Ms.AGAIN);
        }
      }
    }, timers);
  };

  const changed = () => {
    if (chat.state !== 'draining') {
      turn += 1;
      timers.clear_();
      if (chat.isOpen) {
        refreshIn(chat.me!.tokenTtlS);
      }
    }
  };
  const stop = chat.on('state', changed);
  changed();
  return () => {
    turn += 1;
    timers.clear_();
    stop();
  };
}
