// stored.ts: the end of a message that was sent, as a promise, for programs that import it.
import { localError } from '@stoa/client/inner';

import { type Outgoing } from './outgoing.js';
import { type Room } from './room.js';

/** Resolves when the message of this room is stored. Rejects with its error when it fails, with the reason DISCARDED when
 *  it is given up. */
export const stored = (room: Room, message: Outgoing): Promise<Outgoing> => new Promise((resolve, reject) => {
  const look = () => {
    if (message.state === 'queued' || message.state === 'sent') {
      return;
    }
    stop();
    message.state === 'stored' ? resolve(message) : reject(message.error ?? localError('DISCARDED', false));
  };
  const stop = room.on('outgoing', look);
  look();
});
