// type.ts: the table of a message's fields, which both codecs read.
//
// protoc-gen-stoa writes one array of rows for each message; message() turns it into a Type once, when it is loaded.
//
// Does not know: bytes, JSON, sockets.

/** How values of a kind are written in Protobuf's binary format; binary.ts alone knows what follows from it. A string is
 *  the name of a number of fixed size in DataView. */
export enum Form {
  STRING = 0,
  BYTES = 1,
  BOOL = 2,
  /** A varint. */
  WHOLE = 3,
  /** A varint in which small negative numbers are short. */
  ZIGZAG = 4,
  MESSAGE = 5,
  MAP = 6,
}

/** A kind of value that a field can have. Its members are internal: in the package they have shorter names, see
 *  build.mjs. */
export interface Kind<T = any> {
  /** @internal */
  readonly form: Form | string;
  /** The value of an absent field. @internal */
  zero(): T;
  /** The value in TypeScript, or undefined when it is invalid. @internal */
  check(value: unknown): T | undefined;
  /** Absent when the value is the same in JSON. @internal */
  toJson?(value: T, depth: number): unknown;
  /** Absent when check() does the same. Throws when it is invalid; undefined counts as absent. @internal */
  fromJson?(json: unknown, depth: number): T | undefined;
  /** Of a varint: the value of its 64 bits. @internal */
  narrow?(wide: bigint): T;
  /** Of a message, or of an entry of a map. @internal */
  inner?(): Type<any>;
  /** Only for messages: null is a value. @internal */
  takesNull?(): unknown;
  /** Never set: it is where the compiler finds T. */
  readonly of?: T;
}

/** Numbers from here on mark members of a oneof: ONEOF + 2 for the third. */
export enum Label {
  SINGULAR = 0,
  OPTIONAL = 1,
  REPEATED = 2,
  PACKED = 3,
  ONEOF = 4,
}

/** The values of an enum by their names, as generated. */
export type EnumTable = Readonly<Record<string, number>>;

/** One field as generated. `name` is the name in the .proto file; `json` is absent when it can be derived from it. */
export type Row = readonly [number: number, name: string, kind: Kind, label?: number, json?: string];

export interface Field {
  readonly number: number;
  /** The property in TypeScript. */
  readonly name: string;
  /** The member in JSON, and the name in the .proto file, which JSON may use too. */
  readonly json: string;
  readonly protoName: string;
  readonly kind: Kind;
  readonly label: number;
  readonly isList: boolean;
  /** Absent differs from 0, false or empty. */
  readonly hasPresence: boolean;
  /** A negative number for each oneof, otherwise the number of the field; each may be set once. */
  readonly place: number;
}

/** A message's table, for the functions of this package. `T` is its interface. */
export interface Type<T> {
  /** @internal */
  readonly allFields: readonly Field[];
  /** The JSON form of a well-known type, which a table cannot describe. @internal */
  readonly special?: Special<T>;
  /** Never set: it is where the compiler finds T. */
  readonly of?: T;
}

export interface Special<T> {
  encode(message: T, depth: number): unknown;
  /** Called with null only if `takesNull` is set. */
  decode(json: unknown, depth: number): T;
  /** @internal */
  readonly takesNull?: boolean;
}

/** The interface of a type's messages. */
export type MessageOf<T> = T extends Type<infer M> ? M : never;

/** A message to send: fields without a value may be left out, at every depth. */
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

// As in protoc: underscores are removed, and the letter after one becomes upper case.
function camel(name: string): string {
  return name.replace(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
}

export function message<T>(rows: readonly Row[], special?: Special<T>): Type<T> {
  const allFields = rows.map(([number, protoName, kind, label = 0, json = camel(protoName)]) => ({
    number,
    name: camel(protoName),
    json,
    protoName,
    kind,
    label,
    isList: label === Label.REPEATED || label === Label.PACKED,
    hasPresence: label === Label.OPTIONAL || label >= Label.ONEOF || (!label && kind.form === Form.MESSAGE),
    place: label >= Label.ONEOF ? -label : number,
  }));
  return { allFields, special };
}

const hasOwn = {}.hasOwnProperty;

/** An own property or undefined: a field may be called `constructor`. */
export const own = (object: any, name: string): any => (hasOwn.call(object, name) ? object[name] : undefined);

/** The empty message: every field that cannot be absent has its default. */
export function create(type: Type<any>): any {
  const empty: any = {};
  for (const { name, kind, isList, hasPresence } of type.allFields) {
    if (!hasPresence) {
      empty[name] = isList ? [] : kind.zero();
    }
  }
  return empty;
}

// -0 is not empty: its bits are not all 0.
const isEmpty = (value: any): boolean =>
  value === false || Object.is(value, 0) || value === 0n || (value.length ?? value.size) === 0;

/** The fields to encode with their values, in the table's order. Throws when two members of a oneof are set. */
export function present(type: Type<any>, message: any): [Field, any][] {
  const taken = new Set<number>();
  return type.allFields
    .map((field): [Field, any] => [field, own(message, field.name)])
    .filter(([field, value]) => value !== undefined && (field.hasPresence ? claim(taken, field) : !isEmpty(value)));
}

/** True; throws when the field, or another member of its oneof, was already set. */
export function claim(taken: Set<number>, { name, place }: Field): boolean {
  if (taken.has(place)) {
    throw wrong(name);
  }
  return !!taken.add(place);
}

/** The value in its kind's form. Throws when it is invalid. */
export function checked({ kind, name }: Field, value: unknown): any {
  const found = kind.check(value);
  if (found === undefined) {
    throw wrong(name);
  }
  return found;
}

/** The maximum nesting depth of messages, as in Stoa's servers. */
const DEPTH_MAX = 32;

/** Throws above the maximum depth. */
export function checkDepth(depth: number): void {
  if (depth > DEPTH_MAX) {
    throw wrong('depth');
  }
}

export const wrong = (what: string): TypeError => new TypeError(`wrong ${what}`);
