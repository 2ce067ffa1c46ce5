// outbox.js: texts that were sent and not yet confirmed.
//
// A plain chat message has no acknowledgement. The server sends it to everyone, also to its sender, so our own message
// confirms its text when it arrives. A refusal does not name its text, and it may arrive before an earlier message that
// is still being delivered. So refusals are counted. When as many texts remain as were refused, the remaining ones are
// the refused ones.

export class Outbox {
  #texts = [];
  #refusals = 0;

  sent(text) {
    this.#texts.push(text);
  }

  // A message of ours has arrived. Returns the texts that are now known to be refused, oldest first.
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

  // The connection is lost. Returns the texts that may not have arrived, oldest first.
  takeAll() {
    this.#refusals = 0;
    return this.#texts.splice(0);
  }

  #takeRefused() {
    return this.#refusals > 0 && this.#texts.length <= this.#refusals ? this.takeAll() : [];
  }
}
