// listeners.ts: functions that are called for what happens, in the order in which they were added.
//
// An exception of one is reported as an unhandled rejection, which ends a program of Node as an uncaught error does; the
// others are called.

type Listener = (...values: any[]) => void;

/** Returns a function that removes the listener. */
export type Add = (key: unknown, listener: Listener) => () => void;
/** Call those of `key`; as long as `holds` does, if it is given. */
export type Tell = (key: unknown, values?: readonly unknown[], holds?: () => boolean) => void;

export function listeners(): [Add, Tell] {
  const all = new Set<readonly [key: unknown, listener: Listener]>();
  return [
    (...one) => {
      all.add(one);
      return () => void all.delete(one);
    },
    (wanted, values = [], holds) => all.forEach(([key, listener]) => {
      if (key === wanted && (!holds || holds())) {
        (async () => listener(...values))();
      }
    }),
  ];
}
