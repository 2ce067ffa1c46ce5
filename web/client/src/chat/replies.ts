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

/** A line has a name, a number, and the fields: a name, and behind `:` its kind, when it is not a string. json.ts has
 *  what kinds there are. */
export const TEXT = `ping 40
goingAway 41 code:u reason delayMs:u endpoint
chat 0 message sender timestamp room offset:U epoch:U clientMsgId userId tsMs:U replyTo:U deleted:b editedMs:U reactions:%#14 traceparent:?
left 22 room code:u reason
roomActivity 37 room top:U unread:u mentioned:b
read 29 room offset:U unread:u
presenceDiff 27 room version:U joins:*#12 leaves:* total:u truncated:b
typing 28 room state:e userId nick
event 33 kind:e room offset:U epoch:U target:U text emoji off:b userId nick tsMs:U
  code:u reason message metadata:% temporary:b retryMs:u
  send:b moderate:b administer:b mutedUntilMs:U
  version:U members:*#12 total:u truncated:b
  userId nick sessions:u away:b role:e
  name topic online:u lastActivityMs:U unread:u joined:b
  count:u mine:b
hello 16 sessionId nick server serverMs:U messageBytesMax:u pingMs:u userId textCharsMax:u defaultRoom guestToken tokenTtlS:u ratePerS:u rateBurst:u role:e
refresh 17 tokenTtlS:u
setNick 35 nick guestToken
chat 0 offset:U epoch:U tsMs:U duplicate:b
join 20 room epoch:U offset:U wasRecovering:b recovered:b items:*#2 moreBefore:b permissions:?#10 readOffset:U unread:u online:u topic slowModeS:u presence:?#11
leave 21
history 24 items:*#2 top:U more:b epoch:U
search 25 items:*#2 continueBefore:U top:U epoch:U
presence 26 version:U members:*#12 total:u truncated:b
rooms 36 rooms:*#13 more:b
edit 30 offset:U epoch:U
delete 31 offset:U epoch:U
react 32 offset:U epoch:U
moderate 34
setRoom 38`;
