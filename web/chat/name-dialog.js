// name-dialog.js: asks the person for a name, and remembers it for the next visit, with the token that proves who it was.

const STORAGE_KEY = 'stoa.nick';
const TOKEN_KEY = 'stoa.token';
const LINK = '#token=';
const CHARS_MAX = 32;
const CONTROL = /\p{Cc}/u;

// The browser's settings may forbid storage; then the name is asked for on each visit.
function stored(key) {
  try {
    return localStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}

function store(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Asked again on the next visit.
  }
}

export const rememberedName = () => stored(STORAGE_KEY);
export const rememberName = (name) => store(STORAGE_KEY, name);
export const rememberToken = (token) => store(TOKEN_KEY, token);

// The token of an invitation, https://host/#token=..., else the one of the last visit. A fragment is never sent to a
// server, so no log has it; the address bar and the history lose it here.
export function rememberedToken() {
  if (!location.hash.startsWith(LINK)) {
    return stored(TOKEN_KEY);
  }
  const token = location.hash.slice(LINK.length);
  history.replaceState(null, '', location.pathname + location.search);
  rememberToken(token);
  return token;
}

export function isName(name) {
  const chars = [...name].length;
  return chars >= 1 && chars <= CHARS_MAX && !CONTROL.test(name);
}

export class NameDialog {
  #dialog;
  #input;
  #error;
  #cancel;
  #strings;
  #chosen;

  // chosen(name) is called with each valid name that the person gives.
  constructor(dialog, strings, chosen) {
    this.#dialog = dialog;
    this.#input = dialog.querySelector('input');
    this.#error = dialog.querySelector('.error');
    this.#cancel = dialog.querySelector('.cancel');
    this.#strings = strings;
    this.#chosen = chosen;
    dialog.querySelector('form').addEventListener('submit', (event) => this.#submit(event));
    dialog.addEventListener('cancel', (event) => this.#escape(event));
    this.#cancel.addEventListener('click', () => dialog.close());
    this.#input.addEventListener('input', () => this.#complain(''));
  }

  // required  there is no name yet, so the dialog cannot be closed
  ask({ name = '', error = '', required }) {
    this.#input.value = name;
    this.#cancel.hidden = required;
    this.#complain(error);
    if (!this.#dialog.open) {
      this.#dialog.showModal();
    }
    this.#input.select();
  }

  #submit(event) {
    event.preventDefault();
    const name = this.#input.value.trim();
    if (!isName(name)) {
      this.#complain(this.#strings.say('error125'));
      this.#input.focus();
      return;
    }
    this.#dialog.close();
    this.#chosen(name);
  }

  #escape(event) {
    if (this.#cancel.hidden) {
      event.preventDefault();
    }
  }

  #complain(text) {
    this.#error.textContent = text;
    this.#input.setAttribute('aria-invalid', String(text !== ''));
  }
}
