// wkt.ts: Protobuf's well-known types, whose JSON a table cannot describe. A separate module, because most APIs need
// none.
//
// Times keep their nanoseconds: `seconds` and `nanos` as on the wire; date() and timestamp() convert to and from Date.
import { decodeBinary, encodeBinary } from './binary.js';
import { decode, decodeJson, encode, encodeJson, entriesOf } from './json.js';
import { checkDepth, fit } from './check.js';
import {
  bool, bytes, double, enumeration, float, int32, int64, map, nested, string, uint32, uint64,
} from './kind.js';
import { create, message, own, wrong, type Init, type Kind, type Type } from './type.js';

export interface Timestamp {
  /** Since 1970-01-01 UTC. */
  seconds: bigint;
  /** 0 to 999999999, forward in time. */
  nanos: number;
}

export interface Duration {
  seconds: bigint;
  /** With the same sign as the seconds. */
  nanos: number;
}

export interface FieldMask {
  paths: string[];
}

export interface Empty {}

export interface Any {
  typeUrl: string;
  value: Uint8Array;
}

export interface Struct {
  fields: Map<string, Value>;
}

/** One member is set. */
export interface Value {
  nullValue?: NullValue;
  numberValue?: number;
  stringValue?: string;
  boolValue?: boolean;
  structValue?: Struct;
  listValue?: ListValue;
}

export interface ListValue {
  values: Value[];
}

export interface Wrapper<T> {
  value: T;
}

export const NullValue = { NULL_VALUE: 0 } as const;
export type NullValue = (typeof NullValue)[keyof typeof NullValue];

/** The kind of fields of this type. */
export const nullValue: Kind<number> = /* @__PURE__ */ Object.assign({}, enumeration(() => NullValue), {
  special_: {
    encode: () => null,
    decode: (json: unknown) => (json === null ? 0 : decodeJson(named, { value: json }).value),
    takesNull_: true,
  },
});

const named = /* @__PURE__ */ message<any>([[1, 'value', /* @__PURE__ */ enumeration(() => NullValue)]]);

const TIMESTAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;
const DURATION = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;
// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
const TIMESTAMP_MIN = BigInt(-62135596800);
const TIMESTAMP_MAX = BigInt(253402300799);
const DURATION_MAX = BigInt(315576000000);

const nanosOf = (digits = ''): number => Number(digits.padEnd(9, '0'));

// "", ".120", ".000120" or nine digits.
function fraction(nanos: number): string {
  const digits = String(nanos).padStart(9, '0');
  return nanos === 0 ? '' : `.${digits.replace(/(000){1,2}$/, '')}`;
}

function match(pattern: RegExp, json: unknown, what: string): RegExpExecArray {
  const found = typeof json === 'string' ? pattern.exec(json) : null;
  if (!found) {
    throw wrong(what);
  }
  return found;
}

function checkTimestamp({ seconds = BigInt(0), nanos = 0 }: Partial<Timestamp>): Timestamp {
  if (seconds < TIMESTAMP_MIN || seconds > TIMESTAMP_MAX || !(nanos >= 0 && nanos < 1e9)) {
    throw wrong('Timestamp');
  }
  return { seconds, nanos };
}

function checkDuration({ seconds = BigInt(0), nanos = 0 }: Partial<Duration>): Duration {
  const isMixed = (seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0);
  if (seconds < -DURATION_MAX || seconds > DURATION_MAX || isMixed || !(Math.abs(nanos) < 1e9)) {
    throw wrong('Duration');
  }
  return { seconds, nanos };
}

export const Timestamp: Type<Timestamp> = /* @__PURE__ */ message<Timestamp>(
  [
    [1, 'seconds', int64],
    [2, 'nanos', int32],
  ],
  {
    encode(time) {
      const { seconds, nanos } = checkTimestamp(time);
      return new Date(Number(seconds) * 1000).toISOString().replace('.000Z', `${fraction(nanos)}Z`);
    },
    decode(json) {
      const [, local, digits, zone] = match(TIMESTAMP, json, 'Timestamp');
      const ms = Date.parse(local + zone);
      // Date changes the 30th of February to the 1st or 2nd of March.
      if (Number.isNaN(ms) || !new Date(Date.parse(`${local}Z`)).toISOString().startsWith(local)) {
        throw wrong('Timestamp');
      }
      return checkTimestamp({ seconds: BigInt(ms / 1000), nanos: nanosOf(digits) });
    },
  },
);

/** The nanoseconds below a millisecond are lost. */
export function date({ seconds, nanos }: Timestamp): Date {
  return new Date(Number(seconds) * 1000 + Math.floor(nanos / 1e6));
}

export function timestamp(when: Date): Timestamp {
  const ms = when.getTime();
  const seconds = Math.floor(ms / 1000);
  return checkTimestamp({ seconds: BigInt(seconds), nanos: (ms - seconds * 1000) * 1e6 });
}

export const Duration: Type<Duration> = /* @__PURE__ */ message<Duration>(
  [
    [1, 'seconds', int64],
    [2, 'nanos', int32],
  ],
  {
    encode(duration) {
      const { seconds, nanos } = checkDuration(duration);
      const sign = seconds < 0 || nanos < 0 ? '-' : '';
      return `${sign}${String(seconds).replace('-', '')}${fraction(Math.abs(nanos))}s`;
    },
    decode(json) {
      const [, sign, seconds, digits] = match(DURATION, json, 'Duration');
      const nanos = nanosOf(digits);
      return checkDuration(
        sign ? { seconds: -BigInt(seconds), nanos: nanos && -nanos } : { seconds: BigInt(seconds), nanos },
      );
    },
  },
);

// JSON has names in lowerCamelCase; only names that are read back unchanged may be written.
function camelPath(path: string): string {
  const camel = path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  if (snakePath(camel) !== path) {
    throw wrong('FieldMask');
  }
  return camel;
}

function snakePath(path: string): string {
  if (path === '' || path.includes('_')) {
    throw wrong('FieldMask');
  }
  return path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export const FieldMask: Type<FieldMask> = /* @__PURE__ */ message<FieldMask>([[1, 'paths', string, '*']], {
  encode: ({ paths = [] }) => paths.map(camelPath).join(','),
  decode(json) {
    const [text] = match(/^.*$/s, json, 'FieldMask');
    return { paths: text === '' ? [] : text.split(',').map(snakePath) };
  },
});

export const Empty: Type<Empty> = /* @__PURE__ */ message<Empty>([]);

const OWN_PACKAGE = 'google.protobuf.';
const types = /* @__PURE__ */ new Map<string, Type<any>>();

// The types of this module, which an Any may always contain. A function, because they are defined later.
const ownTypes = (): Record<string, Type<any>> => ({
  Any, BoolValue, BytesValue, DoubleValue, Duration, Empty, FieldMask, FloatValue, Int32Value, Int64Value, ListValue,
  StringValue, Struct, Timestamp, UInt32Value, UInt64Value, Value,
});

/** Allow an Any to contain these types, by their full names: `addTypes({ 'shop.v1.Basket': Basket })`. The types of a
 *  .proto file that uses Any are known when its module is loaded, and so are those of this module. */
export function addTypes(added: Readonly<Record<string, Type<any>>>): void {
  Object.entries(added).forEach(([name, type]) => types.set(name, type));
}

// The name is what follows the last slash.
function typeOf(url: string): Type<any> | undefined {
  const name = url.includes('/') ? url.slice(url.lastIndexOf('/') + 1) : '';
  const isOwn = name.startsWith(OWN_PACKAGE);
  return types.get(name) ?? (isOwn ? own(ownTypes(), name.slice(OWN_PACKAGE.length)) : undefined);
}

function knownType(url: unknown): Type<any> {
  const type = typeof url === 'string' && typeOf(url);
  if (!type) {
    throw wrong(`Any: there is no type ${url}`);
  }
  return type;
}

/** Throws when the type is not known. */
export function pack<T>(type: Type<T>, message: Init<T>): Any {
  const ours = Object.entries(ownTypes()).map(([name, one]): [string, Type<any>] => [OWN_PACKAGE + name, one]);
  const found = [...types, ...ours].find(([, one]) => one === type);
  if (!found) {
    throw wrong('Any: tell addTypes() of this type');
  }
  return { typeUrl: `type.googleapis.com/${found[0]}`, value: encodeBinary(type, message) };
}

/** undefined when it contains another type. Throws when its bytes are not such a message. */
export function unpack<T>(type: Type<T>, { typeUrl, value }: Any): T | undefined {
  return typeOf(typeUrl) === type ? decodeBinary(type, value) : undefined;
}

// Its JSON is that of the message inside, whose type must be known.
export const Any: Type<Any> = /* @__PURE__ */ message<Any>(
  [
    [1, 'type_url', string],
    [2, 'value', bytes],
  ],
  {
    encode({ typeUrl = '', value = new Uint8Array() }: Partial<Any>, depth) {
      if (!typeUrl && !value.length) {
        return {};
      }
      const type = knownType(typeUrl);
      const json = encode(type, decodeBinary(type, value), depth + 1);
      return type.special_ ? { '@type': typeUrl, value: json } : { '@type': typeUrl, ...(json as object) };
    },
    decode(json: any, depth) {
      if (!entriesOf(json).length) {
        return { typeUrl: '', value: new Uint8Array() };
      }
      const { '@type': typeUrl, ...rest } = json;
      const type = knownType(typeUrl);
      if (type.special_ && !('value' in rest)) {
        throw wrong('Any: it has no value');
      }
      const held = decode(type, type.special_ ? rest.value : rest, depth + 1);
      return { typeUrl, value: encodeBinary(type, held) };
    },
  },
);

export const Struct: Type<Struct> = /* @__PURE__ */ message<Struct>(
  [[1, 'fields', map(string, nested(() => Value))]],
  {
    encode: (struct, depth) =>
      Object.fromEntries(Array.from(struct.fields ?? [], ([key, value]) => [key, plain(value, depth + 1)])),
    decode(json, depth) {
      const { structValue } = valueOf(json, depth);
      if (!structValue) {
        throw wrong('Struct');
      }
      return structValue;
    },
  },
);

export const ListValue: Type<ListValue> = /* @__PURE__ */ message<ListValue>(
  [[1, 'values', nested(() => Value), '*']],
  {
    encode: (list, depth) => (list.values ?? []).map((value) => plain(value, depth + 1)),
    decode(json, depth) {
      const { listValue } = valueOf(json, depth);
      if (!listValue) {
        throw wrong('ListValue');
      }
      return listValue;
    },
  },
);

export const Value: Type<Value> = /* @__PURE__ */ message<Value>(
  [
    [1, 'null_value', nullValue, '|0'],
    [2, 'number_value', double, '|0'],
    [3, 'string_value', string, '|0'],
    [4, 'bool_value', bool, '|0'],
    [5, 'struct_value', nested(() => Struct), '|0'],
    [6, 'list_value', nested(() => ListValue), '|0'],
  ],
  { encode: plain, decode: valueOf, takesNull_: true },
);

/** A value for JSON.stringify(). Throws when no member is set, or when a number is not valid in JSON. */
export function plain(value: Value, depth = 1): unknown {
  const found = value.structValue
    ? encode(Struct, value.structValue, depth)
    : value.listValue
      ? encode(ListValue, value.listValue, depth)
      : value.stringValue ?? value.numberValue ?? value.boolValue;
  const isUnsayable = typeof found === 'number' && !Number.isFinite(found);
  if (isUnsayable || (found === undefined && value.nullValue === undefined)) {
    throw wrong('Value');
  }
  return found ?? null;
}

/** From a value of JSON.parse(). */
export function valueOf(json: unknown, depth = 1): Value {
  checkDepth(depth);
  switch (typeof json) {
    case 'number':
      return { numberValue: finite(json) };
    case 'string':
      return { stringValue: text(json) };
    case 'boolean':
      return { boolValue: json };
    case 'object':
      return objectValue(json, depth);
    default:
      throw wrong('Value');
  }
}

function finite(json: number): number {
  if (!Number.isFinite(json)) {
    throw wrong('Value');
  }
  return json;
}

function text(json: string): string {
  const checked = fit(string, json);
  if (checked === undefined) {
    throw wrong('Value');
  }
  return checked;
}

function objectValue(json: object | null, depth: number): Value {
  if (json === null) {
    return { nullValue: NullValue.NULL_VALUE };
  }
  if (Array.isArray(json)) {
    return { listValue: { values: json.map((item) => valueOf(item, depth + 1)) } };
  }
  const entries = Object.entries(json);
  return {
    structValue: { fields: new Map(entries.map(([key, value]) => [text(key), valueOf(value, depth + 1)])) },
  };
}

// A wrapper's JSON is that of its value. In `inner` the value is always present, so that 0 is written too.
function wrapper<T>(kind: Kind<T>): Type<Wrapper<T>> {
  const inner = message<any>([[1, 'value', kind, '?']]);
  const outer: Type<any> = message<any>([[1, 'value', kind]], {
    encode: (wrapped) => (encodeJson(inner, { ...create(outer), ...wrapped }) as any).value,
    decode: (json) => decodeJson(inner, { value: json }),
  });
  return outer;
}

export type DoubleValue = Wrapper<number>;
export const DoubleValue: Type<DoubleValue> = /* @__PURE__ */ wrapper(double);
export type FloatValue = Wrapper<number>;
export const FloatValue: Type<FloatValue> = /* @__PURE__ */ wrapper(float);
export type Int64Value = Wrapper<bigint>;
export const Int64Value: Type<Int64Value> = /* @__PURE__ */ wrapper(int64);
export type UInt64Value = Wrapper<bigint>;
export const UInt64Value: Type<UInt64Value> = /* @__PURE__ */ wrapper(uint64);
export type Int32Value = Wrapper<number>;
export const Int32Value: Type<Int32Value> = /* @__PURE__ */ wrapper(int32);
export type UInt32Value = Wrapper<number>;
export const UInt32Value: Type<UInt32Value> = /* @__PURE__ */ wrapper(uint32);
export type BoolValue = Wrapper<boolean>;
export const BoolValue: Type<BoolValue> = /* @__PURE__ */ wrapper(bool);
export type StringValue = Wrapper<string>;
export const StringValue: Type<StringValue> = /* @__PURE__ */ wrapper(string);
export type BytesValue = Wrapper<Uint8Array>;
export const BytesValue: Type<BytesValue> = /* @__PURE__ */ wrapper(bytes);
