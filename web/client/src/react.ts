// react.ts: a chat and its rooms as hooks.
import { useCallback, useRef, useSyncExternalStore } from 'react';

import { type Chat, type JoinOptions } from './chat/index.js';
import { chatView, holdRoom, roomView, watchChat, type ChatView, type RoomView } from './view.js';

export type { ChatView, RoomView };

/** The chat's state and user; the component is rendered again when they change. */
export function useChat(chat: Chat): ChatView {
  const shown = useRef(chatView(chat));
  const subscribe = useCallback(
    (changed: () => void) => watchChat(chat, () => {
      shown.current = chatView(chat);
      changed();
    }),
    [chat],
  );
  const get = () => {
    const { state, me } = shown.current;
    if (state !== chat.state || me !== chat.me) {
      shown.current = chatView(chat);
    }
    return shown.current;
  };
  return useSyncExternalStore(subscribe, get, get);
}

/** Join the room while a component shows it; undefined before. `options` count when it is joined. */
export function useRoom(chat: Chat, name = '', options?: JoinOptions): RoomView | undefined {
  const shown = useRef<RoomView | undefined>(undefined);
  const subscribe = useCallback(
    (changed: () => void) => {
      const { room, release } = holdRoom(chat, name, options);
      const show = () => {
        shown.current = roomView(room);
        changed();
      };
      const stop = room.on('change', show);
      show();
      return () => {
        stop();
        release();
        shown.current = undefined;
      };
    },
    [chat, name],
  );
  const get = () => shown.current;
  return useSyncExternalStore(subscribe, get, get);
}
