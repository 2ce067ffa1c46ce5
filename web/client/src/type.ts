// type.ts: what a message looks like, as a table that both codecs read.
//
// protoc-gen-stoa writes one array of rows for each message; message() turns it into a Type once, when it is loaded.
//
// Does not know: bytes, JSON, sockets.

/** What values a field can have, and how they are written. Its members are the runtime's own business: in the package
 *  they have shorter names, see build.mjs. */
export interface Kind<T = any> {
  /** As wire.ts lists them. @internal */
  readonly wire: number;
  /** What an absent value reads as. @internal */
  zero(): T;
  /** `before` is what the field has already; a message that comes in two parts is one. @internal */
  read(depth: number, before?: T): T;
  /** @internal */
  write(out: number[], value: T, depth: number): void;
  /** The value as it is in TypeScript, or undefined when it cannot be one. @internal */
  check(value: unknown): T | undefined;
  /** Left out where the value is the same in JSON. @internal */
  toJson?(value: T, depth: number): unknown;
  /** Left out where check() does it. Throws when it cannot be one; undefined counts as not there. @internal */
  fromJson?(json: unknown, depth: number): T | undefined;
  /** @internal */
  readonly isMessage?: boolean;
  /** @internal */
  readonly isMap?: boolean;
  /** For messages only: null is a value. @internal */
  takesNull?(): unknown;
  /** Never set: it is where the compiler finds T. */
  readonly of?: T;
}

/** Those above are members of a oneof: ONEOF + 2 of the third. */
export enum Label {
  SINGULAR = 0,
  OPTIONAL = 1,
  REPEATED = 2,
  PACKED = 3,
  ONEOF = 4,
}

/** The values of an enum by their names, as generated. */
export type EnumTable = Readonly<Record<string, number>>;

/** One field as generated. `name` is that of the .proto file; `json` is left out where it follows from it. */
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
  /** Absent is something else than 0, false or empty. */
  readonly hasPresence: boolean;
  /** A negative number for each oneof, else the field's own: what may be set once. */
  readonly place: number;
}

/** A message's table, for the functions of this package. `T` is its interface. */
export interface Type<T> {
  /** @internal */
  readonly allFields: readonly Field[];
  /** The JSON form of the well-known types, which no table can describe. @internal */
  readonly special?: Special<T>;
  /** Never set: it is where the compiler finds T. */
  readonly of?: T;
}

export interface Special<T> {
  encode(message: T, depth: number): unknown;
  /** Gets null only where `takesNull` is set. */
  decode(json: unknown, depth: number): T;
  /** @internal */
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
  const allFields = rows.map(([number, protoName, kind, label = 0, json = camel(protoName)]) => ({
    number,
    name: camel(protoName),
    json,
    protoName,
    kind,
    label,
    isList: label === Label.REPEATED || label === Label.PACKED,
    hasPresence: label === Label.OPTIONAL || label >= Label.ONEOF || (!label && !!kind.isMessage),
    place: label >= Label.ONEOF ? -label : number,
  }));
  return { allFields, special };
}

const hasOwn = {}.hasOwnProperty;

/** An own property or undefined: a field may be called `constructor`. */
export const own = (object: any, name: string): any => (hasOwn.call(object, name) ? object[name] : undefined);

/** The empty message: every field that cannot be absent has its value. */
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

/** True, or throws when the field, or another member of its oneof, was here already. */
export function claim(taken: Set<number>, { name, place }: Field): boolean {
  if (taken.has(place)) {
    throw wrong(name);
  }
  return !!taken.add(place);
}

/** The value as its kind has it. Throws when it cannot be one. */
export function checked({ kind, name }: Field, value: unknown): any {
  const found = kind.check(value);
  if (found === undefined) {
    throw wrong(name);
  }
  return found;
}

/** Messages may contain each other this deep, as in Stoa's servers. */
const DEPTH_MAX = 32;

/** Throws where there is no such level. */
export function checkDepth(depth: number): void {
  if (depth > DEPTH_MAX) {
    throw wrong('depth');
  }
}

export const wrong = (what: string): TypeError => new TypeError(`wrong ${what}`);
