// room.ts: one room of a chat: its membership, its messages, the people in it.
//
// Knows the place of the last message or event that it was given, and joins with it after a lost connection. What was
// missed then comes as events like live ones (`recovered`), or the newest page replaces what is there (`gap`).
//
// Listeners are called in the order in which the server sent things. `change` follows whenever a property of the room,
// or one of its outgoing messages, has changed.
import { type Init } from '@stoa/client';
import { fullJitterMs, later, listeners, localError, now } from '@stoa/client/inner';

import {
  EventKind, TypingState, type ChatMessage, type DeleteReply, type EditReply, type EventMessage, type HistoryReply,
  type HistoryRequest, type JoinReply, type LeftMessage, type Member, type ModerateReply, type ModerateRequest,
  type Permissions, type Place, type PresenceDiffMessage, type ReactReply, type ReadMessage, type SearchReply,
  type SearchRequest, type SetRoomReply, type SetRoomRequest, type TypingMessage,
} from '../api/chatroom/v1/chatroom.stoa.js';
import { type Chat, type Link } from './chat.js';
import { createQueue, isPassing, type Outgoing } from './outgoing.js';
import { addMessage, addPage, applyEvent, EMPTY, itemsOf, type Window } from './window.js';

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
const JOINED_BEFORE = 105;
const POSITION_LOST = 112;

// The membership has ended, and may begin again.
const comesBack = (why: { code: number; temporary?: boolean }): boolean => isPassing(why) || why.code === POSITION_LOST;

const lengthOf = (text: string): number => Array.from(text).length;

/** Only the room changes its properties. Maps and arrays are new objects after every change. */
export interface Room {
  readonly chat: Chat;
  /** The server's name of it; '' until the default room's is known. */
  name: string;
  state: RoomState;
  /** Why it was left. */
  left?: Left;
  /** Of the last message or event. */
  place?: Place;
  permissions?: Permissions;
  topic: string;
  slowModeS: number;
  /** Users in the room, also those that are not in `members`. */
  online: number;
  /** By user id. Empty when the room is too large for a list. */
  members: ReadonlyMap<string, Member>;
  typing: ReadonlyMap<string, Typist>;
  readOffset: bigint;
  unread: number;
  window: Window;
  /** Grows with every change. */
  version: number;
  /** Oldest first. */
  readonly messages: Window['items'];
  /** Not stored yet, oldest first. */
  readonly outgoing: readonly Outgoing[];

  on<K extends keyof RoomEvents>(name: K, listener: (...values: RoomEvents[K]) => void): () => void;

  // ---- messages ----

  /** Send a message: at once, or as soon as the room is joined. Throws a StoaError: NOT_JOINED, TEXT_EMPTY,
   *  TEXT_TOO_LONG, OUTBOX_FULL. */
  send(text: string, options?: { replyTo?: bigint }): Outgoing;
  edit(offset: bigint, text: string): Promise<EditReply>;
  delete(offset: bigint): Promise<DeleteReply>;
  /** Set a reaction, or take it back. */
  react(offset: bigint, emoji: string, isOn?: boolean): Promise<ReactReply>;
  /** A page of messages; `messages` does not change. `before` and `after` are offsets. */
  history(request?: Init<HistoryRequest>): Promise<HistoryReply>;
  /** Put older messages into `messages`, which leaves newer ones out when there are too many. */
  loadOlder(limit?: number): Promise<void>;
  /** Put newer messages into `messages`, when it does not reach the room's end. */
  loadNewer(limit?: number): Promise<void>;
  /** Let `messages` be the newest page again. */
  loadNewest(limit?: number): Promise<void>;
  /** Let `messages` be what is around a message. */
  loadAround(offset: bigint, limit?: number): Promise<void>;
  search(text: string, request?: Init<SearchRequest>): Promise<SearchReply>;

  // ---- people ----

  /** The user has read up to `offset`; without one, all of `messages`. Offsets only grow; the server is told at most
   *  once a second. */
  read(offset?: bigint): void;
  /** The user types, has stopped, or has emptied the text. Call it with every key: the server is told every 3 s. */
  type(state?: TypingState): void;
  moderate(request: Init<ModerateRequest>): Promise<ModerateReply>;
  /** Topic, slow mode, size. */
  set(request: Init<SetRoomRequest>): Promise<SetRoomReply>;
  /** Messages that were not stored are given up. */
  leave(): void;

  /** @internal */
  inner_: Inner;
}

/** What the chat tells its room: the server's messages by their names, and its session. @internal */
export interface Inner {
  /** The session has begun, or may join again. */
  join_(): void;
  /** The connection is lost. */
  lost_(): void;
  chat(message: ChatMessage): void;
  event(event: EventMessage): void;
  typing(message: TypingMessage): void;
  presenceDiff(diff: PresenceDiffMessage): void;
  left(message: LeftMessage): void;
  read(message: ReadMessage): void;
}

/** Not joined yet. @internal */
export function createRoom(
  chat: Chat,
  { newId_: newId, request_: request, send_: send, mayIn_: mayIn, forget_: leaveChat, wasMe_: wasMe }: Link,
  ownName: string,
  { history = 50, presence = true, windowMax = 300 }: JoinOptions,
): Room {
  const [add, fire] = listeners();
  const timers = new Map<string, any>();
  let joins = 0;
  // The offset from which messages may be sent again.
  let resumeAt: bigint | undefined;
  let attempt = 0;
  let presenceVersion = 0n;
  let sentTyping: TypingState = TypingState.TYPING_DONE;
  let typedAt = -Infinity;
  let readAt = -Infinity;

  const tell = <K extends keyof RoomEvents>(name?: K, ...values: RoomEvents[K] | []) => {
    room.version += 1;
    fire(name, values);
    fire('change');
  };
  const queue = createQueue(
    () => (room.state === 'joined' ? mayIn() : undefined),
    ({ text, clientMsgId, replyTo }, settle) =>
      request('chat', { room: room.name, message: text, clientMsgId, replyTo }, settle),
    (message) => tell('outgoing', message),
  );

  const isMe = (userId: string) => userId === chat.me?.userId;

  const cancel = (key: string) => {
    clearTimeout(timers.get(key));
    timers.delete(key);
  };

  const after = (key: string, ms: number, run: () => void) => {
    cancel(key);
    timers.set(key, later(run, ms));
  };

  const stop = () => {
    [...timers.keys()].forEach(cancel);
    queue.pause_();
  };

  const end = (left: Left) => {
    room.state = 'left';
    room.left = left;
    stop();
    leaveChat(room);
    queue.close_();
    tell('left', left);
  };

  const joinLater = (waitMs: number) =>
    after('join', waitMs + fullJitterMs(attempt++), () => chat.isOpen && room.inner_.join_());

  const tellRead = () => after('read', Math.max(0, readAt + READ_MS - now()), () => {
    if (room.state === 'joined') {
      readAt = now();
      send('read', { room: room.name, offset: room.readOffset });
    }
  });

  const leaveRoom = () => request('leave', { room: room.name });

  /** Is it a message of this user? Then it is stored. */
  const acknowledge = ({ userId, clientMsgId, offset }: ChatMessage) => {
    const isMine = wasMe(userId);
    if (isMine && clientMsgId) {
      queue.stored_(clientMsgId, offset);
    }
    return isMine;
  };

  // False for what was received before, and for what comes while the room is not joined.
  const advance = ({ epoch, offset }: Place): boolean => {
    if (room.state !== 'joined' || (room.place?.epoch === epoch && room.place.offset >= offset)) {
      return false;
    }
    room.place = { epoch, offset };
    if (resumeAt && offset >= resumeAt) {
      resumeAt = undefined;
      // After the listeners were called for this message.
      after('resume', 0, queue.resume_);
    }
    return true;
  };

  const forget = (userId: string) => {
    const typing = new Map(room.typing);
    cancel(`typing ${userId}`);
    if (typing.delete(userId)) {
      room.typing = typing;
    }
  };

  const newest = (items: readonly ChatMessage[], top: bigint, moreBefore: boolean): Window =>
    addPage({ ...EMPTY, moreBefore }, itemsOf(items, top), 'after', false, windowMax);

  const joined = (reply: JoinReply) => {
    const { place, readOffset } = room;
    const { recovered, offset, epoch, items, moreBefore, permissions, topic, slowModeS, online, unread } = reply;
    const members = reply.presence;
    Object.assign(room, { state: 'joined', permissions, topic, slowModeS, online, unread });
    room.name = reply.room || room.name;
    attempt = 0;
    if (reply.readOffset > readOffset) {
      room.readOffset = reply.readOffset;
    } else if (reply.readOffset < readOffset) {
      tellRead();
    }
    if (!recovered) {
      room.place = { epoch, offset };
      items.forEach(acknowledge);
      room.window = newest(items, offset, moreBefore);
    }
    if (members) {
      presenceVersion = members.version;
      room.members = new Map(members.truncated ? [] : members.members.map((member) => [member.userId, member]));
      room.online = members.total;
      fire('presence');
    }
    if (!place) {
      tell('joined', reply);
    } else if (recovered) {
      tell('recovered', reply);
    } else {
      tell('gap', reply, place);
    }
    // What was missed may have messages of ours whose answer was lost, so they are not sent again before it is here.
    if (!recovered || room.place!.offset >= offset) {
      queue.resume_();
    } else {
      resumeAt = offset;
      // For a server that counts something that it does not send.
      after('resume', RESUME_MS, queue.resume_);
    }
  };

  // Change the window, and those that are being loaded.
  const take = (change: (window: Window) => Window) => {
    room.window = change(room.window);
    fire(take, [change]);
  };

  // What is received while pages are on their way is put into them.
  const load = async (fetch: () => Promise<() => Window>): Promise<void> => {
    const epoch = room.place?.epoch;
    const changes: ((window: Window) => Window)[] = [];
    const end = add(take, (change) => changes.push(change));
    try {
      const build = await fetch();
      if (epoch === room.place?.epoch) {
        room.window = changes.reduce((window, change) => change(window), build());
        tell();
      }
    } finally {
      end();
    }
  };

  const loadSide = (side: 'before' | 'after', limit: number, edge?: bigint) => load(async () => {
    const { items, top, more } = await room.history({ [side]: edge, limit });
    return () => edge === undefined
      ? newest(items, top, more)
      : addPage(room.window, itemsOf(items, top), side, more, windowMax);
  });

  const room: Room = {
    chat,
    name: ownName,
    state: 'joining',
    topic: '',
    slowModeS: 0,
    online: 0,
    members: new Map(),
    typing: new Map(),
    readOffset: 0n,
    unread: 0,
    window: EMPTY,
    version: 0,
    get messages() {
      return room.window.items;
    },
    get outgoing() {
      return queue.items_;
    },
    on: add as Room['on'],
    send(text, { replyTo = 0n } = {}) {
      const max = chat.me?.textCharsMax;
      if (room.state === 'left') {
        throw localError('NOT_JOINED', false);
      }
      if (!text.trim()) {
        throw localError('TEXT_EMPTY', false, undefined, 123);
      }
      if (max && lengthOf(text) > max) {
        throw localError('TEXT_TOO_LONG', false, `more than ${max} characters`, 122);
      }
      const id = newId();
      // The message ends it for the others.
      sentTyping = TypingState.TYPING_DONE;
      return queue.append_(id, text, replyTo);
    },
    edit: (offset, text) => chat.call('edit', { room: room.name, offset, text }),
    delete: (offset) => chat.call('delete', { room: room.name, offset }),
    react: (offset, emoji, isOn = true) => chat.call('react', { room: room.name, offset, emoji, off: !isOn }),
    history: (more) => chat.call('history', { epoch: room.place?.epoch, ...more, room: room.name }),
    loadOlder: (limit = 50) => loadSide('before', limit, room.messages[0]?.offset),
    loadNewer: (limit = 50) => loadSide('after', limit, room.messages[room.messages.length - 1]?.offset),
    loadNewest: (limit = 50) => loadSide('before', limit),
    loadAround: (offset, limit = 50) => load(async () => {
      const older = await room.history({ before: offset + 1n, limit });
      const newer = await room.history({ after: offset, limit });
      const before = addPage(EMPTY, itemsOf(older.items, older.top), 'before', older.more, windowMax);
      return () => addPage(before, itemsOf(newer.items, newer.top), 'after', newer.more, windowMax);
    }),
    search: (text, more) => chat.call('search', { ...more, room: room.name, text }),
    read(offset = room.place?.offset ?? 0n) {
      if (offset > room.readOffset) {
        const isOther = (item: ChatMessage) => item.offset > offset && !isMe(item.userId);
        room.unread = offset >= (room.place?.offset ?? 0n)
          ? 0
          : Math.min(room.unread, room.messages.filter(isOther).length);
        room.readOffset = offset;
        tellRead();
        tell();
      }
    },
    type(state = TypingState.TYPING_ACTIVE) {
      const isActive = state === TypingState.TYPING_ACTIVE;
      if (room.state === 'joined' && (isActive ? now() - typedAt >= TYPING_SEND_MS : state !== sentTyping)) {
        typedAt = isActive ? now() : typedAt;
        sentTyping = state;
        send('typing', { room: room.name, state });
      }
    },
    moderate: (more) => chat.call('moderate', { ...more, room: room.name }),
    set: (more) => chat.call('setRoom', { ...more, room: room.name }),
    leave() {
      if (room.state !== 'left') {
        leaveRoom();
        end({ code: 0, reason: 'LEFT', message: '' });
      }
    },

    inner_: {
      join_() {
        const turn = ++joins;
        cancel('join');
        room.state = 'joining';
        request('join', { room: room.name, recover: room.place, history, presence }, (error, reply) => {
          if (turn !== joins || room.state === 'left') {
            return;
          }
          if (!error) {
            joined(reply);
          } else if (error.code === JOINED_BEFORE) {
            // An earlier join was late, and its answer is lost.
            leaveRoom();
            joinLater(0);
          } else if (comesBack(error)) {
            joinLater(error.retryMs);
          } else {
            end(error);
          }
        });
      },
      lost_() {
        stop();
        if (room.state === 'joined') {
          room.state = 'joining';
          joins += 1;
          typedAt = -Infinity;
          sentTyping = TypingState.TYPING_DONE;
          room.typing = new Map();
          tell();
        }
      },
      chat(message) {
        if (advance(message)) {
          if (acknowledge(message)) {
            room.readOffset = message.offset;
            room.unread = 0;
          } else {
            room.unread += 1;
          }
          forget(message.userId);
          take((window) => addMessage(window, message, windowMax));
          tell('message', message);
        }
      },
      event(event) {
        if (advance(event)) {
          if (event.kind === EventKind.EVENT_TOPIC) {
            room.topic = event.text;
          }
          take((window) => applyEvent(window, event, chat.me!.userId));
          tell('event', event);
        }
      },
      typing({ userId, nick, state }) {
        if (isMe(userId)) {
          return;
        }
        forget(userId);
        if (TYPING_MS[state]) {
          room.typing = new Map(room.typing).set(userId, { nick, isPaused: state === TypingState.TYPING_PAUSED });
          after(`typing ${userId}`, TYPING_MS[state], () => {
            forget(userId);
            tell('typing', room.typing);
          });
        }
        tell('typing', room.typing);
      },
      presenceDiff(diff) {
        if (diff.version > presenceVersion) {
          const members = new Map(diff.truncated ? [] : room.members);
          diff.joins.forEach((member) => members.set(member.userId, member));
          diff.leaves.forEach((userId) => {
            members.delete(userId);
            forget(userId);
          });
          presenceVersion = diff.version;
          room.members = members;
          room.online = diff.total;
          tell('presence', diff);
        }
      },
      left({ code, reason }) {
        if (comesBack({ code })) {
          room.inner_.lost_();
          joinLater(0);
        } else {
          end({ code, reason, message: reason });
        }
      },
      read(read) {
        if (read.offset >= room.readOffset) {
          room.readOffset = read.offset;
          room.unread = read.unread;
          tell('read', read);
        }
      },
    },
  };
  return room;
}
