// json.ts: messages as proto3's JSON mapping has them. Values, not text: JSON.parse() and JSON.stringify() do the rest.
import { scalar } from './scalar.js';
import {
  claim, create, deeper, isList, isWide, Kind, Label, own, present, wrong, type Field, type Init, type Type,
} from './type.js';

function encodeElement({ kind, name, type }: Field, value: any, depth: number): unknown {
  if (kind === Kind.MESSAGE) {
    return encode(type(), value, deeper(depth));
  }
  const checked = scalar(kind, value);
  if (checked === undefined) {
    throw wrong(name);
  }
  if (kind === Kind.ENUM) {
    const table = type();
    return Object.keys(table).find((key) => table[key] === checked) ?? checked;
  }
  if (kind === Kind.BYTES) {
    return btoa(Array.from(checked as Uint8Array, (byte) => String.fromCharCode(byte)).join(''));
  }
  // What JSON has no number for is a string: 64 bits, NaN, the infinities, and -0, whose sign would be lost.
  const isText = isWide(kind) || (typeof checked === 'number' && !Number.isFinite(checked));
  return isText ? String(checked) : Object.is(checked, -0) ? '-0' : checked;
}

function encodeField(field: Field, value: any, depth: number): unknown {
  if (field.label === Label.MAP) {
    const entries = Array.from(value as Map<unknown, unknown>);
    return Object.fromEntries(entries.map(([key, item]) => [String(key), encodeElement(field, item, depth)]));
  }
  return isList(field)
    ? value.map((item: unknown) => encodeElement(field, item, depth))
    : encodeElement(field, value, depth);
}

function encode(type: Type<any>, message: unknown, depth: number): unknown {
  if (type.special) {
    return type.special.encode(message);
  }
  return Object.fromEntries(
    present(type, message).map(([field, value]) => [field.json, encodeField(field, value, depth)]),
  );
}

// undefined is the name of an enum value that this program does not know: it counts as not there.
function decodeElement({ kind, name, type }: Field, json: any, depth: number): any {
  if (kind === Kind.MESSAGE) {
    return decode(type(), json, deeper(depth));
  }
  if (kind === Kind.ENUM && typeof json === 'string') {
    return own(type(), json);
  }
  // JSON has no infinities: this is a number that is too large.
  const value = Math.abs(json) === Infinity && typeof json === 'number' ? undefined : scalar(kind, json);
  if (value === undefined) {
    throw wrong(name);
  }
  return value;
}

function entriesOf(json: unknown, name: string): [string, unknown][] {
  if (typeof json !== 'object' || !json || Array.isArray(json)) {
    throw wrong(name);
  }
  return Object.entries(json);
}

function decodeKey(field: Field, key: string): any {
  const isBool = field.extra === Kind.BOOL && (key === 'true' || key === 'false');
  const value = scalar(field.extra, isBool ? key === 'true' : key);
  if (value === undefined) {
    throw wrong(field.name);
  }
  return value;
}

function decodeField(field: Field, json: unknown, depth: number): any {
  const isKnown = (value: unknown): boolean => value !== undefined;
  if (field.label === Label.MAP) {
    const entries = entriesOf(json, field.name).map(([key, item]): [unknown, unknown] => [
      decodeKey(field, key),
      decodeElement(field, item, depth),
    ]);
    return new Map(entries.filter(([, value]) => isKnown(value)));
  }
  if (!isList(field)) {
    return decodeElement(field, json, depth);
  }
  if (!Array.isArray(json)) {
    throw wrong(field.name);
  }
  return json.map((item) => decodeElement(field, item, depth)).filter(isKnown);
}

// null is the same as nothing, but for a field of Value.
function isAbsent(field: Field, json: unknown): boolean {
  return json === null && !(field.kind === Kind.MESSAGE && !field.entry && !isList(field) && field.type().special?.takesNull);
}

function decode(type: Type<any>, json: unknown, depth: number): any {
  if (type.special && (json !== null || type.special.takesNull)) {
    return type.special.decode(json);
  }
  const message = create(type);
  const taken = new Set<number>();
  for (const [key, value] of entriesOf(json, 'message')) {
    const field = type.names.get(key);
    if (field && !isAbsent(field, value)) {
      claim(taken, field);
      message[field.name] = decodeField(field, value, depth) ?? message[field.name];
    }
  }
  return message;
}

/** A value for JSON.stringify(). Throws when a value does not fit its field. */
export function encodeJson<T>(type: Type<T>, message: Init<T>): unknown {
  return encode(type, message, 1);
}

/** From a value that JSON.parse() gave. Members that the table does not know are ignored. Throws when it is no such
 *  message: a value of another type, a field under both its names, two members of a oneof. */
export function decodeJson<T>(type: Type<T>, json: unknown): T {
  return decode(type, json, 1);
}
