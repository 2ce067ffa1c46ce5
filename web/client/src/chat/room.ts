// room.ts: one room of a chat: its membership, its messages, the people in it.
//
// Knows the place of the last message or event that it was given, and joins with it after a lost connection. What was
// missed then comes as events like live ones (`recovered`), or the newest page replaces what is there (`gap`).
//
// Listeners are called in the order in which the server sent things. `change` follows whenever a property of the room,
// or one of its outgoing messages, has changed.
import { type Init, type MessageOf, type StoaError } from '@stoa/client';
import { createTimers, fullJitterMs, listeners, localError, now } from '@stoa/client/inner';

import {
  type ChatroomApi, type TypingState, type ChatMessage, type EventMessage, type JoinReply, type LeftMessage, type Member,
  type Permissions, type Place, type PresenceDiffMessage, type ReadMessage, type TypingMessage,
} from '../api/chatroom/v1/chatroom.stoa.js';
import { type Chat, type Link } from './chat.js';
import { Known } from './replies.js';
import { createQueue, isPassing, type Outgoing } from './outgoing.js';
import { addMessage, addPage, applyEvent, EMPTY, itemsOf, type Window } from './window.js';

type Calls = ChatroomApi['calls'];
/** The calls that are about a room; but its membership is the room's own business. */
export type RoomCall = Exclude<
  { [K in keyof Calls]: 'room' extends keyof MessageOf<Calls[K][1]> ? K : never }[keyof Calls], 'chat' | 'join' | 'leave'
>;

/** `left`: final; Chat.join() gives another object. */
export type RoomState = 'joining' | 'joined' | 'left';

export interface Left {
  /** An error's code; 0 when the program left. */
  code: number;
  reason: string;
  /** For people. */
  message?: string;
}

export interface JoinOptions {
  /** Messages that the first page has, at most 50. Default: 50. */
  history?: number;
  /** Keep `members`. Default: true. */
  presence?: boolean;
  /** The most messages that `messages` keeps. 0: none, for programs that only listen. Default: 300. */
  windowMax?: number;
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
  typing: [typing: ReadonlyMap<string, TypingMessage>];
  /** What has changed; all members when the list is new. */
  presence: [diff: Omit<PresenceDiffMessage, 'room'>];
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
  typing: ReadonlyMap<string, TypingMessage>;
  readOffset: bigint;
  unread: number;
  window: Window;
  /** Oldest first. */
  readonly messages: Window['items'];
  /** Not stored yet, oldest first. */
  outgoing: readonly Outgoing[];

  on<K extends keyof RoomEvents>(name: K, listener: (...values: RoomEvents[K]) => void): () => void;

  // ---- messages ----

  /** Send a message: at once, or as soon as the room is joined. Throws a StoaError: NOT_JOINED, OUTBOX_FULL. What the
   *  server refuses, such as a text that is too long, has failed then. */
  send(text: string, options?: { replyTo?: bigint }): Outgoing;
  /** A call of the API that is about this room: `edit`, `delete`, `react`, `history`, `search`, `presence`, `moderate`,
   *  `setRoom`. Rejects as Chat.call() does. `messages` changes when the server tells what was changed. */
  call<K extends RoomCall>(
    name: K, request: Omit<Init<MessageOf<Calls[K][1]>>, 'room'>, options?: { timeoutMs?: number },
  ): Promise<MessageOf<Calls[K][2]>>;
  /** Put older messages into `messages`, which leaves newer ones out when there are too many. A page has at most
   *  `windowMax` messages. */
  loadOlder(limit?: number): Promise<void>;
  /** Put newer messages into `messages`, when it does not reach the room's end. */
  loadNewer(limit?: number): Promise<void>;
  /** Let `messages` be the newest page again. */
  loadNewest(limit?: number): Promise<void>;
  /** Let `messages` be what is around a message. */
  loadAround(offset: bigint, limit?: number): Promise<void>;

  // ---- people ----

  /** The user has read up to `offset`; without one, all of `messages`. Offsets only grow; the server is told at most
   *  once a second. */
  read(offset?: bigint): void;
  /** The user types, has stopped, or has emptied the text. Call it with every key: the server is told every 3 s. */
  type(state?: TypingState): void;
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
  presenceDiff(diff: Omit<PresenceDiffMessage, 'room'>): void;
  left(message: LeftMessage): void;
  read(message: ReadMessage): void;
}

/** What is stored in a room, in its order. */
type Stored = ChatMessage | EventMessage;

/** Not joined yet. @internal */
export function createRoom(
  chat: Chat,
  [request, send, wasMe]: Link,
  ownName: string,
  { history = 50, presence = true, windowMax = 300 }: JoinOptions,
): Room {
  const [add, fire] = listeners();
  const timers = createTimers();
  // Messages are not sent before the room's place is there.
  let resumeAt = 0n;
  let attempt = 0;
  let presenceVersion = 0n;
  let sentTyping: TypingState = Known.TYPING_DONE;
  let typeAt = 0;
  let readAt = 0;

  const tell = (name?: keyof RoomEvents, ...values: unknown[]) => {
    fire(name, values);
    fire('change');
  };

  const resume = () => {
    resumeAt = 0n;
    queue.pump_();
  };

  const end = (left: Left) => {
    room.state = 'left';
    room.left = left;
    timers.clear_();
    chat.rooms = chat.rooms.filter((other) => other !== room);
    queue.close_();
    tell('left', left);
  };

  const leaveRoom = () => request('leave', { room: room.name });

  // Not in the room: for now, or for good.
  const refused = (error: StoaError) => {
    const { code, retryMs } = error;
    if (code === Code.JOINED_BEFORE) {
      // An earlier join was late, and its answer is lost.
      leaveRoom();
    }
    if (code === Code.JOINED_BEFORE || isPassing(error)) {
      timers.set_(retryMs + fullJitterMs(attempt++), room.inner_.join_);
    } else {
      end(error);
    }
  };

  const tellRead = () => timers.set_(readAt - now(), () => {
    if (room.state === 'joined') {
      readAt = now() + Ms.READ;
      send('read', { room: room.name, offset: room.readOffset });
    }
  }, tellRead);

  /** Is it a message of this user? Then it is stored. */
  const acknowledge = ({ userId, clientMsgId, offset }: ChatMessage) => {
    const isMine = wasMe(userId);
    if (isMine && clientMsgId) {
      queue.stored_(clientMsgId, offset);
    }
    return isMine;
  };

  const forget = (userId: string) => {
    const typing = new Map(room.typing);
    timers.cancel_(userId);
    if (typing.delete(userId)) {
      room.typing = typing;
    }
  };

  const fold = (window: Window, stored: Stored): Window =>
    ('kind' in stored ? applyEvent(window, stored, chat.me!.userId) : addMessage(window, stored, windowMax));

  // Not what was received before, and not what comes while the room is not joined.
  const follow = (name: 'message' | 'event', stored: Stored) => {
    const { epoch, offset } = stored;
    if (room.state === 'joined' && (room.place!.epoch !== epoch || room.place!.offset < offset)) {
      room.place = { epoch, offset };
      if ('kind' in stored) {
        if (stored.kind === Known.EVENT_TOPIC) {
          room.topic = stored.text;
        }
      } else {
        forget(stored.userId);
        room.unread += 1;
        if (acknowledge(stored)) {
          room.readOffset = offset;
          room.unread = 0;
        }
      }
      room.window = fold(room.window, stored);
      fire(fold, [stored]);
      tell(name, stored);
      // What was missed may be complete.
      queue.pump_();
    }
  };

  const joined = (reply: JoinReply) => {
    const { place } = room;
    const { offset, epoch, presence: people } = reply;
    const recovered = place && reply.recovered;
    room.permissions = reply.permissions;
    room.topic = reply.topic;
    room.slowModeS = reply.slowModeS;
    room.online = reply.online;
    room.unread = reply.unread;
    room.name = reply.room || room.name;
    attempt = 0;
    if (reply.readOffset < room.readOffset) {
      tellRead();
    } else {
      room.readOffset = reply.readOffset;
    }
    // What was missed may have messages of ours whose answer was lost, so they are not sent again before it is here.
    resumeAt = offset;
    if (!recovered) {
      room.place = { epoch, offset };
      reply.items.forEach(acknowledge);
      room.window = addPage({ ...EMPTY, moreBefore: reply.moreBefore }, itemsOf(reply.items, offset), 'after', false, windowMax);
    }
    room.state = 'joined';
    tell(recovered ? 'recovered' : place ? 'gap' : 'joined', reply, place);
    if (people) {
      presenceVersion = -1n;
      room.members = new Map();
      room.inner_.presenceDiff({ ...people, joins: people.members, leaves: [] });
    }
    queue.pump_();
    // For a server that counts something that it does not send.
    timers.set_(Ms.RESUME, resume);
  };

  // Pages that belong to `window`. What is received while they are on their way is put into them.
  const load = async (limit = 50, window: Window | undefined, ...sides: [side: 'before' | 'after', edge?: bigint][]) => {
    const epoch = room.place?.epoch;
    const missed: Stored[] = [];
    const end = add(fold, (stored) => missed.push(stored));
    try {
      const pages = await Promise.all(sides.map(([side, edge]) => room.call('history', { epoch, [side]: edge, limit })));
      if (epoch === room.place?.epoch) {
        room.window = missed.reduce(fold, pages.reduce(
          (before, { items, top, more }, index) => addPage(before, itemsOf(items, top), sides[index][0], more, windowMax),
          window ?? room.window,
        ));
        tell();
      }
    } finally {
      end();
    }
  };

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
    get messages() {
      return room.window.items;
    },
    outgoing: [],
    on: add as Room['on'],
    send(text, { replyTo = 0n } = {}) {
      if (room.state === 'left') {
        throw localError('NOT_JOINED', false);
      }
      // The message ends it for the others.
      sentTyping = Known.TYPING_DONE;
      return queue.append_(text, replyTo);
    },
    call: (name, body, options) => chat.call(name, { ...body, room: room.name } as any, options),
    loadOlder: (limit) => load(limit, undefined, ['before', room.messages[0]?.offset]),
    loadNewer: (limit) => load(limit, undefined, ['after', room.messages.at(-1)?.offset]),
    loadNewest: (limit) => load(limit, EMPTY, ['before']),
    loadAround: (offset, limit) => load(limit, EMPTY, ['before', offset + 1n], ['after', offset]),
    read(offset = room.place?.offset ?? 0n) {
      if (offset > room.readOffset) {
        // One's own messages are never after what was read.
        room.unread = room.messages.filter((item) => item.offset > offset).length;
        room.readOffset = offset;
        tellRead();
        tell();
      }
    },
    type(state = Known.TYPING_ACTIVE) {
      const isNew = state ? state !== sentTyping : now() >= typeAt;
      if (isNew && room.state === 'joined') {
        typeAt = state ? typeAt : now() + Ms.TYPING_SEND;
        sentTyping = state;
        send('typing', { room: room.name, state });
      }
    },
    leave() {
      if (room.state !== 'left') {
        leaveRoom();
        end({ code: 0, reason: 'LEFT' });
      }
    },

    inner_: {
      join_() {
        request('join', { room: room.name, recover: room.place, history, presence }, (error, reply) => {
          // Not when it was left meanwhile.
          if (room.state === 'joining') {
            error ? refused(error) : joined(reply);
          }
        });
      },
      lost_() {
        timers.clear_();
        if (room.state === 'joined') {
          room.state = 'joining';
          room.typing = new Map();
          tell();
        }
      },
      chat: (message) => follow('message', message),
      event: (event) => follow('event', event),
      typing(message) {
        const { userId, state } = message;
        if (userId !== chat.me?.userId) {
          forget(userId);
          if (TYPING_MS[state]) {
            room.typing = new Map(room.typing).set(userId, message);
            timers.set_(TYPING_MS[state], () => room.inner_.typing({ ...message, state: Known.TYPING_DONE }), userId);
          }
          tell('typing', room.typing);
        }
      },
      presenceDiff(diff) {
        if (diff.version > presenceVersion) {
          const members = new Map(room.members);
          diff.joins.forEach((member) => members.set(member.userId, member));
          diff.leaves.forEach((userId) => {
            members.delete(userId);
            forget(userId);
          });
          presenceVersion = diff.version;
          room.online = diff.total;
          room.members = diff.truncated ? new Map() : members;
          tell('presence', diff);
        }
      },
      left: end,
      read(read) {
        if (read.offset >= room.readOffset) {
          room.readOffset = read.offset;
          room.unread = read.unread;
          tell('read', read);
        }
      },
    },
  };
  const queue = createQueue(
    room,
    () => room.state === 'joined' && room.place!.offset >= resumeAt,
    ({ text, clientMsgId, replyTo }, settle) =>
      request('chat', { room: room.name, message: text, clientMsgId, replyTo }, settle),
    (message) => tell('outgoing', message),
    timers,
  );
  return room;
}
