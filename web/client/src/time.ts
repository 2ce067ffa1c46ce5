// time.ts: the clock, timers, and how long to wait before another attempt.
export const page: any = globalThis;

export const now = (): number => performance.now();

const enum Ms {
  DELAY_MIN = 500,
  DELAY_BASE = 1000,
  DELAY_MAX = 20000,
  // A longer time is 0 for setTimeout().
  TIMER_MAX = 2e9,
}

/** Timers, each with a key. */
export interface Timers {
  /** In the place of the one of this key. `run` is told how much too late it is: pages are suspended. */
  set_(ms: number, run: (lateMs: number) => void, key?: unknown): void;
  has_(key: unknown): boolean;
  cancel_(key: unknown): void;
  clear_(): void;
}

export function createTimers(): Timers {
  const all = new Map<unknown, any>();
  const timers: Timers = {
    set_(ms, run, key = run) {
      const dueAt = now() + ms;
      timers.cancel_(key);
      all.set(key, setTimeout(() => {
        all.delete(key);
        run(now() - dueAt);
      }, Math.min(ms, Ms.TIMER_MAX)));
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

/** Full jitter, so that the clients of one server do not all come at once: at least half a second, at most a bound that
 *  doubles from one second to twenty. `attempt` starts with 0. */
export function fullJitterMs(attempt: number): number {
  return Ms.DELAY_MIN + Math.random() * (Math.min(Ms.DELAY_MAX, Ms.DELAY_BASE * 2 ** attempt) - Ms.DELAY_MIN);
}
