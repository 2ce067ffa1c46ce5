// chat.ts: a session of the chat room's server that outlives its connections.
//
// Says Hello on every connection, renews its token, joins its rooms again, and gives each room what the server sends to
// it. A guest keeps user id and nick by a token of the server, which is stored.
//
// Does not know: what rooms do with it; a page.
import {
  Client, StoaError, type CallOptions, type ClientOptions, type Init, type MessageOf, type Settle, type StateDetail,
} from '@stoa/client';
import { later, Listeners, localError, now, page } from '@stoa/client/inner';

import {
  ChatroomApi, type GoingAwayMessage, type HelloReply, type ReadMessage, type RoomActivityMessage, type RoomsRequest,
  type SetNickReply,
} from '../api/chatroom/v1/chatroom.stoa.js';
import { Room, type JoinOptions } from './room.js';

type Messages = (typeof ChatroomApi)['messages'];
type Calls = (typeof ChatroomApi)['calls'];
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
const PASSING = [100, 106, 108, 111];
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

export class Chat {
  // Only the chat changes these.
  state: ChatState = 'connecting';
  detail: ChatStateDetail = {};
  /** Of the newest session. */
  me?: HelloReply;

  /** A guest whose token is lost is another user, with messages of the one before on their way. @internal */
  readonly userIds_ = new Set<string>();
  private readonly listeners = new Listeners();
  private readonly joined = new Set<Room>();
  /** Message types that the server does not know; each one counts as an error of the session. */
  private readonly unknownTypes = new Set<number>();
  private readonly options: ChatOptions;
  private readonly storage: TokenStorage | null;
  private client!: Client<typeof ChatroomApi>;
  private guestToken = '';
  /** Counts connections, so that what belongs to an earlier one is ignored. */
  private turn = 0;
  private refusal?: StoaError;
  /** The last connection was refused for its token. */
  private isRefused = false;
  /** close() was called. */
  private isEnded = false;
  private refreshTimer: any;
  private tokens = 0;
  private tokensAt = 0;
  private readonly idPrefix = [1, 2].map(() => Math.random().toString(36).slice(2)).join('');
  private ids = 0;

  /** Connects at once. Throws for an invalid URL, and a TypeError when there is no WebSocket. */
  constructor(
    private readonly url: string,
    options: ChatOptions = {},
  ) {
    const { storage } = options;
    this.options = { ...options };
    this.storage = storage === undefined ? pageStorage(url) : storage;
    this.open();
  }

  on<K extends keyof ChatEvents>(name: K, listener: (...values: ChatEvents[K]) => void): () => void {
    return this.listeners.add(name, listener as () => void);
  }

  get isOpen(): boolean {
    return this.state === 'connected' || this.state === 'draining';
  }

  /** The rooms that are joined, or will be when there is a connection. */
  get rooms(): readonly Room[] {
    return [...this.joined];
  }

  /** The room of this name, joined as soon as there is a connection; the default room without one. */
  join(name = '', options: JoinOptions = {}): Room {
    const wanted = name || this.me?.defaultRoom || '';
    const known = this.room(wanted);
    if (known) {
      return known;
    }
    const room = new Room(this, wanted, options);
    this.joined.add(room);
    if (this.isOpen) {
      room.join_();
    }
    return room;
  }

  /** The server's rooms. */
  listRooms(request: Init<RoomsRequest> = {}) {
    return this.call('rooms', request);
  }

  async setNick(nick: string): Promise<SetNickReply> {
    const reply = await this.call('setNick', { nick });
    this.options.nick = reply.nick;
    this.keep(reply.guestToken);
    if (this.me) {
      this.me = { ...this.me, nick: reply.nick };
      this.listeners.tell('me', undefined, this.me);
    }
    return reply;
  }

  /** Any call of the API. Rejects as Client.call() does. */
  call<K extends keyof Calls>(name: K, request: Request<K>, options?: CallOptions): Promise<Reply<K>> {
    return this.isOpen ? this.client.call(name, request, options) : Promise.reject(localError('DISCONNECTED'));
  }

  /** Connect again after `closed`, with another nick or token if they are given. */
  connect(identity: Identity = {}): void {
    if (this.state === 'closed') {
      Object.assign(this.options, identity);
      this.isRefused = false;
      this.enter('connecting');
      this.open();
    }
  }

  /** End the wait before the next attempt. */
  retryNow(): void {
    this.client.retryNow();
  }

  /** Rooms and messages that wait are kept for connect(). */
  close(code?: number, reason?: string): void {
    this.isEnded = true;
    this.client.close(code, reason);
  }

  // ---- for rooms ----

  /** @internal */
  newId_(): string {
    const waiting = this.rooms.reduce((sum, { outgoing }) => sum + outgoing.length, 0);
    if (waiting >= (this.options.outboxMax ?? 100)) {
      throw localError('OUTBOX_FULL');
    }
    return `${this.idPrefix}-${++this.ids}`;
  }

  /** As Client.request(); what it throws is an error of the call. @internal */
  tryRequest_<K extends keyof Calls>(name: K, request: Request<K>, settle: Settle<Reply<K>>): void {
    try {
      this.client.request(name, request, settle);
    } catch (error) {
      const why = error instanceof StoaError ? error : localError('BAD_VALUE', false, String(error));
      settle(why, undefined as any);
    }
  }

  /** Lost when there is no connection. @internal */
  send_<K extends keyof Messages>(name: K, message: Init<MessageOf<Messages[K][1]>>): void {
    if (this.unknownTypes.has(ChatroomApi.messages[name][0])) {
      return;
    }
    try {
      this.client.send(name, message);
    } catch {
      // Typing is not worth a repetition, and a read offset is told again when the room is joined.
    }
  }

  /** Takes one message from the server's rate: 0, or how long to wait for it. undefined: not connected. @internal */
  mayIn_(): number | undefined {
    const { ratePerS = 0, rateBurst = 1 } = this.me ?? {};
    if (!this.isOpen) {
      return undefined;
    }
    const grown = this.tokens + ((now() - this.tokensAt) * ratePerS) / 1000;
    this.tokens = Math.min(Math.max(1, rateBurst), grown);
    this.tokensAt = now();
    if (ratePerS && this.tokens < 1) {
      return ((1 - this.tokens) * 1000) / ratePerS;
    }
    this.tokens -= 1;
    return 0;
  }

  /** @internal */
  forget_(room: Room): void {
    this.joined.delete(room);
  }

  // ---- inner ----

  private room(name: string): Room | undefined {
    return this.rooms.find((room) => room.name === name);
  }

  private enter(state: ChatState, detail: ChatStateDetail = {}): void {
    this.state = state;
    this.detail = detail;
    if (!this.isOpen) {
      this.joined.forEach((room) => room.lost_());
    }
    this.listeners.tell('state', () => this.detail === detail, state, detail);
  }

  private open(): void {
    this.turn += 1;
    this.refusal = undefined;
    this.isEnded = false;
    const client = new Client(ChatroomApi, this.url, { probe: () => this.probe(), ...this.options });
    this.client = client;
    client.onState((state, detail) => this.onState(state, detail));
    client.onError((error, type) => {
      if (error.code === UNKNOWN_TYPE) {
        this.unknownTypes.add(type);
      }
      this.listeners.tell('error', undefined, error, type);
    });
    client.on('goingAway', (message) => this.onGoingAway(message));
    client.on('roomActivity', (message) => this.listeners.tell('activity', undefined, message));
    client.on('chat', (message) => this.room(message.room)?.onMessage_(message));
    client.on('event', (message) => this.room(message.room)?.onEvent_(message));
    client.on('typing', (message) => this.room(message.room)?.onTyping_(message));
    client.on('presenceDiff', (message) => this.room(message.room)?.onPresence_(message));
    client.on('left', (message) => this.room(message.room)?.onLeft_(message));
    client.on('read', (message) => {
      const room = this.room(message.room);
      if (room) {
        room.onRead_(message);
      } else {
        this.listeners.tell('read', undefined, message);
      }
    });
  }

  // Any answer shows that the connection lives.
  private probe(): void {
    this.tryRequest_('rooms', { limit: 1 }, () => {});
  }

  private onState(state: string, detail: StateDetail): void {
    this.turn += 1;
    clearTimeout(this.refreshTimer);
    if (state === 'connected') {
      this.hello(this.turn);
    } else if (!this.isEnded && detail.code === BAD_TOKEN_CLOSE && this.tokenRefused()) {
      this.enter('reconnecting', { ...detail, delayMs: 0 });
      this.open();
    } else {
      this.enter(state as ChatState, state === 'closed' ? { ...detail, error: this.refusal } : detail);
    }
  }

  private onGoingAway({ code, reason, delayMs, endpoint }: GoingAwayMessage): void {
    const safe = /^wss:/.test(this.url) ? /^wss:\/\// : /^wss?:\/\//;
    this.client.move(delayMs, safe.test(endpoint) ? endpoint : undefined);
    if (this.isOpen) {
      this.enter('draining', { code, reason, delayMs });
    }
  }

  private async hello(turn: number): Promise<void> {
    const { nick, client, version, locale } = this.options;
    let token;
    try {
      token = (await this.token()) || this.guest();
    } catch (error) {
      if (turn === this.turn) {
        this.client.reconnect(0, String(error));
      }
      return;
    }
    if (turn === this.turn) {
      this.tryRequest_('hello', { nick, token, client, version, locale }, (error, reply) => {
        if (turn === this.turn) {
          (error ? this.refused(error) : this.begin(reply));
        }
      });
    }
  }

  private begin(me: HelloReply): void {
    this.isRefused = false;
    this.unknownTypes.clear();
    this.me = me;
    this.userIds_.add(me.userId);
    this.options.nick = me.nick;
    this.tokens = me.rateBurst;
    this.tokensAt = now();
    this.keep(me.guestToken);
    this.refreshIn(me.tokenTtlS);
    const unnamed = this.room('');
    if (unnamed && !this.room(me.defaultRoom)) {
      unnamed.name = me.defaultRoom;
    }
    this.enter('connected');
    // A listener may have closed it.
    if (this.isOpen) {
      this.listeners.tell('me', undefined, me);
      this.joined.forEach((room) => room.state === 'joining' && room.join_());
    }
  }

  private refused(error: StoaError): void {
    if (error.reason === 'DISCONNECTED') {
      return;
    }
    if (!error.code || error.temporary || PASSING.includes(error.code)) {
      this.client.reconnect(error.retryMs, error.reason);
    } else if (UNAUTHORIZED.includes(error.code) && this.tokenRefused()) {
      this.client.reconnect(0, error.reason);
    } else {
      this.refusal = error;
      this.client.close(1000, error.reason);
    }
  }

  // Is there another token? A guest's is forgotten; a function is asked once more.
  private tokenRefused(): boolean {
    const isFirst = !this.isRefused;
    const { token } = this.options;
    this.isRefused = true;
    if (!token) {
      const had = this.guest();
      this.keep('', true);
      return isFirst && had !== '';
    }
    return isFirst && typeof token === 'function';
  }

  private async token(): Promise<string> {
    const { token = '' } = this.options;
    return typeof token === 'function' ? token() : token;
  }

  private guest(): string {
    try {
      this.guestToken ||= this.storage?.get() ?? '';
    } catch {
      // As without storage.
    }
    return this.guestToken;
  }

  private keep(token: string, isEmptyToo = false): void {
    if (token || isEmptyToo) {
      this.guestToken = token;
      try {
        this.storage?.set(token);
      } catch {
        // Full, or switched off.
      }
    }
  }

  private refreshIn(ttlS: number): void {
    if (ttlS && typeof this.options.token === 'function') {
      this.refreshLater(Math.max(ttlS * 750, ttlS * 1000 - REFRESH_MS));
    }
  }

  private refreshLater(ms: number): void {
    const { turn } = this;
    this.refreshTimer = later(async () => {
      const again = () => turn === this.turn && this.refreshLater(REFRESH_AGAIN_MS);
      try {
        const token = await this.token();
        if (turn === this.turn) {
          this.refreshIn((await this.call('refresh', { token })).tokenTtlS);
        }
      } catch {
        // The server ends the session when it is too late; the next Hello has a new token.
        again();
      }
    }, ms);
  }
}
