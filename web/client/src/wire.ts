// wire.ts: Protobuf's bytes below messages: varints, lengths, numbers of fixed size.
//
// Does not know: fields.
import { wrong } from './type.js';

/** The wire type: the lower three bits of a tag. */
export enum Wire {
  VARINT = 0,
  FIXED64 = 1,
  DELIMITED = 2,
  GROUP = 3,
  FIXED32 = 5,
}

export const encoder = /* @__PURE__ */ new TextEncoder();
/** Text that is not UTF-8 is refused, and a byte order mark is text like any other. */
export const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

// The bytes being decoded, and the position. Decoding is never interrupted by another decoding, and an object for this
// would be a parameter of every function.
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

/** The bytes after a length prefix. */
export const readBytes = (): Uint8Array => take(Number(readVarint()));

/** Decode within these bytes only. */
export function delimited<T>(read: () => T): T {
  const outer = end;
  const { length } = readBytes();
  end = at;
  at -= length;
  const value = read();
  end = outer;
  return value;
}

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
