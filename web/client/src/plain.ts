// plain.ts: the JSON between a client and its server.
//
// Reads what writers of proto3 JSON write: a message in which every field has a value of its type, or an exception. What
// they never write (names of the .proto file, a field twice, numbers that are too large) is not looked for; json.ts
// refuses it. Writes what every parser takes: numbers of enums instead of their names.
import { Form, isList, own, wrong, zero, type Kind, type Type } from './type.js';

// Text of which a half is missing cannot be sent.
const LONE_SURROGATE = /\p{Surrogate}/u;

const isKnown = (value: unknown): boolean => value !== undefined;
const specialOf = (kind: Kind) => kind.special_ ?? kind.inner_?.().special_;
const hasType = (form: string, value: unknown): boolean =>
  typeof value === (form === Form.MESSAGE ? 'object' : typeof zero(form));

/** undefined for a name of an enum that this program does not know. */
function readValue(kind: Kind, json: any): any {
  const { form_: form, inner_: inner, names_: names } = kind;
  const special = specialOf(kind);
  if (special) {
    return special.decode(json, 1);
  }
  if (names && typeof json === 'string') {
    return own(names(), json);
  }
  const value = form === Form.MAP
    ? new Map(Object.entries(json)
      .map((entry) => inner!().fields_.map((field, index) => readValue(field.kind_, entry[index])) as [any, any])
      .filter(([, item]) => isKnown(item)))
    : form === Form.BOOL
      ? own({ true: true, false: false }, json)
      : inner || form === Form.STRING ? json : form < 'a' ? BigInt(json) : Number(json);
  if (!hasType(form, value) || value !== value && json !== 'NaN') {
    throw wrong(form);
  }
  if (form !== Form.MESSAGE) {
    return value;
  }
  const message: any = {};
  inner!().fields_.forEach((field) => {
    const { name_: name, kind_: kind } = field;
    const found = own(json, field.json_);
    const isThere = isKnown(found) && (found !== null || specialOf(kind)?.takesNull_);
    const one = (item: unknown) => readValue(kind, item);
    const value = (isThere ? isList(field) ? found.map(one).filter(isKnown) : one(found) : undefined) ?? field.zero_?.();
    if (isKnown(value)) {
      message[name] = value;
    }
  });
  return message;
}

function writeValue(kind: Kind, name: string, value: any): any {
  const { form_: form, inner_: inner } = kind;
  const special = specialOf(kind);
  if (!hasType(form, value) || form === Form.STRING && LONE_SURROGATE.test(value)) {
    throw wrong(name);
  }
  if (special) {
    return special.encode(value, 1);
  }
  if (form === Form.MAP) {
    return Object.fromEntries(Array.from(value as Map<any, any>, ([key, item]) =>
      [key, writeValue(inner!().fields_[1].kind_, name, item)]));
  }
  if (!inner) {
    return form < 'a' || form !== Form.STRING && value - value !== 0 ? String(value) : value;
  }
  const json: any = {};
  inner().fields_.forEach((field) => {
    const { name_: name, kind_: kind } = field;
    const item = own(value, name);
    if (isKnown(item) && (!field.zero_ || item !== zero(kind.form_))) {
      const one = (item: unknown) => writeValue(kind, name, item);
      json[field.json_] = isList(field) ? item.map(one) : one(item);
    }
  });
  return json;
}

const kindOf = (type: Type<any>): Kind => ({ form_: Form.MESSAGE, inner_: () => type });

/** Throws when it is not such a message. */
export const read = (type: Type<any>, json: unknown): any => readValue(kindOf(type), json);

/** A value for JSON.stringify(). Throws a TypeError when a value has not the type of its field. */
export const write = (type: Type<any>, message: unknown): unknown => writeValue(kindOf(type), 'message', message);
