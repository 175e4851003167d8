import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Alert, useStyles2 } from '@grafana/ui';
import { useMemo } from 'react';
import { firstValueFrom } from 'rxjs';

import { PromClient } from '../../datasources/prometheus/client';
import type { PromAnswer, PromData } from '../../datasources/prometheus/types';
import { useAsked } from '../../runtime/usePolled';
import { countOf, partsOf, type Part } from './explain';
import { filledIn, proxyOf } from './source';
import { momentOf } from '../../links/explore';
import type { AnswerProps } from './answer';

interface QueryStats {
  timings: { evalTotalTime: number; execQueueTime: number; queryPreparationTime: number };
  samples: { totalQueryableSamples: number; peakSamples: number };
}

/** The parts of an expression, with the number of series after each step. */
export function Explain({ query, expr, source, round, children }: AnswerProps) {
  const styles = useStyles2(getStyles);
  const moment = momentOf(query);
  const text = filledIn(expr);
  const tree = useMemo(() => partsOf(text), [text]);
  const { data: stats, error } = useAsked(
    ['stats', source, text, moment, round],
    async () => {
      const { data } = await ask<PromData & { stats?: QueryStats }>(source, { query: text, time: momentOrNow(moment), stats: 'all' });
      return data.stats ?? null;
    },
    { keep: true }
  );
  return (
    <>
      <div className={styles.bar}>
        {children}
        {stats && (
          <span data-testid="query-stats">
            {Math.round(stats.timings.evalTotalTime * 1e6) / 1000} ms · {stats.samples.totalQueryableSamples.toLocaleString()} samples read · at most{' '}
            {stats.samples.peakSamples.toLocaleString()} in memory
          </span>
        )}
      </div>
      {error && (
        <Alert severity="error" title="The query failed">
          {error}
        </Alert>
      )}
      {tree ? (
        <ul className={styles.tree} data-testid="explain">
          <Step key={`${text} ${round}`} part={tree} source={source} moment={moment} />
        </ul>
      ) : (
        !error && <Alert severity="info" title="The expression cannot be parsed" />
      )}
    </>
  );
}

function Step({ part, source, moment }: { part: Part; source: string; moment?: number }) {
  const styles = useStyles2(getStyles);
  const { data, error } = useAsked(['series of a step', source, part.text, moment], async () =>
    seriesOf(await ask<PromData>(source, { query: countOf(part), time: momentOrNow(moment) }))
  );
  // count() only accepts vectors.
  const series = data ?? (error && /expected type/.test(error) ? 'one number' : error);
  return (
    <li>
      <div className={styles.step} data-testid="step" data-series={series}>
        <code>{part.text}</code>
        <span className={series === 0 ? styles.none : styles.count}>{typeof series === 'number' ? `${series.toLocaleString()} series` : (series ?? '…')}</span>
        <small>{part.kind}</small>
      </div>
      {part.parts.length > 0 && (
        <ul className={styles.tree}>
          {part.parts.map((p, i) => (
            <Step key={i} part={p} source={source} moment={moment} />
          ))}
        </ul>
      )}
    </li>
  );
}

function ask<T>(source: string, query: Record<string, string | number>): Promise<PromAnswer<T>> {
  return firstValueFrom(new PromClient(proxyOf(source)).post<T>('query', query));
}

const momentOrNow = (moment: number | undefined) => (moment ?? Date.now()) / 1000;

function seriesOf({ data }: PromAnswer<PromData>): number {
  return data.resultType === 'vector' ? Number(data.result[0]?.value?.[1] ?? 0) : 0;
}

const getStyles = (theme: GrafanaTheme2) => ({
  bar: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1), alignItems: 'center' }),
  tree: css({
    listStyle: 'none',
    margin: 0,
    'ul&': { paddingLeft: theme.spacing(1) },
    'li > &': { borderLeft: `2px solid ${theme.colors.border.medium}`, marginLeft: theme.spacing(1), paddingLeft: theme.spacing(1) },
  }),
  step: css({
    display: 'flex',
    flexWrap: 'wrap',
    gap: theme.spacing(1),
    alignItems: 'baseline',
    padding: theme.spacing(0.5, 0),
    code: { overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' },
    small: { color: theme.colors.text.secondary },
  }),
  count: css({ color: theme.colors.success.text, fontWeight: theme.typography.fontWeightMedium }),
  none: css({ color: theme.colors.error.text, fontWeight: theme.typography.fontWeightMedium }),
});
