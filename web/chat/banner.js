// banner.js: shows the state of the connection to the person.
//
// A break shorter than two seconds is not shown. A longer one shows a line of text with a countdown, with a note when
// the server is full. When the page stops reconnecting, it shows the reason at once.

import { CLOSE_FULL, CLOSE_RATE } from './connection.js';

const BROKEN_TEXTS = { [CLOSE_FULL]: 'bannerFull', [CLOSE_RATE]: 'bannerRate' };
const SILENT_MS = 2000;
const TICK_MS = 250;

export class Banner {
  #parts;
  #strings;
  #actions;
  #state = 'idle';
  #brokenAt = null;
  #brokenCode = null;
  #retryAt = null;
  #detail = {};
  #tick = null;

  // parts    {banner, text, countdown, button, status}
  // actions  {retryNow(), reopen()}
  constructor(parts, strings, actions) {
    this.#parts = parts;
    this.#strings = strings;
    this.#actions = actions;
    parts.button.addEventListener('click', () => this.#pressed());
  }

  show(state, detail) {
    const now = performance.now();
    this.#state = state;
    this.#detail = detail;
    this.#retryAt = state === 'waiting' ? now + detail.delayMs : null;
    if (state === 'connecting' || state === 'waiting') {
      this.#brokenAt ??= { at: now, first: this.#parts.status.dataset.state !== 'online' };
      // During the next attempt the text stays the same.
      this.#brokenCode = detail.code ?? this.#brokenCode;
    } else {
      this.#brokenAt = null;
      this.#brokenCode = null;
    }
    this.#draw();
  }

  #pressed() {
    if (this.#state === 'closed') {
      this.#actions.reopen();
    } else {
      this.#actions.retryNow();
    }
  }

  #draw() {
    clearTimeout(this.#tick);
    this.#tick = null;
    if (this.#state === 'closed') {
      this.#drawClosed();
    } else if (this.#brokenAt === null) {
      this.#drawCalm();
    } else {
      this.#tick = setTimeout(() => this.#draw(), TICK_MS);
      if (performance.now() - this.#brokenAt.at >= SILENT_MS) {
        this.#drawBroken();
      }
    }
  }

  #drawCalm() {
    this.#parts.banner.hidden = true;
    this.#status(this.#state === 'online' ? 'online' : 'offline');
  }

  #drawBroken() {
    const waiting = this.#state === 'waiting';
    const why = BROKEN_TEXTS[this.#brokenCode];
    const first = this.#brokenAt.first && !waiting && !why;
    const seconds = waiting ? Math.max(0, Math.ceil((this.#retryAt - performance.now()) / 1000)) : 0;
    this.#write(this.#parts.text, this.#strings.say(first ? 'bannerConnecting' : (why ?? 'bannerLost')));
    this.#write(this.#parts.countdown, first ? '' : this.#countdown(seconds));
    this.#write(this.#parts.button, this.#strings.say('retryNow'));
    this.#parts.button.hidden = !waiting;
    this.#parts.banner.hidden = false;
    this.#status('offline');
  }

  #countdown(seconds) {
    return seconds > 0 ? this.#strings.say('bannerCountdown', { n: seconds }) : this.#strings.say('bannerNow');
  }

  #drawClosed() {
    const { code, error } = this.#detail;
    const text = error
      ? this.#strings.sayCode('error', error.code, { message: error.message ?? error.reason })
      : this.#strings.sayCode('close', code, { code });
    this.#write(this.#parts.text, text);
    this.#write(this.#parts.countdown, '');
    this.#write(this.#parts.button, this.#strings.say('reopen'));
    this.#parts.button.hidden = false;
    this.#parts.banner.hidden = false;
    this.#status('stopped');
  }

  #status(state) {
    this.#parts.status.dataset.state = state;
    this.#write(this.#parts.status.querySelector('.status-text'), this.#strings.say(state));
  }

  // A screen reader reads a live region whenever its text is set, even unchanged.
  #write(node, text) {
    if (node.textContent !== text) {
      node.textContent = text;
    }
  }
}
