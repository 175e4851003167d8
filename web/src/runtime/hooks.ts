import { useCallback, useMemo, useRef } from 'react';

/** Returns a function for the value as of the last render, for code that needs it later: editors, plots, effects. */
export function useLatest<T>(value: T): () => T {
  const latest = useRef(value);
  // Plots draw in the effects of the component's children, which run before its own: an effect would come too late.
  // eslint-disable-next-line react-hooks/refs
  latest.current = value;
  return useCallback(() => latest.current, []);
}

/** Like useMemo, but recreated only when one of the reasons changes, whatever other values `make` uses. */
export function useMade<T>(make: () => T, ...reasons: unknown[]): T {
  // eslint-disable-next-line react-hooks/exhaustive-deps, react-hooks/use-memo
  return useMemo(make, reasons);
}
