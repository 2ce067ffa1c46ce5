// room.ts: one room of a chat: its membership, its messages, the people in it.
//
// Knows the place of the last message or event that it was given, and joins with it after a lost connection. What was
// missed then comes as events like live ones (`recovered`), or the newest page replaces what is there (`gap`).
//
// Listeners are called in the order in which the server sent things. `change` follows whenever a property of the room,
// or one of its outgoing messages, has changed.
import { type Init } from '@stoa/client';
import { fullJitterMs, listeners, localError, now } from '@stoa/client/inner';

import {
  type TypingState, type ChatMessage, type DeleteReply, type EditReply, type EventMessage, type HistoryReply,
  type HistoryRequest, type JoinReply, type LeftMessage, type Member, type ModerateReply, type ModerateRequest,
  type Permissions, type Place, type PresenceDiffMessage, type ReactReply, type ReadMessage, type SearchReply,
  type SearchRequest, type SetRoomReply, type SetRoomRequest, type TypingMessage,
} from '../api/chatroom/v1/chatroom.stoa.js';
import { type Chat, type Link } from './chat.js';
import { Known } from './replies.js';
import { createQueue, isPassing, type Outgoing } from './outgoing.js';
import { createTimers } from './timers.js';
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

const enum Ms {
  TYPING_SEND = 3000,
  READ = 1000,
  RESUME = 3000,
}

// By TypingState: how long it is believed.
const TYPING_MS = [6000, 30000];

const enum Code {
  JOINED_BEFORE = 105,
  TEXT_TOO_LONG = 122,
  TEXT_EMPTY = 123,
}

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
  [newId, request, send, mayIn, leaveChat, wasMe]: Link,
  ownName: string,
  { history = 50, presence = true, windowMax = 300 }: JoinOptions,
): Room {
  const [add, fire] = listeners();
  const timers = createTimers();
  let joins = 0;
  // The offset from which messages may be sent again.
  let resumeAt: bigint | undefined;
  let attempt = 0;
  let presenceVersion = 0n;
  let sentTyping: TypingState = Known.TYPING_DONE;
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
    timers,
  );

  const call = (name: any, body: object): Promise<any> => chat.call(name, { ...body, room: room.name });

  const isMe = (userId: string) => userId === chat.me?.userId;

  const end = (left: Left) => {
    room.state = 'left';
    room.left = left;
    joins += 1;
    timers.clear_();
    leaveChat(room);
    queue.close_();
    tell('left', left);
  };

  const joinLater = (waitMs: number) =>
    timers.set_('join', waitMs + fullJitterMs(attempt++), () => chat.isOpen && room.inner_.join_());

  const tellRead = () => timers.set_('read', readAt + Ms.READ - now(), () => {
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
      timers.set_('resume', 0, queue.resume_);
    }
    return true;
  };

  const forget = (userId: string) => {
    const typing = new Map(room.typing);
    timers.cancel_(`typing ${userId}`);
    if (typing.delete(userId)) {
      room.typing = typing;
    }
  };

  const newest = (items: readonly ChatMessage[], top: bigint, moreBefore: boolean): Window =>
    addPage({ ...EMPTY, moreBefore }, itemsOf(items, top), 'after', false, windowMax);

  const meet = (
    before: Iterable<[string, Member]>, joins: Member[],
    { version, total, truncated }: { version: bigint; total: number; truncated: boolean },
  ) => {
    const members = joins.map((member) => [member.userId, member] as const);
    presenceVersion = version;
    room.online = total;
    return room.members = new Map(truncated ? [] : [...before, ...members]);
  };

  const joined = (reply: JoinReply) => {
    const { place, readOffset } = room;
    const { recovered, offset, epoch, presence: people } = reply;
    for (const name of ['permissions', 'topic', 'slowModeS', 'online', 'unread'] as const) {
      (room as any)[name] = reply[name];
    }
    room.state = 'joined';
    room.name = reply.room || room.name;
    attempt = 0;
    if (reply.readOffset < readOffset) {
      tellRead();
    } else {
      room.readOffset = reply.readOffset;
    }
    if (!recovered) {
      room.place = { epoch, offset };
      reply.items.forEach(acknowledge);
      room.window = newest(reply.items, offset, reply.moreBefore);
    }
    if (people) {
      meet([], people.members, people);
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
      timers.set_('resume', Ms.RESUME, queue.resume_);
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
        throw localError('TEXT_EMPTY', false, Code.TEXT_EMPTY);
      }
      if (max && [...text].length > max) {
        throw localError('TEXT_TOO_LONG', false, Code.TEXT_TOO_LONG);
      }
      const id = newId();
      // The message ends it for the others.
      sentTyping = Known.TYPING_DONE;
      return queue.append_(id, text, replyTo);
    },
    edit: (offset, text) => call('edit', { offset, text }),
    delete: (offset) => call('delete', { offset }),
    react: (offset, emoji, isOn = true) => call('react', { offset, emoji, off: !isOn }),
    history: (more) => call('history', { epoch: room.place?.epoch, ...more }),
    loadOlder: (limit = 50) => loadSide('before', limit, room.messages[0]?.offset),
    loadNewer: (limit = 50) => loadSide('after', limit, room.messages[room.messages.length - 1]?.offset),
    loadNewest: (limit = 50) => loadSide('before', limit),
    loadAround: (offset, limit = 50) => load(async () => {
      const older = await room.history({ before: offset + 1n, limit });
      const newer = await room.history({ after: offset, limit });
      const before = addPage(EMPTY, itemsOf(older.items, older.top), 'before', older.more, windowMax);
      return () => addPage(before, itemsOf(newer.items, newer.top), 'after', newer.more, windowMax);
    }),
    search: (text, more) => call('search', { ...more, text }),
    read(offset = room.place?.offset ?? 0n) {
      if (offset > room.readOffset) {
        const after = room.messages.filter((item) => item.offset > offset && !isMe(item.userId));
        room.unread = Math.min(room.unread, after.length);
        room.readOffset = offset;
        tellRead();
        tell();
      }
    },
    type(state = Known.TYPING_ACTIVE) {
      const isActive = state === Known.TYPING_ACTIVE;
      if (room.state === 'joined' && (isActive ? now() - typedAt >= Ms.TYPING_SEND : state !== sentTyping)) {
        typedAt = isActive ? now() : typedAt;
        sentTyping = state;
        send('typing', { room: room.name, state });
      }
    },
    moderate: (more) => call('moderate', more),
    set: (more) => call('setRoom', more),
    leave() {
      if (room.state !== 'left') {
        leaveRoom();
        end({ code: 0, reason: 'LEFT', message: '' });
      }
    },

    inner_: {
      join_() {
        const turn = ++joins;
        timers.cancel_('join');
        room.state = 'joining';
        request('join', { room: room.name, recover: room.place, history, presence }, (error, reply) => {
          if (turn !== joins) {
            return;
          }
          if (!error) {
            joined(reply);
          } else if (error.code === Code.JOINED_BEFORE) {
            // An earlier join was late, and its answer is lost.
            leaveRoom();
            joinLater(0);
          } else if (isPassing(error)) {
            joinLater(error.retryMs);
          } else {
            end(error);
          }
        });
      },
      lost_() {
        timers.clear_();
        if (room.state === 'joined') {
          room.state = 'joining';
          joins += 1;
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
          if (event.kind === Known.EVENT_TOPIC) {
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
          room.typing = new Map(room.typing).set(userId, { nick, isPaused: state === Known.TYPING_PAUSED });
          timers.set_(`typing ${userId}`, TYPING_MS[state], () => {
            forget(userId);
            tell('typing', room.typing);
          });
        }
        tell('typing', room.typing);
      },
      presenceDiff(diff) {
        if (diff.version > presenceVersion) {
          const members = meet(room.members as Map<string, Member>, diff.joins, diff);
          diff.leaves.forEach((userId) => {
            members.delete(userId);
            forget(userId);
          });
          tell('presence', diff);
        }
      },
      left({ code, reason }) {
        if (isPassing({ code })) {
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
