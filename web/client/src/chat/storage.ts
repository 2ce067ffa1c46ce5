// storage.ts: where a page keeps a guest's token, for programs that import it.
import { page } from '@stoa/client/inner';

import { type TokenStorage } from './chat.js';

/** localStorage, with a place for each server. Where there is none, it is full or it is switched off, nothing is kept. */
export function pageStorage(url: string): TokenStorage {
  const key = `stoa guest ${new URL(url, page.location?.href).host}`;
  const attempt = (run: () => string): string => {
    try {
      return run();
    } catch {
      return '';
    }
  };
  return {
    get: () => attempt(() => page.localStorage[key]),
    set: (token) => void attempt(() => (page.localStorage[key] = token)),
  };
}
