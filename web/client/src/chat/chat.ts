// chat.ts: a session of the chat room's server that outlives its connections.
//
// Says Hello on every connection, renews its token, joins its rooms again, and gives each room what the server sends to
// it. A guest keeps user id and nick by a token of the server, which is stored.
//
// Does not know: what rooms do with it; a page.
import {
  Client, StoaError, type CallOptions, type ClientOptions, type Init, type MessageOf, type Settle, type StateDetail,
} from '@stoa/client';
import { later, listeners, localError, now, page } from '@stoa/client/inner';

import {
  ChatroomApi, type HelloReply, type ReadMessage, type RoomActivityMessage, type RoomsReply,
  type RoomsRequest, type SetNickReply,
} from '../api/chatroom/v1/chatroom.stoa.js';
import { isPassing } from './outgoing.js';
import { createRoom, type JoinOptions, type Room } from './room.js';

type Messages = ChatroomApi['messages'];
type Calls = ChatroomApi['calls'];
type Request<K extends keyof Calls> = Init<MessageOf<Calls[K][1]>>;
type Reply<K extends keyof Calls> = MessageOf<Calls[K][2]>;

/** `draining`: connected to a server that goes away; another connection follows. `closed`: until connect(). */
export type ChatState = 'connecting' | 'connected' | 'reconnecting' | 'draining' | 'closed';

export interface ChatStateDetail extends StateDetail {
  /** Of `closed`: the server's refusal. */
  error?: StoaError;
}

/** Where a guest's token is kept, like a password. '' is none. */
export interface TokenStorage {
  get(): string | null | undefined;
  set(token: string): void;
}

export interface Identity {
  /** Empty: the server chooses. Users with a token have the token's name. */
  nick?: string;
  /** A JWT, or a function that gives one: before every Hello, and before the last one expires. */
  token?: string | (() => string | Promise<string>);
}

export interface ChatOptions extends ClientOptions, Identity {
  /** Default: localStorage, where there is one. null: a guest is another one after a reload. */
  storage?: TokenStorage | null;
  /** For the server's log. */
  client?: string;
  version?: string;
  locale?: string;
  /** Messages that wait in all rooms together. Default: 100. */
  outboxMax?: number;
}

export interface ChatEvents {
  state: [state: ChatState, detail: ChatStateDetail];
  /** A session has begun, or the nick has changed. */
  me: [me: HelloReply];
  /** A room that is not joined has new messages. */
  activity: [activity: RoomActivityMessage];
  /** Another session of this user has read a room that is not joined here. */
  read: [read: ReadMessage];
  /** An error without a call, and its message type. */
  error: [error: StoaError, type: number];
}

const UNAUTHORIZED = [101, 109];
const UNKNOWN_TYPE = 104;
const BAD_TOKEN_CLOSE = 4500;
// Refresh this long before the token expires, at the latest at 3/4 of its time; and again after a failure.
const REFRESH_MS = 60000;
const REFRESH_AGAIN_MS = 5000;

function pageStorage(url: string): TokenStorage | null {
  try {
    const key = `stoa guest ${new URL(url, page.location?.href).host}`;
    const store = page.localStorage;
    return store && { get: () => store.getItem(key), set: (token) => store.setItem(key, token) };
  } catch {
    // A page without storage, by its browser's settings.
    return null;
  }
}

/** What a room needs from its chat. @internal */
export interface Link {
  /** For a message to send. */
  newId_(): string;
  /** As Client.request(); what it throws is an error of the call. */
  request_<K extends keyof Calls>(name: K, request: Request<K>, settle: Settle<Reply<K>>): void;
  /** Lost when there is no connection. */
  send_<K extends keyof Messages>(name: K, message: Init<MessageOf<Messages[K][1]>>): void;
  /** Takes one message from the server's rate: 0, or how long to wait for it. undefined: not connected. */
  mayIn_(): number | undefined;
  forget_(room: Room): void;
  /** A guest whose token is lost is another user, with messages of the one before on their way. */
  readonly userIds_: ReadonlySet<string>;
}

export interface Chat {
  on<K extends keyof ChatEvents>(name: K, listener: (...values: ChatEvents[K]) => void): () => void;

  /** The room of this name, joined as soon as there is a connection; the default room without one. */
  join(name?: string, options?: JoinOptions): Room;

  /** The server's rooms. */
  listRooms(request?: Init<RoomsRequest>): Promise<RoomsReply>;

  setNick(nick: string): Promise<SetNickReply>;

  /** Any call of the API. Rejects as Client.call() does. */
  call<K extends keyof Calls>(name: K, request: Request<K>, options?: CallOptions): Promise<Reply<K>>;

  /** Connect again after `closed`, with another nick or token if they are given. */
  connect(identity?: Identity): void;

  /** End the wait before the next attempt. */
  retryNow(): void;

  /** Rooms and messages that wait are kept for connect(). */
  close(code?: number, reason?: string): void;
}

// The messages that go to their room; those of others, with `read`, to the chat's listeners.
const OF_ROOMS = ['chat', 'event', 'typing', 'presenceDiff', 'left', 'read'] as const;

// What is private are variables of the constructor, as in Client.
export class Chat {
  // Only the chat changes these.
  state: ChatState = 'connecting';
  detail: ChatStateDetail = {};
  /** Of the newest session. */
  me?: HelloReply;
  /** The rooms that are joined, or will be when there is a connection. A new array after every change. */
  rooms: readonly Room[] = [];

  get isOpen(): boolean {
    return this.state === 'connected' || this.state === 'draining';
  }

  /** Connects at once. Throws for an invalid URL, and a TypeError when there is no WebSocket. */
  constructor(url: string, given: ChatOptions = {}) {
    const options = { ...given };
    const storage = given.storage === undefined ? pageStorage(url) : given.storage;
    const [add, tell] = listeners();
    const userIds = new Set<string>();
    // Message types that the server does not know; each one counts as an error of the session.
    const unknownTypes = new Set<number>();
    const idPrefix = [1, 2].map(() => Math.random().toString(36).slice(2)).join('');
    let lastId = 0;
    let client!: Client<ChatroomApi>;
    let guestToken = '';
    // Counts connections, so that what belongs to an earlier one is ignored.
    let turn = 0;
    let refusal: StoaError | undefined;
    // The last connection was refused for its token.
    let isRefused = false;
    // close() was called.
    let isEnded: boolean;
    let refreshTimer: any;
    let tokens = 0;
    let tokensAt = 0;

    const roomOf = (name: string) => this.rooms.find((room) => room.name === name);

    const link: Link = {
      newId_: () => {
        const waiting = this.rooms.reduce((sum, { outgoing }) => sum + outgoing.length, 0);
        if (waiting >= (options.outboxMax ?? 100)) {
          throw localError('OUTBOX_FULL');
        }
        return `${idPrefix}-${++lastId}`;
      },
      request_: (name, request, settle) => {
        try {
          client.request(name, request, settle);
        } catch (error) {
          const why = error instanceof StoaError ? error : localError('BAD_VALUE', false, String(error));
          settle(why, undefined as any);
        }
      },
      send_: (name, message) => {
        if (!unknownTypes.has(ChatroomApi.messages[name][0])) {
          try {
            client.send(name, message);
          } catch {
            // Typing is not worth a repetition, and a read offset is told again when the room is joined.
          }
        }
      },
      mayIn_: () => {
        if (!this.isOpen) {
          return undefined;
        }
        const { ratePerS, rateBurst } = this.me!;
        tokens = Math.min(Math.max(1, rateBurst), tokens + ((now() - tokensAt) * ratePerS) / 1000);
        tokensAt = now();
        if (ratePerS && tokens < 1) {
          return ((1 - tokens) * 1000) / ratePerS;
        }
        tokens -= 1;
        return 0;
      },
      forget_: (room) => {
        this.rooms = this.rooms.filter((other) => other !== room);
      },
      userIds_: userIds,
    };

    const enter = (state: ChatState, detail: ChatStateDetail = {}) => {
      this.state = state;
      this.detail = detail;
      if (!this.isOpen) {
        this.rooms.forEach((room) => room.inner_.lost_());
      }
      tell('state', [state, detail], () => this.detail === detail);
    };

    const token = async () => (typeof options.token === 'function' ? options.token() : options.token);

    const guest = (): string => {
      try {
        guestToken ||= storage?.get() ?? '';
      } catch {
        // As without storage.
      }
      return guestToken;
    };

    const keep = (token: string) => {
      guestToken = token;
      try {
        storage?.set(token);
      } catch {
        // Full, or switched off.
      }
    };

    // Is there another token? A guest's is forgotten; a function is asked once more.
    const tokenRefused = (): boolean => {
      const isFirst = !isRefused;
      const isOther = options.token ? typeof options.token === 'function' : guest() !== '';
      isRefused = true;
      if (!options.token) {
        keep('');
      }
      return isFirst && isOther;
    };

    const refreshIn = (ttlS: number) => {
      if (ttlS && typeof options.token === 'function') {
        refreshLater(Math.max(ttlS * 750, ttlS * 1000 - REFRESH_MS));
      }
    };

    const refreshLater = (ms: number) => {
      const mine = turn;
      refreshTimer = later(async () => {
        try {
          const next = await token();
          if (mine === turn) {
            refreshIn((await this.call('refresh', { token: next })).tokenTtlS);
          }
        } catch {
          // The server ends the session when it is too late; the next Hello has a new token.
          if (mine === turn) {
            refreshLater(REFRESH_AGAIN_MS);
          }
        }
      }, ms);
    };

    const begin = (me: HelloReply) => {
      isRefused = false;
      unknownTypes.clear();
      this.me = me;
      userIds.add(me.userId);
      options.nick = me.nick;
      tokens = me.rateBurst;
      tokensAt = now();
      if (me.guestToken) {
        keep(me.guestToken);
      }
      refreshIn(me.tokenTtlS);
      const unnamed = roomOf('');
      if (unnamed && !roomOf(me.defaultRoom)) {
        unnamed.name = me.defaultRoom;
      }
      enter('connected');
      // A listener may have closed it.
      if (this.isOpen) {
        tell('me', [me]);
        this.rooms.forEach((room) => room.state === 'joining' && room.inner_.join_());
      }
    };

    const refused = (error: StoaError) => {
      const { code, reason, retryMs } = error;
      if (reason === 'DISCONNECTED') {
        return;
      }
      if (!code || isPassing(error)) {
        client.reconnect(retryMs, reason);
      } else if (UNAUTHORIZED.includes(code) && tokenRefused()) {
        client.reconnect(0, reason);
      } else {
        refusal = error;
        client.close(1000, reason);
      }
    };

    const hello = async () => {
      const mine = turn;
      const { nick, client: program, version, locale } = options;
      try {
        const request = { nick, token: (await token()) || guest(), client: program, version, locale };
        if (mine === turn) {
          link.request_('hello', request, (error, reply) => {
            if (mine === turn) {
              (error ? refused(error) : begin(reply));
            }
          });
        }
      } catch (error) {
        if (mine === turn) {
          client.reconnect(0, String(error));
        }
      }
    };

    const open = () => {
      turn += 1;
      refusal = undefined;
      isEnded = false;
      // Any answer shows that the connection lives.
      const probe = () => link.request_('rooms', { limit: 1 }, () => {});
      client = new Client(ChatroomApi, url, { probe, ...options });
      client.onState((state, detail) => {
        turn += 1;
        clearTimeout(refreshTimer);
        if (state === 'connected') {
          hello();
        } else if (!isEnded && detail.code === BAD_TOKEN_CLOSE && tokenRefused()) {
          enter('reconnecting', { ...detail, delayMs: 0 });
          open();
        } else {
          enter(state, state === 'closed' ? { ...detail, error: refusal } : detail);
        }
      });
      client.onError((error, type) => {
        if (error.code === UNKNOWN_TYPE) {
          unknownTypes.add(type);
        }
        tell('error', [error, type]);
      });
      client.on('goingAway', ({ code, reason, delayMs, endpoint }) => {
        const safe = /^wss:/.test(url) ? /^wss:\/\// : /^wss?:\/\//;
        client.move(delayMs, safe.test(endpoint) ? endpoint : undefined);
        if (this.isOpen) {
          enter('draining', { code, reason, delayMs });
        }
      });
      client.on('roomActivity', (message) => tell('activity', [message]));
      OF_ROOMS.forEach((name) => client.on(name, (message) => {
        const room = roomOf(message.room);
        if (room) {
          room.inner_[name](message as never);
        } else if (name === 'read') {
          tell(name, [message]);
        }
      }));
    };

    const members: Omit<Chat, 'state' | 'detail' | 'me' | 'rooms' | 'isOpen'> = {
      on: add as Chat['on'],
      join: (name = '', more = {}) => {
        const wanted = name || this.me?.defaultRoom || '';
        const known = roomOf(wanted);
        if (known) {
          return known;
        }
        const room = createRoom(this, link, wanted, more);
        this.rooms = [...this.rooms, room];
        if (this.isOpen) {
          room.inner_.join_();
        }
        return room;
      },
      listRooms: (request = {}) => this.call('rooms', request),
      setNick: async (wanted) => {
        const reply = await this.call('setNick', { nick: wanted });
        const { nick } = reply;
        options.nick = nick;
        if (reply.guestToken) {
          keep(reply.guestToken);
        }
        if (this.me) {
          this.me = { ...this.me, nick };
          tell('me', [this.me]);
        }
        return reply;
      },
      call: (name, request, more) =>
        this.isOpen ? client.call(name, request, more) : Promise.reject(localError('DISCONNECTED')),
      connect: (identity) => {
        if (this.state === 'closed') {
          Object.assign(options, identity);
          isRefused = false;
          enter('connecting');
          open();
        }
      },
      retryNow: () => client.retryNow(),
      close: (code, reason) => {
        isEnded = true;
        client.close(code, reason);
      },
    };
    Object.assign(this, members);
    open();
  }
}
