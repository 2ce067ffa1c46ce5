// kind.ts: the kinds of values that a field can have.
import { bytesOf, textOf } from './base64.js';
import { Form, type EnumTable, type Kind, type Type } from './type.js';

export { map } from './type.js';

export const string: Kind<string> = { form_: Form.STRING };
/** An object of its own, so that programs without it do not have base64. */
export const bytes: Kind<Uint8Array> = { form_: Form.BYTES, special_: { encode: textOf, decode: bytesOf as (json: any) => Uint8Array } };
export const bool: Kind<boolean> = { form_: Form.BOOL };
export const int32: Kind<number> = { form_: Form.INT32 };
export const uint32: Kind<number> = { form_: Form.UINT32 };
export const sint32: Kind<number> = { form_: Form.SINT32 };
export const fixed32: Kind<number> = { form_: Form.FIXED32 };
export const sfixed32: Kind<number> = { form_: Form.SFIXED32 };
export const int64: Kind<bigint> = { form_: Form.INT64 };
export const uint64: Kind<bigint> = { form_: Form.UINT64 };
export const sint64: Kind<bigint> = { form_: Form.SINT64 };
export const fixed64: Kind<bigint> = { form_: Form.FIXED64 };
export const sfixed64: Kind<bigint> = { form_: Form.SFIXED64 };
export const float: Kind<number> = { form_: Form.FLOAT };
export const double: Kind<number> = { form_: Form.DOUBLE };

export const enumeration = (names: () => EnumTable): Kind<number> => ({ form_: Form.ENUM, names_: names });

/** A function, because a message may contain itself or a type that is defined later. */
export const nested = (inner: () => Type<any>): Kind => ({ form_: Form.MESSAGE, inner_: inner });
