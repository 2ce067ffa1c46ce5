// json.ts: the JSON between the chat and its server, with a table of what a server sends.
//
// Every field that is read has a value of its type, whatever was received, or an exception is thrown: nothing else of a
// hostile server reaches the program. Requests are written as they are; their types are the compiler's to check, and the
// server's.
import { type Protocol } from '@stoa/client';

import { type ChatroomApi } from '../api/chatroom/v1/chatroom.stoa.js';
import { ENUMS, Line, TEXT } from './replies.js';

const lines = TEXT.split('\n').map((line) => line.split(' '));

/** A kind is a letter: U for a bigint, u for a number, e for an enum, b for a boolean, # for the message of the line
 *  behind it; nothing for a text. `?`, `*` and `%` before another kind: it may be absent, a list, a map by texts. */
function read(kind: string, json: any): any {
  const form = kind[0];
  const rest: any = kind.slice(1);
  const one = (item: unknown) => read(rest, item);
  if (form === '?') {
    return json == null ? undefined : one(json);
  }
  if (form === '*') {
    return (json ?? []).map(one);
  }
  if (form === '%') {
    return new Map(Object.entries(json ?? {}).map(([key, item]) => [key, one(item)]));
  }
  if (form === '#') {
    return message(lines[rest], json);
  }
  const zero = form === 'U' ? 0n : form === 'b' ? false : form ? 0 : '';
  // The value of an enum that is not known yet is 0.
  const value = form === 'U' ? BigInt(json ?? 0) : form === 'e' ? ENUMS[json] ?? (+json || 0) : json ?? zero;
  if (typeof value !== typeof zero) {
    throw new TypeError(kind);
  }
  return value;
}

const message = ([, , ...fields]: string[], json: any): any => Object.fromEntries(fields.map((field) => {
  const [name, kind = ''] = field.split(':');
  return [name, read(kind, json[name])];
}));

/** The API with lines instead of types. */
export const replies: ChatroomApi = { messages: {}, calls: {} } as any;
lines.forEach((line, index) => {
  (replies as any)[index < Line.CALLS ? 'messages' : 'calls'][line[0]] = [+line[1], line, line];
});

export const json: Protocol = {
  name: 'stoa.json',
  encode: (_, request) => new TextEncoder().encode(
    JSON.stringify(request, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
  ),
  decode: (line: any = lines[Line.ERROR], payload) => message(line, JSON.parse(new TextDecoder().decode(payload) || '{}')),
};
