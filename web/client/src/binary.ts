// binary.ts: messages as Protobuf's bytes.
import { scalar } from './scalar.js';
import {
  create, deeper, isList, Kind, Label, own, present, wrong, zero, type Field, type Init, type Type,
} from './type.js';

// How DataView calls a value of fixed size, and its bytes.
const FIXED: { readonly [kind: number]: readonly [string, number] } = {
  [Kind.DOUBLE]: ['Float64', 8],
  [Kind.FLOAT]: ['Float32', 4],
  [Kind.FIXED64]: ['BigUint64', 8],
  [Kind.FIXED32]: ['Uint32', 4],
  [Kind.SFIXED32]: ['Int32', 4],
  [Kind.SFIXED64]: ['BigInt64', 8],
};

enum Wire {
  VARINT = 0,
  FIXED64 = 1,
  DELIMITED = 2,
  GROUP = 3,
  GROUP_END = 4,
  FIXED32 = 5,
}

function wireOf(kind: Kind): Wire {
  if (FIXED[kind]) {
    return FIXED[kind][1] === 8 ? Wire.FIXED64 : Wire.FIXED32;
  }
  return [Kind.STRING, Kind.BYTES, Kind.MESSAGE].includes(kind) ? Wire.DELIMITED : Wire.VARINT;
}

const encoder = new TextEncoder();
// Text that is not UTF-8 is refused, and a byte order mark is text like any other.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const scratch = new DataView(new ArrayBuffer(8));

class Reader {
  at = 0;
  /** The upper 32 bits of the last varint. */
  high = 0;
  readonly view: DataView;

  constructor(
    readonly data: Uint8Array,
    public end = data.length,
  ) {
    this.view = new DataView(data.buffer, data.byteOffset, end);
  }

  /** Where the next `length` bytes start. */
  skip(length: number): number {
    const start = this.at;
    this.at += length;
    if (this.at > this.end) {
      throw wrong('length');
    }
    return start;
  }

  /** The lower 32 bits. */
  varint(): number {
    let low = 0;
    this.high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.data[this.skip(1)];
      const bits = byte & 127;
      if (shift < 32) {
        low |= bits << shift;
      }
      if (shift > 31) {
        this.high |= bits << (shift - 32);
      } else if (shift === 28) {
        this.high = bits >> 4;
      }
      if (byte < 128) {
        return low >>> 0;
      }
    }
    throw wrong('varint');
  }

  /** Read until the end of what a length at this place announces, and nothing behind it. */
  delimited<T>(read: () => T): T {
    const length = this.varint();
    const outer = this.end;
    const end = this.at + length;
    if (this.high || end > outer) {
      throw wrong('length');
    }
    this.end = end;
    const value = read();
    this.end = outer;
    return value;
  }

  /** All bytes up to the end. */
  rest(): Uint8Array {
    const start = this.skip(this.end - this.at);
    return this.data.slice(start, this.at);
  }
}

function readScalar(reader: Reader, kind: Kind): unknown {
  if (FIXED[kind]) {
    const [name, length] = FIXED[kind];
    return (reader.view as any)['get' + name](reader.skip(length), true);
  }
  if (kind === Kind.STRING || kind === Kind.BYTES) {
    const bytes = reader.delimited(() => reader.rest());
    return kind === Kind.STRING ? decoder.decode(bytes) : bytes;
  }
  const low = reader.varint();
  const wide = (BigInt(reader.high >>> 0) << BigInt(32)) | BigInt(low);
  switch (kind) {
    case Kind.BOOL:
      return wide !== BigInt(0);
    case Kind.UINT32:
      return low;
    case Kind.SINT32:
      return (low >>> 1) ^ -(low & 1);
    case Kind.UINT64:
      return wide;
    case Kind.INT64:
      return BigInt.asIntN(64, wide);
    case Kind.SINT64:
      return (wide >> BigInt(1)) ^ -(wide & BigInt(1));
    default:
      return low | 0;
  }
}

function readElement(reader: Reader, { kind, type }: Field, depth: number, before?: any): unknown {
  return kind === Kind.MESSAGE
    ? reader.delimited(() => readMessage(reader, type(), deeper(depth), before))
    : readScalar(reader, kind);
}

function readField(reader: Reader, type: Type<any>, field: Field, message: any, depth: number): void {
  const { name, label, extra } = field;
  if (label === Label.MAP) {
    const { fields } = field.entry!;
    const entry = reader.delimited(() => readMessage(reader, field.entry!, deeper(depth)));
    message[name].set(entry.key ?? zero(fields[0]), entry.value ?? zero(fields[1]));
  } else if (isList(field)) {
    message[name].push(readElement(reader, field, depth));
  } else {
    for (const other of type.fields) {
      if (label === Label.ONEOF && other !== field && other.label === label && other.extra === extra) {
        delete message[other.name];
      }
    }
    // A message that comes in two parts is one.
    message[name] = readElement(reader, field, depth, own(message, name));
  }
}

function skipField(reader: Reader, tag: number, depth: number): void {
  switch (tag & 7) {
    case Wire.VARINT:
      reader.varint();
      break;
    case Wire.FIXED64:
      reader.skip(8);
      break;
    case Wire.FIXED32:
      reader.skip(4);
      break;
    case Wire.DELIMITED:
      reader.delimited(() => reader.rest());
      break;
    case Wire.GROUP:
      for (let inner; (inner = readTag(reader)) !== tag + 1; ) {
        skipField(reader, inner, deeper(depth));
      }
      break;
    default:
      throw wrong('tag');
  }
}

function readTag(reader: Reader): number {
  const tag = reader.varint();
  if (reader.high || tag < 8) {
    throw wrong('tag');
  }
  return tag;
}

function readMessage(reader: Reader, type: Type<any>, depth: number, message = create(type)): any {
  while (reader.at < reader.end) {
    const tag = readTag(reader);
    const field = type.numbers.get(tag >>> 3);
    const wire = field && (field.label === Label.MAP ? Wire.DELIMITED : wireOf(field.kind));
    if (field && (tag & 7) === wire) {
      readField(reader, type, field, message, depth);
    } else if (field && isList(field) && (tag & 7) === Wire.DELIMITED) {
      reader.delimited(() => {
        while (reader.at < reader.end) {
          message[field.name].push(readScalar(reader, field.kind));
        }
      });
    } else {
      skipField(reader, tag, depth);
    }
  }
  return message;
}

function writeVarint(out: number[], value: number | bigint): void {
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127; rest >>= BigInt(7)) {
    out.push(Number(rest & BigInt(127)) | 128);
  }
  out.push(Number(rest));
}

function writeBytes(out: number[], bytes: ArrayLike<number>): void {
  writeVarint(out, bytes.length);
  // Not push(...bytes): there may be more of them than a call takes arguments.
  for (let i = 0; i < bytes.length; i++) {
    out.push(bytes[i]);
  }
}

function writeScalar(out: number[], kind: Kind, value: any): void {
  if (FIXED[kind]) {
    const [name, length] = FIXED[kind];
    (scratch as any)['set' + name](0, value, true);
    for (let i = 0; i < length; i++) {
      out.push(scratch.getUint8(i));
    }
  } else if (kind === Kind.STRING) {
    writeBytes(out, encoder.encode(value));
  } else if (kind === Kind.BYTES) {
    writeBytes(out, value);
  } else if (kind === Kind.SINT32) {
    writeVarint(out, ((value << 1) ^ (value >> 31)) >>> 0);
  } else if (kind === Kind.SINT64) {
    writeVarint(out, (value << BigInt(1)) ^ (value >> BigInt(63)));
  } else {
    writeVarint(out, value);
  }
}

function writeElement(out: number[], { kind, name, type }: Field, value: unknown, depth: number): void {
  if (kind === Kind.MESSAGE) {
    writeBytes(out, writeMessage(type(), value, deeper(depth)));
    return;
  }
  const checked = scalar(kind, value);
  if (checked === undefined) {
    throw wrong(name);
  }
  writeScalar(out, kind, checked);
}

function writeMessage(type: Type<any>, message: unknown, depth: number): number[] {
  const out: number[] = [];
  for (const [field, value] of present(type, message)) {
    const { number, label, entry, kind } = field;
    const tag = (wire: Wire) => writeVarint(out, number * 8 + wire);
    if (label === Label.MAP) {
      for (const [key, item] of value) {
        tag(Wire.DELIMITED);
        writeBytes(out, writeMessage(entry!, { key, value: item }, deeper(depth)));
      }
    } else if (label === Label.PACKED) {
      const body: number[] = [];
      for (const item of value) {
        writeElement(body, field, item, depth);
      }
      tag(Wire.DELIMITED);
      writeBytes(out, body);
    } else {
      for (const item of isList(field) ? value : [value]) {
        tag(wireOf(kind));
        writeElement(out, field, item, depth);
      }
    }
  }
  return out;
}

/** Throws when a value does not fit its field. */
export function encodeBinary<T>(type: Type<T>, message: Init<T>): Uint8Array {
  return Uint8Array.from(writeMessage(type, message, 1));
}

/** Fields that the table does not know are skipped. Throws when the bytes are no such message. */
export function decodeBinary<T>(type: Type<T>, data: Uint8Array): T {
  return readMessage(new Reader(data), type, 1);
}
