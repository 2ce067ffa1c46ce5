// parts.tsx: small parts that several views share.
import { Component, createContext, type ComponentChildren, type FunctionComponent } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';

import { type Model } from './model.js';
import { initial, toneOf } from './text.js';

export const ModelContext = createContext<Model>(undefined as never);

export const useModel = (): Model => useContext(ModelContext);

// The same view always has the same properties. Called for each of hundreds of rows with every change.
function differ(one: Record<string, unknown>, other: Record<string, unknown>): boolean {
  for (const key in other) {
    if (one[key] !== other[key]) {
      return true;
    }
  }
  return false;
}

/** A view that is drawn again only when one of its properties is another. */
export function memo<P extends object>(View: FunctionComponent<P>) {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return differ(this.props as Record<string, unknown>, next as Record<string, unknown>);
    }

    override render() {
      return <View {...(this.props as P)} />;
    }
  };
}

/** The time, again every second while `isOn`. */
export function useNow(isOn: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (isOn) {
      setNow(Date.now());
      const timer = setInterval(() => setNow(Date.now()), 1000);
      return () => clearInterval(timer);
    }
    return undefined;
  }, [isOn]);
  return now;
}

export const secondsUntil = (ms: number, now: number): number => Math.max(0, Math.ceil((ms - now) / 1000));

export const Avatar = ({ id, name, isAway = false }: { id: string; name: string; isAway?: boolean }) => (
  <span class={`avatar tone-${toneOf(id || name)} ${isAway ? 'away' : ''}`} aria-hidden="true">
    {initial(name)}
  </span>
);

export const Spinner = ({ isBusy = true, children }: { isBusy?: boolean; children?: ComponentChildren }) => (
  <p class={`spinner ${isBusy ? 'busy' : ''}`}>
    <span class="wheel" aria-hidden="true" />
    {children}
  </p>
);
