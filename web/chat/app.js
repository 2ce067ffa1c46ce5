// app.js: connects the parts of the page: the person's input goes to the connection, the server's messages to the
// screen.

import { Banner } from './banner.js';
import { Composer } from './composer.js';
import { Connection, ERROR_LIMIT, ERROR_RATE } from './connection.js';
import { findEndpoint } from './endpoint.js';
import { callBytes } from './frame.js';
import { LogView } from './log-view.js';
import { NameDialog, rememberName, rememberedName } from './name-dialog.js';
import { Notice } from './notice.js';
import { Room } from './room.js';
import { Strings, pickLanguage } from './strings.js';
import { initial } from './text.js';
import { Times } from './times.js';
import { Unread } from './unread.js';

// Used until the server has sent its limits.
const FRAME_BYTES_MAX = 65536;
const TEXT_CHARS_MAX = 4000;
// What a frame has beside its text: the id and the names of the fields.
const FRAME_EXTRA_BYTES = 160;
const LONE_SURROGATE = /\p{Surrogate}/gu;

const byId = (id) => document.getElementById(id);

// `/#name` is a room of that name; `/#token=...` names none.
function roomOf(hash) {
  try {
    return hash.includes('=') ? '' : decodeURIComponent(hash.slice(1));
  } catch {
    return '';
  }
}

class App {
  #language = pickLanguage(navigator.languages ?? [navigator.language]);
  #strings = new Strings(this.#language);
  #times = new Times(this.#language, this.#strings);
  #nick = '';
  #userId = null;
  #frameBytesMax = FRAME_BYTES_MAX;
  #textCharsMax = TEXT_CHARS_MAX;
  #unread;
  #notice;
  #log;
  #banner;
  #dialog;
  #composer;
  #connection;
  #room;

  constructor() {
    this.#writeTexts();
    this.#unread = new Unread();
    this.#notice = new Notice(byId('notice'));
    this.#log = this.#makeLog();
    this.#connection = this.#makeConnection();
    this.#room = this.#makeRoom();
    this.#banner = this.#makeBanner();
    this.#dialog = new NameDialog(byId('name-dialog'), this.#strings, (name) => this.#rename(name));
    this.#composer = new Composer(byId('composer'), (text) => this.#send(text));
    this.#listen();
  }

  start() {
    const name = rememberedName();
    if (name === '') {
      this.#dialog.ask({ required: true });
    } else {
      this.#join(name, { remembered: true });
    }
  }

  #writeTexts() {
    document.documentElement.lang = this.#language;
    for (const node of document.querySelectorAll('[data-text]')) {
      node.textContent = this.#strings.say(node.dataset.text);
    }
    for (const node of document.querySelectorAll('[data-label]')) {
      node.setAttribute('aria-label', this.#strings.say(node.dataset.label));
    }
    for (const node of document.querySelectorAll('[data-placeholder]')) {
      node.placeholder = this.#strings.say(node.dataset.placeholder);
    }
  }

  #makeLog() {
    const parts = { box: byId('log'), list: byId('list'), quiet: byId('quiet'), newer: byId('newer') };
    return new LogView(parts, this.#strings, this.#times);
  }

  #makeConnection() {
    return new Connection(() => findEndpoint(location.href), {
      state: (state, detail) => this.#stateChanged(state, detail),
      message: (type, message) => this.#room.arrived(type, message),
      refused: (type, error) => this.#refused(error, null),
    });
  }

  #makeRoom() {
    return new Room(this.#connection, roomOf(location.hash), {
      chat: (message, isOld) => this.#arrived(message, isOld),
      changed: (event) => this.#changed(event),
      gap: () => this.#log.note(this.#strings.say('back', { time: this.#times.clock(new Date()) })),
      refused: (error, text) => this.#refused(error, text),
    });
  }

  #makeBanner() {
    const parts = {
      banner: byId('banner'),
      text: byId('banner-text'),
      countdown: byId('banner-countdown'),
      button: byId('banner-button'),
      status: byId('status'),
    };
    return new Banner(parts, this.#strings, {
      retryNow: () => this.#connection.retryNow(),
      reopen: () => this.#connection.reopen(),
    });
  }

  #listen() {
    byId('me').addEventListener('click', () => this.#dialog.ask({ name: this.#nick, required: false }));
    window.addEventListener('online', () => this.#connection.wake());
    window.addEventListener('pageshow', () => this.#connection.wake());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) {
        this.#connection.wake();
      }
    });
  }

  #rename(name) {
    if (this.#connection.state !== 'online' || name !== this.#nick) {
      this.#join(name);
    }
    this.#composer.focus();
  }

  #join(name, options) {
    this.#nick = name;
    this.#connection.open(name, options);
    this.#composer.focus();
  }

  #stateChanged(state, detail) {
    this.#banner.show(state, detail);
    if (state === 'online') {
      this.#online(detail.hello);
    } else if (state === 'idle') {
      this.#restoreUnconfirmed();
      const error = this.#errorText(detail.error);
      this.#dialog.ask({ name: this.#nick, error, required: true });
    } else if (state === 'closed') {
      this.#restoreUnconfirmed();
    }
  }

  #online(hello) {
    this.#nick = hello.nick || this.#nick;
    // Another person may have the same name.
    this.#userId = hello.userId || null;
    this.#frameBytesMax = hello.messageBytesMax || FRAME_BYTES_MAX;
    this.#textCharsMax = hello.textCharsMax || TEXT_CHARS_MAX;
    rememberName(this.#nick);
    this.#log.addSelf(this.#userId);
    this.#showSelf();
    this.#room.enter();
  }

  #showSelf() {
    byId('me').hidden = false;
    byId('me').title = this.#strings.say('rename');
    byId('me-initial').textContent = initial(this.#nick);
    byId('me-name').textContent = this.#nick;
  }

  #arrived(message, isOld) {
    if (!isOld && (this.#userId === null || message.userId !== this.#userId)) {
      this.#unread.add();
    }
    this.#log.add(message);
  }

  #changed({ kind, target, text }) {
    if (kind === 'EVENT_EDIT') {
      this.#log.change(target, text);
    } else if (kind === 'EVENT_DELETE') {
      this.#log.change(target, null);
    }
  }

  #send(written) {
    // As the server will send it back: half of a surrogate pair cannot be sent.
    const text = written.replace(LONE_SURROGATE, '\uFFFD');
    const tooLong = this.#tooLong(text);
    if (tooLong !== null) {
      this.#notice.show(tooLong);
      return false;
    }
    if (!this.#room.send(text)) {
      this.#notice.show(this.#strings.say('notConnected'));
      return false;
    }
    this.#notice.clear();
    this.#log.toBottom();
    return true;
  }

  #tooLong(text) {
    const bytes = callBytes({ message: text }) + FRAME_EXTRA_BYTES;
    const [n, max] = [[...text].length, this.#textCharsMax];
    if (n > max) {
      return this.#strings.say('tooLong', { n, max });
    }
    if (bytes > this.#frameBytesMax) {
      const [size, most] = [bytes, this.#frameBytesMax].map((bytes) => Math.ceil(bytes / 1024));
      return this.#strings.say('tooLarge', { size, max: most });
    }
    return null;
  }

  #refused(error, text) {
    if (text !== null) {
      this.#giveBack([text]);
    }
    this.#notice.show(this.#errorText(error), error.retryMs);
  }

  #giveBack(texts) {
    if (texts.length > 0) {
      this.#composer.restore(texts.join('\n'));
    }
  }

  #restoreUnconfirmed() {
    const texts = this.#room.giveUp();
    this.#giveBack(texts);
    if (texts.length > 0) {
      this.#notice.show(this.#strings.say('unsure'));
    }
  }

  #errorText(error) {
    const text = this.#strings.sayCode('error', error.code, { message: error.message || error.reason });
    return text + this.#againText(error);
  }

  // When to try again, if that may help.
  #againText({ code, retryMs, temporary }) {
    if (retryMs > 0) {
      return this.#strings.say('againIn', { n: Math.ceil(retryMs / 1000) });
    }
    return temporary || code === ERROR_RATE || code === ERROR_LIMIT ? this.#strings.say('again') : '';
  }
}

new App().start();
