// error.ts: why a call failed, told by the server or found out here.
import { bool, string, uint32 } from './kind.js';
import { map } from './nested.js';
import { message as table, type Type } from './type.js';

/** stoa.Error of api/stoa/error.proto. */
export interface ErrorDetail {
  /** What the API lists; 0 when the server did not say it. */
  code: number;
  /** The same as a word; of ours: TIMEOUT, CANCELLED, DISCONNECTED, TOO_MANY_CALLS, BAD_FRAME. */
  reason: string;
  /** A sentence for people. */
  message: string;
  metadata: Map<string, string>;
  /** Trying the same again later may succeed. */
  temporary: boolean;
  /** When to try again, milliseconds from now; 0 when unknown. */
  retryMs: number;
}

export const ErrorDetail: Type<ErrorDetail> = /* @__PURE__ */ table<ErrorDetail>([
  [1, 'code', uint32],
  [2, 'reason', string],
  [3, 'message', string],
  [4, 'metadata', /* @__PURE__ */ map(string, string)],
  [5, 'temporary', bool],
  [6, 'retry_ms', uint32],
]);

export interface StoaError extends ErrorDetail {}

export class StoaError extends Error {
  constructor(detail: ErrorDetail) {
    super();
    Object.assign(this, detail, { name: 'StoaError' });
  }
}

/** Is it the server's error of this code and reason? Generated for each error that an API lists. */
export function isApiError(error: unknown, code: number, reason: string): error is StoaError {
  return error instanceof StoaError && error.code === code && error.reason === reason;
}

/** One that no server sent. */
export function localError(reason: string, temporary = true, message = reason, code = 0): StoaError {
  return new StoaError({ code, reason, message, metadata: new Map(), temporary, retryMs: 0 });
}

/** As a server would send it, for those who play one. */
export const apiError = (code: number, reason: string, message = ''): StoaError =>
  localError(reason, false, message, code);
