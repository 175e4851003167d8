import {
  DataSourceApi, type AdHocVariableFilter, type AnnotationEvent, type AnnotationQuery, type DataFrame, type DataQueryRequest,
  type DataQueryResponse, type DataSourceGetTagKeysOptions, type DataSourceGetTagValuesOptions, type DataSourceInstanceSettings,
  type DataSourceJsonData, type LegacyMetricFindQueryOptions, type MetricFindValue, type QueryResultMetaNotice, type ScopedVars, type TimeRange,
  getDefaultTimeRange, type TestDataSourceResponse,
} from '@grafana/data';
import { getTemplateSrv } from '@grafana/runtime';
import { catchError, firstValueFrom, forkJoin, from, map, merge, of, switchMap, type Observable } from 'rxjs';

import { errorMessage } from '../../runtime/backendSrv';
import { withoutComparisons } from '../adhocMatchers';
import { annotationSupport, answerAnnotation } from '../annotations';
import { regions, type PromAnnotation } from './annotations';
import { PromClient } from './client';
import { formatForQuery } from './escape';
import { exemplarFrame, type ExemplarSeries, type TraceDestination } from './exemplars';
import { framesOf } from './frames';
import { align, durationText, rateInterval, seconds, stepOf } from './interval';
import { metricFind } from './metricFind';
import type { MatrixSeries, PreparedQuery, PromAnswer, PromData, PromQuery } from './types';

/** jsonData of a provisioned Prometheus, as Grafana names it. */
export interface PromOptions extends DataSourceJsonData {
  /** Scrape interval, such as "15s". */
  timeInterval?: string;
  customQueryParameters?: string;
  exemplarTraceIdDestinations?: TraceDestination[];
}

/** A Prometheus server, or what speaks its API. */
export class PrometheusDatasource extends DataSourceApi<PromQuery, PromOptions> {
  annotations = annotationSupport;
  readonly client: PromClient;
  private readonly scrapeInterval: number;
  private readonly traces?: TraceDestination[];

  constructor(settings: DataSourceInstanceSettings<PromOptions>) {
    super(settings);
    this.client = new PromClient(settings.url ?? `/api/datasources/proxy/uid/${settings.uid}`);
    this.scrapeInterval = seconds(settings.jsonData?.timeInterval) || 15;
    this.traces = settings.jsonData?.exemplarTraceIdDestinations;
    this.interval = settings.jsonData?.timeInterval ?? '15s';
  }

  /** Each query is sent by itself and shown as soon as its answer is there. */
  query(request: DataQueryRequest<PromQuery>): Observable<DataQueryResponse> {
    const events = answerAnnotation(request, (annotation) => this.annotationEvents(annotation, request.range));
    if (events) {
      return events;
    }
    const targets = request.targets.filter((t) => !t.hide && t.expr?.trim());
    if (targets.length === 0) {
      return of({ data: [] });
    }
    const tables = targets.filter((t) => t.format === 'table').length > 1;
    const answers = targets.map((target) => this.ask(target, request, tables));
    if (request.liveStreaming) {
      return merge(...answers);
    }
    return forkJoin(answers).pipe(
      map((responses) => ({
        data: responses.flatMap((r) => r.data),
        errors: responses.flatMap((r) => r.errors ?? []),
      })),
      map((response) => (response.errors.length > 0 ? response : { data: response.data }))
    );
  }

  private ask(target: PromQuery, request: DataQueryRequest<PromQuery>, tables: boolean): Observable<DataQueryResponse> {
    return from(this.prepare(target, request)).pipe(
      switchMap((query) => this.run(query, request, tables)),
      map((frames) => ({ key: target.refId, data: frames })),
      catchError((err: { cancelled?: boolean; status?: number }) => {
        if (err?.cancelled) {
          throw err;
        }
        return of({ key: target.refId, data: [], errors: [{ refId: target.refId, message: errorMessage(err), status: err?.status }] });
      })
    );
  }

  private run(query: PreparedQuery, request: DataQueryRequest<PromQuery>, tables: boolean): Observable<DataFrame[]> {
    const id = `${request.requestId}-${query.refId}`;
    const parts: Array<Observable<DataFrame[]>> = [];
    if (query.range) {
      const { expr, start, end, step } = query;
      parts.push(this.client.post<PromData>('query_range', { query: expr, start, end, step }, `${id}-range`).pipe(map((a) => toFrames(a, query, tables))));
    }
    if (query.instant) {
      const instant = { ...query, range: false };
      parts.push(this.client.post<PromData>('query', { query: query.expr, time: query.end }, `${id}-instant`).pipe(map((a) => toFrames(a, instant, tables))));
    }
    if (query.exemplar) {
      const { expr, start, end } = query;
      parts.push(
        this.client.post<ExemplarSeries[]>('query_exemplars', { query: expr, start, end }, `${id}-exemplar`).pipe(
          map((a) => [exemplarFrame(a.data, query, this.traces)].filter((f) => f !== undefined)),
          // Exemplars are an extra: a server without them still has the series.
          catchError(() => of([]))
        )
      );
    }
    return forkJoin(parts).pipe(map((all) => all.flat()));
  }

  /** Fills in the variables, and chooses the step as Grafana does. */
  async prepare(target: PromQuery, request: DataQueryRequest<PromQuery>): Promise<PreparedQuery> {
    const templates = getTemplateSrv();
    const { range } = request;
    const instantOnly = Boolean(target.instant) && !target.range;
    const minStep = seconds(templates.replace(target.interval ?? '', withInterval(request))) || this.scrapeInterval;
    const step = stepOf(range, request.intervalMs / 1000, minStep, target.intervalFactor ?? 1);
    const offset = range.to.utcOffset() * 60;
    const window = align(range.from.valueOf() / 1000, range.to.valueOf() / 1000, step, offset);
    const scrape = seconds(templates.replace(target.interval ?? '', request.scopedVars)) || this.scrapeInterval;
    const vars = this.builtIns(request, step, rateInterval(step, target.interval?.includes('$__') ? this.scrapeInterval : scrape));
    let expr = templates.replace(target.expr, vars, formatForQuery);
    if (request.filters?.length) {
      const { addFilters } = await import('./adhoc');
      expr = addFilters(expr, await this.compared(request.filters, request.range));
    }
    return {
      refId: target.refId, expr, step, format: target.format ?? 'time_series',
      start: window.start, end: instantOnly ? range.to.valueOf() / 1000 : window.end,
      legendFormat: templates.replace(target.legendFormat ?? '', vars),
      instant: Boolean(target.instant), range: target.range ?? !target.instant, exemplar: Boolean(target.exemplar) && !instantOnly,
    };
  }

  private builtIns(request: DataQueryRequest<PromQuery>, step: number, rate: number): ScopedVars {
    const interval = durationText(step);
    const rateText = durationText(rate);
    return {
      ...request.scopedVars, ...rangeVars(request.range),
      __interval: { text: interval, value: interval },
      __interval_ms: { text: String(step * 1000), value: step * 1000 },
      __rate_interval: { text: rateText, value: rateText },
      __rate_interval_ms: { text: String(rate * 1000), value: rate * 1000 },
    };
  }

  async metricFindQuery(query: string | { query?: string; expr?: string }, options?: LegacyMetricFindQueryOptions): Promise<MetricFindValue[]> {
    const text = typeof query === 'string' ? query : (query?.query ?? query?.expr ?? '');
    const range = options?.range ?? getDefaultTimeRange();
    const vars = { ...options?.scopedVars, ...rangeVars(range) };
    const rate = durationText(rateInterval(this.scrapeInterval, this.scrapeInterval));
    const expr = getTemplateSrv().replace(text, { ...vars, __rate_interval: { text: rate, value: rate }, __interval: { text: '15s', value: '15s' } }, formatForQuery);
    if (expr.trim() === '') {
      return [];
    }
    try {
      return await metricFind(this.client, expr, range);
    } catch (err) {
      throw new Error(`${expr}: ${errorMessage(err)}`);
    }
  }

  async getTagKeys(options?: DataSourceGetTagKeysOptions<PromQuery>): Promise<MetricFindValue[]> {
    const names = await this.client.get<string[]>('labels', { ...window(options?.timeRange), 'match[]': await this.matching(options) });
    return names.filter((n) => n !== '__name__').map((text) => ({ text }));
  }

  async getTagValues(options: DataSourceGetTagValuesOptions<PromQuery>): Promise<MetricFindValue[]> {
    const others = { ...options, filters: options.filters?.filter((f) => f.key !== options.key) };
    return (await this.labelValues(options.key, options.timeRange, await this.matching(others))).map((text) => ({ text }));
  }

  private labelValues(label: string, range?: TimeRange, match?: string): Promise<string[]> {
    return this.client.get<string[]>(`label/${encodeURIComponent(label)}/values`, { ...window(range), 'match[]': match });
  }

  private compared(filters: AdHocVariableFilter[], range?: TimeRange): Promise<AdHocVariableFilter[]> {
    return withoutComparisons(filters, (label) => this.labelValues(label, range));
  }

  private async matching({ filters, timeRange }: { filters?: AdHocVariableFilter[]; timeRange?: TimeRange } = {}): Promise<string | undefined> {
    if (!filters?.length) {
      return undefined;
    }
    const { addFilters } = await import('./adhoc');
    const text = addFilters('{}', await this.compared(filters, timeRange));
    return text === '{}' ? undefined : text;
  }

  private async annotationEvents(annotation: AnnotationQuery, range: TimeRange): Promise<AnnotationEvent[]> {
    const { expr, step: asked, ...rest } = annotation as unknown as PromAnnotation & { target?: PromQuery };
    const text = expr ?? rest.target?.expr;
    if (!text) {
      return [];
    }
    const templates = getTemplateSrv();
    const step = Math.max(seconds(templates.replace(asked ?? rest.target?.interval ?? '')) || 60, stepOf(range, 0, 0, 1));
    const query = templates.replace(text, rangeVars(range), formatForQuery);
    const { start, end } = align(range.from.valueOf() / 1000, range.to.valueOf() / 1000, step, 0);
    const answer = await firstValueFrom(this.client.post<PromData>('query_range', { query, start, end, step }));
    return regions(answer.data.result as MatrixSeries[], rest as PromAnnotation, step);
  }

  getQueryDisplayText(query: PromQuery): string {
    return query.expr;
  }

  async testDatasource(): Promise<TestDataSourceResponse> {
    await this.client.get('status/buildinfo', {});
    return { status: 'success', message: 'Successfully queried the Prometheus API.' };
  }
}

function toFrames(answer: PromAnswer<PromData>, query: PreparedQuery, tables: boolean): DataFrame[] {
  const frames = framesOf(answer.data, query, tables);
  const notices: QueryResultMetaNotice[] = [
    ...(answer.warnings ?? []).map((text) => ({ severity: 'warning' as const, text })),
    ...(answer.infos ?? []).map((text) => ({ severity: 'info' as const, text })),
  ];
  const first = frames[0];
  if (first && notices.length > 0) {
    first.meta = { ...first.meta, notices };
  }
  return frames;
}

export function rangeVars(range: TimeRange): ScopedVars {
  const ms = range.to.valueOf() - range.from.valueOf();
  const secs = Math.round(ms / 1000);
  return {
    __range: { text: `${secs}s`, value: `${secs}s` },
    __range_s: { text: String(secs), value: secs },
    __range_ms: { text: String(ms), value: ms },
  };
}

/** The minimum step may name $__interval, which then is the interval of the panel. */
function withInterval(request: DataQueryRequest<PromQuery>): ScopedVars {
  return { ...request.scopedVars, __rate_interval: { text: '', value: '' } };
}

function window(range: TimeRange | undefined) {
  return range ? { start: range.from.valueOf() / 1000, end: range.to.valueOf() / 1000 } : {};
}
