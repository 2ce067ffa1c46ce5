// json.ts: messages in the proto3 JSON mapping. Values, not text: JSON.parse() and JSON.stringify() do the rest.
//
// All of the mapping, and what is not in it is refused. A client reads its server's JSON with plain.ts, which is smaller.
import { checkDepth, checked, claim, isWide, present, real, REAL, whole } from './check.js';
import { create, Form, isList, own, wrong, type Field, type Init, type Kind, type Type } from './type.js';

const isKnown = (value: unknown): boolean => value !== undefined;

function nameOf({ names_: names }: Kind, value: number): string | number {
  return Object.keys(names!()).find((name) => names!()[name] === value) ?? value;
}

function toJson(field: Field, value: any, depth: number): unknown {
  const { kind_: kind } = field;
  const { form_: form } = kind;
  const found = checked(field, value);
  if (kind.special_) {
    return kind.special_.encode(found, depth);
  }
  switch (form) {
    case Form.MESSAGE:
      return encode(kind.inner_!(), found, depth + 1);
    case Form.MAP: {
      const [keys, values] = kind.inner_!().fields_;
      const entries = Array.from(found as Map<unknown, unknown>);
      return Object.fromEntries(entries.map(([key, item]) => [checked(keys, key), toJson(values, item, depth)]));
    }
    case Form.ENUM:
      return nameOf(kind, found);
    case Form.FLOAT:
    case Form.DOUBLE:
      // Values that are not JSON numbers are strings, and so is -0, whose sign would be lost.
      return Object.is(found, -0) ? '-0' : Number.isFinite(found) ? found : String(found);
    default:
      return isWide(form) ? String(found) : found;
  }
}

function realIn(form: string, json: any): number {
  const isText = typeof json === 'string' && (REAL.test(json) || ['NaN', 'Infinity', '-Infinity'].includes(json));
  const value = isText || Number.isFinite(json) ? real(form, json) : undefined;
  if (value === undefined) {
    throw wrong('number');
  }
  return value;
}

// undefined is an unknown enum name.
function enumIn({ names_: names }: Kind, json: any): number | undefined {
  const isName = typeof json === 'string' && !REAL.test(json);
  const value = isName ? own(names!(), json) : whole(Form.INT32, json);
  if (value === undefined && !isName) {
    throw wrong('enum');
  }
  return value;
}

function mapIn([keys, values]: readonly Field[], json: unknown, depth: number): Map<unknown, unknown> {
  const isBool = keys.kind_.form_ === Form.BOOL;
  const entries = entriesOf(json).map(([text, item]): [unknown, unknown] => [
    checked(keys, isBool ? { true: true, false: false }[text] : text),
    fromJson(values, item, depth),
  ]);
  return new Map(entries.filter(([, item]) => isKnown(item)));
}

/** undefined is an unknown value: it counts as absent. */
function fromJson(field: Field, json: unknown, depth: number): unknown {
  const { kind_: kind } = field;
  if (kind.special_) {
    return kind.special_.decode(json, depth);
  }
  switch (kind.form_) {
    case Form.MESSAGE:
      return decode(kind.inner_!(), json, depth + 1);
    case Form.MAP:
      return mapIn(kind.inner_!().fields_, json, depth);
    case Form.ENUM:
      return enumIn(kind, json);
    case Form.FLOAT:
    case Form.DOUBLE:
      return realIn(kind.form_, json);
    default:
      return checked(field, json);
  }
}

export function encode(type: Type<any>, message: unknown, depth: number): unknown {
  checkDepth(depth);
  if (type.special_) {
    return type.special_.encode(message, depth);
  }
  return Object.fromEntries(
    present(type, message).map(([field, value]) => [
      field.json_,
      isList(field) ? value.map((item: unknown) => toJson(field, item, depth)) : toJson(field, value, depth),
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
    throw wrong(field.name_);
  }
  return json.map((item) => fromJson(field, item, depth)).filter(isKnown);
}

// protoc-gen-stoa leaves out the names that follow from the property's.
const nameInProto = ({ name_: name, protoName_: protoName }: Field): string =>
  protoName ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

// null means absent, except in a field of type Value.
const takesNull = (field: Field): boolean | undefined => {
  const { kind_: kind } = field;
  return !isList(field) && (kind.special_ ?? (kind.form_ === Form.MESSAGE ? kind.inner_!().special_ : undefined))?.takesNull_;
};

export function decode(type: Type<any>, json: unknown, depth: number): any {
  checkDepth(depth);
  if (type.special_ && (json !== null || type.special_.takesNull_)) {
    return type.special_.decode(json, depth);
  }
  const message = create(type);
  const taken = new Set<number>();
  for (const [key, value] of entriesOf(json)) {
    const field = type.fields_.find((one) => one.json_ === key || nameInProto(one) === key);
    if (field && (value !== null || takesNull(field))) {
      const { name_: name } = field;
      claim(taken, field);
      message[name] = (isList(field) ? decodeList : fromJson)(field, value, depth) ?? message[name];
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
