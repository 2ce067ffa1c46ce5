export {
  EventKind, ModerateAction, Role, TypingState, type ChatMessage, type EventMessage, type HelloReply, type HistoryReply,
  type JoinReply, type Member, type Permissions, type Place, type PresenceDiffMessage, type Reaction, type ReadMessage,
  type Room as RoomInfo, type RoomActivityMessage, type RoomsReply, type SearchReply, type TypingMessage,
} from '../api/chatroom/v1/chatroom.stoa.js';
export { StoaError } from '@stoa/client';
export {
  Chat, type ChatEvents, type ChatOptions, type ChatState, type ChatStateDetail, type Identity,
} from './chat.js';
export { keepToken } from './token.js';
export { stored } from './stored.js';
export { type Outgoing, type OutgoingState } from './outgoing.js';
export {
  type JoinOptions, type Left, type Room, type RoomCall, type RoomEvents, type RoomState,
} from './room.js';
export { addMessage, addPage, applyEvent, EMPTY, pageItems, type Item, type Window } from './window.js';
