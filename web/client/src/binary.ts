// binary.ts: messages in Protobuf's binary format.
import { checkDepth, checked, create, Label, own, present, wrong, type Field, type Init, type Type } from './type.js';
import { append, delimited, isMore, open, readBytes, readVarint, take, Wire, writeVarint } from './wire.js';

function readTag(): number {
  const tag = Number(readVarint());
  if (tag < 8 || tag > 0xffffffff) {
    throw wrong('tag');
  }
  return tag;
}

function readField(type: Type<any>, { name, kind, place, isList }: Field, message: any, depth: number): void {
  if (isList) {
    message[name].push(kind.read(depth));
    return;
  }
  for (const other of type.allFields) {
    if (other.name !== name && other.place === place) {
      delete message[other.name];
    }
  }
  message[name] = kind.read(depth, own(message, name));
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

export function readMessage(type: Type<any>, depth: number, message = create(type)): any {
  checkDepth(depth);
  while (isMore()) {
    const tag = readTag();
    const wire = tag & 7;
    const field = type.allFields.find(({ number }) => number === tag >>> 3);
    if (field && wire === field.kind.wire) {
      readField(type, field, message, depth);
    } else if (field?.isList && wire === Wire.DELIMITED) {
      delimited(() => {
        while (isMore()) {
          message[field.name].push(field.kind.read(depth));
        }
      });
    } else {
      skipField(tag, depth);
    }
  }
  return message;
}

export function writeMessage(type: Type<any>, message: unknown, depth: number): number[] {
  const out: number[] = [];
  checkDepth(depth);
  for (const [field, value] of present(type, message)) {
    const { number, label, kind, isList } = field;
    const body: number[] = [];
    for (const item of isList || kind.isMap ? value : [value]) {
      if (label !== Label.PACKED) {
        writeVarint(body, number * 8 + kind.wire);
      }
      kind.write(body, checked(field, item), depth);
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
