// chat.ts: a session of the chat room's server that outlives its connections.
//
// Says Hello on every connection, renews its token, joins its rooms again, and gives each room what the server sends to
// it. A guest keeps user id and nick by a token of the server, which is stored.
//
// Does not know: what rooms do with it; a page.
import {
  type ConnectionOptions, type Init, type MessageOf, type Protocol, type Settle, type StateDetail, type StoaError,
} from '@stoa/client';
import { connection, listeners, localError, type Connection } from '@stoa/client/inner';

import {
  type ChatroomApi, type HelloReply, type ReadMessage, type RoomActivityMessage, type SetNickReply,
} from '../api/chatroom/v1/chatroom.stoa.js';
import { json, replies } from './json.js';
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

export interface Identity {
  /** Empty: the server chooses. Users with a token have the token's name. */
  nick?: string;
  /** Gives a JWT, before every Hello. */
  token?: () => string | Promise<string>;
  /** Makes a guest the same one as before a reload: `me.guestToken`, which is kept like a password. */
  guestToken?: string;
}

/** Default: JSON. Another protocol needs the types of the API: `api` is ChatroomApi of `@stoa/client/chatroom`. */
export type Encoding = { protocol?: undefined; api?: undefined } | { protocol: Protocol; api: ChatroomApi };

export type ChatOptions = ConnectionOptions & Identity & Encoding & {
  /** For the server's log. */
  about?: { client?: string; version?: string; locale?: string };
};

export interface ChatEvents {
  state: [state: ChatState, detail: ChatStateDetail];
  /** A session has begun, or the nick has changed. A new `guestToken` is not empty. */
  me: [me: HelloReply];
  /** A room that is not joined has new messages. */
  roomActivity: [activity: RoomActivityMessage];
  /** Another session of this user has read a room that is not joined here. */
  read: [read: ReadMessage];
  /** An error without a call, and its message type. */
  error: [error: StoaError, type: number];
}

const enum Code {
  UNAUTHORIZED = 101,
  TOKEN_EXPIRED = 109,
  BAD_TOKEN_CLOSE = 4500,
}

/** What a room needs from its chat. @internal */
export type Link = readonly [
  /** `settle` is called before anything that the server sent after the reply is told. */
  request: <K extends keyof Calls>(name: K, request: Request<K>, settle?: Settle<Reply<K>>) => void,
  /** Lost when there is no connection. */
  send: <K extends keyof Messages>(name: K, message: Init<MessageOf<Messages[K][1]>>) => void,
  /** A guest whose token is lost is another user, with messages of the one before on their way. */
  wasMe: (userId: string) => boolean,
];

export interface Chat {
  on<K extends keyof ChatEvents>(name: K, listener: (...values: ChatEvents[K]) => void): () => void;

  /** The room of this name, joined as soon as there is a connection; the default room without one. */
  join(name?: string, options?: JoinOptions): Room;

  setNick(nick: string): Promise<void>;

  /** Any call of the API, for example `rooms`. Rejects as Client.call() does. */
  call<K extends keyof Calls>(name: K, request: Request<K>, options?: { timeoutMs?: number }): Promise<Reply<K>>;

  /** Connect again after `closed`, with another nick or token if they are given. */
  connect(identity?: Identity): void;

  /** End the wait before the next attempt. */
  retryNow(): void;

  /** Rooms and messages that wait are kept for connect(). */
  close(code?: number, reason?: string): void;
}

// What is private are variables of the constructor, as in Client.
export class Chat {
  // Only the chat changes these.
  state!: ChatState;
  detail!: ChatStateDetail;
  /** Of the newest session. */
  me?: HelloReply;
  /** The rooms that are joined, or will be when there is a connection. A new array after every change. */
  rooms!: readonly Room[];

  get isOpen(): boolean {
    return this.state === 'connected' || this.state === 'draining';
  }

  /** Connects at once. Throws for an invalid URL, and a TypeError when there is no WebSocket, or only one of `protocol`
   *  and `api`. */
  constructor(url: string, given: ChatOptions = {}) {
    const options = { ...given };
    const { protocol, api } = given.protocol ? given : { protocol: json, api: replies };
    const [add, tell] = listeners();
    const userIds = new Set<string>();
    let line!: Connection;
    // Counts connections, so that what belongs to an earlier one is ignored.
    let turn = 0;
    let refusal: StoaError | undefined;
    // The last connection was refused for its token.
    let isRefused = false;

    if (!api) {
      throw new TypeError('no api: pass { protocol, api }');
    }

    const roomOf = (name?: string) => this.rooms.find((room) => room.name === name);

    const request = (name: keyof Calls, body: any, settle?: Settle<any>, timeoutMs?: number) => {
      line.request_(api.calls[name], body, settle, timeoutMs);
    };

    const link: Link = [
      request,
      (name, message) => {
        try {
          line.send_(name, message);
        } catch {
          // Typing is not worth a repetition, and a read offset is told again when the room is joined.
        }
      },
      (userId) => userIds.has(userId),
    ];

    const enter = (state: ChatState, detail: ChatStateDetail = {}) => {
      this.state = state;
      this.detail = detail;
      if (!this.isOpen) {
        this.rooms.forEach((room) => room.inner_.lost_());
      }
      tell('state', [state, detail], () => this.detail === detail);
    };

    // Is there another token? A guest's is forgotten; the function is asked once more.
    const tokenRefused = () => {
      const isOther = !isRefused && (options.token || options.guestToken);
      isRefused = true;
      options.guestToken = '';
      return isOther;
    };

    const rename = ({ nick, guestToken }: SetNickReply) => {
      options.nick = nick;
      options.guestToken = guestToken || options.guestToken;
    };

    const begin = (me: HelloReply) => {
      isRefused = false;
      this.me = me;
      userIds.add(me.userId);
      rename(me);
      this.rooms.forEach((room) => {
        room.name ||= me.defaultRoom;
      });
      enter('connected');
      // A listener may have closed it.
      if (this.isOpen) {
        tell('me', [me]);
        this.rooms.forEach((room) => room.state === 'joining' && room.inner_.join_());
      }
    };

    const refused = (error: StoaError) => {
      const { code, reason, retryMs } = error;
      if (isPassing(error) || (code === Code.UNAUTHORIZED || code === Code.TOKEN_EXPIRED) && tokenRefused()) {
        line.lose_(1000, reason, retryMs);
      } else {
        refusal = error;
        line.lose_(1000, reason, 0, 1000);
      }
    };

    const hello = async () => {
      const mine = turn;
      try {
        const token = await options.token?.() ?? options.guestToken;
        if (mine === turn) {
          request('hello', { nick: options.nick, token, ...options.about }, (error, reply) => {
            // Of a lost connection its end tells.
            if (error?.reason !== 'DISCONNECTED') {
              error ? refused(error) : begin(reply);
            }
          });
        }
      } catch (error) {
        if (mine === turn) {
          line.lose_(1000, String(error));
        }
      }
    };

    const open = () => {
      refusal = undefined;
      line = connection(api, url, protocol!, {
        // Any answer shows that the connection lives.
        probe: () => request('rooms', { limit: 1 }),
        ...options,
      }, {
        state_: (state, detail) => {
          turn += 1;
          if (state === 'connected') {
            hello();
          } else if (detail.code === Code.BAD_TOKEN_CLOSE && tokenRefused()) {
            enter('reconnecting', detail);
            open();
          } else {
            enter(state, { ...detail, error: refusal });
          }
        },
        error_: (...values) => tell('error', values),
        message_: (name, message) => {
          // Before Hello is answered there are none.
          const room = this.isOpen && roomOf(message.room);
          if (name === 'goingAway') {
            const { delayMs, endpoint } = message;
            // Encrypted, or as the chat's own.
            line.move_(delayMs, [url.slice(0, 5), 'wss:/'].includes(endpoint.slice(0, 5)) ? endpoint : '');
            if (this.isOpen) {
              enter('draining', message);
            }
          } else if (room) {
            // Nothing for one that is newer than this.
            (room.inner_ as any)[name]?.(message);
          } else {
            tell(name, [message]);
          }
        },
      });
    };

    const members: Omit<Chat, 'me' | 'isOpen'> = {
      state: 'connecting',
      detail: {},
      rooms: [],
      on: add as Chat['on'],
      join: (name, more = {}) => {
        const wanted = name || this.me?.defaultRoom || '';
        let room = roomOf(wanted);
        if (!room) {
          room = createRoom(this, link, wanted, more);
          this.rooms = [...this.rooms, room];
          if (this.isOpen) {
            room.inner_.join_();
          }
        }
        return room;
      },
      setNick: async (nick) => {
        const reply = await this.call('setNick', { nick });
        rename(reply);
        this.me = { ...this.me!, ...reply };
        tell('me', [this.me]);
      },
      call: (name, body, more) => new Promise((resolve, reject) => {
        if (!this.isOpen) {
          throw localError('DISCONNECTED');
        }
        request(name, body, (error, reply) => (error ? reject(error) : resolve(reply)), more?.timeoutMs);
      }),
      connect: (identity) => {
        if (this.state === 'closed') {
          Object.assign(options, identity);
          isRefused = false;
          enter('connecting');
          open();
        }
      },
      retryNow: () => line.retryNow_(),
      close: (code = 1000, reason = '') => {
        // Whatever the code is, it does not come back.
        isRefused = true;
        line.lose_(code, reason, 0, code || 1000);
      },
    };
    Object.assign(this, members);
    open();
  }
}
