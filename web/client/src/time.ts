// time.ts: the clock, timers, and how long to wait before another attempt.
export const page: any = globalThis;

export const now = (): number => performance.now();

/** setTimeout() treats a longer time as 0. */
export const later = (run: () => void, ms: number): unknown => setTimeout(run, Math.min(ms, 2 ** 31 - 1));

const DELAY_MIN_MS = 500;
const DELAY_BASE_MS = 1000;
const DELAY_MAX_MS = 20000;

/** Full jitter, so that the clients of one server do not all come at once: at least half a second, at most a bound that
 *  doubles from one second to twenty. `attempt` starts with 0. */
export function fullJitterMs(attempt: number): number {
  const bound = Math.min(DELAY_MAX_MS, DELAY_BASE_MS * 2 ** attempt);
  return DELAY_MIN_MS + Math.random() * (bound - DELAY_MIN_MS);
}
