// app.js: puts the page together: what a person does goes to the connection, what the server says goes to the screen.

import { Banner } from './banner.js';
import { Composer } from './composer.js';
import { Connection, TYPE_CHAT, chatFrame } from './connection.js';
import { LogView } from './log-view.js';
import { NameDialog, rememberName, rememberedName } from './name-dialog.js';
import { Notice } from './notice.js';
import { Outbox } from './outbox.js';
import { Strings, pickLanguage } from './strings.js';
import { initial } from './text.js';
import { Times } from './times.js';
import { Unread } from './unread.js';

// Until the server has told its own limit.
const FRAME_BYTES_MAX = 65536;

const byId = (id) => document.getElementById(id);

class App {
  #language = pickLanguage(navigator.languages ?? [navigator.language]);
  #strings = new Strings(this.#language);
  #times = new Times(this.#language, this.#strings);
  #outbox = new Outbox();
  #nick = '';
  #frameBytesMax = FRAME_BYTES_MAX;
  #wasOnline = false;
  #unread;
  #notice;
  #log;
  #banner;
  #dialog;
  #composer;
  #connection;

  constructor() {
    this.#writeTexts();
    this.#unread = new Unread();
    this.#notice = new Notice(byId('notice'));
    this.#log = this.#makeLog();
    this.#connection = this.#makeConnection();
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
    const url = new URL('/', location.href);
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    return new Connection(url.href, {
      state: (state, detail) => this.#stateChanged(state, detail),
      chat: (message) => this.#arrived(message),
      refused: (type, error) => this.#refused(type, error),
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
    window.addEventListener('online', () => this.#connection.retryNow());
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
    this.#wasOnline = false;
    this.#restoreUnconfirmed();
    this.#connection.open(name, options);
    this.#composer.focus();
  }

  #stateChanged(state, detail) {
    this.#banner.show(state, detail);
    if (state === 'online') {
      this.#online(detail.hello);
    } else if (state === 'idle') {
      const error = this.#errorText(detail.error);
      this.#dialog.ask({ name: this.#nick, error, required: true });
    } else {
      this.#restoreUnconfirmed();
    }
  }

  #online(hello) {
    this.#nick = hello.nick || this.#nick;
    this.#frameBytesMax = hello.messageBytesMax || FRAME_BYTES_MAX;
    rememberName(this.#nick);
    this.#log.setSelf(this.#nick);
    this.#showSelf();
    if (this.#wasOnline) {
      this.#log.note(this.#strings.say('back', { time: this.#times.clock(new Date()) }));
    }
    this.#wasOnline = true;
  }

  #showSelf() {
    byId('me').hidden = false;
    byId('me').title = this.#strings.say('rename');
    byId('me-initial').textContent = initial(this.#nick);
    byId('me-name').textContent = this.#nick;
  }

  #arrived(message) {
    if (message.sender === this.#nick) {
      this.#outbox.confirmed();
    } else {
      this.#unread.add();
    }
    this.#log.add(message);
  }

  #send(text) {
    const frame = chatFrame(text);
    if (frame.length > this.#frameBytesMax) {
      const [size, max] = [frame.length, this.#frameBytesMax].map((bytes) => Math.ceil(bytes / 1024));
      this.#notice.show(this.#strings.say('tooLong', { size, max }));
      return false;
    }
    if (!this.#connection.sendChat(frame)) {
      this.#notice.show(this.#strings.say('notConnected'));
      return false;
    }
    this.#notice.clear();
    this.#outbox.sent(text);
    this.#log.toBottom();
    return true;
  }

  #refused(type, error) {
    const text = type === TYPE_CHAT ? this.#outbox.refused() : undefined;
    if (text !== undefined) {
      this.#composer.restore(text);
    }
    this.#notice.show(this.#errorText(error));
  }

  #restoreUnconfirmed() {
    const texts = this.#outbox.takeAll();
    if (texts.length > 0) {
      this.#composer.restore(texts.join('\n'));
      this.#notice.show(this.#strings.say('unsure'));
    }
  }

  #errorText(error) {
    return this.#strings.sayCode('error', error.code, { message: error.message || error.reason });
  }
}

new App().start();
