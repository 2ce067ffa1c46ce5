// unread.js: shows in the title how many messages arrived while the page was hidden.

export class Unread {
  #title = document.title;
  #count = 0;

  constructor() {
    document.addEventListener('visibilitychange', () => this.#looked());
  }

  add() {
    if (document.hidden) {
      this.#count += 1;
      document.title = `(${this.#count}) ${this.#title}`;
    }
  }

  #looked() {
    if (!document.hidden) {
      this.#count = 0;
      document.title = this.#title;
    }
  }
}
