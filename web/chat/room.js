// room.js: the room that the page shows: where the page is in it, and what was sent and is not acknowledged.
//
// After a lost connection the page joins with its place, and gets what it missed. Then it sends again what was not
// acknowledged; a text that has arrived meanwhile is not sent again.
//
// Does not know: the page.

import { TYPE_CHAT, TYPE_EVENT } from './connection.js';
import { Outbox } from './outbox.js';

const TYPE_JOIN = 20;
const TYPE_HISTORY = 24;
const ITEMS_MAX = 50;
const RETRY_MS = 1000;
// The server does not know whether it has stored a text.
const REASON_UNKNOWN = 'UNKNOWN';
const NO_EPOCH = '0';

export class Room {
  #connection;
  #name;
  #events;
  #outbox = new Outbox();
  #place = null;

  // name    '' is the server's default room
  // events  {chat(message, isOld), changed(event), gap(), refused(error, text)}
  //         isOld: it is from before the page came; text: what was refused, null for the room itself
  constructor(connection, name, events) {
    this.#connection = connection;
    this.#name = name;
    this.#events = events;
  }

  // The connection is online.
  enter() {
    const request = { room: this.#name, history: ITEMS_MAX };
    if (this.#place !== null && this.#place.epoch !== NO_EPOCH) {
      request.recover = { epoch: this.#place.epoch, offset: String(this.#place.offset) };
    }
    this.#connection.call(TYPE_JOIN, request, (error, reply) => {
      if (error === null) {
        this.#entered(reply);
      } else {
        this.#notEntered(error);
      }
    });
  }

  // A Chat or Event message of the connection.
  arrived(type, message) {
    if (!this.#isNew(message)) {
      return;
    }
    if (type === TYPE_EVENT) {
      this.#events.changed(message);
    } else {
      this.#outbox.remove(message.clientMsgId);
      this.#events.chat(message, false);
    }
  }

  // Returns false, and keeps nothing, when the connection is not online.
  send(text) {
    const id = this.#outbox.add(text);
    const isSent = this.#sendEntry(id, text);
    if (!isSent) {
      this.#outbox.remove(id);
    }
    return isSent;
  }

  // The connection will not come back. Returns the texts that may not have arrived, oldest first.
  giveUp() {
    return this.#outbox.takeAll();
  }

  // What is at or before the place is known.
  #isNew({ epoch, offset }) {
    if (epoch === undefined) {
      return true;
    }
    const at = BigInt(offset ?? 0);
    if (this.#place !== null && this.#place.epoch === epoch && at <= this.#place.offset) {
      return false;
    }
    this.#place = { epoch, offset: at };
    return true;
  }

  #entered({ epoch = NO_EPOCH, offset = 0, recovered = false, items = [], moreBefore = false }) {
    if (!recovered) {
      this.#replace(epoch, BigInt(offset), items, moreBefore);
    }
    if (this.#outbox.entries.length > 0) {
      // What was missed comes before the answer to this call.
      this.#connection.call(TYPE_HISTORY, { room: this.#name, limit: 1 }, () => this.#sendAgain());
    }
  }

  // Nothing was recovered: the messages between are missing, unless the items reach back to what is shown.
  #replace(epoch, offset, items, moreBefore) {
    const before = this.#place;
    if (before !== null && (before.epoch !== NO_EPOCH || moreBefore)) {
      this.#events.gap();
    }
    const known = before !== null && before.epoch === epoch ? before.offset : 0n;
    this.#place = { epoch, offset };
    for (const message of items) {
      if (BigInt(message.offset) > known) {
        this.#outbox.remove(message.clientMsgId);
        this.#events.chat(message, true);
      }
    }
  }

  #notEntered(error) {
    this.#events.refused(error, null);
    if (error.temporary) {
      setTimeout(() => this.enter(), error.retryMs || RETRY_MS);
    }
  }

  #sendEntry(id, text) {
    const message = { message: text, room: this.#name, clientMsgId: id };
    return this.#connection.call(TYPE_CHAT, message, (error) => {
      if (error === null) {
        this.#outbox.remove(id);
      } else if (error.reason === REASON_UNKNOWN) {
        setTimeout(() => this.#sendAgain(), RETRY_MS);
      } else {
        this.#refused(error, id);
      }
    });
  }

  #refused(error, id) {
    const text = this.#outbox.remove(id);
    if (text !== undefined) {
      this.#events.refused(error, text);
    }
  }

  #sendAgain() {
    for (const [id, text] of this.#outbox.entries) {
      this.#sendEntry(id, text);
    }
  }
}
