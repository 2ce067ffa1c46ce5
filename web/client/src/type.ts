// type.ts: what a message looks like, as a table that both codecs read.
//
// protoc-gen-stoa writes one array of rows for each message; message() turns it into a Type once, when it is loaded.
//
// Does not know: bytes, JSON, sockets.

/** FieldDescriptorProto.Type's numbers. 10 is group, which proto3 does not have. */
export enum Kind {
  DOUBLE = 1,
  FLOAT = 2,
  INT64 = 3,
  UINT64 = 4,
  INT32 = 5,
  FIXED64 = 6,
  FIXED32 = 7,
  BOOL = 8,
  STRING = 9,
  MESSAGE = 11,
  BYTES = 12,
  UINT32 = 13,
  ENUM = 14,
  SFIXED32 = 15,
  SFIXED64 = 16,
  SINT32 = 17,
  SINT64 = 18,
}

export enum Label {
  /** Absent is the same as 0, false or empty; a message is absent when its property is. */
  SINGULAR = 0,
  OPTIONAL = 1,
  REPEATED = 2,
  PACKED = 3,
  /** `extra` is the kind of the keys. */
  MAP = 4,
  /** `extra` is the index of the oneof. */
  ONEOF = 5,
}

/** The values of an enum by their names, as generated. */
export type EnumTable = Readonly<Record<string, number>>;

/** One field as generated: number, name in the .proto file, kind, label, extra, message or enum, name in JSON. */
export type Row = readonly [
  number: number,
  name: string,
  kind: Kind,
  label?: Label,
  extra?: number,
  type?: 0 | (() => Type<any> | EnumTable),
  json?: string,
];

export interface Field {
  readonly number: number;
  /** The property in TypeScript. */
  readonly name: string;
  /** The member in JSON. */
  readonly json: string;
  readonly kind: Kind;
  readonly label: Label;
  readonly extra: number;
  readonly type: () => any;
  /** What a map's entry is on the wire: a message of key and value. */
  readonly entry?: Type<any>;
}

/** A message's table. `T` is its interface. */
export interface Type<T> {
  readonly fields: readonly Field[];
  readonly numbers: ReadonlyMap<number, Field>;
  /** By both names that JSON may use. */
  readonly names: ReadonlyMap<string, Field>;
  /** The JSON form of the well-known types, which no table can describe. */
  readonly special?: Special<T>;
  /** Never set: it is where the compiler finds T. */
  readonly of?: T;
}

export interface Special<T> {
  encode(message: T): unknown;
  /** Gets null only where `takesNull` is set. */
  decode(json: unknown): T;
  readonly takesNull?: boolean;
}

/** The interface of a type's messages. */
export type MessageOf<T> = T extends Type<infer M> ? M : never;

/** A message on its way out: fields without a value may be left out, at every depth. */
export type Init<T> = { readonly [K in keyof T]?: InitValue<T[K]> };
type InitValue<V> = V extends Uint8Array
  ? V
  : V extends readonly (infer E)[]
    ? readonly InitValue<E>[]
    : V extends ReadonlyMap<infer K, infer E>
      ? ReadonlyMap<K, InitValue<E>>
      : V extends object
        ? Init<V>
        : V;

// As protoc makes JSON names: underscores go, and what follows them is a capital.
function camel(name: string): string {
  return name.replace(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
}

export function message<T>(rows: readonly Row[], special?: Special<T>): Type<T> {
  const names = new Map<string, Field>();
  const fields = rows.map(([number, name, kind, label = 0, extra = 0, type, json = camel(name)]) => {
    const entry =
      label === Label.MAP ? message<any>([[1, 'key', extra, 1], [2, 'value', kind, 1, 0, type]]) : undefined;
    const field = { number, name: camel(name), json, kind, label, extra, type: type as () => any, entry };
    names.set(name, field).set(json, field);
    return field;
  });
  return { fields, names, numbers: new Map(fields.map((field) => [field.number, field])), special };
}

export const isList = (field: Field): boolean => field.label === Label.REPEATED || field.label === Label.PACKED;

const hasOwn = {}.hasOwnProperty;

/** An own property or undefined: a field may be called `constructor`. */
export const own = (object: any, name: string): any => (hasOwn.call(object, name) ? object[name] : undefined);

/** 64 bits, which a number cannot hold. */
export const isWide = (kind: Kind): boolean =>
  [Kind.INT64, Kind.UINT64, Kind.FIXED64, Kind.SFIXED64, Kind.SINT64].includes(kind);

/** What an absent value reads as. */
export function zero({ kind, type }: Field): any {
  switch (kind) {
    case Kind.STRING:
      return '';
    case Kind.BYTES:
      return new Uint8Array();
    case Kind.BOOL:
      return false;
    case Kind.MESSAGE:
      return create(type());
    default:
      return isWide(kind) ? BigInt(0) : 0;
  }
}

/** The empty message: every field that cannot be absent has its value. */
export function create(type: Type<any>): any {
  const empty: any = {};
  for (const field of type.fields) {
    if (isList(field)) {
      empty[field.name] = [];
    } else if (field.label === Label.MAP) {
      empty[field.name] = new Map();
    } else if (field.label === Label.SINGULAR && field.kind !== Kind.MESSAGE) {
      empty[field.name] = zero(field);
    }
  }
  return empty;
}

// -0 is not empty: its bits are not all 0.
const isEmpty = (value: any): boolean =>
  value === false || Object.is(value, 0) || value === BigInt(0) || (value.length ?? value.size) === 0;

/** The fields to encode with their values, in the table's order. Throws when two members of a oneof are set. */
export function present(type: Type<any>, message: any): [Field, any][] {
  const taken = new Set<number>();
  return type.fields
    .map((field): [Field, any] => [field, own(message, field.name)])
    .filter(([field, value]) => {
      if (value === undefined) {
        return false;
      }
      if (field.label === Label.ONEOF) {
        claim(taken, field);
      }
      const hasPresence =
        field.label === Label.OPTIONAL || field.label === Label.ONEOF ||
        (field.label === Label.SINGULAR && field.kind === Kind.MESSAGE);
      return hasPresence || !isEmpty(value);
    });
}

/** Throws when the field, or another member of its oneof, was here already. */
export function claim(taken: Set<number>, field: Field): void {
  // Field numbers start at 1, so the negative ones are free for oneofs.
  const place = field.label === Label.ONEOF ? ~field.extra : field.number;
  if (taken.has(place)) {
    throw wrong(field.name);
  }
  taken.add(place);
}

/** Messages may contain each other this deep, as in Stoa's servers. */
const DEPTH_MAX = 32;

/** One level further down. Throws where there is none. */
export function deeper(depth: number): number {
  if (depth >= DEPTH_MAX) {
    throw wrong('depth');
  }
  return depth + 1;
}

export const wrong = (what: string): TypeError => new TypeError(`wrong ${what}`);
