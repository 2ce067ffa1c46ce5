// binary.ts: messages in Protobuf's binary format.
//
// A program that does not import it has none of it in its bundle: the kinds of fields only name their form.
import {
  checkDepth, checked, create, Form, Label, own, present, wrong, type Field, type Init, type Kind, type Type,
} from './type.js';
import {
  append, decoder, delimited, encoder, isMore, open, readBytes, readVarint, take, Wire, writeBytes, writeVarint,
} from './wire.js';
import { type Protocol } from './client.js';

const lengthOf = (form: string): number => (/64/.test(form) ? 8 : 4);

function wireOf({ form }: Kind): Wire {
  if (typeof form === 'string') {
    return lengthOf(form) === 8 ? Wire.FIXED64 : Wire.FIXED32;
  }
  return form > Form.BYTES && form < Form.MESSAGE ? Wire.VARINT : Wire.DELIMITED;
}

// `before` is the present value of the field: a message in two parts is merged, and a map gets one entry more.
function readValue({ form, narrow, inner, zero }: Kind, depth: number, before?: any): any {
  switch (form) {
    case Form.STRING:
      return decoder.decode(readBytes());
    case Form.BYTES:
      return readBytes().slice();
    case Form.BOOL:
      return readVarint() > 0;
    case Form.WHOLE:
      return narrow!(readVarint());
    case Form.ZIGZAG: {
      const wide = BigInt.asUintN(zero() === 0 ? 32 : 64, readVarint());
      return narrow!((wide >> 1n) ^ -(wide & 1n));
    }
    case Form.MESSAGE:
      return delimited(() => readMessage(inner!(), depth + 1, before));
    case Form.MAP: {
      const { key, value } = delimited(() => readMessage(inner!(), depth + 1));
      return before.set(key, value ?? inner!().allFields[1].kind.zero());
    }
    default: {
      const { buffer, byteOffset } = take(lengthOf(form as string));
      return (new DataView(buffer, byteOffset) as any)[`get${form}`](0, true);
    }
  }
}

function writeFixed(out: number[], form: string, value: unknown): void {
  const view = new DataView(new ArrayBuffer(lengthOf(form)));
  (view as any)[`set${form}`](0, value, true);
  append(out, new Uint8Array(view.buffer));
}

// Of a map, one entry.
function writeValue(out: number[], { form, inner }: Kind, value: any, depth: number): void {
  switch (form) {
    case Form.STRING:
      return writeBytes(out, encoder.encode(value));
    case Form.BYTES:
      return writeBytes(out, value);
    case Form.BOOL:
      return writeVarint(out, Number(value));
    case Form.WHOLE:
      return writeVarint(out, value);
    case Form.ZIGZAG: {
      const wide = BigInt(value);
      return writeVarint(out, (wide << 1n) ^ (wide >> 63n));
    }
    case Form.MESSAGE:
      return writeBytes(out, writeMessage(inner!(), value, depth + 1));
    case Form.MAP:
      return writeBytes(out, writeMessage(inner!(), { key: value[0], value: value[1] }, depth + 1));
    default:
      return writeFixed(out, form as string, value);
  }
}

function readTag(): number {
  const tag = Number(readVarint());
  if (tag < 8 || tag > 0xffffffff) {
    throw wrong('tag');
  }
  return tag;
}

function readField(type: Type<any>, { name, kind, place, isList }: Field, message: any, depth: number): void {
  if (isList) {
    message[name].push(readValue(kind, depth));
    return;
  }
  for (const other of type.allFields) {
    if (other.name !== name && other.place === place) {
      delete message[other.name];
    }
  }
  message[name] = readValue(kind, depth, own(message, name));
}

function skipField(tag: number, depth: number): void {
  const wire = tag & 7;
  if (wire === Wire.VARINT) {
    readVarint();
  } else if (wire === Wire.DELIMITED) {
    readBytes();
  } else if (wire === Wire.GROUP) {
    checkDepth(++depth);
    for (let inner; (inner = readTag()) !== tag + 1; ) {
      skipField(inner, depth);
    }
  } else if (wire === Wire.FIXED64 || wire === Wire.FIXED32) {
    take(wire === Wire.FIXED64 ? 8 : 4);
  } else {
    throw wrong('tag');
  }
}

function readMessage(type: Type<any>, depth: number, message = create(type)): any {
  checkDepth(depth);
  while (isMore()) {
    const tag = readTag();
    const wire = tag & 7;
    const field = type.allFields.find(({ number }) => number === tag >>> 3);
    if (field && wire === wireOf(field.kind)) {
      readField(type, field, message, depth);
    } else if (field?.isList && wire === Wire.DELIMITED) {
      delimited(() => {
        while (isMore()) {
          message[field.name].push(readValue(field.kind, depth));
        }
      });
    } else {
      skipField(tag, depth);
    }
  }
  return message;
}

function writeMessage(type: Type<any>, message: unknown, depth: number): number[] {
  const out: number[] = [];
  checkDepth(depth);
  for (const [field, value] of present(type, message)) {
    const { number, label, kind, isList } = field;
    const body: number[] = [];
    for (const item of isList || kind.form === Form.MAP ? value : [value]) {
      if (label !== Label.PACKED) {
        writeVarint(body, number * 8 + wireOf(kind));
      }
      writeValue(body, kind, checked(field, item), depth);
    }
    if (label === Label.PACKED) {
      writeVarint(out, number * 8 + Wire.DELIMITED);
      writeVarint(out, body.length);
    }
    append(out, body);
  }
  return out;
}

/** Throws when a value does not fit its field. */
export function encodeBinary<T>(type: Type<T>, message: Init<T>): Uint8Array {
  return Uint8Array.from(writeMessage(type, message, 1));
}

/** Fields that the table does not know are skipped. Throws when the bytes are not such a message. */
export function decodeBinary<T>(type: Type<T>, bytes: Uint8Array): T {
  open(bytes);
  return readMessage(type, 1);
}

/** For a client's option `protocol`. */
export const protobuf: Protocol = { name: 'stoa.proto', encode: encodeBinary, decode: decodeBinary };
