// wire.ts: Protobuf's bytes below messages: varints, lengths, numbers of fixed size.
//
// Does not know: fields.
import { wrong } from './type.js';

// How a value is delimited, the lower three bits of a tag. No enum: to a bundler its members are properties, and what
// reads a property when it is loaded stays in the bundle.
export const VARINT = 0;
export const FIXED64 = 1;
export const DELIMITED = 2;
export const GROUP = 3;
export const FIXED32 = 5;

export const encoder = new TextEncoder();
/** Text that is not UTF-8 is refused, and a byte order mark is text like any other. */
export const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

// What is being decoded, and how far. Nothing that runs meanwhile decodes something else, and an object for this would
// be carried through every function.
let data: Uint8Array;
let at: number;
let end: number;

export function open(bytes: Uint8Array): void {
  data = bytes;
  at = 0;
  end = data.length;
}

export const isMore = (): boolean => at < end;

/** The next `length` bytes. */
export function take(length: number): Uint8Array {
  at += length;
  if (at > end) {
    throw wrong('length');
  }
  return data.subarray(at - length, at);
}

export function readVarint(): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const [byte] = take(1);
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) {
      return value;
    }
  }
  throw wrong('varint');
}

/** Read until the end of what a length at this place announces, and nothing behind it. */
export function delimited<T>(read: () => T): T {
  const length = Number(readVarint());
  const outer = end;
  end = at + length;
  if (end > outer) {
    throw wrong('length');
  }
  const value = read();
  end = outer;
  return value;
}

export const readBytes = (): Uint8Array => delimited(() => take(end - at));

export function writeVarint(out: number[], value: number | bigint): void {
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127; rest >>= 7n) {
    out.push(Number(rest & 127n) | 128);
  }
  out.push(Number(rest));
}

/** Not push(...bytes): there may be more of them than a call takes arguments. */
export function append(out: number[], bytes: Iterable<number>): void {
  for (const byte of bytes) {
    out.push(byte);
  }
}

export function writeBytes(out: number[], bytes: number[] | Uint8Array): void {
  writeVarint(out, bytes.length);
  append(out, bytes);
}
