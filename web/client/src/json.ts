// json.ts: messages in the proto3 JSON mapping. Values, not text: JSON.parse() and JSON.stringify() do the rest.
import { checkDepth, checked, claim, create, present, wrong, type Field, type Init, type Type } from './type.js';

export function toJson(field: Field, value: unknown, depth: number): unknown {
  const found = checked(field, value);
  return field.kind.toJson ? field.kind.toJson(found, depth) : found;
}

/** undefined is an unknown value: it counts as absent. */
export function fromJson(field: Field, json: unknown, depth: number): unknown {
  return field.kind.fromJson ? field.kind.fromJson(json, depth) : checked(field, json);
}

export const isKnown = (value: unknown): boolean => value !== undefined;

export function encode(type: Type<any>, message: unknown, depth: number): unknown {
  checkDepth(depth);
  if (type.special) {
    return type.special.encode(message, depth);
  }
  return Object.fromEntries(
    present(type, message).map(([field, value]) => [
      field.json,
      field.isList ? value.map((item: unknown) => toJson(field, item, depth)) : toJson(field, value, depth),
    ]),
  );
}

export function entriesOf(json: unknown): [string, unknown][] {
  if (typeof json !== 'object' || !json || Array.isArray(json)) {
    throw wrong('object');
  }
  return Object.entries(json);
}

function decodeList(field: Field, json: unknown, depth: number): unknown {
  if (!Array.isArray(json)) {
    throw wrong(field.name);
  }
  return json.map((item) => fromJson(field, item, depth)).filter(isKnown);
}

export function decode(type: Type<any>, json: unknown, depth: number): any {
  checkDepth(depth);
  if (type.special && (json !== null || type.special.takesNull)) {
    return type.special.decode(json, depth);
  }
  const message = create(type);
  const taken = new Set<number>();
  for (const [key, value] of entriesOf(json)) {
    const field = type.allFields.find(({ json, protoName }) => json === key || protoName === key);
    // null means absent, except in a field of type Value.
    if (field && (value !== null || (!field.isList && field.kind.takesNull?.()))) {
      claim(taken, field);
      message[field.name] = (field.isList ? decodeList : fromJson)(field, value, depth) ?? message[field.name];
    }
  }
  return message;
}

/** A value for JSON.stringify(). Throws when a value does not fit its field. */
export function encodeJson<T>(type: Type<T>, message: Init<T>): unknown {
  return encode(type, message, 1);
}

/** From a value of JSON.parse(). Members that the table does not know are ignored. Throws when it is not such a
 *  message: a value has the wrong type, a field has both its names, or two members of a oneof are set. */
export function decodeJson<T>(type: Type<T>, json: unknown): T {
  return decode(type, json, 1);
}
