// scalar.ts: one value of a field that is not a message, checked, whether a program or JSON gave it.
import { Kind, isWide } from './type.js';

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i;
const INTEGER = /^-?(0|[1-9]\d*)$/;
const LONE_SURROGATE = /\p{Surrogate}/u;

const isUnsigned = (kind: Kind): boolean =>
  [Kind.UINT32, Kind.UINT64, Kind.FIXED32, Kind.FIXED64].includes(kind);

// NaN is the answer for what is no number, so the number NaN itself is not asked here.
function toNumber(value: unknown): number {
  return typeof value === 'number' || (typeof value === 'string' && NUMBER.test(value)) ? Number(value) : NaN;
}

function real(kind: Kind, value: unknown): number | undefined {
  if (Number.isNaN(value) || ['NaN', 'Infinity', '-Infinity', Infinity, -Infinity].includes(value as string)) {
    return Number(value);
  }
  const exact = toNumber(value);
  const number = kind === Kind.FLOAT ? Math.fround(exact) : exact;
  return Number.isFinite(number) ? number : undefined;
}

function narrow(kind: Kind, value: unknown): number | undefined {
  const number = toNumber(value);
  return number === (isUnsigned(kind) ? number >>> 0 : number | 0) ? number : undefined;
}

// A number above 2^53 has lost its last digits before it came here, so it is refused.
function wide(kind: Kind, value: unknown): bigint | undefined {
  const isExact =
    typeof value === 'bigint' || Number.isSafeInteger(value) || (typeof value === 'string' && INTEGER.test(value));
  const number = isExact ? BigInt(value as string) : undefined;
  return number === (number !== undefined && (isUnsigned(kind) ? BigInt.asUintN : BigInt.asIntN)(64, number))
    ? number
    : undefined;
}

// Both alphabets, with or without padding.
function bytes(value: unknown): Uint8Array | undefined {
  if (typeof value === 'string') {
    return Uint8Array.from(atob(value.replace(/-/g, '+').replace(/_/g, '/')), (byte) => byte.charCodeAt(0));
  }
  return value instanceof Uint8Array ? value : undefined;
}

/** The value as its kind has it in TypeScript, or undefined when it cannot be one. */
export function scalar(kind: Kind, value: unknown): any {
  switch (kind) {
    case Kind.STRING:
      return typeof value === 'string' && !LONE_SURROGATE.test(value) ? value : undefined;
    case Kind.BYTES:
      return bytes(value);
    case Kind.BOOL:
      return typeof value === 'boolean' ? value : undefined;
    case Kind.DOUBLE:
    case Kind.FLOAT:
      return real(kind, value);
    default:
      return isWide(kind) ? wide(kind, value) : narrow(kind, value);
  }
}
