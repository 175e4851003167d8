import { SceneTimePicker, SceneTimeRange } from '@grafana/scenes';
import { useEffect } from 'react';

import { inputsOf, rangeOf, type QueryState } from '../../links/explore';
import { useLatest, useMade } from '../../runtime/hooks';

/**
 * The time range of a query for scenes and their picker. The URL is authoritative: the picker updates it, and a new URL
 * updates the picker. A scene with another key has its own range.
 */
export function useRange(query: QueryState, onChange: (part: QueryState) => void, key: string) {
  const { from, to } = rangeOf(query);
  const { timeRange, picker } = useMade(() => ({ timeRange: new SceneTimeRange({ from, to }), picker: new SceneTimePicker({}) }), key);
  const latest = useLatest({ query, onChange });
  useEffect(() => {
    if (!same(rangeOf(inputsOf(timeRange.state.value.raw)), { from, to })) {
      timeRange.setState({ from, to, value: new SceneTimeRange({ from, to }).state.value });
    }
  }, [from, to, timeRange]);
  useEffect(() => {
    const subscription = timeRange.subscribeToState((state) => {
      const inputs = inputsOf(state.value.raw);
      if (!same(rangeOf(inputs), rangeOf(latest().query))) {
        latest().onChange(inputs);
      }
    });
    return () => subscription.unsubscribe();
  }, [timeRange, latest]);
  return { timeRange, picker };
}

function same(a: { from: string; to: string }, b: { from: string; to: string }): boolean {
  return a.from === b.from && a.to === b.to;
}
