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

/** What follows a field's name in a text. Absent: a single value. */
export enum Mark {
  OPTIONAL = '?',
  REPEATED = '*',
  PACKED = '+',
  ONEOF = '|',
}

/** The values of an enum by their names, as generated. */
export type EnumTable = Readonly<Record<string, number>>;

/** One field of a table that is written by hand, with the name of the .proto file. `mark` as in the text of types(). */
export type Row = readonly [number: number, name: string, kind: Kind, mark?: string];

/** @internal */
export interface Field {
  readonly number_: number;
  /** The property in TypeScript. */
  readonly name_: string;
  /** The member in JSON, and the name in the .proto file when it does not follow from the property's. */
  readonly json_: string;
  readonly protoName_: string | undefined;
  readonly kind_: Kind;
  /** See Mark. */
  readonly mark_: string;
  /** Of a member of a oneof: which one. */
  readonly oneof_: string;
  /** The value when it is absent; undefined when absent differs from 0, false or empty. */
  readonly zero_: (() => any) | undefined;
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

const ZERO: Readonly<Record<string, () => any>> = {
  [Form.STRING]: () => '',
  [Form.BOOL]: () => false,
  [Form.BYTES]: () => new Uint8Array(),
  [Form.MAP]: () => new Map(),
};

/** The value of an absent field without presence. */
export const zero = (form: string): any => ZERO[form]?.() ?? (form < 'a' ? 0n : 0);

/** @internal */
export const isList = ({ mark_: mark }: Field): boolean => /[*+]/.test(mark);

function field(
  number: number, name: string, kind: Kind, mark = '', oneof = '', json = name, protoName?: string,
): Field {
  const { form_: form } = kind;
  const it = { number_: number, name_: name, json_: json, protoName_: protoName, kind_: kind, mark_: mark, oneof_: oneof };
  const zero_ = isList(it as Field)
    ? () => []
    : mark || form === Form.MESSAGE ? undefined : () => zero(form);
  return { ...it, zero_ };
}

/** On the wire it is a list of messages with key and value. */
export function map(key: Kind, value: Kind): Kind {
  const entry = { fields_: [field(1, 'key', key), field(2, 'value', value)] };
  return { form_: Form.MAP, inner_: () => entry };
}

/** A message whose table is written by hand. */
export const message = <T>(rows: readonly Row[], special?: Special<T>): Type<T> => ({
  fields_: rows.map(([number, name, kind, mark]) => {
    // As in protoc: underscores are removed, and the letter after one becomes upper case.
    const camel = name.replace(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
    return field(number, camel, kind, mark?.[0], mark?.slice(1), camel, name);
  }),
  special_: special,
});

/** Finds a message of a file: `m0` is the first one in its text, `x0` the one of the first kind in its list. */
export type Types = (kind: string) => Type<any>;

// Name, kind, mark, number of the oneof, number, places of the names in JSON and in the .proto file.
const FIELD = /(\w*):?(\w*)([?*+|]?)(\d*)=?(\d*)\/?(\d*)@?(\d*)/;

/** The messages of a file, from the text that protoc-gen-stoa writes: a line for each, with its fields in it. A field is
 *  the name of its property; `:` and its kind, when it is not a string; `?` for optional, `*` for repeated, `+` for
 *  packed, `|1` for a member of the second oneof; `=` and its number, when it is not the one after that of the field
 *  before; `/` and where in `own` its name in JSON is, when that is another one; `@` and where its name in the .proto
 *  file is, when that does not follow. A field called `_` has no property's name, but always its number.
 *
 *  A kind is the letter of a form; of a message with the place of its line behind it; of a map with the letter of its
 *  keys and the kind of its values. `x` and a place is what `own` has there. */
export function types(text: string, ...own: readonly any[]): Types {
  const kindOf = (kind: string): Kind => {
    const rest: any = kind.slice(1);
    const form = kind[0];
    return form === 'x'
      ? own[rest]
      : form === Form.MAP
        ? map(kindOf(rest[0]), kindOf(rest.slice(1)))
        : { form_: form, inner_: rest ? () => all[rest] : undefined };
  };
  const all = text.split('\n').map((line) => {
    let last = 0;
    return {
      fields_: (line ? line.split(' ') : []).map((one) => {
        const [, name, kind, mark, oneof, number, json, protoName]: any = FIELD.exec(one);
        return field(last = +number || last + 1, name, kindOf(kind || 's'), mark, oneof, own[json], own[protoName]);
      }),
    };
  });
  return (kind) => kindOf(kind).inner_!();
}

/** A service, from the text that protoc-gen-stoa writes: a line for each message and call, with its name, its number and
 *  its type, or the types of its request and its reply. */
export function service(find: Types, text: string): any {
  const api: any = { messages: {}, calls: {} };
  text.split('\n').forEach((line) => {
    const [name, number, ...kinds] = line.split(' ');
    api[kinds[1] ? 'calls' : 'messages'][name] = [+number, ...kinds.map(find)];
  });
  return api;
}

/** An own property or undefined: a field may be called `constructor`. */
export const own = (object: any, name: string): any => ({}.hasOwnProperty.call(object, name) ? object[name] : undefined);

/** The empty message: every field that cannot be absent has its default. */
export function create(type: Type<any>): any {
  const empty: any = {};
  type.fields_.forEach(({ name_: name, zero_: zero }) => {
    if (zero) {
      empty[name] = zero();
    }
  });
  return empty;
}

export const wrong = (what: string): TypeError => new TypeError(`wrong ${what}`);
