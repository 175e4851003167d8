import { css } from '@emotion/css';
import { dateTimeFormat, type GrafanaTheme2 } from '@grafana/data';
import { Alert, Button, Dropdown, Menu, RadioButtonGroup, useStyles2 } from '@grafana/ui';
import { useMemo, useState } from 'react';

import { PathButton } from '../../../kit/PathButton';
import { copyText, saveFile } from '../../../dashboard/scene/panelActions';
import type { RowActions } from '../../../panels/logs/LogRow';
import type { LogRow } from '../../../panels/logs/rows';
import { useGraph } from '../Graph';
import { metricsOf, metricsPath } from './metrics';
import { Stats } from '../Stats';
import { secondsOf } from '../../../links/explore';
import type { AnswerProps } from '../answer';
import { ContextModal } from './ContextModal';
import { addFilter, selectorIn } from './filters';
import { LineList } from './LineList';
import { FieldsPanel, parserOf, PatternsPanel } from './SidePanels';
import { useLines } from './useLines';
import { mostTailed, useTail } from './useTail';

const limits = [1000, 5000, 20_000, 100_000];

/** The width of a bar in seconds, chosen for about a hundred bars. */
function stepOf(range: number): number {
  return [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200].find((s) => range / s <= 120) ?? 86_400;
}

/** The log lines of an expression: their number over time, and their content. */
export function LogsAnswer({ query, expr, source, onChange, round, children }: AnswerProps) {
  const styles = useStyles2(getStyles);
  const limit = Number(query['limit']) || limits[0]!;
  const live = query['live'] === '1' && source === 'loki';
  const side = query['side'] ?? '';
  const [context, setContext] = useState<LogRow>();
  const onExpr = (next: string) => onChange({ expr: next });
  const step = stepOf(secondsOf(query['range_input'] ?? '') ?? 3600);
  const volume = useGraph({
    query,
    onChange,
    round,
    expr: `sum by (detected_level) (count_over_time(${expr} [${step}s]))`,
    language: 'logql',
    source,
    step: `${step}s`,
    look: 'bars',
    minHeight: 130,
  });
  const lines = useLines(source, expr, query, limit, round);
  const selector = selectorIn(expr);
  const metrics = query['back'] || metricsOf(selector);
  const actions: RowActions = {
    onFilter: (name, value, operator, row) =>
      onExpr(
        addFilter(expr, {
          name,
          value,
          operator,
          stream: Object.hasOwn(row.stream ?? {}, name),
          parser: Object.hasOwn(row.labels, name) ? undefined : parserOf(undefined, name, [row]),
        })
      ),
    more: (row) => (
      <span className={styles.buttons}>
        <Button size="sm" variant="secondary" icon="list-ul" onClick={() => setContext(row)}>
          Lines around this one
        </Button>
        <Button size="sm" variant="secondary" icon="copy" onClick={() => copyText(row.line, 'Line copied')}>
          Copy
        </Button>
        <Button size="sm" variant="secondary" icon="download-alt" onClick={() => saveFile('line.txt', row.line)}>
          Save
        </Button>
      </span>
    ),
  };
  const look = <Look query={query} onChange={onChange} rows={lines.rows} live={live} tailable={source === 'loki'} />;
  return (
    <>
      <div className={styles.bar}>
        {children}
        {metrics && (
          <PathButton icon="chart-line" to={metricsPath(metrics, query)} tooltip={query['back'] ? `Back to ${metrics}` : `Metrics of ${selector}`}>
            {query['back'] ? 'Back to the graph' : 'Metrics'}
          </PathButton>
        )}
        {look}
        {!live && (
          <span className={styles.right}>
            <volume.picker.Component model={volume.picker} />
          </span>
        )}
      </div>
      {live ? (
        <LiveLines expr={expr} query={query} actions={actions} />
      ) : (
        <>
          <div className={styles.volume} data-testid="volume" data-series={volume.answer?.series}>
            <volume.body.Component model={volume.body} />
          </div>
          <Told lines={lines} limit={limit} onLimit={(n) => onChange({ limit: String(n) })} />
          <div className={styles.columns}>
            {side === 'fields' && <FieldsPanel source={source} expr={expr} query={query} rows={lines.rows} onExpr={onExpr} />}
            {side === 'patterns' && <PatternsPanel source={source} expr={expr} query={query} rows={lines.rows} onExpr={onExpr} />}
            <div className={styles.lines} data-testid="graph">
              {lines.rows.length > 0 && (
                <LineList
                  rows={lines.rows}
                  wrap={query['wrap'] !== '0'}
                  pretty={query['pretty'] === '1'}
                  oldestFirst={query['order'] === 'asc'}
                  height={Math.max(320, window.innerHeight - 420)}
                  actions={actions}
                  label="Lines"
                />
              )}
            </div>
          </div>
        </>
      )}
      {context && <ContextModal row={context} source={source} onClose={() => setContext(undefined)} />}
    </>
  );
}

/** The number of lines, what is missing, and how to get it. */
function Told({ lines, limit, onLimit }: { lines: ReturnType<typeof useLines>; limit: number; onLimit: (limit: number) => void }) {
  const styles = useStyles2(getStyles);
  const { rows, all, loading, seconds, error, cancel } = lines;
  const oldest = rows.at(-1);
  const more = limits.filter((n) => n > limit);
  return (
    <>
      <div className={styles.bar} role="status">
        {loading ? (
          <>
            <span>{rows.length === 0 ? 'Loading…' : `${rows.length.toLocaleString()} of at most ${limit.toLocaleString()} lines…`}</span>
            <Button size="sm" variant="secondary" onClick={cancel}>
              Stop
            </Button>
          </>
        ) : (
          <Stats points={rows.length} unit="lines" seconds={seconds} />
        )}
        {!loading && !error && !all && oldest && (
          <>
            <span>Lines older than {dateTimeFormat(oldest.time)} are not shown.</span>
            {more.map((n) => (
              <Button key={n} size="sm" variant="secondary" fill="outline" onClick={() => onLimit(n)}>
                Show {n.toLocaleString()}
              </Button>
            ))}
            {more.length === 0 && <span>Narrow the time range or the expression to see them.</span>}
          </>
        )}
      </div>
      {error && (
        <Alert severity="error" title="The query failed">
          {error}
        </Alert>
      )}
      {!loading && !error && rows.length === 0 && (
        <Alert severity="info" title="No lines match in this time range">
          A longer time range may have some; the labels that there are, are completed in the expression.
        </Alert>
      )}
    </>
  );
}

function LiveLines({ expr, query, actions }: { expr: string; query: AnswerProps['query']; actions: RowActions }) {
  const styles = useStyles2(getStyles);
  const [paused, setPaused] = useState(false);
  const { rows, state, dropped } = useTail(expr, paused);
  const said = paused ? 'Paused' : { connecting: 'Connecting…', live: 'Live: lines appear as they are stored', lost: 'Connection lost; reconnecting' }[state];
  return (
    <>
      <div className={styles.bar} role="status" data-testid="live" data-state={state}>
        <span>
          {said}
          {rows.length >= mostTailed && `; the newest ${mostTailed.toLocaleString()} are kept`}
          {dropped > 0 && `; ${dropped} lines came too fast and are missing here`}
        </span>
        <Button size="sm" variant="secondary" icon={paused ? 'play' : 'pause'} onClick={() => setPaused(!paused)}>
          {paused ? 'Go on' : 'Pause'}
        </Button>
      </div>
      <div data-testid="graph">
        <LineList
          rows={rows}
          wrap={query['wrap'] !== '0'}
          pretty={query['pretty'] === '1'}
          oldestFirst={query['order'] === 'asc'}
          height={Math.max(320, window.innerHeight - 280)}
          actions={actions}
          label="Live lines"
        />
      </div>
    </>
  );
}

function Look({ query, onChange, rows, live, tailable }: Pick<AnswerProps, 'query' | 'onChange'> & { rows: LogRow[]; live: boolean; tailable: boolean }) {
  const onOff = (name: string, on: string, off = '') => onChange({ [name]: query[name] === on ? off : on });
  const save = useMemo(
    () => ({
      text: () => saveFile('lines.txt', rows.map((r) => `${new Date(r.time).toISOString()} ${r.line}`).join('\n')),
      json: () =>
        saveFile(
          'lines.json',
          JSON.stringify(
            rows.map(({ time, nanos, line, labels }) => ({ timestamp: `${time}${String(nanos).padStart(6, '0')}`, line, labels })),
            null,
            1
          ),
          'application/json'
        ),
    }),
    [rows]
  );
  return (
    <>
      <RadioButtonGroup
        size="sm"
        aria-label="Lines"
        value={query['wrap'] === '0' ? 'raw' : query['pretty'] === '1' ? 'pretty' : 'wrapped'}
        options={[
          { value: 'wrapped', label: 'Wrapped' },
          { value: 'raw', label: 'Raw' },
          { value: 'pretty', label: 'JSON' },
        ]}
        onChange={(v) => onChange({ wrap: v === 'raw' ? '0' : '', pretty: v === 'pretty' ? '1' : '' })}
      />
      <Button
        size="sm"
        variant="secondary"
        fill="outline"
        icon={query['order'] === 'asc' ? 'sort-amount-up' : 'sort-amount-down'}
        onClick={() => onOff('order', 'asc')}
      >
        {query['order'] === 'asc' ? 'Oldest first' : 'Newest first'}
      </Button>
      {!live && (
        <Button
          size="sm"
          variant="secondary"
          fill={query['side'] === 'fields' ? 'solid' : 'outline'}
          aria-pressed={query['side'] === 'fields'}
          onClick={() => onOff('side', 'fields')}
        >
          Fields
        </Button>
      )}
      {!live && (
        <Button
          size="sm"
          variant="secondary"
          fill={query['side'] === 'patterns' ? 'solid' : 'outline'}
          aria-pressed={query['side'] === 'patterns'}
          onClick={() => onOff('side', 'patterns')}
        >
          Patterns
        </Button>
      )}
      {tailable && (
        <Button
          size="sm"
          variant={live ? 'primary' : 'secondary'}
          fill={live ? 'solid' : 'outline'}
          icon={live ? 'square-shape' : 'play'}
          aria-pressed={live}
          onClick={() => onOff('live', '1')}
        >
          {live ? 'Stop' : 'Live'}
        </Button>
      )}
      {!live && (
        <Dropdown
          overlay={
            <Menu>
              <Menu.Item label="As text" onClick={save.text} />
              <Menu.Item label="As JSON, with labels" onClick={save.json} />
            </Menu>
          }
        >
          <Button size="sm" variant="secondary" fill="outline" icon="download-alt" disabled={rows.length === 0}>
            Download
          </Button>
        </Dropdown>
      )}
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  bar: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1), alignItems: 'center', fontSize: theme.typography.bodySmall.fontSize }),
  right: css({ marginLeft: 'auto' }),
  buttons: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1), padding: theme.spacing(0.5) }),
  volume: css({ display: 'flex', minHeight: 140 }),
  columns: css({ display: 'flex', gap: theme.spacing(1), [theme.breakpoints.down('md')]: { flexDirection: 'column' } }),
  lines: css({ flex: '1 1 auto', minWidth: 0 }),
});
