// kind.ts: the kinds of values that a field can have. Each kind is a separate object, so that bundlers drop those that
// an API does not use.
import { Form, own, wrong, type EnumTable, type Kind } from './type.js';

// A number matches too, because test() converts it to text.
const REAL = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const WHOLE = /^-?(0|[1-9]\d*)$/;
const LONE_SURROGATE = /\p{Surrogate}/u;

export const string: Kind<string> = {
  form: Form.STRING,
  zero: () => '',
  check: (value) => (typeof value === 'string' && !LONE_SURROGATE.test(value) ? value : undefined),
};

export const bytes: Kind<Uint8Array> = {
  form: Form.BYTES,
  zero: () => new Uint8Array(),
  check: (value) => (value instanceof Uint8Array ? value : undefined),
  toJson: (value) => btoa(value.reduce((text, byte) => text + String.fromCharCode(byte), '')),
  // Both alphabets, with or without padding. Spaces, which atob() skips, are refused as invalid.
  fromJson(json) {
    if (typeof json !== 'string' || /\s/.test(json)) {
      throw wrong('bytes');
    }
    return Uint8Array.from(atob(json.replace(/-/g, '+').replace(/_/g, '/')), (byte) => byte.charCodeAt(0));
  },
};

export const bool: Kind<boolean> = {
  form: Form.BOOL,
  zero: () => false,
  check: (value) => (typeof value === 'boolean' ? value : undefined),
};

// `toValue` is Number or BigInt. A number above 2^53 has already lost its last digits, so it is refused.
function whole<T extends number | bigint>(isSigned: boolean, bits: number, toValue: (wide: any) => T): Kind<T> {
  const fit = isSigned ? BigInt.asIntN : BigInt.asUintN;
  return {
    form: Form.WHOLE,
    zero: () => toValue(0),
    narrow: (wide) => toValue(fit(bits, wide)),
    check(value: any) {
      const isText = typeof value === 'string' && (bits > 32 ? WHOLE : REAL).test(value);
      const exact = isText ? toValue(value) : value;
      if (typeof exact === 'bigint' || Number.isSafeInteger(exact)) {
        // Not `exact`, which may be -0.
        const big = BigInt(exact);
        return fit(bits, big) === big ? toValue(big) : undefined;
      }
    },
  };
}

const wide = (isSigned: boolean): Kind<bigint> => ({ ...whole(isSigned, 64, BigInt), toJson: String });

export const int32 = /* @__PURE__ */ whole(true, 32, Number);
export const uint32 = /* @__PURE__ */ whole(false, 32, Number);
export const int64 = /* @__PURE__ */ wide(true);
export const uint64 = /* @__PURE__ */ wide(false);

// Small negative numbers are short on the wire: 0, -1, 1, -2 become 0, 1, 2, 3.
const zigzag = <T>(kind: Kind<T>): Kind<T> => ({ ...kind, form: Form.ZIGZAG });

export const sint32 = /* @__PURE__ */ zigzag(int32);
export const sint64 = /* @__PURE__ */ zigzag(int64);

// `name` is the type's name in DataView.
const fixed = <T>(kind: Kind<T>, name: string): Kind<T> => ({ ...kind, form: name });

export const fixed32 = /* @__PURE__ */ fixed(uint32, 'Uint32');
export const fixed64 = /* @__PURE__ */ fixed(uint64, 'BigUint64');
export const sfixed32 = /* @__PURE__ */ fixed(int32, 'Int32');
export const sfixed64 = /* @__PURE__ */ fixed(int64, 'BigInt64');

function real(round: (value: number) => number): Kind<number> {
  // A text with digits that gives infinity was too large.
  const read = (value: unknown): number | undefined => {
    const number = round(Number(value));
    return Number.isFinite(number) || !/\d/.test(String(value)) ? number : undefined;
  };
  return {
    ...int32,
    check: (value) => (typeof value === 'number' ? read(value) : undefined),
    // Values that are not JSON numbers are strings, and so is -0, whose sign would be lost.
    toJson: (value) => (Object.is(value, -0) ? '-0' : Number.isFinite(value) ? value : String(value)),
    fromJson(json: any) {
      const isText = typeof json === 'string' && (REAL.test(json) || ['NaN', 'Infinity', '-Infinity'].includes(json));
      const value = isText || Number.isFinite(json) ? read(json) : undefined;
      if (value === undefined) {
        throw wrong('number');
      }
      return value;
    },
  };
}

export const float = /* @__PURE__ */ fixed(/* @__PURE__ */ real(Math.fround), 'Float32');
export const double = /* @__PURE__ */ fixed(/* @__PURE__ */ real((value) => value), 'Float64');

export function enumeration(table: () => EnumTable): Kind<number> {
  return {
    ...int32,
    toJson: (value) => Object.keys(table()).find((name) => table()[name] === value) ?? value,
    // undefined is an unknown enum name: it counts as absent.
    fromJson(json) {
      const isName = typeof json === 'string' && !REAL.test(json);
      const value = isName ? own(table(), json) : int32.check(json);
      if (value === undefined && !isName) {
        throw wrong('enum');
      }
      return value;
    },
  };
}
