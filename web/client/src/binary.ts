// binary.ts: messages in Protobuf's binary format.
//
// A program that does not import it has none of it in its bundle: the kinds of fields only name their form.
import { checkDepth, checked, isWide, narrow, place, present } from './check.js';
import { create, Form, isList, Mark, own, wrong, zero, type Field, type Init, type Kind, type Type } from './type.js';
import {
  append, decoder, delimited, encoder, isMore, open, readBytes, readVarint, take, Wire, writeBytes, writeVarint,
} from './wire.js';
import { type Protocol } from './client.js';
import { ErrorDetail } from './error.js';

// Those of fixed size, by their names in DataView.
const FIXED: Readonly<Record<string, string>> = {
  [Form.FIXED32]: 'Uint32',
  [Form.SFIXED32]: 'Int32',
  [Form.FLOAT]: 'Float32',
  [Form.FIXED64]: 'BigUint64',
  [Form.SFIXED64]: 'BigInt64',
  [Form.DOUBLE]: 'Float64',
};
const lengthOf = (form: string): number => (/64/.test(FIXED[form]) ? 8 : 4);

function wireOf({ form_: form }: Kind): Wire {
  if (FIXED[form]) {
    return lengthOf(form) === 8 ? Wire.FIXED64 : Wire.FIXED32;
  }
  return [Form.STRING, Form.BYTES, Form.MESSAGE, Form.MAP].includes(form as Form) ? Wire.DELIMITED : Wire.VARINT;
}

const emptyOf = ({ form_: form, inner_: inner }: Kind) => (form === Form.MESSAGE ? create(inner!()) : zero(form));

// `before` is the present value of the field: a message in two parts is merged, and a map gets one entry more.
function readValue({ form_: form, inner_: inner }: Kind, depth: number, before?: any): any {
  switch (form) {
    case Form.STRING:
      return decoder.decode(readBytes());
    case Form.BYTES:
      return readBytes().slice();
    case Form.BOOL:
      return readVarint() > 0;
    case Form.SINT32:
    case Form.SINT64: {
      const wide = BigInt.asUintN(isWide(form) ? 64 : 32, readVarint());
      return narrow(form, (wide >> 1n) ^ -(wide & 1n));
    }
    case Form.MESSAGE:
      return delimited(() => readMessage(inner!(), depth + 1, before));
    case Form.MAP: {
      const { key, value } = delimited(() => readMessage(inner!(), depth + 1));
      return before.set(key, value ?? emptyOf(inner!().fields_[1].kind_));
    }
    default: {
      if (!FIXED[form]) {
        return narrow(form, readVarint());
      }
      const { buffer, byteOffset } = take(lengthOf(form));
      return (new DataView(buffer, byteOffset) as any)[`get${FIXED[form]}`](0, true);
    }
  }
}

function writeFixed(out: number[], form: string, value: unknown): void {
  const view = new DataView(new ArrayBuffer(lengthOf(form)));
  (view as any)[`set${FIXED[form]}`](0, value, true);
  append(out, new Uint8Array(view.buffer));
}

// Of a map, one entry.
function writeValue(out: number[], { form_: form, inner_: inner }: Kind, value: any, depth: number): void {
  switch (form) {
    case Form.STRING:
      return writeBytes(out, encoder.encode(value));
    case Form.BYTES:
      return writeBytes(out, value);
    case Form.BOOL:
      return writeVarint(out, Number(value));
    case Form.SINT32:
    case Form.SINT64: {
      const wide = BigInt(value);
      return writeVarint(out, (wide << 1n) ^ (wide >> 63n));
    }
    case Form.MESSAGE:
      return writeBytes(out, writeMessage(inner!(), value, depth + 1));
    case Form.MAP:
      return writeBytes(out, writeMessage(inner!(), { key: value[0], value: value[1] }, depth + 1));
    default:
      return FIXED[form] ? writeFixed(out, form, value) : writeVarint(out, value);
  }
}

function readTag(): number {
  const tag = Number(readVarint());
  if (tag < 8 || tag > 0xffffffff) {
    throw wrong('tag');
  }
  return tag;
}

function readField(type: Type<any>, field: Field, message: any, depth: number): void {
  const { name_: name, kind_: kind } = field;
  if (isList(field)) {
    message[name].push(readValue(kind, depth));
    return;
  }
  for (const other of type.fields_) {
    if (other !== field && place(other) === place(field)) {
      delete message[other.name_];
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
    const field = type.fields_.find(({ number_: number }) => number === tag >>> 3);
    if (field && wire === wireOf(field.kind_)) {
      readField(type, field, message, depth);
    } else if (field && isList(field) && wire === Wire.DELIMITED) {
      delimited(() => {
        while (isMore()) {
          message[field.name_].push(readValue(field.kind_, depth));
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
    const { number_: number, mark_: mark, kind_: kind } = field;
    const body: number[] = [];
    for (const item of isList(field) || kind.form_ === Form.MAP ? value : [value]) {
      if (mark !== Mark.PACKED) {
        writeVarint(body, number * 8 + wireOf(kind));
      }
      writeValue(body, kind, checked(field, item), depth);
    }
    if (mark === Mark.PACKED) {
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
export const protobuf: Protocol = {
  name: 'stoa.proto',
  encode: encodeBinary,
  decode: (type = ErrorDetail, bytes) => decodeBinary(type, bytes),
};
