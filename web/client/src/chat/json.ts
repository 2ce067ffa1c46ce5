// json.ts: the JSON between the chat and its server, with a table of what a server sends.
//
// Every field that is read has a value of its type, whatever was received, or an exception is thrown: nothing else of a
// hostile server reaches the program. Requests are written as they are; their types are the compiler's to check, and the
// server's.
import { type Protocol } from '@stoa/client';

import { type ChatroomApi } from '../api/chatroom/v1/chatroom.stoa.js';
import { ENUMS, Line, TEXT } from './replies.js';

type Fields = readonly string[][];

const lines: Fields[] = TEXT.split('\n').map((line) => [...line.matchAll(/([a-z]\w*)(\W)(\d*)/gi)]);

function single(mark: string, json: any): any {
  const zero = mark === '.' ? 0n : mark === '(' ? false : mark === ',' ? '' : 0;
  // The value of an enum that is not known yet is 0.
  const value = mark === '.' ? BigInt(json ?? 0) : mark === ')' ? ENUMS[json] ?? (+json || 0) : json ?? zero;
  if (typeof value !== typeof zero) {
    throw new TypeError(mark);
  }
  return value;
}

const message = ([, ...fields]: Fields, json: any): any => Object.fromEntries(fields.map(([, name, mark, line]: any) => {
  const found = json[name];
  const inner = (item: unknown) => (line ? message(lines[line], item) : single(',', item));
  return [name, mark === '?'
    ? found == null ? undefined : inner(found)
    : mark === '['
      ? (found ?? []).map(inner)
      : mark === '{'
        ? new Map(Object.entries(found ?? {}).map(([key, item]) => [key, inner(item)]))
        : single(mark, found)];
}));

const rows = (some: readonly Fields[]) =>
  Object.fromEntries(some.map((line) => [line[0][1], [+line[0][3], line, line]]));

/** The API with lines instead of types. */
export const replies = {
  messages: rows(lines.slice(0, Line.CALLS)), calls: rows(lines.slice(Line.CALLS)),
} as unknown as ChatroomApi;

export const json: Protocol = {
  name: 'stoa.json',
  encode: (_, request) => new TextEncoder().encode(
    JSON.stringify(request, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
  ),
  decode: (line: any = lines[Line.ERROR], payload) => message(line, JSON.parse(new TextDecoder().decode(payload) || '{}')),
};
