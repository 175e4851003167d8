import { css } from '@emotion/css';
import { dateTime, dateTimeFormat, type GrafanaTheme2 } from '@grafana/data';
import { Alert, Button, DateTimePicker, LoadingPlaceholder, useStyles2 } from '@grafana/ui';
import { firstValueFrom } from 'rxjs';

import { PromClient } from '../../datasources/prometheus/client';
import { seriesText } from '../../datasources/prometheus/legend';
import type { Labels, PromData } from '../../datasources/prometheus/types';
import { useAsked } from '../../runtime/usePolled';
import { LogsOfLabels } from './LogsOfLabels';
import { filledIn, proxyOf } from './source';
import { Stats } from './Stats';
import { momentOf } from '../../links/explore';
import type { AnswerProps } from './answer';

const mostRows = 1000;

interface Row {
  series: string;
  values: string[];
}

/** An expression at a single point in time. */
export function InstantTable({ query, expr, source, onChange, round, children }: AnswerProps) {
  const styles = useStyles2(getStyles);
  const moment = momentOf(query);
  const { data: answer, error } = useAsked(
    ['instant', source, expr, moment, round],
    async () => {
      const started = Date.now();
      const got = await firstValueFrom(new PromClient(proxyOf(source)).post<PromData>('query', { query: filledIn(expr), time: (moment ?? Date.now()) / 1000 }));
      return { ...got, seconds: (Date.now() - started) / 1000 };
    },
    { keep: true }
  );
  const rows = answer ? rowsOf(answer.data) : [];
  return (
    <>
      <div className={styles.bar}>
        {children}
        {answer && <LogsOfLabels labels={labelsOf(answer.data)} query={query} />}
        {answer && <Stats series={rows.length} seconds={answer.seconds} />}
        <span className={styles.right}>
          {moment !== undefined && (
            <Button size="sm" variant="secondary" onClick={() => onChange({ moment_input: '', end_input: '' })}>
              Now
            </Button>
          )}
          <DateTimePicker
            date={moment === undefined ? undefined : dateTime(moment)}
            clearable={false}
            onChange={(at) => at && onChange({ moment_input: dateTime(at).utc().format('YYYY-MM-DD HH:mm:ss') })}
          />
        </span>
      </div>
      {error && (
        <Alert severity="error" title="The query failed">
          {error}
        </Alert>
      )}
      {[...(answer?.warnings ?? []), ...(answer?.infos ?? [])].map((text) => (
        <Alert key={text} severity="warning" title={text} />
      ))}
      {!answer && !error && <LoadingPlaceholder text="" />}
      {answer && !error && rows.length === 0 && (
        <Alert severity="info" title={`Nothing matches ${moment === undefined ? 'now' : `at ${dateTimeFormat(moment)}`}`} />
      )}
      {!error && rows.length > 0 && (
        <div className={styles.wide}>
          <table className={styles.table} data-testid="instant">
            <thead>
              <tr>
                <th>Series ({rows.length > mostRows ? `${mostRows} of ${rows.length}` : rows.length})</th>
                <th>Value</th>
              </tr>
            </thead>
            <tbody>
              {rows.slice(0, mostRows).map((row, i) => (
                <tr key={i}>
                  <td>{row.series}</td>
                  <td>
                    {row.values.slice(0, mostRows).map((v, j) => (
                      <div key={j}>{v}</div>
                    ))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function rowsOf(data: PromData): Row[] {
  switch (data.resultType) {
    case 'vector':
      return data.result.map((s) => ({ series: nameOf(s.metric), values: [s.value ? s.value[1] : histogramText(s.histogram?.[1])] }));
    case 'matrix':
      return data.result.map((s) => ({
        series: nameOf(s.metric),
        values: [
          ...(s.values ?? []).map(([t, v]) => `${v} @ ${dateTimeFormat(t * 1000)}`),
          ...(s.histograms ?? []).map(([t, h]) => `${histogramText(h)} @ ${dateTimeFormat(t * 1000)}`),
        ],
      }));
    default:
      return [{ series: data.resultType, values: [data.result[1]] }];
  }
}

function labelsOf(data: PromData): Labels[] {
  return data.resultType === 'vector' || data.resultType === 'matrix' ? data.result.slice(0, mostRows).map((s) => s.metric) : [];
}

function nameOf(labels: Labels): string {
  return seriesText(labels);
}

function histogramText(histogram: { count: string; sum: string } | undefined): string {
  return histogram ? `histogram of ${histogram.count}, sum ${histogram.sum}` : '';
}

const getStyles = (theme: GrafanaTheme2) => ({
  bar: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1), alignItems: 'center' }),
  right: css({ marginLeft: 'auto', display: 'flex', gap: theme.spacing(1) }),
  wide: css({ overflowX: 'auto', maxHeight: '70vh' }),
  table: css({
    width: '100%',
    borderCollapse: 'collapse',
    fontFamily: theme.typography.fontFamilyMonospace,
    fontSize: theme.typography.bodySmall.fontSize,
    'th, td': {
      textAlign: 'left',
      verticalAlign: 'top',
      padding: theme.spacing(0.5, 1),
      borderBottom: `1px solid ${theme.colors.border.weak}`,
      overflowWrap: 'anywhere',
    },
    'td:last-child, th:last-child': { textAlign: 'right', whiteSpace: 'nowrap' },
  }),
});
