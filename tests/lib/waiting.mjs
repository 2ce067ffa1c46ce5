// waiting.mjs: waits that end, either with what was waited for or with an error that names it.

// Long enough for a server under sanitizers on a busy machine; a test that passes never waits this long.
export const DEADLINE_MS = 30000;

export async function within(promise, what, deadlineMs = DEADLINE_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${deadlineMs} ms for ${what}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// What arrives by itself, to be taken in order: put() from an event, take() from the test.
export class Inbox {
  #items = [];
  #taker = null;

  put(item) {
    this.#items.push(item);
    this.#taker?.();
  }

  // The next item for which matches(item) holds; those before it are dropped.
  async take(what, matches = () => true) {
    const search = async () => {
      for (;;) {
        while (this.#items.length > 0) {
          const item = this.#items.shift();
          if (matches(item)) {
            return item;
          }
        }
        await new Promise((resolve) => { this.#taker = resolve; });
      }
    };
    return within(search(), what);
  }
}
