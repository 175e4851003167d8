import { useMemo } from 'react';
import { css } from '@emotion/css';
import { cacheFieldDisplayNames, type DataFrame, type GrafanaTheme2, type PanelProps } from '@grafana/data';
import type { Panel } from '@grafana/schema';
import { useStyles2 } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';

import { queriesOf } from './queries';

export interface UnknownOptions {
  /** The panel JSON of the dashboard. */
  __panel?: Panel;
}

const headHeight = 76;
const smallestTable = 80;

/** Replaces panels of unsupported types: shows the type, the queries and their data as a table. */
export function UnknownPanel({ options, data, width, height, timeRange, fieldConfig }: PanelProps<UnknownOptions>) {
  const styles = useStyles2(getStyles);
  const panel = options.__panel;
  const frames = useMemo(() => {
    cacheFieldDisplayNames(data.series);
    return data.series.filter((frame) => frame.fields.length > 0);
  }, [data.series]);
  const queries = queriesOf(panel);
  const tableHeight = Math.max(smallestTable, Math.floor((height - headHeight) / Math.max(1, Math.min(frames.length, 3))));
  return (
    <div className={styles.panel} style={{ height }} tabIndex={0}>
      <p className={styles.name}>
        Panel type <code>{panel?.type ?? 'unknown'}</code> is not available.{queries.length > 0 && ` Its queries${frames.length > 0 ? ' and their data' : ''}:`}
      </p>
      {queries.map((query, i) => (
        <pre key={i} className={styles.query}>
          {query}
        </pre>
      ))}
      {frames.map((frame, i) => (
        <DataTable key={`${frame.refId ?? ''}${i}`} frame={frame} width={width} height={tableHeight} timeRange={timeRange} fieldConfig={fieldConfig} />
      ))}
    </div>
  );
}

function DataTable({ frame, ...rest }: Pick<PanelProps, 'width' | 'height' | 'timeRange' | 'fieldConfig'> & { frame: DataFrame }) {
  return <TableNG data={frame} {...rest} resizable={true} />;
}

const getStyles = (theme: GrafanaTheme2) => ({
  panel: css({ overflow: 'auto' }),
  name: css({ margin: theme.spacing(0, 0, 1), color: theme.colors.text.secondary }),
  query: css({
    margin: theme.spacing(0, 0, 0.5),
    padding: theme.spacing(0.5, 1),
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
    fontSize: theme.typography.bodySmall.fontSize,
    border: 'none',
    background: theme.colors.background.canvas,
  }),
});
