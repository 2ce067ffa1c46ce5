// room.ts: one room of a chat: its membership, its messages, the people in it.
//
// Knows the place of the last message or event that it was given, and joins with it after a lost connection. What was
// missed then comes as events like live ones (`recovered`), or the newest page replaces what is there (`gap`).
//
// Listeners are called in the order in which the server sent things. `change` follows whenever a property of the room,
// or one of its outgoing messages, has changed.
import { type Init, type StoaError } from '@stoa/client';
import { fullJitterMs, later, Listeners, localError, now } from '@stoa/client/inner';

import {
  EventKind, TypingState, type ChatMessage, type EventMessage, type HistoryReply, type HistoryRequest, type JoinReply,
  type LeftMessage, type Member, type ModerateRequest, type Permissions, type Place, type PresenceDiffMessage,
  type PresenceReply, type ReadMessage, type SearchReply, type SearchRequest, type SetRoomRequest, type TypingMessage,
} from '../api/chatroom/v1/chatroom.stoa.js';
import { type Chat } from './chat.js';
import { Outgoing, Queue } from './outgoing.js';
import { addMessage, addPage, applyEvent, EMPTY, pageItems, type Item, type Window } from './window.js';

/** `left`: final; Chat.join() gives another object. */
export type RoomState = 'joining' | 'joined' | 'left';

export interface Left {
  /** An error's code; 0 when the program left. */
  code: number;
  reason: string;
  message: string;
}

export interface JoinOptions {
  /** Messages that the first page has, at most 50. Default: 50. */
  history?: number;
  /** Keep `members`. Default: true. */
  presence?: boolean;
  /** The most messages that `messages` keeps. 0: none, for programs that only listen. Default: 300. */
  windowMax?: number;
}

export interface Typist {
  nick: string;
  isPaused: boolean;
}

export interface RoomEvents {
  /** Joined for the first time. */
  joined: [reply: JoinReply];
  /** Joined again; all that was missed follows. */
  recovered: [reply: JoinReply];
  /** Joined again; some messages after `place` are missing. `messages` is the newest page now. */
  gap: [reply: JoinReply, place: Place];
  message: [message: ChatMessage];
  /** An edit, a deletion, a reaction or a new topic. */
  event: [event: EventMessage];
  typing: [typing: ReadonlyMap<string, Typist>];
  /** What has changed; undefined when the whole list is new. */
  presence: [diff: PresenceDiffMessage | undefined];
  /** Another session of this user has read. */
  read: [read: ReadMessage];
  outgoing: [message: Outgoing];
  left: [left: Left];
  change: [];
}

const TYPING_SEND_MS = 3000;
// By TypingState: how long it is believed.
const TYPING_MS = [6000, 30000];
const READ_MS = 1000;
const RESUME_MS = 3000;
// The membership has ended, and may begin again: internal, limit, not available, too many requests, position lost.
const COMES_BACK = [100, 106, 108, 111, 112];
const JOINED_BEFORE = 105;

const lengthOf = (text: string): number => Array.from(text).length;

export class Room {
  // Only the room changes what follows. Maps and arrays are new objects after every change.
  state: RoomState = 'joining';
  /** Why it was left. */
  left?: Left;
  /** Of the last message or event. */
  place?: Place;
  permissions?: Permissions;
  topic = '';
  slowModeS = 0;
  /** Users in the room, also those that are not in `members`. */
  online = 0;
  /** By user id. Empty when the room is too large for a list. */
  members: ReadonlyMap<string, Member> = new Map();
  typing: ReadonlyMap<string, Typist> = new Map();
  readOffset = 0n;
  unread = 0;
  window: Window = EMPTY;
  /** Grows with every change. */
  version = 0;

  private readonly listeners = new Listeners();
  private readonly queue: Queue = new Queue(this);
  private readonly timers = new Map<string, any>();
  private joins = 0;
  /** The offset from which messages may be sent again. */
  private resumeAt?: bigint;
  private attempt = 0;
  private presenceVersion = 0n;
  private sentTyping: TypingState = TypingState.TYPING_DONE;
  private typedAt = -Infinity;
  private readAt = -Infinity;
  /** Pages on their way, and what was received meanwhile. */
  private loading = 0;
  private meanwhile: { messages: ChatMessage[]; events: EventMessage[] } = { messages: [], events: [] };

  /** @internal */
  constructor(
    readonly chat: Chat,
    /** The server's name of it; '' until the default room's is known. */
    public name: string,
    private readonly options: JoinOptions,
  ) {}

  /** Oldest first. */
  get messages(): Window['items'] {
    return this.window.items;
  }

  /** Not stored yet, oldest first. */
  get outgoing(): readonly Outgoing[] {
    return this.queue.items;
  }

  on<K extends keyof RoomEvents>(name: K, listener: (...values: RoomEvents[K]) => void): () => void {
    return this.listeners.add(name, listener as () => void);
  }

  // ---- messages ----

  /** Send a message: at once, or as soon as the room is joined. Throws a StoaError: NOT_JOINED, TEXT_EMPTY,
   *  TEXT_TOO_LONG, OUTBOX_FULL. */
  send(text: string, { replyTo = 0n }: { replyTo?: bigint } = {}): Outgoing {
    const { me } = this.chat;
    if (this.state === 'left') {
      throw localError('NOT_JOINED', false);
    }
    if (!text.trim()) {
      throw localError('TEXT_EMPTY', false, undefined, 123);
    }
    if (me?.textCharsMax && lengthOf(text) > me.textCharsMax) {
      throw localError('TEXT_TOO_LONG', false, `more than ${me.textCharsMax} characters`, 122);
    }
    const message = new Outgoing(this.queue, this.chat.newId_(), text, replyTo);
    // The message ends it for the others.
    this.sentTyping = TypingState.TYPING_DONE;
    this.queue.append_(message);
    return message;
  }

  edit(offset: bigint, text: string) {
    return this.chat.call('edit', { room: this.name, offset, text });
  }

  delete(offset: bigint) {
    return this.chat.call('delete', { room: this.name, offset });
  }

  /** Set a reaction, or take it back. */
  react(offset: bigint, emoji: string, isOn = true) {
    return this.chat.call('react', { room: this.name, offset, emoji, off: !isOn });
  }

  /** A page of messages; `messages` does not change. `before` and `after` are offsets. */
  history(request: Init<HistoryRequest> = {}): Promise<HistoryReply> {
    return this.chat.call('history', { epoch: this.place?.epoch, ...request, room: this.name });
  }

  /** Put older messages into `messages`, which leaves newer ones out when there are too many. */
  async loadOlder(limit = 50): Promise<void> {
    await this.load('before', limit, this.window.items[0]?.offset);
  }

  /** Put newer messages into `messages`, when it does not reach the room's end. */
  async loadNewer(limit = 50): Promise<void> {
    await this.load('after', limit, this.window.items[this.window.items.length - 1]?.offset);
  }

  /** Let `messages` be the newest page again. */
  async loadNewest(limit = 50): Promise<void> {
    await this.load('before', limit, undefined);
  }

  /** Let `messages` be what is around a message. */
  async loadAround(offset: bigint, limit = 50): Promise<void> {
    await this.whileLoading(async () => {
      const { epoch } = this.place ?? {};
      const older = await this.history({ before: offset + 1n, limit });
      const newer = await this.history({ after: offset, limit });
      if (epoch === this.place?.epoch) {
        const pages = [older, newer].map(({ items, top }) => this.pageWith(items, top));
        const before = addPage(EMPTY, pages[0], 'before', older.more, this.windowMax);
        this.window = addPage(before, pages[1], 'after', newer.more, this.windowMax);
        this.takeMeanwhile(newer.more, newer.top);
        this.changed();
      }
    });
  }

  search(text: string, request: Init<SearchRequest> = {}): Promise<SearchReply> {
    return this.chat.call('search', { ...request, room: this.name, text });
  }

  // ---- people ----

  /** The user has read up to `offset`; without one, all of `messages`. Offsets only grow; the server is told at most
   *  once a second. */
  read(offset: bigint = this.place?.offset ?? 0n): void {
    if (offset > this.readOffset) {
      const isAll = offset >= (this.place?.offset ?? 0n);
      const isOther = (item: ChatMessage) => item.offset > offset && item.userId !== this.chat.me?.userId;
      this.readOffset = offset;
      this.unread = isAll ? 0 : Math.min(this.unread, this.window.items.filter(isOther).length);
      this.tellRead();
      this.changed();
    }
  }

  /** The user types, has stopped, or has emptied the text. Call it with every key: the server is told every 3 s. */
  type(state: TypingState = TypingState.TYPING_ACTIVE): void {
    const isActive = state === TypingState.TYPING_ACTIVE;
    const isDue = isActive && now() - this.typedAt >= TYPING_SEND_MS;
    if (this.state === 'joined' && (isDue || (state !== this.sentTyping && !isActive))) {
      this.typedAt = isActive ? now() : this.typedAt;
      this.sentTyping = state;
      this.chat.send_('typing', { room: this.name, state });
    }
  }

  moderate(request: Init<ModerateRequest>) {
    return this.chat.call('moderate', { ...request, room: this.name });
  }

  /** Topic, slow mode, size. */
  set(request: Init<SetRoomRequest>) {
    return this.chat.call('setRoom', { ...request, room: this.name });
  }

  /** Messages that were not stored are given up. */
  leave(): void {
    if (this.state !== 'left') {
      this.chat.tryRequest_('leave', { room: this.name }, () => {});
      this.end_({ code: 0, reason: 'LEFT', message: '' });
    }
  }

  // ---- for Chat ----

  /** The session has begun, or may join again. @internal */
  join_(): void {
    const { history = 50, presence = true } = this.options;
    const turn = ++this.joins;
    this.cancel('join');
    this.state = 'joining';
    this.chat.tryRequest_('join', { room: this.name, recover: this.place, history, presence }, (error, reply) => {
      if (turn === this.joins && this.state !== 'left') {
        this.joinAnswered(error, reply);
      }
    });
  }

  /** The connection is lost. @internal */
  lost_(): void {
    this.stop();
    if (this.state === 'joined') {
      this.state = 'joining';
      this.joins += 1;
      this.typedAt = -Infinity;
      this.sentTyping = TypingState.TYPING_DONE;
      [...this.typing.keys()].forEach((userId) => this.forget(userId));
      this.changed();
    }
  }

  /** @internal */
  end_(left: Left): void {
    this.state = 'left';
    this.left = left;
    this.stop();
    this.chat.forget_(this);
    this.queue.close_();
    this.tell('left', left);
  }

  /** @internal */
  onMessage_(message: ChatMessage): void {
    if (!this.advance(message)) {
      return;
    }
    const isMine = this.acknowledge(message);
    if (isMine) {
      this.readOffset = message.offset;
      this.unread = 0;
    } else {
      this.unread += 1;
    }
    this.forget(message.userId);
    this.window = addMessage(this.window, message, this.windowMax);
    this.remember('messages', message);
    this.tell('message', message);
  }

  /** @internal */
  onEvent_(event: EventMessage): void {
    if (!this.advance(event)) {
      return;
    }
    if (event.kind === EventKind.EVENT_TOPIC) {
      this.topic = event.text;
    }
    this.window = applyEvent(this.window, event, this.myId);
    this.remember('events', event);
    this.tell('event', event);
  }

  /** @internal */
  onTyping_({ userId, nick, state }: TypingMessage): void {
    if (userId !== this.myId) {
      this.forget(userId);
      const ms = TYPING_MS[state];
      if (ms) {
        this.typing = new Map(this.typing).set(userId, { nick, isPaused: state === TypingState.TYPING_PAUSED });
        this.after(`typing ${userId}`, ms, () => {
          this.forget(userId);
          this.tell('typing', this.typing);
        });
      }
      this.tell('typing', this.typing);
    }
  }

  /** @internal */
  onPresence_(diff: PresenceDiffMessage): void {
    if (diff.version > this.presenceVersion) {
      const members = new Map(diff.truncated ? [] : this.members);
      diff.joins.forEach((member) => members.set(member.userId, member));
      diff.leaves.forEach((userId) => {
        members.delete(userId);
        this.forget(userId);
      });
      this.presenceVersion = diff.version;
      this.members = members;
      this.online = diff.total;
      this.tell('presence', diff);
    }
  }

  /** @internal */
  onRead_(read: ReadMessage): void {
    if (read.offset >= this.readOffset) {
      this.readOffset = read.offset;
      this.unread = read.unread;
      this.tell('read', read);
    }
  }

  /** @internal */
  onLeft_({ code, reason }: LeftMessage): void {
    if (COMES_BACK.includes(code)) {
      this.lost_();
      this.joinLater(0);
    } else {
      this.end_({ code, reason, message: reason });
    }
  }

  // ---- for Queue ----

  /** @internal */
  mayIn_(): number | undefined {
    return this.state === 'joined' ? this.chat.mayIn_() : undefined;
  }

  /** @internal */
  transmit_(message: Outgoing, settle: (error: StoaError | undefined, place: { offset: bigint }) => void): void {
    const { text, clientMsgId, replyTo } = message;
    this.chat.tryRequest_('chat', { room: this.name, message: text, clientMsgId, replyTo }, settle);
  }

  /** @internal */
  changed_(message: Outgoing): void {
    this.tell('outgoing', message);
  }

  // ---- inner ----

  private get myId(): string {
    return this.chat.me?.userId ?? '';
  }

  private get windowMax(): number {
    return this.options.windowMax ?? 300;
  }

  private changed(): void {
    this.version += 1;
    this.listeners.tell('change');
  }

  private tell<K extends keyof RoomEvents>(name: K, ...values: RoomEvents[K]): void {
    this.version += 1;
    this.listeners.tell(name, undefined, ...values);
    this.listeners.tell('change');
  }

  private cancel(key: string): void {
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
  }

  private stop(): void {
    this.timers.forEach((timer) => clearTimeout(timer));
    this.timers.clear();
    this.queue.pause_();
  }

  private after(key: string, ms: number, run: () => void): void {
    this.cancel(key);
    this.timers.set(key, later(() => {
      this.timers.delete(key);
      run();
    }, ms));
  }

  private joinLater(waitMs: number): void {
    this.after('join', waitMs + fullJitterMs(this.attempt++), () => this.chat.isOpen && this.join_());
  }

  private joinAnswered(error: StoaError | undefined, reply: JoinReply): void {
    if (!error) {
      this.attempt = 0;
      this.joined(reply);
    } else if (error.code === JOINED_BEFORE) {
      // An earlier join was late, and its answer is lost.
      this.chat.tryRequest_('leave', { room: this.name }, () => {});
      this.joinLater(0);
    } else if (error.temporary || COMES_BACK.includes(error.code) || error.reason === 'TIMEOUT') {
      this.joinLater(error.retryMs);
    } else if (error.code || error.reason !== 'DISCONNECTED') {
      this.end_(error);
    }
  }

  private joined(reply: JoinReply): void {
    const { place } = this;
    this.name = reply.room || this.name;
    this.state = 'joined';
    this.permissions = reply.permissions;
    this.topic = reply.topic;
    this.slowModeS = reply.slowModeS;
    this.online = reply.online;
    this.unread = reply.unread;
    if (reply.readOffset > this.readOffset) {
      this.readOffset = reply.readOffset;
    } else if (reply.readOffset < this.readOffset) {
      this.tellRead();
    }
    if (!reply.recovered) {
      this.place = { epoch: reply.epoch, offset: reply.offset };
      reply.items.forEach((item) => this.acknowledge(item));
      const items = pageItems(reply.items, reply.offset, [], this.myId);
      this.window = addPage(EMPTY, items, 'after', false, this.windowMax);
      this.window = { ...this.window, moreBefore: this.window.moreBefore || reply.moreBefore };
    }
    if (reply.presence) {
      this.listMembers(reply.presence);
    }
    if (!place) {
      this.tell('joined', reply);
    } else if (reply.recovered) {
      this.tell('recovered', reply);
    } else {
      this.tell('gap', reply, place);
    }
    this.resume(reply);
  }

  // What was missed may have messages of ours whose answer was lost, so they are not sent again before it is here.
  private resume({ recovered, offset }: JoinReply): void {
    if (!recovered || this.place!.offset >= offset) {
      this.queue.resume_();
    } else {
      this.resumeAt = offset;
      // For a server that counts something that it does not send.
      this.after('resume', RESUME_MS, () => this.queue.resume_());
    }
  }

  private listMembers({ version, members, total, truncated }: PresenceReply): void {
    this.presenceVersion = version;
    this.members = new Map(truncated ? [] : members.map((member) => [member.userId, member]));
    this.online = total;
    this.listeners.tell('presence');
  }

  // False for what was received before, and for what comes while the room is not joined.
  private advance({ epoch, offset }: Place): boolean {
    if (this.state !== 'joined' || (this.place?.epoch === epoch && this.place.offset >= offset)) {
      return false;
    }
    this.place = { epoch, offset };
    if (this.resumeAt && offset >= this.resumeAt) {
      this.resumeAt = undefined;
      // After the listeners were called for this message.
      this.after('resume', 0, () => this.queue.resume_());
    }
    return true;
  }

  /** Is it a message of this user? Then it is stored. */
  private acknowledge(message: ChatMessage): boolean {
    const isMine = this.chat.userIds_.has(message.userId);
    if (isMine && message.clientMsgId) {
      this.queue.stored_(message.clientMsgId, message.offset);
    }
    return isMine;
  }

  private forget(userId: string): void {
    this.cancel(`typing ${userId}`);
    if (this.typing.has(userId)) {
      const typing = new Map(this.typing);
      typing.delete(userId);
      this.typing = typing;
    }
  }

  private tellRead(): void {
    const waitMs = this.readAt + READ_MS - now();
    this.after('read', Math.max(0, waitMs), () => {
      if (this.state === 'joined') {
        this.readAt = now();
        this.chat.send_('read', { room: this.name, offset: this.readOffset });
      }
    });
  }

  private remember<K extends 'messages' | 'events'>(kind: K, one: ChatMessage | EventMessage): void {
    if (this.loading) {
      (this.meanwhile[kind] as unknown[]).push(one);
    }
  }

  // What is received while pages are on their way is put into them.
  private async whileLoading(load: () => Promise<void>): Promise<void> {
    this.loading += 1;
    try {
      await load();
    } finally {
      this.loading -= 1;
      if (!this.loading) {
        this.meanwhile = { messages: [], events: [] };
      }
    }
  }

  private pageWith(items: readonly ChatMessage[], top: bigint): Item[] {
    return pageItems(items, top, this.eventsAfter(top), this.myId);
  }

  private eventsAfter(top: bigint): EventMessage[] {
    return this.meanwhile.events.filter(({ offset }) => offset > top);
  }

  private takeMeanwhile(isMore: boolean, top: bigint): void {
    if (!isMore) {
      this.meanwhile.messages.forEach((message) => (this.window = addMessage(this.window, message, this.windowMax)));
      this.eventsAfter(top).forEach((event) => (this.window = applyEvent(this.window, event, this.myId)));
    }
  }

  private async load(side: 'before' | 'after', limit: number, edge: bigint | undefined): Promise<void> {
    await this.whileLoading(async () => {
      const { epoch } = this.place ?? {};
      const { items, top, more } = await this.history({ [side]: edge, limit });
      if (epoch === this.place?.epoch) {
        const page = this.pageWith(items, top);
        const isNewest = edge === undefined;
        const isEnd = isNewest || (side === 'after' && !more);
        const known = isNewest ? EMPTY : this.window;
        const all = addPage(known, page, isEnd ? 'after' : side, !isEnd && more, this.windowMax);
        this.window = isNewest ? { ...all, moreBefore: more } : all;
        this.takeMeanwhile(!isEnd, top);
        this.changed();
      }
    });
  }
}
