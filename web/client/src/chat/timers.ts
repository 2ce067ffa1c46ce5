// timers.ts: the timers of a room, each with a key.
import { later } from '@stoa/client/inner';

/** @internal */
export interface Timers {
  /** In the place of the one of this key. */
  set_(ms: number, run: () => void, key?: unknown): void;
  has_(key: unknown): boolean;
  cancel_(key: unknown): void;
  clear_(): void;
}

/** @internal */
export function createTimers(): Timers {
  const all = new Map<unknown, any>();
  const timers: Timers = {
    set_(ms, run, key = run) {
      timers.cancel_(key);
      all.set(key, later(() => {
        all.delete(key);
        run();
      }, ms));
    },
    has_: (key) => all.has(key),
    cancel_(key) {
      clearTimeout(all.get(key));
      all.delete(key);
    },
    clear_: () => all.forEach((_, key) => timers.cancel_(key)),
  };
  return timers;
}
