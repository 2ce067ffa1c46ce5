// view.ts: what the wrappers for React and Vue have in common: rooms that are shared by those who show them, and values
// that are other objects after every change.
import {
  type Chat, type ChatState, type ChatStateDetail, type HelloReply, type JoinOptions, type Room,
} from './chat/index.js';

export interface ChatView {
  readonly state: ChatState;
  readonly detail: ChatStateDetail;
  readonly me: HelloReply | undefined;
}

type Shown =
  | 'state' | 'left' | 'messages' | 'outgoing' | 'members' | 'typing' | 'topic' | 'slowModeS' | 'online' | 'unread'
  | 'readOffset' | 'permissions' | 'window' | 'name';

/** The room, and its properties as they are now. */
export type RoomView = Readonly<Pick<Room, Shown>> & { readonly room: Room };

export const chatView = ({ state, detail, me }: Chat): ChatView => ({ state, detail, me });

export const roomView = (room: Room): RoomView => ({
  room,
  name: room.name,
  state: room.state,
  left: room.left,
  messages: room.messages,
  outgoing: room.outgoing,
  members: room.members,
  typing: room.typing,
  topic: room.topic,
  slowModeS: room.slowModeS,
  online: room.online,
  unread: room.unread,
  readOffset: room.readOffset,
  permissions: room.permissions,
  window: room.window,
});

export function watchChat(chat: Chat, changed: () => void): () => void {
  const stops = [chat.on('state', changed), chat.on('me', changed)];
  return () => stops.forEach((stop) => stop());
}

const held = new WeakMap<Room, number>();

/** Join the room. It is left when all that hold it have released it, unless the program had joined it itself. It is
 *  left a little later, because React takes a component away and back. */
export function holdRoom(chat: Chat, name: string, options?: JoinOptions): { room: Room; release: () => void } {
  const before = chat.rooms;
  const room = chat.join(name, options);
  const count = held.get(room);
  if (count !== undefined || !before.includes(room)) {
    held.set(room, (count ?? 0) + 1);
  }
  const release = () => {
    const left = (held.get(room) ?? 0) - 1;
    held.set(room, left);
    setTimeout(() => {
      if (left === 0 && held.get(room) === 0) {
        held.delete(room);
        room.leave();
      }
    });
  };
  return { room, release: held.has(room) ? release : () => {} };
}
