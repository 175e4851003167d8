import { useCallback, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from 'react';

import { offsetsOf, visibleRange } from './virtual';

interface Props {
  count: number;
  height: number;
  /** Estimated height in pixels of a row that was not rendered yet. */
  estimate: (index: number) => number;
  keyOf: (index: number) => string;
  render: (index: number) => ReactNode;
  /** Start at the end of the list. */
  fromEnd?: boolean;
  /** Start with this row in the middle and keep it there while rows are measured, until the user scrolls. */
  startAt?: number;
  label: string;
}

const overscan = 400;

/** A list of rows of any height that only renders the visible ones. */
export function VirtualRows({ count, height, estimate, keyOf, render, fromEnd, startAt, label }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [measured, setMeasured] = useState<ReadonlyMap<string, number>>(new Map());
  const [top, setTop] = useState(0);
  const offsets = useMemo(() => offsetsOf(count, (i) => measured.get(keyOf(i)) ?? estimate(i)), [count, estimate, keyOf, measured]);
  const range = visibleRange(offsets, top, height, overscan);

  const [observer] = useState(
    () =>
      new ResizeObserver((entries) => {
        const sizes = entries
          .map(({ target }) => [(target as HTMLElement).dataset.key ?? '', (target as HTMLElement).offsetHeight] as const)
          .filter(([, size]) => size > 0);
        setMeasured((before) => (sizes.every(([key, size]) => before.get(key) === size) ? before : new Map([...before, ...sizes])));
      })
  );
  useLayoutEffect(() => () => observer.disconnect(), [observer]);
  const watch = useCallback(
    (element: HTMLDivElement | null) => {
      if (element === null) {
        return;
      }
      observer.observe(element);
      return () => observer.unobserve(element);
    },
    [observer]
  );

  useLayoutEffect(() => {
    if (fromEnd && scroller.current) {
      scroller.current.scrollTop = scroller.current.scrollHeight;
    }
  }, [fromEnd, count]);

  const held = useRef(startAt !== undefined);
  useLayoutEffect(() => {
    if (held.current && startAt !== undefined && scroller.current) {
      const middle = (offsets[startAt]! + offsets[startAt + 1]!) / 2;
      scroller.current.scrollTop = middle - height / 2;
    }
  }, [startAt, offsets, height]);
  const release = () => {
    held.current = false;
  };

  const rows = [];
  for (let i = range.from; i < range.to; i++) {
    rows.push(
      <div key={keyOf(i)} data-key={keyOf(i)} ref={watch} style={{ position: 'absolute', top: offsets[i], left: 0, minWidth: '100%' }}>
        {render(i)}
      </div>
    );
  }
  return (
    <div
      ref={scroller}
      style={{ height, overflow: 'auto' }}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      onWheel={release}
      onPointerDown={release}
      onKeyDown={release}
      tabIndex={0}
      role="log"
      aria-label={label}
    >
      <div style={{ position: 'relative', height: offsets[count], minWidth: '100%' }}>{rows}</div>
    </div>
  );
}
