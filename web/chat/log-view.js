// log-view.js: the messages on the screen.
//
// Scrolls to the newest message while the reader is at the bottom; otherwise it counts the new ones. Keeps a limited
// number of messages. Texts of people become text nodes only, never markup.

import { initial, isFewSymbols, isLong, textPieces, toneOf } from './text.js';
import { isSameDay, parseTimestamp } from './times.js';

const KEPT_MAX = 2000;
// Removed in steps, so that a full log is not measured again for each message.
const REMOVED_AT_ONCE = 100;
const GROUP_MS = 5 * 60 * 1000;
const BOTTOM_PX = 60;
const TONES = 8;
// A hidden page gets no animation frames.
const HIDDEN_FLUSH_MS = 250;

function element(tag, className, ...children) {
  const node = document.createElement(tag);
  node.className = className;
  node.append(...children);
  return node;
}

function linkNode({ text, href }) {
  const link = element('a', 'link', text);
  link.href = href;
  link.rel = 'noopener noreferrer nofollow';
  link.target = '_blank';
  return link;
}

function textNodes(text) {
  return textPieces(text).map((piece) => (piece.href ? linkNode(piece) : document.createTextNode(piece.text)));
}

export class LogView {
  #box;
  #list;
  #quiet;
  #newer;
  #strings;
  #times;
  #selves = new Set();
  #rows = new Map();
  #last = null;
  #dayShown = null;
  #waiting = [];
  #flushPlanned = false;
  #following = true;
  #newerCount = 0;
  #kept = 0;

  // parts  {box: the scrolling log, list: inside it, quiet: shown while empty, newer: the button}
  constructor(parts, strings, times) {
    this.#box = parts.box;
    this.#list = parts.list;
    this.#quiet = parts.quiet;
    this.#newer = parts.newer;
    this.#strings = strings;
    this.#times = times;
    this.#box.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    this.#newer.addEventListener('click', () => this.toBottom());
    // A growing input box or an on-screen keyboard must not push the newest message out of sight.
    new ResizeObserver(() => this.#keepAtBottom()).observe(this.#box);
  }

  // Messages of this user are the reader's own, beside those of earlier ids. null: there is none.
  addSelf(userId) {
    if (userId !== null) {
      this.#selves.add(userId);
    }
  }

  // The message at this offset has another text; null: it was deleted. One that is not shown is ignored.
  change(offset, text) {
    this.#plan(() => {
      const row = this.#rows.get(offset);
      if (row !== undefined && row.isConnected) {
        const date = new Date(row.querySelector('time').dateTime);
        row.querySelector('.bubble').replaceWith(text === null ? this.#tombstone() : this.#bubble(text, date));
      }
      return [];
    });
  }

  add(message) {
    this.#plan(() => this.#messageNodes(message));
  }

  // A line of text from the page between messages.
  note(text) {
    this.#plan(() => {
      this.#last = null;
      return [element('div', 'note', element('span', 'note-text', text))];
    });
  }

  toBottom() {
    this.#box.scrollTop = this.#box.scrollHeight;
    this.#follow(true);
  }

  // All messages of one animation frame are laid out once.
  #plan(makeNodes) {
    this.#waiting.push(makeNodes);
    if (this.#waiting.length > KEPT_MAX + REMOVED_AT_ONCE) {
      this.#waiting.splice(0, REMOVED_AT_ONCE);
    }
    if (this.#flushPlanned) {
      return;
    }
    this.#flushPlanned = true;
    if (document.hidden) {
      setTimeout(() => this.#flush(), HIDDEN_FLUSH_MS);
    } else {
      requestAnimationFrame(() => this.#flush());
    }
  }

  #flush() {
    this.#flushPlanned = false;
    const nodes = [];
    for (const makeNodes of this.#waiting.splice(0)) {
      const made = makeNodes();
      this.#list.append(...made);
      nodes.push(...made);
    }
    this.#quiet.hidden = this.#quiet.hidden || nodes.length > 0;
    this.#kept += nodes.length;
    this.#trim();
    this.#count(nodes.filter((node) => node.classList.contains('message')).length);
    this.#keepAtBottom();
  }

  #count(added) {
    if (!this.#following && added > 0) {
      this.#newerCount += added;
      this.#newer.querySelector('span').textContent = this.#strings.say('newer', { n: this.#newerCount });
      this.#newer.hidden = false;
    }
  }

  #trim() {
    if (this.#kept <= KEPT_MAX) {
      return;
    }
    const before = this.#box.scrollHeight;
    const top = this.#box.scrollTop;
    for (let excess = this.#kept - KEPT_MAX + REMOVED_AT_ONCE; excess > 0; excess -= 1) {
      this.#rows.delete(this.#list.firstChild.dataset.offset);
      this.#list.firstChild.remove();
      this.#kept -= 1;
    }
    this.#list.firstChild.classList.remove('continues');
    // The visible messages keep their position.
    this.#box.scrollTop = top - (before - this.#box.scrollHeight);
  }

  #scrolled() {
    const below = this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight;
    this.#follow(below < BOTTOM_PX);
  }

  #follow(following) {
    this.#following = following;
    // A screen reader must not read new messages while the person reads older ones.
    this.#box.setAttribute('aria-live', following ? 'polite' : 'off');
    if (following) {
      this.#newerCount = 0;
      this.#newer.hidden = true;
    }
  }

  #keepAtBottom() {
    if (this.#following) {
      this.#box.scrollTop = this.#box.scrollHeight;
    }
  }

  // Returns the message's node, after a heading when a new day begins.
  #messageNodes(message) {
    const date = parseTimestamp(message.timestamp);
    const sender = message.sender ?? '';
    const newDay = this.#dayShown === null || !isSameDay(this.#dayShown, date);
    // Two ids with the same name are two people.
    const by = `${message.userId ?? ''} ${sender}`;
    const continues = !newDay && this.#continues(by, date);
    const own = this.#selves.has(message.userId);
    const text = message.deleted ? null : (message.message ?? '');
    const row = this.#row({ sender, text, date, continues, own });
    if (message.offset !== undefined) {
      row.dataset.offset = message.offset;
      this.#rows.set(message.offset, row);
    }
    this.#last = { by, date };
    if (!newDay) {
      return [row];
    }
    this.#dayShown = date;
    return [this.#dayNode(date), row];
  }

  #continues(by, date) {
    return this.#last !== null && this.#last.by === by && Math.abs(date - this.#last.date) < GROUP_MS;
  }

  #row({ sender, text, date, continues, own }) {
    const classes = ['message', own ? 'own' : 'other', continues ? 'continues' : ''].join(' ').trim();
    const avatar = element('span', 'avatar', initial(sender));
    avatar.setAttribute('aria-hidden', 'true');
    const content = element('div', 'content', this.#head(sender, date),
      text === null ? this.#tombstone() : this.#bubble(text, date));
    const row = element('div', `${classes} tone-${toneOf(sender, TONES)}`, avatar, content);
    row.dataset.sender = sender;
    return row;
  }

  #head(sender, date) {
    const name = element('bdi', 'sender', sender);
    const time = element('time', 'time', this.#times.clock(date));
    time.dateTime = date.toISOString();
    time.title = this.#times.full(date);
    return element('div', 'head', name, ' ', time);
  }

  #bubble(text, date) {
    const body = element('div', 'text', ...textNodes(text));
    body.dir = 'auto';
    const bubble = element('div', 'bubble', body);
    bubble.title = this.#times.full(date);
    if (isFewSymbols(text)) {
      bubble.classList.add('symbols');
    } else if (isLong(text)) {
      this.#collapse(bubble);
    }
    return bubble;
  }

  #tombstone() {
    return element('div', 'bubble deleted', element('div', 'text', this.#strings.say('deleted')));
  }

  #collapse(bubble) {
    const button = element('button', 'show-all', this.#strings.say('showAll'));
    button.type = 'button';
    button.addEventListener('click', () => {
      bubble.classList.remove('long');
      button.remove();
    });
    bubble.classList.add('long');
    bubble.append(button);
  }

  #dayNode(date) {
    const label = element('time', 'note-text', this.#times.day(date));
    label.dateTime = date.toISOString().slice(0, 10);
    return element('div', 'day', label);
  }
}
