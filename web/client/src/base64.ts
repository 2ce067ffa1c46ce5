// base64.ts: bytes in JSON.
import { wrong } from './type.js';

export const textOf = (bytes: Uint8Array): string =>
  btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ''));

/** Of both alphabets, with or without padding. Throws when it is neither; also for spaces, which atob() skips. */
export function bytesOf(json: unknown): Uint8Array {
  if (typeof json !== 'string' || /\s/.test(json)) {
    throw wrong('bytes');
  }
  return Uint8Array.from(atob(json.replace(/-/g, '+').replace(/_/g, '/')), (byte) => byte.charCodeAt(0));
}
