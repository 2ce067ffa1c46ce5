// error.ts: why a call failed, as an error from the server or from this client.
import { types, type Type } from './type.js';

/** stoa.Error of api/stoa/error.proto. */
export interface ErrorDetail {
  /** A code of the API; 0 when the error is not from the server. */
  code: number;
  /** The name of the code; from this client: TIMEOUT, CANCELLED, DISCONNECTED, TOO_MANY_CALLS, BAD_FRAME. */
  reason: string;
  /** A sentence for people. */
  message: string;
  metadata: Map<string, string>;
  /** The same request may succeed later. */
  temporary: boolean;
  /** How long to wait before the next try, in milliseconds; 0 when unknown. */
  retryMs: number;
}

export const ErrorDetail: Type<ErrorDetail> = /* @__PURE__ */ (
  /* @__PURE__ */ types('code:u reason message metadata:pss temporary:b retryMs:u')
)('m0');

export interface StoaError extends ErrorDetail {}

export class StoaError extends Error {
  constructor(detail: ErrorDetail) {
    super();
    Object.assign(this, detail, { name: 'StoaError' });
  }
}

/** Is it a server error with this code and reason? Generated code calls it for each error of an API. */
export function isApiError(error: unknown, code: number, reason: string): error is StoaError {
  return error instanceof StoaError && error.code === code && error.reason === reason;
}

/** An error from this client. */
export function localError(reason: string, temporary = true, message = reason, code = 0): StoaError {
  return new StoaError({ code, reason, message, metadata: new Map(), temporary, retryMs: 0 });
}

/** An error as a server sends it, for code that simulates a server. */
export const apiError = (code: number, reason: string, message = ''): StoaError =>
  localError(reason, false, message, code);
