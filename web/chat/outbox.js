// outbox.js: texts that were sent and not yet seen to come back.
//
// A plain chat message has no acknowledgement. The server sends it to everyone, its sender included, so a message of
// our own that arrives confirms its text. A refusal does not say of which text, and it may overtake a message that was
// sent earlier and is still on its way to everyone. So refusals are counted, and when as many texts are left as were
// refused, those are the ones.

export class Outbox {
  #texts = [];
  #refusals = 0;

  sent(text) {
    this.#texts.push(text);
  }

  // A message of ours has arrived. Returns the texts that are known to be refused now, oldest first.
  confirmed(text) {
    const index = this.#texts.indexOf(text);
    if (index >= 0) {
      this.#texts.splice(index, 1);
    }
    return this.#takeRefused();
  }

  // The server refused one. Returns as confirmed() does.
  refused() {
    this.#refusals += 1;
    return this.#takeRefused();
  }

  // The connection is lost. Returns what may not have arrived, oldest first.
  takeAll() {
    this.#refusals = 0;
    return this.#texts.splice(0);
  }

  #takeRefused() {
    return this.#refusals > 0 && this.#texts.length <= this.#refusals ? this.takeAll() : [];
  }
}
