// model.ts: what the page knows: the chat, the open room, and what its person is doing. It tells its listener, at most
// once a frame, that something has changed.
//
// Does not know: elements of the page.
import {
  Chat, type ChatState, type ChatStateDetail, EventKind, type EventMessage, type Item, type ModerateAction,
  type Outgoing, type Room, type RoomInfo, Role, StoaError,
} from '@stoa/client/chat';
import { withFallback } from '@stoa/client/fallback';
import { findEndpoint } from './endpoint.js';
import { Frames } from './frames.js';
import { Language, pickLanguage } from './language.js';
import { forgetVisit, store, stored, storeVisit, takeInvitation, visitedRooms } from './stored.js';
import { charsOf, isSame, mentions, sendable } from './text.js';
import { notify } from './notify.js';

/** What belongs to one room of the page, beside what the SDK knows of it. */
export interface View {
  /** Above this offset messages are unread; kept until the person leaves and comes back. */
  unreadAfter?: bigint;
  /** The person has looked at the page since. */
  isUnreadSeen: boolean;
  gapBefore?: bigint;
  /** When the server began anew, without what it had. */
  resetAt?: number;
  replyTo?: Item;
  editing?: Item;
  isMentioned: boolean;
}

export interface Toast {
  id: number;
  text: string;
  isError: boolean;
  /** The thing may be tried again then. */
  againAt?: number;
}

export interface Trouble {
  code: number;
  error?: StoaError;
  reason: string;
  retryAt?: number;
  isFinal: boolean;
}

export type Dialog =
  | { kind: 'nick'; isRequired: boolean; error?: string }
  | { kind: 'switch' | 'keys' | 'settings' }
  | { kind: 'delete'; item: Item }
  | { kind: 'person'; userId: string; nick: string };

export type Panel = 'people' | 'search';
export type Theme = 'auto' | 'light' | 'dark';

/** A break shorter than this is not worth a word. */
const BLIP_MS = 2000;
const ENDPOINT_RETRY_MS = 2000;
const ROOMS_JOINED_MAX = 10;
// Some ten windows full. Every message that is there costs a little with each that comes.
const WINDOW_MESSAGES = 160;
const ROOMS_REFRESH_MS = 60000;
const TOAST_MS = 6000;
const TOASTS_MAX = 3;
const NICK_CHARS_MAX = 32;
const CONTROL = /\p{Cc}/u;
// Until the server has told its limits; and what a frame has beside its text.
const TEXT_CHARS_MAX = 4000;
const FRAME_BYTES_MAX = 65536;
const FRAME_EXTRA_BYTES = 200;
const SENT_HERE_MAX = 1000;
const REACTIONS_MAX = 500;
// More names are "others".
const REACTORS_MAX = 20;
const NICK_ERRORS = [124, 125];
const UNKNOWN_TYPE = 104;

const bytesOf = (text: string): number => new TextEncoder().encode(JSON.stringify(text)).length;

export const isNick = (nick: string): boolean =>
  charsOf(nick) >= 1 && charsOf(nick) <= NICK_CHARS_MAX && !CONTROL.test(nick);

/** `/#name` is the room of that name. */
function roomOfAddress(): string {
  try {
    return location.hash.includes('=') ? '' : decodeURIComponent(location.hash.slice(1));
  } catch {
    return '';
  }
}

// What the page shows of a room beside its rows.
function factsOf(room: Room): readonly unknown[] {
  const { name, state, left, topic, permissions, online, members, typing, unread, window, outgoing } = room;
  return [name, state, left, topic, permissions, online, members, typing, unread, window.moreBefore, window.moreAfter,
    window.items.length > 0, outgoing.length];
}

export class Model {
  language = new Language(this.languageCode());
  theme = (stored('theme') || 'auto') as Theme;
  chat?: Chat;
  room?: Room;
  roomsKnown: readonly RoomInfo[] = [];
  toasts: readonly Toast[] = [];
  trouble?: Trouble;
  /** The trouble is older than a blip. */
  isTroubleShown = false;
  dialog?: Dialog;
  panel: Panel = 'people';
  /** On narrow windows one of the sides covers the conversation. */
  drawer?: 'rooms' | 'panel';
  isAttentive = false;
  version = 0;
  searchText = '';
  /** Grows when the search is opened. */
  searchTurn = 0;
  /** The list of messages follows what is new. */
  isAtEnd = false;
  /** A message to be shown, once. */
  target?: { offset: bigint };
  /** Of the list of messages: put in what is new, or some of it. Returns whether the list has changed. */
  showRows?: () => boolean;
  /** Puts text into the message box. */
  insert: (text: string) => void = () => {};
  /** Of the message box; called when the page shows what there is now. */
  takeFocus: () => void = () => {};

  private readonly views = new Map<string, View>();
  private readonly activity = new Map<string, number>();
  private readonly sentHere = new Set<string>();
  private readonly recent: Room[] = [];
  /** Names by the user ids of those whose reactions this page has seen come, by room, message and emoji. */
  private readonly reactors = new Map<string, Map<string, string>>();
  private readonly listened = new WeakSet<Room>();
  private listener: () => void = () => {};
  private isFocusWanted = false;
  private readonly frames = new Frames(() => this.showRows?.() === true, () => {
    this.listener();
    this.giveFocus();
  });
  private blipTimer?: ReturnType<typeof setTimeout>;
  private toastIds = 0;
  /** Of all rooms, as of a version. */
  private names: { version: number; all: readonly string[] } = { version: -1, all: [] };
  private hasRooms = true;

  // ---- life ----

  /** Tell what shows this of every change. */
  watch(listener: () => void): void {
    this.listener = listener;
    this.changed();
  }

  start(): void {
    const isInvited = takeInvitation();
    this.listenToPage();
    this.look();
    if (isInvited || stored('nick')) {
      this.connect();
    } else {
      this.dialog = { kind: 'nick', isRequired: true };
    }
    setInterval(() => this.isAttentive && this.refreshRooms(), ROOMS_REFRESH_MS);
    this.changed();
  }

  changed(): void {
    this.version += 1;
    this.frames.changed();
  }

  /** Call showRows() with the next frame. */
  again(): void {
    this.frames.again();
  }

  /** What a person has done is drawn at once: the next key is meant for it. */
  private acted(): void {
    this.version += 1;
    this.frames.now();
  }

  /** A person goes on in the message box. */
  focusComposer(): void {
    this.isFocusWanted = true;
    this.acted();
  }

  // The view is drawn in a microtask; a dialog that is closed gives the focus back before that.
  private giveFocus(): void {
    if (this.isFocusWanted) {
      this.isFocusWanted = false;
      setTimeout(() => this.takeFocus());
    }
  }

  private listenToPage(): void {
    const look = () => this.look();
    document.addEventListener('visibilitychange', look);
    addEventListener('focus', look);
    addEventListener('blur', look);
    addEventListener('hashchange', () => {
      // An invitation that is opened in a tab with the chat.
      if (takeInvitation()) {
        location.reload();
      } else {
        this.open(roomOfAddress());
      }
    });
  }

  private look(): void {
    const isAttentive = !document.hidden && document.hasFocus();
    if (isAttentive === this.isAttentive) {
      return;
    }
    this.isAttentive = isAttentive;
    const view = this.view;
    if (isAttentive) {
      view.isUnreadSeen = true;
      view.isMentioned = false;
    } else if (view.isUnreadSeen) {
      view.unreadAfter = undefined;
      view.isUnreadSeen = false;
    }
    this.changed();
  }

  // ---- connection ----

  private async connect(): Promise<void> {
    let url: string | undefined;
    this.setTrouble({ code: 0, reason: '', isFinal: false });
    while (!url) {
      try {
        url = await findEndpoint(location.href);
      } catch {
        this.setTrouble({ code: 0, reason: '', isFinal: false, retryAt: Date.now() + ENDPOINT_RETRY_MS });
        await new Promise((resolve) => setTimeout(resolve, ENDPOINT_RETRY_MS));
      }
    }
    const chat = new Chat(url, {
      WebSocket: withFallback(),
      nick: stored('nick'),
      about: { client: 'page', locale: this.language.code },
      guestToken: stored('token'),
    });
    this.chat = chat;
    chat.on('state', (state, detail) => this.onState(state, detail));
    chat.on('me', ({ nick, defaultRoom, guestToken }) => {
      if (guestToken) {
        store('token', guestToken);
      }
      store('nick', nick);
      store('home', defaultRoom);
      this.changed();
    });
    chat.on('roomActivity', ({ room, unread, mentioned }) => {
      this.activity.set(room, unread);
      this.viewOf(room).isMentioned ||= mentioned;
      this.changed();
    });
    chat.on('read', ({ room, unread }) => {
      this.activity.set(room, unread);
      this.changed();
    });
    // Before Hello is answered the banner tells why.
    // That somebody types, or has read, is told again with the next key or message.
    chat.on('error', (error) => chat.isOpen && error.code !== UNKNOWN_TYPE && !error.temporary && this.showError(error));
    this.open(roomOfAddress());
  }

  private onState(state: ChatState, detail: ChatStateDetail): void {
    const { chat } = this;
    if (chat!.isOpen) {
      this.clearTrouble();
      if (state === 'connected') {
        this.refreshRooms();
      }
    } else if (state === 'closed' && detail.error && NICK_ERRORS.includes(detail.error.code)) {
      this.setTrouble({ code: 0, reason: '', isFinal: true });
      this.dialog = { kind: 'nick', isRequired: true, error: this.errorText(detail.error) };
    } else {
      const retryAt = state === 'reconnecting' ? Date.now() + (detail.delayMs ?? 0) : undefined;
      // While the next attempt is made, the reason is still that of the one before.
      const { code = this.trouble?.code ?? 0, reason = this.trouble?.reason ?? '', error } = detail;
      this.setTrouble({ code, reason, error, retryAt, isFinal: state === 'closed' });
    }
    this.changed();
  }

  private setTrouble(trouble: Trouble): void {
    this.trouble = trouble;
    if (trouble.isFinal) {
      this.isTroubleShown = true;
    } else if (!this.isTroubleShown) {
      this.blipTimer ??= setTimeout(() => {
        this.isTroubleShown = true;
        this.changed();
      }, BLIP_MS);
    }
    this.changed();
  }

  private clearTrouble(): void {
    clearTimeout(this.blipTimer);
    this.blipTimer = undefined;
    this.trouble = undefined;
    this.isTroubleShown = false;
  }

  get status(): 'online' | 'connecting' | 'offline' | 'stopped' {
    if (!this.chat?.me && !this.trouble?.isFinal) {
      return this.isTroubleShown && this.trouble?.retryAt ? 'offline' : 'connecting';
    }
    if (!this.trouble || !this.isTroubleShown) {
      return 'online';
    }
    return this.trouble.isFinal ? 'stopped' : 'offline';
  }

  get me() {
    return this.chat?.me;
  }

  /** Connect again after a final close. */
  reopen(): void {
    this.clearTrouble();
    this.chat?.connect();
    this.changed();
  }

  /** Resolves with what is wrong with the name; undefined: it is taken, and the dialog is closed. */
  async chooseNick(nick: string): Promise<string | undefined> {
    const { chat } = this;
    if (!isNick(nick)) {
      return this.language.say('error125');
    }
    if (!chat || chat.state === 'closed') {
      store('nick', nick);
      this.clearTrouble();
      if (chat) {
        chat.connect({ nick });
      } else {
        this.connect();
      }
    } else if (nick !== chat.me?.nick) {
      try {
        await chat.setNick(nick);
      } catch (error) {
        return this.errorText(error as StoaError);
      }
    }
    this.closeDialog();
    return undefined;
  }

  // ---- rooms ----

  viewOf(name: string): View {
    let view = this.views.get(name);
    if (!view) {
      view = { isUnreadSeen: false, isMentioned: false };
      this.views.set(name, view);
    }
    return view;
  }

  get view(): View {
    return this.viewOf(this.roomName);
  }

  /** Of the open room, before the first connection too. */
  get roomName(): string {
    return this.room?.name || stored('home') || 'lobby';
  }

  /** Show a room, by its name; '' is the default room. */
  open(name: string): void {
    const { chat } = this;
    if (!chat) {
      return;
    }
    const before = this.room;
    const room = chat.join(name, { windowMax: WINDOW_MESSAGES });
    if (room === before) {
      return;
    }
    if (before) {
      Object.assign(this.view, { unreadAfter: undefined, isUnreadSeen: false });
    }
    this.room = room;
    this.drawer = undefined;
    if (!this.listened.has(room)) {
      this.listened.add(room);
      this.listenToRoom(room);
    }
    if (room.unread > 0) {
      this.markUnread(room);
    }
    this.view.isMentioned = false;
    this.remember(room);
    const address = name ? `#${encodeURIComponent(name)}` : '';
    if (address !== location.hash) {
      history.pushState(null, '', address || location.pathname + location.search);
    }
    this.focusComposer();
  }

  /** Show a room that was left again. */
  rejoin(): void {
    const name = this.room?.name ?? '';
    this.room = undefined;
    this.open(name);
  }

  leaveRoom(room: Room): void {
    forgetVisit(room.name);
    room.leave();
    const at = this.recent.indexOf(room);
    if (at >= 0) {
      this.recent.splice(at, 1);
    }
    if (room === this.room) {
      this.open('');
    }
    this.changed();
  }

  private remember(room: Room): void {
    const at = this.recent.indexOf(room);
    if (at >= 0) {
      this.recent.splice(at, 1);
    }
    this.recent.unshift(room);
    // The others stay joined, so that they are there at once. Rooms with messages on their way are never left.
    const last = this.recent[ROOMS_JOINED_MAX];
    if (last && !last.outgoing.length) {
      this.recent.pop();
      this.activity.set(last.name, last.unread);
      last.leave();
    }
  }

  private listenToRoom(room: Room): void {
    room.on('joined', () => {
      storeVisit(room.name);
      if (room.readOffset === 0n) {
        // A newcomer begins at the end: what was written before is not addressed to them.
        room.read();
      } else if (room.unread > 0) {
        this.markUnread(room);
      }
    });
    room.on('message', (message) => {
      const isMine = message.userId === this.me?.userId;
      const view = this.viewOf(room.name);
      const isSeen = this.isAttentive && room === this.room;
      if (!isMine && !isSeen) {
        const isMentioned = mentions(message.message, this.me?.nick ?? '');
        view.isMentioned ||= isMentioned;
        view.unreadAfter ??= message.offset - 1n;
        notify(this, room, message, isMentioned);
      }
    });
    room.on('event', (event) => this.noteReaction(event));
    room.on('gap', (reply, place) => {
      const view = this.viewOf(room.name);
      if (reply.epoch !== place.epoch) {
        Object.assign(view, { gapBefore: undefined, unreadAfter: undefined, resetAt: Date.now() });
      } else {
        view.gapBefore = room.messages[0]?.offset;
      }
    });
    room.on('outgoing', (message) => {
      if (message.state === 'failed') {
        this.showError(message.error!);
      }
    });
    let shown: readonly unknown[] = [];
    room.on('change', () => {
      // Read with the frame that shows it, which need not be drawn again then.
      if (this.isAttentive && this.isAtEnd && room === this.room && room.state === 'joined') {
        room.read();
      }
      const facts = factsOf(room);
      if (room === this.room && isSame(shown, facts)) {
        this.again();
      } else {
        this.changed();
      }
      shown = facts;
    });
  }

  private markUnread(room: Room): void {
    Object.assign(this.viewOf(room.name), { unreadAfter: room.readOffset, isUnreadSeen: this.isAttentive });
  }

  private async refreshRooms(): Promise<void> {
    if (this.hasRooms && this.chat?.isOpen) {
      try {
        const { rooms } = await this.chat.call('rooms', {});
        this.roomsKnown = rooms;
        rooms.forEach(({ name, unread }) => this.activity.set(name, unread));
        this.changed();
      } catch (error) {
        this.hasRooms = (error as StoaError).code !== UNKNOWN_TYPE;
      }
    }
  }

  /** All rooms that can be shown, the default one first. */
  roomNames(): readonly string[] {
    if (this.names.version !== this.version) {
      this.names = { version: this.version, all: this.findNames() };
    }
    return this.names.all;
  }

  private findNames(): string[] {
    const home = this.me?.defaultRoom ?? '';
    const joined = this.chat?.rooms.map(({ name }) => name) ?? [];
    const all = new Set([...joined, ...visitedRooms(), ...this.roomsKnown.map(({ name }) => name), home]);
    all.delete('');
    return [...all].sort((a, b) => Number(b === home) - Number(a === home) || this.language.compare(a, b));
  }

  openNext(step: number): void {
    const names = this.roomNames();
    const at = names.indexOf(this.roomName);
    this.open(names[(at + step + names.length) % names.length] ?? '');
  }

  unreadOf(name: string): number {
    const joined = this.chat?.rooms.find((room) => room.name === name);
    return joined ? joined.unread : (this.activity.get(name) ?? 0);
  }

  get unread(): number {
    return this.roomNames().reduce((sum, name) => sum + this.unreadOf(name), 0);
  }

  // ---- messages ----

  isSentHere = (clientMsgId: string): boolean => this.sentHere.has(clientMsgId);

  /** Returns whether the text was taken; if not, a toast says why. */
  send(written: string): boolean {
    const { room, view } = this;
    const text = sendable(written);
    if (!room || !this.mayBeSent(text)) {
      return false;
    }
    try {
      const { clientMsgId } = room.send(text, { replyTo: view.replyTo?.offset });
      this.sentHere.add(clientMsgId);
      if (this.sentHere.size > SENT_HERE_MAX) {
        this.sentHere.delete(this.sentHere.values().next().value!);
      }
    } catch (error) {
      const { reason } = error as StoaError;
      this.toast(reason === 'OUTBOX_FULL' ? this.language.say('outboxFull') : this.errorText(error as StoaError));
      return false;
    }
    Object.assign(view, { replyTo: undefined, unreadAfter: undefined, isUnreadSeen: false });
    this.changed();
    return true;
  }

  get charsMax(): number {
    return this.me?.textCharsMax || TEXT_CHARS_MAX;
  }

  mayBeSent(text: string): boolean {
    const { language: { say }, charsMax } = this;
    const bytesMax = this.me?.messageBytesMax || FRAME_BYTES_MAX;
    const n = charsOf(text);
    const bytes = bytesOf(text) + FRAME_EXTRA_BYTES;
    if (n > charsMax) {
      this.toast(say('tooLong', { n, max: charsMax }));
    } else if (bytes > bytesMax) {
      const [size, max] = [bytes, bytesMax].map((one) => Math.ceil(one / 1024));
      this.toast(say('tooLarge', { size: size!, max: max! }));
    } else {
      return true;
    }
    return false;
  }

  async edit(item: Item, text: string): Promise<boolean> {
    return text === item.message || this.attempt(() => this.room!.call('edit', { offset: item.offset, text: sendable(text) }));
  }

  // Messages tell how many have reacted; only events tell who.
  private noteReaction({ kind, room, target, emoji, off, userId, nick }: EventMessage): void {
    if (kind !== EventKind.EVENT_REACT) {
      return;
    }
    const key = `${room} ${target} ${emoji}`;
    const names = this.reactors.get(key) ?? new Map<string, string>();
    if (off) {
      names.delete(userId);
    } else if (names.size < REACTORS_MAX) {
      names.set(userId, nick);
    }
    // The newest is the last one.
    this.reactors.delete(key);
    this.reactors.set(key, names);
    if (this.reactors.size > REACTIONS_MAX) {
      this.reactors.delete(this.reactors.keys().next().value!);
    }
  }

  /** Who reacted, as far as it is known: "👍, 3 people: you, Zeno, and 1 other". */
  reactedBy(item: Item, emoji: string): string {
    const { say } = this.language;
    const { count, mine } = item.reactions.get(emoji)!;
    const who = say('reactedBy', { emoji, n: count });
    const known = [...(this.reactors.get(`${this.roomName} ${item.offset} ${emoji}`) ?? [])]
      .filter(([userId]) => userId !== this.me?.userId).map(([, nick]) => nick);
    const names = [...(mine ? [say('you')] : []), ...known].slice(0, count);
    const rest = count - names.length;
    const told = rest ? [...names, say('others', { n: rest })] : names;
    return names.length ? say('reactedNames', { who, names: this.language.list(told) }) : who;
  }

  /** Returns whether it is in the clipboard; if not, the user is told. */
  async copy(text: string): Promise<boolean> {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      this.toast(this.language.say('copyFailed'));
      return false;
    }
  }

  react(item: Item, emoji: string): void {
    const off = item.reactions.get(emoji)?.mine;
    this.attempt(() => this.room!.call('react', { offset: item.offset, emoji, off }));
  }

  delete(item: Item): void {
    this.attempt(() => this.room!.call('delete', { offset: item.offset }));
  }

  retry(message: Outgoing): void {
    message.retry();
  }

  reply(item: Item): void {
    Object.assign(this.view, { replyTo: item, editing: undefined });
    this.focusComposer();
  }

  startEdit(item: Item | undefined): void {
    Object.assign(this.view, { editing: item, replyTo: undefined });
    this.focusComposer();
  }

  editLast(): void {
    const own = this.room?.messages.filter((item) => this.isMine(item) && !item.deleted);
    if (own?.length) {
      this.startEdit(own[own.length - 1]);
    }
  }

  isMine(item: Item): boolean {
    return item.userId !== '' && item.userId === this.me?.userId;
  }

  mayDelete(item: Item): boolean {
    return this.isMine(item) || this.mayModerate;
  }

  get mayModerate(): boolean {
    return this.room?.permissions?.moderate === true || (this.me?.role ?? Role.ROLE_USER) >= Role.ROLE_MODERATOR;
  }

  async moderate(userId: string, action: ModerateAction, seconds = 0, reason = ''): Promise<void> {
    if (await this.attempt(() => this.room!.call('moderate', { userId, action, seconds, reason }))) {
      this.toast(this.language.say('done'), { isError: false });
    }
  }

  /** Show a message, which may not be loaded. */
  async show(offset: bigint): Promise<void> {
    const { room } = this;
    this.drawer = undefined;
    if (room && !room.messages.some((item) => item.offset === offset)) {
      await this.attempt(() => room.loadAround(offset));
    }
    this.target = { offset };
    this.changed();
  }

  // ---- what is told ----

  errorText(error: StoaError): string {
    return this.language.sayCode('error', error.code, { message: error.message || error.reason });
  }

  showError(error: StoaError): void {
    const { temporary, retryMs } = error;
    const isWaiting = retryMs > 0;
    const text = this.errorText(error) + (temporary && !isWaiting && error.code ? this.language.say('again') : '');
    this.toast(text, { againAt: isWaiting ? Date.now() + retryMs : undefined });
  }

  /** Run a call; a toast tells its failure. */
  async attempt(run: () => Promise<unknown>): Promise<boolean> {
    try {
      await run();
      return true;
    } catch (error) {
      if (!(error instanceof StoaError)) {
        throw error;
      }
      this.showError(error);
      return false;
    }
  }

  toast(text: string, { isError = true, againAt }: { isError?: boolean; againAt?: number } = {}): void {
    const toast = { id: ++this.toastIds, text, isError, againAt };
    this.toasts = [...this.toasts.filter((other) => other.text !== text), toast].slice(-TOASTS_MAX);
    const untilAgain = againAt ? againAt - Date.now() : 0;
    setTimeout(() => this.dismiss(toast.id), Math.max(TOAST_MS, Math.min(untilAgain, 10 * TOAST_MS)));
    this.changed();
  }

  dismiss(id: number): void {
    this.toasts = this.toasts.filter((toast) => toast.id !== id);
    this.changed();
  }

  // ---- dialogs and settings ----

  ask(dialog: Dialog): void {
    this.dialog = dialog;
    this.drawer = undefined;
    this.acted();
  }

  closeDialog(): void {
    this.dialog = undefined;
    this.focusComposer();
  }

  toggle(drawer: 'rooms' | 'panel'): void {
    this.drawer = this.drawer === drawer ? undefined : drawer;
    this.acted();
  }

  showPeople(): void {
    this.drawer = this.panel === 'people' && this.drawer === 'panel' ? undefined : 'panel';
    this.panel = 'people';
    this.acted();
  }

  searchFor(text: string): void {
    this.panel = 'search';
    this.drawer = 'panel';
    this.searchText = text;
    this.searchTurn += 1;
    this.acted();
  }

  closeSearch(): void {
    this.panel = 'people';
    this.drawer = undefined;
    this.focusComposer();
  }

  closeDrawer(): void {
    this.drawer = undefined;
    this.acted();
  }

  private languageCode(): string {
    const wanted = stored('language');
    const own = navigator.languages ?? [navigator.language];
    return pickLanguage(wanted ? [...own.filter((code) => code.startsWith(wanted)), wanted] : own);
  }

  setLanguage(code: string): void {
    store('language', code);
    this.language = new Language(this.languageCode());
    this.changed();
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    store('theme', theme === 'auto' ? '' : theme);
    this.changed();
  }
}
