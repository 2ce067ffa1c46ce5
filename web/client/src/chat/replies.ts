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
goingAway,41,code=reason,delayMs=endpoint,
chat,0,message,sender,timestamp,room,offset.epoch.clientMsgId,userId,tsMs.replyTo.deleted(editedMs.reactions{14traceparent?
left,22,room,code=reason,
roomActivity,37,room,top.unread=mentioned(
read,29,room,offset.unread=
presenceDiff,27,room,version.joins[12leaves[total=truncated(
typing,28,room,state)userId,nick,
event,33,kind)room,offset.epoch.target.text,emoji,off(userId,nick,tsMs.
x,,code=reason,message,metadata{temporary(retryMs=
x,,send(moderate(administer(mutedUntilMs.
x,,version.members[12total=truncated(
x,,userId,nick,sessions=away(role)
x,,name,topic,online=lastActivityMs.unread=joined(
x,,count=mine(
hello,16,sessionId,nick,server,serverMs.messageBytesMax=pingMs=userId,textCharsMax=defaultRoom,guestToken,tokenTtlS=ratePerS=rateBurst=role)
refresh,17,tokenTtlS=
setNick,35,nick,guestToken,
chat,0,offset.epoch.tsMs.duplicate(
join,20,room,epoch.offset.wasRecovering(recovered(items[2moreBefore(permissions?10readOffset.unread=online=topic,slowModeS=presence?11
leave,21,
history,24,items[2top.more(epoch.
search,25,items[2continueBefore.top.epoch.
presence,26,version.members[12total=truncated(
rooms,36,rooms[13more(
edit,30,offset.epoch.
delete,31,offset.epoch.
react,32,offset.epoch.
moderate,34,
setRoom,38,`;
