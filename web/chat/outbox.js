// outbox.js: texts that were sent and that the server has not acknowledged yet.
//
// Each has an id of its own. The server stores a text once, however often it is sent with the same id.

const ID_BYTES = 16;

// crypto.randomUUID() is for secure pages only.
function makeId() {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class Outbox {
  #texts = new Map();

  // Returns the id of the text.
  add(text) {
    const id = makeId();
    this.#texts.set(id, text);
    return id;
  }

  // It was acknowledged, has arrived, or was refused. Returns its text; undefined when it is not here.
  remove(id) {
    const text = this.#texts.get(id);
    this.#texts.delete(id);
    return text;
  }

  // [id, text] of each, oldest first.
  get entries() {
    return [...this.#texts];
  }

  // Returns all texts, oldest first, and forgets them.
  takeAll() {
    const texts = [...this.#texts.values()];
    this.#texts.clear();
    return texts;
  }
}
