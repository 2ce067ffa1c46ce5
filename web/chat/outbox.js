// outbox.js: texts that were sent and not yet seen to come back.
//
// A plain chat message has no acknowledgement. The server sends it to everyone, its sender included, in the order of
// sending: so each of our own messages that arrives confirms the oldest text here.

export class Outbox {
  #texts = [];

  sent(text) {
    this.#texts.push(text);
  }

  confirmed() {
    this.#texts.shift();
  }

  // The server refused one; it answers in order too. Returns its text, or undefined.
  refused() {
    return this.#texts.shift();
  }

  // The line broke. Returns what may not have arrived, oldest first.
  takeAll() {
    return this.#texts.splice(0);
  }
}
