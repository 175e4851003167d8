import { useCallback, useMemo, useState } from 'react';
import { css } from '@emotion/css';
import type { GrafanaTheme2, PanelProps } from '@grafana/data';
import { LogsDedupStrategy, LogsSortOrder } from '@grafana/schema';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/logs/panelcfg/x/LogsPanelCfg_types.gen';
import { useStyles2 } from '@grafana/ui';

import { NoData } from '../shared/NoData';
import { VirtualRows } from '../shared/VirtualRows';
import { prettify } from './line';
import { LogRow, writeLabels } from './LogRow';
import { commonLabels, dedup, readRows } from './rows';

/** Height of a line of text and width of a character, in pixels. */
const lineHeight = 20;
const letterWidth = 7.3;
const commonHeight = 24;

export function LogsPanel({ data, options, width, height, timeZone, title }: PanelProps<Options>) {
  const styles = useStyles2(getStyles);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const order = options.sortOrder ?? LogsSortOrder.Descending;
  const all = useMemo(() => readRows(data.series, order), [data.series, order]);
  const rows = useMemo(() => dedup(all, options.dedupStrategy ?? LogsDedupStrategy.none), [all, options.dedupStrategy]);
  const common = useMemo(() => (options.showCommonLabels ? writeLabels(commonLabels(all)) : ''), [all, options.showCommonLabels]);
  const toggle = useCallback(
    (key: string) => setOpen((before) => (before.has(key) ? new Set([...before].filter((k) => k !== key)) : new Set([...before, key]))),
    []
  );
  const keyOf = useCallback((i: number) => rows[i]?.key ?? String(i), [rows]);
  const estimate = useCallback(
    (i: number) => {
      const line = rows[i]?.line ?? '';
      if (options.prettifyLogMessage && options.wrapLogMessage) {
        return lineHeight * prettify(line).split('\n').length;
      }
      const letters = Math.max(10, (width - 40) / letterWidth - (options.showTime ? 25 : 0));
      return options.wrapLogMessage ? lineHeight * Math.max(1, Math.ceil(line.length / letters)) : lineHeight;
    },
    [rows, width, options.prettifyLogMessage, options.wrapLogMessage, options.showTime]
  );
  if (rows.length === 0) {
    return <NoData text={data.series.some((frame) => frame.length > 0) ? 'The query returns numbers, not log lines' : 'No logs'} data={data} />;
  }
  return (
    <>
      {options.showCommonLabels && (
        <div className={styles.common} style={{ height: commonHeight }} title={common}>
          Common labels: {common === '' ? 'none' : common}
        </div>
      )}
      <VirtualRows
        // Measured heights are only valid for this width and these options.
        key={`${Math.round(width / 50)} ${String(options.wrapLogMessage)} ${String(options.prettifyLogMessage)} ${String(options.fontSize)}`}
        label={title || 'Logs'}
        count={rows.length}
        height={options.showCommonLabels ? height - commonHeight : height}
        estimate={estimate}
        keyOf={keyOf}
        fromEnd={order === LogsSortOrder.Ascending}
        render={(i) => <LogRow row={rows[i]!} options={options} timeZone={timeZone} open={open.has(rows[i]!.key)} onToggle={toggle} />}
      />
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  common: css({
    whiteSpace: 'nowrap',
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    color: theme.colors.text.secondary,
    fontFamily: theme.typography.fontFamilyMonospace,
    fontSize: theme.typography.bodySmall.fontSize,
  }),
});
