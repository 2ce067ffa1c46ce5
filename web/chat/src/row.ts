// row.ts: one row of the list of messages as elements: a message, one that waits to be stored, a day, a line.
//
// They are made by hand, because some come with every frame while a person scrolls. A row that changes keeps its
// element, and of its parts those that are the same: what has the focus, or is marked, stays so. What only few rows
// have, and what may be done with a message, are views in it.
//
// Does not know: where the row is in the list. Clicks on its buttons come to the list.
import { type Item } from '@stoa/client/chat';

import { make, makeButton, makeIcon } from './dom.js';
import { type Language } from './language.js';
import { hideReactions, showReactions } from './message.js';
import { type Model } from './model.js';
import { type Row } from './rows.js';
import { actionOf, initial, isFewSymbols, isLong, isSame, mentions, parse, type Piece, toneOf } from './text.js';

/** What all rows show. */
export interface RowContext {
  model: Model;
  language: Language;
  nick: string;
  me: string;
  isOnline: boolean;
}

export type MessageRow = Extract<Row, { kind: 'message' | 'outgoing' }>;

const COPIED_MS = 2000;
const NO_TRACE = 'noopener noreferrer nofollow';
const QUOTED_CHARS = 200;

// ---- text ----

function makeCodeBlock(text: string, language: string, { say }: Language): HTMLElement {
  const label = say('copy');
  return make('div', { class: 'code-block' },
    make('pre', { dir: 'ltr', tabindex: '0', 'data-language': language }, make('code', {}, text)),
    makeButton('icon-button copy-code', { title: label, 'aria-label': label }, makeIcon('copy')));
}

/** Copy the code beside its button, which tells so for a while. */
export async function copyCode(button: HTMLElement, model: Model): Promise<void> {
  const { say } = model.language;
  const show = (icon: 'copy' | 'check', label: string) => {
    button.replaceChildren(makeIcon(icon));
    button.title = label;
    button.setAttribute('aria-label', label);
  };
  if (await model.copy(button.parentElement!.querySelector('code')!.textContent!)) {
    show('check', say('copied'));
    setTimeout(() => show('copy', say('copy')), COPIED_MS);
  }
}

// The depth is bounded by the parser.
function nodesOf(pieces: readonly Piece[], { nick, language }: RowContext): (Node | string)[] {
  const within = (some: readonly Piece[]) => nodesOf(some, { nick, language } as RowContext);
  return pieces.map((piece) => {
    switch (piece.kind) {
      case 'text':
        return piece.text;
      case 'link':
        return make('a', { href: piece.href, target: '_blank', rel: NO_TRACE, dir: 'ltr' }, piece.text);
      case 'code':
        return make('code', { dir: 'ltr' }, piece.text);
      case 'mention':
        return make('span', { class: mentions(piece.text, nick) ? 'mention self' : 'mention' }, piece.text);
      case 'block':
        return makeCodeBlock(piece.text, piece.language, language);
      case 'quote':
        return make('blockquote', {}, ...within(piece.pieces));
      case 'strong':
      case 'em':
      case 'del':
        return make(piece.kind, {}, ...within(piece.pieces));
    }
  });
}

function makeText({ text, sender, isEdited }: Shown, isOpen: boolean, context: RowContext): HTMLElement {
  const action = actionOf(text);
  const isFolded = isLong(text) && !isOpen;
  const look = ['text', isFolded && 'long', action && 'action', isFewSymbols(text) && 'symbols',
    isEdited && !isLong(text) && 'before-mark'];
  const name = action ? [make('bdi', { class: 'action-name' }, sender), ' '] : [];
  const nodes = nodesOf(parse(action ?? text), context);
  return make('div', { class: look.filter(Boolean).join(' '), dir: 'auto' }, ...name, ...nodes);
}

// ---- the other parts ----

const makeMark = (name: string, icon: 'clock' | 'check', label: string): HTMLElement =>
  make('span', { class: name, title: label }, makeIcon(icon), make('span', { class: 'unseen' }, label));

function makeQuoted(item: Item | undefined, { say }: Language): HTMLElement {
  const isThere = item && !item.deleted;
  const text = item ? (item.deleted ? say('deleted') : item.message.slice(0, QUOTED_CHARS)) : say('original');
  const name = isThere ? [make('bdi', { class: 'quoted-name' }, item.sender)] : [];
  return makeButton('quoted', {}, makeIcon('reply'), ...name,
    make('span', { class: 'quoted-text', dir: 'auto' }, text));
}

const makeAvatar = (id: string, name: string): HTMLElement =>
  make('span', { class: `avatar tone-${toneOf(id || name)}`, 'aria-hidden': 'true' }, initial(name));

// Without the full date, which is there for who points at the message.
const makeTime = (ms: number, language: Language): HTMLElement =>
  make('time', { datetime: ms ? new Date(ms).toISOString() : undefined }, ms ? language.clock(ms) : '');

const makeEdited = ({ editedMs }: Item, language: Language): HTMLElement =>
  make('span', { class: 'edited', title: language.say('editedAt', { time: language.full(Number(editedMs)) }) },
    `(${language.say('edited')})`);

function makeFailure({ error }: Shown, { model, language: { say } }: RowContext): HTMLElement {
  const text = `${say('failed')} ${error ? model.errorText(error) : ''}`;
  return make('p', { class: 'failure' }, makeIcon('alert'), make('span', {}, text),
    makeButton('link-button retry', {}, say('retry')), makeButton('link-button discard', {}, say('discard')));
}

// ---- a message ----

const enum Part { ABOVE, GUTTER, BODY, BY, TEXT, SHOW_ALL, EDITED, REACTIONS, FAILURE, MARK, COUNT }

interface Shown {
  userId: string;
  sender: string;
  ms: number;
  text: string;
  replyTo: bigint;
  isMine: boolean;
  isDeleted: boolean;
  isEdited: boolean;
  look: string;
  error?: any;
}

function shownOf(row: MessageRow, { model, nick, me }: RowContext): Shown {
  if (row.kind === 'outgoing') {
    const { message: { text, replyTo, sinceMs, error }, state } = row;
    return { userId: me, sender: nick, ms: sinceMs, text, replyTo, isMine: true, isDeleted: false, isEdited: false,
      look: `pending ${state}`, error };
  }
  const { item, ms } = row;
  const { userId, sender, message: text, deleted: isDeleted } = item;
  const isMine = model.isMine(item);
  const look = isDeleted ? 'deleted' : !isMine && mentions(text, nick) ? 'named' : '';
  return { userId, sender: sender || '…', ms, text, replyTo: isDeleted ? 0n : item.replyTo, isMine, isDeleted,
    isEdited: item.editedMs > 0n, look };
}

export class MessageView {
  readonly node = make('div', { class: 'message', tabindex: '-1' });
  private readonly body = make('div', { class: 'body' });
  private isActive = false;
  private isTarget = false;
  private isNewestSent = false;
  private isOpen = false;
  private actions?: HTMLElement;
  private shown!: Shown;
  private readonly nodes: (HTMLElement | undefined)[] = [];
  private readonly facts: (readonly unknown[])[] = [];

  constructor(public row: MessageRow, private context: RowContext) {
    this.node.dataset.key = row.key;
    this.nodes[Part.BODY] = this.body;
    this.show(row, context);
    this.node.append(this.body);
  }

  show(row: MessageRow, context: RowContext): void {
    this.row = row;
    this.context = context;
    this.draw();
  }

  /** The message is pointed at, or was looked for, or is the newest one that was sent here. */
  mark(isActive: boolean, isTarget: boolean, isNewestSent: boolean): void {
    if (isActive !== this.isActive || isTarget !== this.isTarget || isNewestSent !== this.isNewestSent) {
      Object.assign(this, { isActive, isTarget, isNewestSent });
      this.drawLook();
      this.drawMark();
      this.drawDate();
    }
  }

  toggleOpen(): void {
    this.isOpen = !this.isOpen;
    this.draw();
  }

  /** What may be done with the message is the last part of it. */
  placeActions(place: HTMLElement): void {
    this.actions = place;
    this.body.append(place);
  }

  remove(): void {
    this.endReactions();
    this.node.remove();
  }

  private endReactions(): void {
    const place = this.nodes[Part.REACTIONS];
    if (place) {
      hideReactions(place);
    }
  }

  // Of a part that is another one than before, or is gone. Its parent has the parts in their order.
  private put(part: Part, parent: HTMLElement, facts: readonly unknown[], makeIt: () => HTMLElement | undefined): void {
    const known = this.facts[part];
    if (known && isSame(known, facts)) {
      return;
    }
    this.facts[part] = facts;
    const before = this.nodes[part];
    if (part === Part.REACTIONS) {
      this.endReactions();
    }
    const node = makeIt();
    this.nodes[part] = node;
    if (before && node) {
      before.replaceWith(node);
    } else if (before) {
      before.remove();
    } else if (node) {
      parent.insertBefore(node, this.partAfter(part, parent));
    }
  }

  private partAfter(part: Part, parent: HTMLElement): Node | null {
    for (let at = part + 1; at < Part.COUNT; at += 1) {
      const node = this.nodes[at];
      if (node?.parentNode === parent) {
        return node;
      }
    }
    return this.actions?.parentNode === parent ? this.actions : null;
  }

  private draw(): void {
    const { row, context, node, body, isOpen } = this;
    const { isHead } = row;
    const { language } = context;
    const shown = shownOf(row, context);
    this.shown = shown;
    const { userId, sender, ms, text, isDeleted, isEdited } = shown;
    this.drawLook();
    this.put(Part.ABOVE, node, [shown.replyTo, row.quoted], () =>
      (shown.replyTo > 0n ? makeQuoted(row.quoted, language) : undefined));
    this.put(Part.GUTTER, node, [isHead, userId, sender, ms], () =>
      make('div', { class: 'gutter' }, isHead ? makeAvatar(userId, sender) : makeTime(ms, language)));
    this.put(Part.BY, body, [isHead, sender, ms], () => (isHead
      ? make('p', { class: 'by' }, makeButton('sender', { tabindex: '-1' }, make('bdi', {}, sender)),
        makeTime(ms, language))
      : make('span', { class: 'sender' }, sender)));
    const name = actionOf(text) && sender;
    this.put(Part.TEXT, body, [text, isDeleted, isEdited, isOpen, name, context.nick], () => (isDeleted
      ? make('p', { class: 'text tombstone' }, language.say('deleted')) : makeText(shown, isOpen, context)));
    this.put(Part.SHOW_ALL, body, [isLong(text)], () =>
      (isLong(text) ? makeButton('show-all link-button', {}) : undefined));
    this.drawShowAll();
    this.drawChanges();
    this.drawMark();
    this.drawDate();
  }

  // It takes longer to write than all else.
  private drawDate(): void {
    const time = this.isActive && this.shown.ms ? this.node.querySelector('time') : undefined;
    if (time && !time.title) {
      time.title = this.context.language.full(this.shown.ms);
    }
  }

  // Follows the fold, and keeps the focus.
  private drawShowAll(): void {
    const button = this.nodes[Part.SHOW_ALL];
    if (button) {
      button.setAttribute('aria-expanded', String(this.isOpen));
      button.textContent = this.context.language.say(this.isOpen ? 'showLess' : 'showAll');
    }
  }

  private drawChanges(): void {
    const { row, body, context, shown } = this;
    const { language } = context;
    const item = row.kind === 'message' ? row.item : undefined;
    const hasReactions = item !== undefined && item.reactions.size > 0;
    this.put(Part.EDITED, body, [item?.editedMs], () => (shown.isEdited ? makeEdited(item!, language) : undefined));
    this.put(Part.REACTIONS, body, [hasReactions], () =>
      (hasReactions ? make('div', { class: 'reactions' }) : undefined));
    if (hasReactions) {
      showReactions(this.nodes[Part.REACTIONS]!, item, context.model);
    }
    const isFailed = row.kind === 'outgoing' && row.state === 'failed';
    this.put(Part.FAILURE, body, [isFailed, shown.error], () => (isFailed ? makeFailure(shown, context) : undefined));
  }

  private drawMark(): void {
    const { row, isNewestSent, context: { isOnline, language: { say } } } = this;
    const waiting = row.kind === 'outgoing' && row.state !== 'failed' ? row.state : undefined;
    this.put(Part.MARK, this.body, [waiting, isOnline, isNewestSent], () => {
      if (waiting) {
        return makeMark('mark', 'clock', say(waiting === 'sent' || isOnline ? 'sending' : 'waiting'));
      }
      return row.kind === 'message' && isNewestSent ? makeMark('mark sent', 'check', say('sent')) : undefined;
    });
  }

  private drawLook(): void {
    const { isActive, isTarget, isNewestSent, row, shown: { isMine, look } } = this;
    const name = ['message', row.isHead ? 'head' : 'continues', isMine && 'own', look, isActive && 'active',
      isTarget && 'target', isNewestSent && 'marked'].filter(Boolean).join(' ');
    if (name !== this.node.className) {
      this.node.className = name;
    }
  }
}

// ---- other rows ----

/** Never changes. */
export function makeLine(row: Exclude<Row, MessageRow>, language: Language): HTMLElement {
  const { say } = language;
  switch (row.kind) {
    case 'day':
      return make('div', { class: 'day' }, make('span', {}, language.day(row.ms)));
    case 'unread':
      return make('div', { class: 'unread-line' }, make('span', {}, say('unread')));
    case 'gap':
      return make('div', { class: 'note' }, make('span', {}, say('gap')),
        makeButton('link-button load-missing', {}, say('loadMissing')));
  }
}
