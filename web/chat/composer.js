// composer.js: the input box.
//
// Enter sends, Shift+Enter starts a new line. A text is removed from the box only when it was sent.

export class Composer {
  #form;
  #input;
  #button;
  #send;

  // send(text) returns true when the text was sent.
  constructor(form, send) {
    this.#form = form;
    this.#input = form.querySelector('textarea');
    this.#button = form.querySelector('button');
    this.#send = send;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener('keydown', (event) => this.#keyDown(event));
    this.#input.addEventListener('input', () => this.#changed());
  }

  focus() {
    this.#input.focus();
  }

  // Put back a text that was not delivered, before what was written meanwhile.
  restore(text) {
    const written = this.#input.value;
    this.#input.value = written === '' || written === text ? text : `${text}\n${written}`;
    this.#changed();
  }

  #keyDown(event) {
    // While an input method composes, Enter chooses a word. Safari ends the composition before the key event, and marks
    // the key only with the code 229.
    const composing = event.isComposing || event.keyCode === 229;
    if (event.key !== 'Enter' || event.shiftKey || composing) {
      return;
    }
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const text = this.#input.value.trimEnd();
    if (text !== '' && this.#send(text)) {
      this.#input.value = '';
      this.#changed();
    }
    this.#input.focus();
  }

  #changed() {
    this.#button.disabled = this.#input.value.trim() === '';
    this.#input.style.height = 'auto';
    // The border is not part of scrollHeight.
    const border = this.#input.offsetHeight - this.#input.clientHeight;
    this.#input.style.height = `${this.#input.scrollHeight + border}px`;
  }
}
