// listeners.ts: functions that are called for what happens, in the order in which they were added.
//
// An exception of one is reported as an uncaught error, as browsers do with event listeners; the others are called.

type Listener = (...values: any[]) => void;

/** Returns a function that removes the listener. */
export type Add = (key: unknown, listener: Listener) => () => void;
/** Call those of `key`; as long as `holds` does, if it is given. */
export type Tell = (key: unknown, values?: readonly unknown[], holds?: () => boolean) => void;

export function listeners(): [Add, Tell] {
  const all = new Set<readonly [key: unknown, listener: Listener]>();
  return [
    (key, listener) => {
      const one = [key, listener] as const;
      all.add(one);
      return () => void all.delete(one);
    },
    (wanted, values = [], holds) => all.forEach(([key, listener]) => {
      if (key === wanted && (!holds || holds())) {
        try {
          listener(...values);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    }),
  ];
}
