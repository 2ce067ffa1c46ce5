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

export const later = (run: () => void, ms: number): unknown => setTimeout(run, Math.min(ms, Ms.TIMER_MAX));

/** Full jitter, so that the clients of one server do not all come at once: at least half a second, at most a bound that
 *  doubles from one second to twenty. `attempt` starts with 0. */
export function fullJitterMs(attempt: number): number {
  return Ms.DELAY_MIN + Math.random() * (Math.min(Ms.DELAY_MAX, Ms.DELAY_BASE * 2 ** attempt) - Ms.DELAY_MIN);
}
