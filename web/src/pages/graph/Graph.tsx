import { css } from '@emotion/css';
import type { DataFrame, GrafanaTheme2 } from '@grafana/data';
import { EmbeddedScene, SceneDataTransformer, SceneFlexItem, SceneFlexLayout, SceneQueryRunner, SceneTimePicker, SceneTimeRange, VizPanel } from '@grafana/scenes';
import { Alert, Button, useStyles2 } from '@grafana/ui';
import { useEffect, useMemo, useRef, useState } from 'react';
import { map } from 'rxjs';

import { inputsOf, rangeOf, type AnswerProps } from './urlState';

/** More lines than this say nothing to an eye and take seconds to draw. */
const mostSeries = 300;

/** An expression over time. */
export function Graph({ query, expr, source, onChange, children }: AnswerProps) {
  const styles = useStyles2(getStyles);
  const stacked = query['stacked'] === '1' || query['display_mode'] === 'stacked';
  const [series, setSeries] = useState(0);
  const { from, to } = rangeOf(query);
  const step = /^\d+(\.\d+)?$/.test(query['step_input'] ?? '') ? `${query['step_input']}s` : undefined;
  const { scene, body, timeRange, picker } = useMemo(() => build(expr, source, { from, to }, stacked, step, setSeries), [expr, source, stacked, step]);
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
        <Button size="sm" variant="secondary" fill={stacked ? 'solid' : 'outline'} aria-pressed={stacked} onClick={() => onChange({ stacked: stacked ? '' : '1', display_mode: '' })}>Stacked</Button>
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

function build(expr: string, source: string, range: { from: string; to: string }, stacked: boolean, step: string | undefined, onSeries: (n: number) => void) {
  const timeRange = new SceneTimeRange(range);
  const picker = new SceneTimePicker({});
  const panel = new VizPanel({
    pluginId: 'timeseries', title: '', hoverHeader: true,
    options: { legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] }, tooltip: { mode: 'multi', sort: 'desc' } },
    fieldConfig: { defaults: { custom: { lineWidth: 1, fillOpacity: stacked ? 30 : 8, showPoints: 'auto', stacking: { mode: stacked ? 'normal' : 'none', group: 'A' } } }, overrides: [] },
    $data: new SceneDataTransformer({
      $data: new SceneQueryRunner({
        datasource: { uid: source, type: 'prometheus' }, maxDataPointsFromWidth: true,
        queries: [{ refId: 'A', expr, range: true, exemplar: false, interval: step } as never],
      }),
      transformations: [
        () => (frames) => frames.pipe(map((all: DataFrame[]) => {
          onSeries(all.length);
          return all.slice(0, mostSeries);
        })),
      ],
    }),
  });
  const body = new SceneFlexLayout({ children: [new SceneFlexItem({ minHeight: 420, body: panel })] });
  return { scene: new EmbeddedScene({ $timeRange: timeRange, body, controls: [picker] }), body, timeRange, picker };
}

const getStyles = (theme: GrafanaTheme2) => ({
  bar: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1), alignItems: 'center' }),
  right: css({ marginLeft: 'auto' }),
  graph: css({ display: 'flex', minHeight: 440 }),
});
