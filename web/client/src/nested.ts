// nested.ts: the kinds of fields that contain fields: messages and maps.
import { decode, encode, entriesOf, fromJson, isKnown, toJson } from './json.js';
import { checked, create, Form, message, type Kind, type Type } from './type.js';

/** A function, because a message may contain itself or a type that is defined later. */
export function nested(type: () => Type<any>): Kind {
  return {
    form: Form.MESSAGE,
    inner: type,
    zero: () => create(type()),
    check: (value) => (typeof value === 'object' && value ? value : undefined),
    toJson: (value, depth) => encode(type(), value, depth + 1),
    fromJson: (json, depth) => decode(type(), json, depth + 1),
    takesNull: () => type().special?.takesNull,
  };
}

/** On the wire it is a list of messages with key and value. */
export function map(key: Kind, value: Kind): Kind {
  const entry = message<any>([
    [1, 'key', key],
    [2, 'value', value],
  ]);
  const [keys, values] = entry.allFields;
  return {
    form: Form.MAP,
    inner: () => entry,
    zero: () => new Map(),
    check: (item) => item,
    toJson: (items: Map<unknown, unknown>, depth) =>
      Object.fromEntries(Array.from(items, ([first, second]) => [checked(keys, first), toJson(values, second, depth)])),
    fromJson(json, depth) {
      const entries = entriesOf(json).map(([text, item]): [unknown, unknown] => [
        checked(keys, key.zero() === false ? { true: true, false: false }[text] : text),
        fromJson(values, item, depth),
      ]);
      return new Map(entries.filter(([, item]) => isKnown(item)));
    },
  };
}
