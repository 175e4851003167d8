import { LogsDedupStrategy, LogsSortOrder } from '@grafana/schema';
import { useCallback, useMemo, useState } from 'react';

import { LogRow, type RowActions } from '../../../panels/logs/LogRow';
import type { LogRow as Row } from '../../../panels/logs/rows';
import { mostLetters } from '../../../panels/logs/line';
import { VirtualRows } from '../../../panels/shared/VirtualRows';
import { bootData } from '../../../boot/bootData';

interface Props {
  rows: Row[];
  wrap: boolean;
  pretty: boolean;
  oldestFirst: boolean;
  height: number;
  actions?: RowActions;
  label: string;
  /** Highlights one row and scrolls it into view initially. */
  marked?: string;
}

const lineHeight = 20;

/** A list of lines that only renders the visible ones. */
export function LineList({ rows, wrap, pretty, oldestFirst, height, actions, label, marked }: Props) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [width, setWidth] = useState(1000);
  const ordered = useMemo(() => (oldestFirst ? [...rows].reverse() : rows), [rows, oldestFirst]);
  const toggle = useCallback(
    (key: string) => setOpen((before) => (before.has(key) ? new Set([...before].filter((k) => k !== key)) : new Set([...before, key]))),
    []
  );
  const at = marked === undefined ? -1 : ordered.findIndex((row) => row.key === marked);
  const start = at < 0 ? undefined : at;
  const keyOf = useCallback((i: number) => ordered[i]?.key ?? String(i), [ordered]);
  const letters = Math.max(20, (width - 240) / 7.3);
  const estimate = useCallback(
    (i: number) => (wrap ? lineHeight * Math.max(1, Math.ceil(Math.min(ordered[i]?.line.length ?? 0, mostLetters.closed) / letters)) : lineHeight),
    [ordered, wrap, letters]
  );
  const options = {
    showTime: true,
    showLabels: false,
    showLogContextToggle: false,
    showCommonLabels: false,
    wrapLogMessage: wrap,
    prettifyLogMessage: pretty,
    enableLogDetails: true,
    sortOrder: LogsSortOrder.Descending,
    dedupStrategy: LogsDedupStrategy.none,
  };
  const measure = useCallback((element: HTMLDivElement | null) => {
    if (!element) {
      return;
    }
    const observer = new ResizeObserver(() => setWidth(Math.round(element.clientWidth / 50) * 50));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return (
    <div ref={measure} data-testid="lines" data-lines={rows.length}>
      <VirtualRows
        key={`${wrap} ${pretty} ${width}`}
        label={label}
        count={ordered.length}
        height={height}
        estimate={estimate}
        keyOf={keyOf}
        fromEnd={oldestFirst && start === undefined}
        startAt={start}
        render={(i) => {
          const row = ordered[i]!;
          const drawn = (
            <LogRow row={row} options={options} timeZone={bootData.user.timezone || 'browser'} open={open.has(row.key)} onToggle={toggle} actions={actions} />
          );
          return row.key === marked ? (
            <mark style={{ display: 'block', color: 'inherit', background: 'rgba(255, 152, 48, 0.2)' }} data-testid="marked">
              {drawn}
            </mark>
          ) : (
            drawn
          );
        }}
      />
    </div>
  );
}
