// vue.ts: a chat and its rooms as composables.
import { onScopeDispose, shallowRef, toValue, watch, type MaybeRefOrGetter, type ShallowRef } from 'vue';

import { type Chat, type JoinOptions } from './chat/index.js';
import { chatView, holdRoom, roomView, watchChat, type ChatView, type RoomView } from './view.js';

export type { ChatView, RoomView };

/** The chat's state and user. */
export function useChat(chat: Chat): Readonly<ShallowRef<ChatView>> {
  const shown = shallowRef(chatView(chat));
  onScopeDispose(watchChat(chat, () => (shown.value = chatView(chat))));
  return shown;
}

/** The room, joined until the scope ends or `name` changes. `options` count when it is joined. */
export function useRoom(
  chat: Chat,
  name: MaybeRefOrGetter<string> = '',
  options?: JoinOptions,
): Readonly<ShallowRef<RoomView>> {
  let shown: ShallowRef<RoomView> | undefined;
  watch(
    () => toValue(name),
    (wanted, _, onCleanup) => {
      const { room, release } = holdRoom(chat, wanted, options);
      const show = () => (shown ??= shallowRef(roomView(room))).value = roomView(room);
      const stop = room.on('change', show);
      show();
      onCleanup(() => {
        stop();
        release();
      });
    },
    { immediate: true, flush: 'sync' },
  );
  return shown!;
}
