// notice.js: one line above the input box that goes away by itself.

const SHOWN_MS = 7000;

export class Notice {
  #node;
  #timer = null;

  constructor(node) {
    this.#node = node;
  }

  show(text) {
    clearTimeout(this.#timer);
    this.#node.textContent = text;
    this.#timer = setTimeout(() => this.clear(), SHOWN_MS);
  }

  clear() {
    clearTimeout(this.#timer);
    this.#node.textContent = '';
  }
}
