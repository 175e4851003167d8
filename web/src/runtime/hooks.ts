import { useCallback, useMemo, useRef } from 'react';

/** A function that returns what a value was when the component was last drawn, for those that ask later: editors, plots, effects. */
export function useLatest<T>(value: T): () => T {
  const latest = useRef(value);
  // Plots draw in the effects of the component's children, which run before its own: an effect would come too late.
  // eslint-disable-next-line react-hooks/refs
  latest.current = value;
  return useCallback(() => latest.current, []);
}

/** What is made anew when one of the reasons has changed, and only then, whatever else it is made of. */
export function useMade<T>(make: () => T, ...reasons: unknown[]): T {
  // eslint-disable-next-line react-hooks/exhaustive-deps, react-hooks/use-memo
  return useMemo(make, reasons);
}
