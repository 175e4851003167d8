import { css } from '@emotion/css';
import { LoadingState, type DataFrame, type Field, type GrafanaTheme2, type Labels, type TimeRange } from '@grafana/data';
import {
  EmbeddedScene,
  SceneDataTransformer,
  SceneFlexItem,
  SceneFlexLayout,
  SceneQueryRunner,
  VizPanel,
  type SceneTimePicker,
  type SceneTimeRange,
  type VizPanelState,
} from '@grafana/scenes';
import { Alert, Button, useStyles2 } from '@grafana/ui';
import { useEffect, useMemo, useRef, useState } from 'react';
import { map } from 'rxjs';

import { mostSeries } from '../../panels/shared/mostSeries';
import { LogsOfLabels } from './LogsOfLabels';
import type { Language } from '../../links/sources';
import { Stats } from './Stats';
import type { AnswerProps } from './answer';
import { useRange } from './useRange';

/** An expression over time. */
export function Graph({ query, expr, language, source, onChange, round, children }: AnswerProps) {
  const styles = useStyles2(getStyles);
  const stacked = query['stacked'] === '1' || query['display_mode'] === 'stacked';
  const step = /^\d+(\.\d+)?$/.test(query['step_input'] ?? '') ? `${query['step_input']}s` : undefined;
  const { picker, body, answer } = useGraph({ query, onChange, round, expr, language, source, step, look: stacked ? 'stacked' : 'lines', minHeight: 420 });
  const series = answer?.series ?? 0;
  return (
    <>
      <div className={styles.bar}>
        {children}
        <Button
          size="sm"
          variant="secondary"
          fill={stacked ? 'solid' : 'outline'}
          aria-pressed={stacked}
          onClick={() => onChange({ stacked: stacked ? '' : '1', display_mode: '' })}
        >
          Stacked
        </Button>
        {answer && <LogsOfLabels labels={answer.labels} query={query} />}
        {answer && <Stats series={series} points={answer.points} seconds={answer.seconds} />}
        <span className={styles.right}>
          <picker.Component model={picker} />
        </span>
      </div>
      {series > mostSeries && (
        <Alert severity="warning" title={`${mostSeries} of ${series} series are drawn`}>
          Narrow the expression, with labels, topk() or sum by (…).
        </Alert>
      )}
      <div className={styles.graph} data-testid="graph" data-series={series}>
        <body.Component model={body} />
      </div>
    </>
  );
}

type Look = 'lines' | 'stacked' | 'bars';

/** The size of the result, and the labels it contains. */
interface GraphAnswer {
  series: number;
  points: number;
  seconds: number;
  labels: Labels[];
}

interface GraphOptions {
  query: AnswerProps['query'];
  onChange: AnswerProps['onChange'];
  round: number;
  expr: string;
  language: Language;
  source: string;
  step?: string;
  look: Look;
  minHeight: number;
}

/** A graph with its time picker, whose range comes from the URL. */
export function useGraph({ query, onChange, round, expr, language, source, step, look, minHeight }: GraphOptions) {
  const [answer, setAnswer] = useState<GraphAnswer>();
  const { timeRange, picker } = useRange(query, onChange, `${expr} ${source} ${look} ${step}`);
  const { scene, runner, body } = useMemo(
    () => build({ expr, language, source, look, step, minHeight, timeRange, picker, onAnswer: setAnswer }),
    [expr, language, source, look, step, minHeight, timeRange, picker]
  );
  useEffect(() => scene.activate(), [scene]);
  const asked = useRef(round);
  useEffect(() => {
    // A query that is still running is not repeated: one that takes longer than the interval would never complete.
    if (round !== asked.current && runner.state.data?.state !== LoadingState.Loading) {
      timeRange.onRefresh();
    }
    asked.current = round;
  }, [round, runner, timeRange]);
  return { picker, body, answer };
}

interface BuildOptions extends Omit<GraphOptions, 'query' | 'onChange' | 'round'> {
  timeRange: SceneTimeRange;
  picker: SceneTimePicker;
  onAnswer: (answer: GraphAnswer) => void;
}

function build({ expr, language, source, look, step, minHeight, timeRange, picker, onAnswer }: BuildOptions) {
  const query =
    language === 'promql'
      ? { refId: 'A', expr, range: true, exemplar: false, interval: step }
      : { refId: 'A', expr, queryType: 'range', step, ...(look === 'bars' && { legendFormat: '{{detected_level}}' }) };
  const runner = new SceneQueryRunner({
    datasource: { uid: source, type: language === 'promql' ? 'prometheus' : 'loki' },
    maxDataPointsFromWidth: look !== 'bars',
    ...(look === 'bars' && { maxDataPoints: 120 }),
    queries: [query as never],
  });
  runner.addActivationHandler(() => {
    const subscription = runner.subscribeToState(({ data }) => {
      if (data?.state === LoadingState.Done) {
        const { startTime = 0, endTime = Date.now() } = data.request ?? {};
        onAnswer({
          series: data.series.length,
          points: data.series.reduce((n, f) => n + f.length, 0),
          seconds: (endTime - startTime) / 1000,
          labels: data.series.slice(0, mostSeries).map(labelsOf),
        });
      }
    });
    return () => subscription.unsubscribe();
  });
  const panel = new VizPanel({
    title: '',
    hoverHeader: true,
    ...looks[look],
    $data: new SceneDataTransformer({
      $data: runner,
      transformations: [
        () =>
          map((all: DataFrame[]) => (look === 'bars' ? withoutGaps(all, timeRange.state.value, Number.parseInt(step ?? '60', 10)) : all.slice(0, mostSeries))),
      ],
    }),
  });
  const body = new SceneFlexLayout({ children: [new SceneFlexItem({ minHeight, body: panel })] });
  return { scene: new EmbeddedScene({ $timeRange: timeRange, body, controls: [picker] }), runner, body };
}

/** One bar for every step, because the width of bars depends on their distance. */
function withoutGaps(frames: DataFrame[], { from, to }: TimeRange, step: number): DataFrame[] {
  const first = frames[0]?.fields[0]?.values[0] as number | undefined;
  if (first === undefined) {
    return frames;
  }
  const begin = Math.round(first) - Math.floor((first - from.valueOf()) / (step * 1000)) * step * 1000;
  const times = Array.from({ length: Math.floor((to.valueOf() - begin) / (step * 1000)) + 1 }, (_, i) => begin + i * step * 1000);
  return frames.map((frame) => {
    const [time, value] = frame.fields as [Field<number>, Field<number>];
    const known = new Map(time.values.map((t, i) => [Math.round(t), value.values[i]!]));
    return {
      ...frame,
      length: times.length,
      fields: [
        { ...time, values: times },
        { ...value, values: times.map((t) => known.get(t) ?? 0) },
      ],
    };
  });
}

function labelsOf(frame: DataFrame): Labels {
  return frame.fields.find((f) => f.labels)?.labels ?? {};
}

const lines = (fillOpacity: number, mode: string, more: object = {}): Pick<VizPanelState, 'pluginId' | 'options' | 'fieldConfig'> => ({
  pluginId: 'timeseries',
  options: { legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] }, tooltip: { mode: 'multi', sort: 'desc' } },
  fieldConfig: {
    defaults: { unit: 'short', custom: { lineWidth: 1, fillOpacity, showPoints: 'auto', stacking: { mode, group: 'A' }, ...more } },
    overrides: [],
  },
});

const levels: Array<[pattern: string, color: string]> = [
  ['fatal|critical|emerg.*|alert', 'purple'],
  ['error|err|eror', 'red'],
  ['warn|warning', 'yellow'],
  ['info|notice', 'green'],
  ['debug', 'blue'],
  ['trace', 'super-light-blue'],
  ['unknown|', 'gray'],
];
const bars = lines(80, 'normal', { drawStyle: 'bars', lineWidth: 0, showPoints: 'never', barAlignment: -1, barWidthFactor: 0.9 });

const looks: Record<Look, Pick<VizPanelState, 'pluginId' | 'options' | 'fieldConfig'>> = {
  lines: lines(8, 'none'),
  stacked: lines(30, 'normal'),
  bars: {
    ...bars,
    fieldConfig: {
      defaults: bars.fieldConfig!.defaults,
      overrides: levels.map(([pattern, color]) => ({
        matcher: { id: 'byRegexp', options: `/^(${pattern})$/i` },
        properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: color } }],
      })),
    },
  },
};

const getStyles = (theme: GrafanaTheme2) => ({
  bar: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1), alignItems: 'center' }),
  right: css({ marginLeft: 'auto' }),
  graph: css({ display: 'flex', minHeight: 440 }),
});
