// check.ts: which values fit a field. For json.ts and binary.ts, which refuse the others.
//
// Does not know: bytes, JSON.
import { Form, Mark, own, wrong, type Field, type Kind, type Type } from './type.js';

// A number matches too, because test() converts it to text.
export const REAL = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const WHOLE = /^-?(0|[1-9]\d*)$/;
export const LONE_SURROGATE = /\p{Surrogate}/u;

/** Are the values bigints? */
export const isWide = (form: string): boolean => form < 'a';
const isUnsigned = (form: string): boolean => /[ufUF]/.test(form);

/** The whole number of this form that 64 bits mean. */
export function narrow(form: string, wide: bigint): number | bigint {
  const value = (isUnsigned(form) ? BigInt.asUintN : BigInt.asIntN)(isWide(form) ? 64 : 32, wide);
  return isWide(form) ? value : Number(value);
}

// A number above 2^53 has already lost its last digits, so it is refused.
export function whole(form: string, value: any): number | bigint | undefined {
  const toValue = isWide(form) ? BigInt : Number;
  const isText = typeof value === 'string' && (isWide(form) ? WHOLE : REAL).test(value);
  const exact = isText ? toValue(value) : value;
  if (typeof exact === 'bigint' || Number.isSafeInteger(exact)) {
    const big = BigInt(exact);
    // Not `exact`, which may be -0.
    const fitting = narrow(form, big);
    return BigInt(fitting) === big ? fitting : undefined;
  }
}

// A text with digits that gives infinity was too large.
export function real(form: string, value: unknown): number | undefined {
  const number = form === Form.FLOAT ? Math.fround(Number(value)) : Number(value);
  return Number.isFinite(number) || !/\d/.test(String(value)) ? number : undefined;
}

/** The value in its kind's form, or undefined when it does not fit. */
export function fit({ form_: form }: Kind, value: any): any {
  switch (form) {
    case Form.STRING:
      return typeof value === 'string' && !LONE_SURROGATE.test(value) ? value : undefined;
    case Form.BYTES:
      return value instanceof Uint8Array ? value : undefined;
    case Form.BOOL:
      return typeof value === 'boolean' ? value : undefined;
    case Form.MESSAGE:
      return typeof value === 'object' && value ? value : undefined;
    case Form.MAP:
      return value;
    case Form.FLOAT:
    case Form.DOUBLE:
      return typeof value === 'number' ? real(form, value) : undefined;
    default:
      return whole(form, value);
  }
}

/** As fit(). Throws when the value does not fit. */
export function checked({ kind_: kind, name_: name }: Field, value: unknown): any {
  const found = fit(kind, value);
  if (found === undefined) {
    throw wrong(name);
  }
  return found;
}

// -0 is not empty: its bits are not all 0.
const isEmpty = (value: any): boolean =>
  value === false || Object.is(value, 0) || value === 0n || (value.length ?? value.size) === 0;

/** The fields to encode with their values, in the table's order. Throws when two members of a oneof are set. */
export function present(type: Type<any>, message: any): [Field, any][] {
  const taken = new Set<number | string>();
  return type.fields_
    .map((field): [Field, any] => [field, own(message, field.name_)])
    .filter(([field, value]) => value !== undefined && (field.zero_ ? !isEmpty(value) : claim(taken, field)));
}

/** A text for each oneof, otherwise the number of the field; each may be set once. */
export const place = ({ mark_: mark, oneof_: oneof, number_: number }: Field): number | string =>
  mark === Mark.ONEOF ? oneof : number;

/** True; throws when the field, or another member of its oneof, was already set. */
export function claim(taken: Set<number | string>, field: Field): boolean {
  if (taken.has(place(field))) {
    throw wrong(field.name_);
  }
  return !!taken.add(place(field));
}

/** The maximum nesting depth of messages, as in Stoa's servers. */
const DEPTH_MAX = 32;

/** Throws above the maximum depth. */
export function checkDepth(depth: number): void {
  if (depth > DEPTH_MAX) {
    throw wrong('depth');
  }
}
