// listeners.ts: functions that are called for what happens, in the order in which they were added.
//
// An exception of one is reported as an uncaught error, as browsers do with event listeners; the others are called.

type Listener = (...values: any[]) => void;

export class Listeners {
  private readonly sets = new Map<unknown, Set<Listener>>();

  /** Returns a function that removes it. */
  add(key: unknown, listener: Listener): () => void {
    const set = this.sets.get(key) ?? new Set();
    this.sets.set(key, set.add(listener));
    return () => void set.delete(listener);
  }

  /** As long as `holds` does, if it is given. */
  tell(key: unknown, holds?: () => boolean, ...values: unknown[]): void {
    this.sets.get(key)?.forEach((listener) => {
      if (!holds || holds()) {
        try {
          listener(...values);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    });
  }
}
