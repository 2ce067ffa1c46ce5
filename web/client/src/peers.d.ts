// peers.d.ts: what the wrappers use of React and Vue, so that neither is needed to build this package.
declare module 'react' {
  export function useCallback<T>(callback: T, dependencies: readonly unknown[]): T;
  export function useRef<T>(first: T): { current: T };
  export function useSyncExternalStore<T>(
    subscribe: (changed: () => void) => () => void,
    get: () => T,
    first: () => T,
  ): T;
}

declare module 'vue' {
  export interface ShallowRef<T> {
    value: T;
  }
  export type MaybeRefOrGetter<T> = T | { readonly value: T } | (() => T);
  export function onScopeDispose(end: () => void): void;
  export function shallowRef<T>(value: T): ShallowRef<T>;
  export function toValue<T>(source: MaybeRefOrGetter<T>): T;
  export function watch<T>(
    source: () => T,
    changed: (value: T, before: T | undefined, onCleanup: (end: () => void) => void) => void,
    options: { immediate: boolean; flush: 'sync' },
  ): void;
}
