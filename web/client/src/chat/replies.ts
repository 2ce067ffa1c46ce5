// Written by lean.mjs from the generated API. Changes here are lost.
import { EventKind, Role, TypingState } from '../api/chatroom/v1/chatroom.stoa.js';

/** The values of all enums that are received; no two have one name. */
export const ENUMS: Readonly<Record<string, number>> = { ...EventKind, ...Role, ...TypingState };

/** The same for this package: bundlers write the numbers where the names are. */
export const enum Known {
  EVENT_UNKNOWN = 0,
  EVENT_EDIT = 1,
  EVENT_DELETE = 2,
  EVENT_REACT = 3,
  EVENT_TOPIC = 4,
  ROLE_USER = 0,
  ROLE_MODERATOR = 1,
  ROLE_ADMIN = 2,
  TYPING_ACTIVE = 0,
  TYPING_PAUSED = 1,
  TYPING_DONE = 2,
}

/** The line of errors. Above it are messages, below it what is in others, then the calls with the fields of their
 *  replies. */
export const enum Line {
  ERROR = 9,
  CALLS = 15,
}

/** A line has a name, a number, and the fields: a name, and its mark: `,` for a text, `.` for a bigint, `=` for a
 *  number, `)` for an enum, `(` for a boolean; `[` for a list, `{` for a map by texts, `?` for what may be absent: of
 *  the messages of the line that follows, or of texts. */
export const TEXT = `ping,40,
goingAway,41,delayMs=endpoint,code=reason,
chat,0,message,sender,timestamp,clientMsgId,replyTo.deleted(editedMs.reactions{14traceparent?tsMs.userId,epoch.offset.room,
left,22,code=reason,room,
roomActivity,37,mentioned(top.unread=room,
read,29,unread=offset.room,
presenceDiff,27,joins[12leaves[total=truncated(version.room,
typing,28,state)userId,nick,room,
event,33,kind)target.emoji,off(text,tsMs.userId,nick,epoch.offset.room,
x,,metadata{temporary(retryMs=message,code=reason,
x,,send(moderate(administer(mutedUntilMs.
x,,members[12total=truncated(version.
x,,sessions=away(role)userId,nick,
x,,name,lastActivityMs.joined(topic,online=unread=
x,,count=mine(
hello,16,sessionId,server,serverMs.messageBytesMax=pingMs=textCharsMax=defaultRoom,ratePerS=rateBurst=guestToken,tokenTtlS=role)userId,nick,
refresh,17,tokenTtlS=
setNick,35,guestToken,nick,
chat,0,duplicate(tsMs.epoch.offset.
join,20,wasRecovering(recovered(moreBefore(permissions?10readOffset.online=topic,slowModeS=presence?11items[2unread=epoch.offset.room,
leave,21,
history,24,more(items[2top.epoch.
search,25,continueBefore.items[2top.epoch.
presence,26,members[12total=truncated(version.
rooms,36,rooms[13more(
edit,30,epoch.offset.
delete,31,epoch.offset.
react,32,epoch.offset.
moderate,34,
setRoom,38,`;
