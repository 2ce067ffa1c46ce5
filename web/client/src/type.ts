// type.ts: the table of a message's fields, which both codecs read.
//
// protoc-gen-stoa writes one array of rows for each message; message() turns it into a Type once, when it is loaded.
//
// Does not know: bytes, JSON, sockets.

/** How values of a kind are written: a letter, a capital one when they are bigints. json.ts, plain.ts and binary.ts know
 *  what follows from it; a program has only those of them that it imports. */
export enum Form {
  STRING = 's',
  BYTES = 'y',
  BOOL = 'b',
  INT32 = 'i',
  UINT32 = 'u',
  SINT32 = 'z',
  FIXED32 = 'f',
  SFIXED32 = 'g',
  INT64 = 'I',
  UINT64 = 'U',
  SINT64 = 'Z',
  FIXED64 = 'F',
  SFIXED64 = 'G',
  FLOAT = 'r',
  DOUBLE = 'd',
  ENUM = 'e',
  MESSAGE = 'm',
  MAP = 'p',
}

/** A kind of value that a field can have. Its members are internal: in the package they have shorter names, see
 *  build.mjs. */
export interface Kind<T = any> {
  /** @internal */
  readonly form_: string;
  /** Of a message, or of an entry of a map. @internal */
  readonly inner_?: (() => Type<any>) | undefined;
  /** Of an enum. @internal */
  readonly names_?: () => EnumTable;
  /** Of an enum whose JSON is not a name. @internal */
  readonly special_?: Special<T>;
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
export type Row = readonly [number: number, name: string, kind: Kind, label?: number, json?: string | undefined];

/** @internal */
export interface Field {
  readonly number_: number;
  /** The property in TypeScript. */
  readonly name_: string;
  /** The member in JSON, and the name in the .proto file, which JSON may use too. */
  readonly json_: string;
  readonly protoName_: string;
  readonly kind_: Kind;
  readonly label_: number;
  readonly isList_: boolean;
  /** Absent differs from 0, false or empty. */
  readonly hasPresence_: boolean;
}

/** A message's table, for the functions of this package. `T` is its interface. */
export interface Type<T> {
  /** @internal */
  readonly fields_: readonly Field[];
  /** The JSON form of a well-known type, which a table cannot describe. @internal */
  readonly special_?: Special<T>;
  /** Never set: it is where the compiler finds T. */
  readonly of?: T;
}

export interface Special<T> {
  encode(message: T, depth: number): unknown;
  /** Called with null only if `takesNull_` is set. */
  decode(json: unknown, depth: number): T;
  /** @internal */
  readonly takesNull_?: boolean;
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

export const message = <T>(rows: readonly Row[], special?: Special<T>): Type<T> => ({
  fields_: rows.map(([number, protoName, kind, label = 0, json = camel(protoName)]) => ({
    number_: number,
    name_: camel(protoName),
    json_: json,
    protoName_: protoName,
    kind_: kind,
    label_: label,
    isList_: label === Label.REPEATED || label === Label.PACKED,
    hasPresence_: label === Label.OPTIONAL || label >= Label.ONEOF || (!label && kind.form_ === Form.MESSAGE),
  })),
  special_: special,
});

/** On the wire it is a list of messages with key and value. */
export function map(key: Kind, value: Kind): Kind {
  const entry = message<any>([
    [1, 'key', key],
    [2, 'value', value],
  ]);
  return { form_: Form.MAP, inner_: () => entry };
}

/** Finds a message of a file: `m0` is the first one in its text, `x0` the one of the first kind in its list. */
export type Types = (kind: string) => Type<any>;

// Name, kind, label, number of the oneof, number, place of the name in JSON.
const FIELD = /(\w+):?(\w*)([?*+|]?)(\d*)=?(\d*)\/?(\d*)/g;

/** The messages of a file, from the text that protoc-gen-stoa writes: a line for each, with its fields in it. A field is
 *  its name; `:` and its kind, when it is not a string; `?` for optional, `*` for repeated, `+` for packed, `|1` for a
 *  member of the second oneof; `=` and its number, when it is not the one after that of the field before; `/` and where
 *  in `own` its name in JSON is, when that cannot be derived.
 *
 *  A kind is the letter of a form; of a message with the place of its line behind it; of a map with the letter of its
 *  keys and the kind of its values. `x` and a place is what `own` has there. */
export function types(text: string, ...own: readonly (Kind | string)[]): Types {
  const kindOf = (kind: string): Kind => {
    const rest = kind.slice(1);
    const form = kind[0] as Form;
    return kind[0] === 'x'
      ? own[rest as any] as Kind
      : form === Form.MAP
        ? map(kindOf(rest[0]), kindOf(rest.slice(1)))
        : { form_: form, inner_: rest ? () => all[rest as any] : undefined };
  };
  const all = text.split('\n').map((line) => {
    let last = 0;
    return message(Array.from(line.matchAll(FIELD), ([, name, kind, mark, oneof, number, json]): Row => {
      last = Number(number || last + 1);
      const label = ' ?*+|'.indexOf(mark) + Number(oneof);
      return [last, name, kindOf(kind || 's'), label, json ? own[json as any] as string : undefined];
    }));
  });
  return (kind) => kindOf(kind).inner_!();
}

/** A service, from the text that protoc-gen-stoa writes: a line for each message and call, with its name, its number and
 *  its type, or the types of its request and its reply. `x` and a place is what `own` has there. */
export function service(find: Types, text: string, ...own: readonly Type<any>[]): any {
  const api: any = { messages: {}, calls: {} };
  text.split('\n').forEach((line) => {
    const [name, number, ...kinds] = line.split(' ');
    const found = kinds.map((kind) => (kind[0] === 'x' ? own[kind.slice(1) as any] : find(kind)));
    api[kinds[1] ? 'calls' : 'messages'][name] = [Number(number), ...found];
  });
  return api;
}

const hasOwn = {}.hasOwnProperty;

/** An own property or undefined: a field may be called `constructor`. */
export const own = (object: any, name: string): any => (hasOwn.call(object, name) ? object[name] : undefined);

/** The value of an absent field without presence. */
export const zero = (form: string): any =>
  form === Form.STRING
    ? ''
    : form === Form.BOOL
      ? false
      : form === Form.BYTES
        ? new Uint8Array()
        : form === Form.MAP
          ? new Map()
          : form < 'a' ? 0n : 0;

/** The empty message: every field that cannot be absent has its default. */
export function create(type: Type<any>): any {
  const empty: any = {};
  type.fields_.forEach(({ name_: name, kind_: kind, isList_: isList, hasPresence_: hasPresence }) => {
    if (!hasPresence) {
      empty[name] = isList ? [] : zero(kind.form_);
    }
  });
  return empty;
}

export const wrong = (what: string): TypeError => new TypeError(`wrong ${what}`);
