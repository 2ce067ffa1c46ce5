// plain.ts: the JSON between a client and its server.
//
// Reads what writers of proto3 JSON write: a message in which every field has a value of its type, or an exception. What
// they never write (names of the .proto file, a field twice, numbers that are too large) is not looked for; json.ts
// refuses it. Writes what every parser takes: numbers of enums instead of their names.
import { bytesOf, textOf } from './base64.js';
import { create, Form, own, wrong, zero, type Kind, type Type } from './type.js';

// Text of which a half is missing cannot be sent.
const LONE_SURROGATE = /\p{Surrogate}/u;

const isKnown = (value: unknown): boolean => value !== undefined;
const specialOf = (kind: Kind) => (kind.inner_?.() ?? kind).special_;
const hasType = (form: string, value: unknown): boolean =>
  typeof value === (form === Form.MESSAGE ? 'object' : typeof zero(form));

/** undefined for a name of an enum that this program does not know. */
function readValue(kind: Kind, json: any): any {
  const { form_: form, inner_: inner, names_: names } = kind;
  const isText = typeof json === 'string';
  const value = kind.special_
    ? kind.special_.decode(json, 1)
    : form === Form.MESSAGE
      ? read(inner!(), json)
      : form === Form.MAP
        ? new Map(Object.entries(json)
          .map((entry) => inner!().fields_.map((field, index) => readValue(field.kind_, entry[index])) as [any, any])
          .filter(([, item]) => isKnown(item)))
        : form === Form.BYTES
          ? bytesOf(json)
          : form === Form.BOOL
            ? own({ true: true, false: false }, json)
            : names && isText
              ? own(names(), json)
              : form === Form.STRING ? json : form < 'a' ? BigInt(json) : Number(json);
  if (names && isText || hasType(form, value) && (value === value || json === 'NaN')) {
    return value;
  }
  throw wrong(form);
}

/** Throws when it is not such a message. */
export function read(type: Type<any>, json: any): any {
  if (type.special_) {
    return type.special_.decode(json, 1);
  }
  if (!hasType(Form.MESSAGE, json)) {
    throw wrong(Form.MESSAGE);
  }
  const message = create(type);
  type.fields_.forEach(({ name_: name, json_: key, kind_: kind, isList_: isList }) => {
    const found = own(json, key);
    if (isKnown(found) && (found !== null || specialOf(kind)?.takesNull_)) {
      const one = (item: unknown) => readValue(kind, item);
      message[name] = (isList ? found.map(one).filter(isKnown) : one(found)) ?? message[name];
    }
  });
  return message;
}

function writeValue(kind: Kind, name: string, value: any): any {
  const { form_: form, inner_: inner } = kind;
  if (!hasType(form, value) || form === Form.STRING && LONE_SURROGATE.test(value)) {
    throw wrong(name);
  }
  return kind.special_
    ? kind.special_.encode(value, 1)
    : form === Form.MESSAGE
      ? write(inner!(), value)
      : form === Form.MAP
        ? Object.fromEntries(Array.from(value as Map<any, any>, ([key, item]) =>
          [key, writeValue(inner!().fields_[1].kind_, name, item)]))
        : form === Form.BYTES
          ? textOf(value)
          : form < 'a' || value - value !== 0 && form !== Form.STRING ? String(value) : value;
}

/** A value for JSON.stringify(). Throws a TypeError when a value has not the type of its field. */
export function write(type: Type<any>, message: any): unknown {
  if (type.special_) {
    return type.special_.encode(message, 1);
  }
  const json: any = {};
  type.fields_.forEach(({ name_: name, json_: key, kind_: kind, isList_: isList, hasPresence_: hasPresence }) => {
    const value = own(message, name);
    if (isKnown(value) && (hasPresence || value !== zero(kind.form_))) {
      const one = (item: unknown) => writeValue(kind, name, item);
      json[key] = isList ? value.map(one) : one(value);
    }
  });
  return json;
}
