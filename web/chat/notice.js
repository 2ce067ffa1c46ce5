// notice.js: one line of text above the input box that disappears after a time.

const SHOWN_MS = 7000;
const SHOWN_MS_MAX = 60000;

export class Notice {
  #node;
  #timer = null;

  constructor(node) {
    this.#node = node;
  }

  // leastMs  how long the text is valid, if that is longer than people need to read it
  show(text, leastMs = 0) {
    clearTimeout(this.#timer);
    this.#node.textContent = text;
    this.#timer = setTimeout(() => this.clear(), Math.min(SHOWN_MS_MAX, Math.max(SHOWN_MS, leastMs)));
  }

  clear() {
    clearTimeout(this.#timer);
    this.#node.textContent = '';
  }
}
