import { css } from '@emotion/css';
import type { DataFrame, GrafanaTheme2 } from '@grafana/data';
import { EmbeddedScene, SceneDataTransformer, SceneFlexItem, SceneFlexLayout, SceneQueryRunner, SceneTimePicker, SceneTimeRange, VizPanel, type VizPanelState } from '@grafana/scenes';
import { Alert, Button, useStyles2 } from '@grafana/ui';
import { useEffect, useMemo, useRef, useState } from 'react';
import { map } from 'rxjs';

import type { Language } from './source';
import { inputsOf, rangeOf, type AnswerProps } from './urlState';

/** More lines than this say nothing to an eye and take seconds to draw. */
const mostSeries = 300;

/** An expression over time. */
export function Graph({ query, expr, language, source, onChange, children }: AnswerProps) {
  const styles = useStyles2(getStyles);
  const stacked = query['stacked'] === '1' || query['display_mode'] === 'stacked';
  const [series, setSeries] = useState(0);
  const { from, to } = rangeOf(query);
  const step = /^\d+(\.\d+)?$/.test(query['step_input'] ?? '') ? `${query['step_input']}s` : undefined;
  const { scene, body, timeRange, picker } = useMemo(() => build({ expr, language, source, range: { from, to }, stacked, step, onSeries: setSeries }), [expr, language, source, stacked, step]);
  useEffect(() => scene.activate(), [scene]);
  const latest = useRef({ query, onChange });
  latest.current = { query, onChange };
  // The address is the truth: the picker writes into it, and a new address moves the picker.
  useEffect(() => {
    if (!same(rangeOf(inputsOf(timeRange.state.value.raw)), { from, to })) {
      timeRange.setState({ from, to, value: new SceneTimeRange({ from, to }).state.value });
    }
  }, [from, to]);
  useEffect(() => {
    const subscription = timeRange.subscribeToState((state) => {
      const inputs = inputsOf(state.value.raw);
      if (!same(rangeOf(inputs), rangeOf(latest.current.query))) {
        latest.current.onChange(inputs);
      }
    });
    return () => subscription.unsubscribe();
  }, [timeRange]);
  return (
    <>
      <div className={styles.bar}>
        {children}
        {!isLogs(language, expr) && <Button size="sm" variant="secondary" fill={stacked ? 'solid' : 'outline'} aria-pressed={stacked} onClick={() => onChange({ stacked: stacked ? '' : '1', display_mode: '' })}>Stacked</Button>}
        <span className={styles.right}><picker.Component model={picker} /></span>
      </div>
      {series > mostSeries && <Alert severity="warning" title={`${mostSeries} of ${series} series are drawn`}>Narrow the expression, with labels, topk() or sum by (…).</Alert>}
      <div className={styles.graph} data-testid="graph" data-series={series}><body.Component model={body} /></div>
    </>
  );
}

function same(a: { from: string; to: string }, b: { from: string; to: string }): boolean {
  return a.from === b.from && a.to === b.to;
}

interface Options {
  expr: string;
  language: Language;
  source: string;
  range: { from: string; to: string };
  stacked: boolean;
  step?: string;
  onSeries: (count: number) => void;
}

function build({ expr, language, source, range, stacked, step, onSeries }: Options) {
  const timeRange = new SceneTimeRange(range);
  const picker = new SceneTimePicker({});
  const query = language === 'promql' ? { refId: 'A', expr, range: true, exemplar: false, interval: step } : { refId: 'A', expr, queryType: 'range', step };
  const firstSeries = map((all: DataFrame[]) => {
    onSeries(all.length);
    return all.slice(0, mostSeries);
  });
  const panel = new VizPanel({
    title: '', hoverHeader: true, ...(isLogs(language, expr) ? asLogs : asLines(stacked)),
    $data: new SceneDataTransformer({
      $data: new SceneQueryRunner({ datasource: { uid: source, type: language === 'promql' ? 'prometheus' : 'loki' }, maxDataPointsFromWidth: true, queries: [query as never] }),
      transformations: [() => firstSeries],
    }),
  });
  const body = new SceneFlexLayout({ children: [new SceneFlexItem({ minHeight: 420, body: panel })] });
  return { scene: new EmbeddedScene({ $timeRange: timeRange, body, controls: [picker] }), body, timeRange, picker };
}

/** A LogQL expression that begins with a selector answers with lines, any other with numbers. */
function isLogs(language: Language, expr: string): boolean {
  return language === 'logql' && expr.startsWith('{');
}

type Look = Pick<VizPanelState, 'pluginId' | 'options' | 'fieldConfig'>;

const asLogs: Look = { pluginId: 'logs', options: { showTime: true, wrapLogMessage: true, enableLogDetails: true, sortOrder: 'Descending' }, fieldConfig: { defaults: {}, overrides: [] } };

const asLines = (stacked: boolean): Look => ({
  pluginId: 'timeseries',
  options: { legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] }, tooltip: { mode: 'multi', sort: 'desc' } },
  fieldConfig: { defaults: { unit: 'short', custom: { lineWidth: 1, fillOpacity: stacked ? 30 : 8, showPoints: 'auto', stacking: { mode: stacked ? 'normal' : 'none', group: 'A' } } }, overrides: [] },
});

const getStyles = (theme: GrafanaTheme2) => ({
  bar: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1), alignItems: 'center' }),
  right: css({ marginLeft: 'auto' }),
  graph: css({ display: 'flex', minHeight: 440 }),
});
