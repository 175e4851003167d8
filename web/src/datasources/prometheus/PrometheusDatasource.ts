import {
  DataSourceApi,
  type AdHocVariableFilter,
  type AnnotationEvent,
  type AnnotationQuery,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceGetTagKeysOptions,
  type DataSourceGetTagValuesOptions,
  type DataSourceInstanceSettings,
  type DataSourceJsonData,
  type LegacyMetricFindQueryOptions,
  type MetricFindValue,
  type ScopedVars,
  type TimeRange,
  getDefaultTimeRange,
  type TestDataSourceResponse,
} from '@grafana/data';
import { getTemplateSrv } from '@grafana/runtime';
import { firstValueFrom, from, switchMap, type Observable } from 'rxjs';

import { errorMessage } from '../../runtime/backendSrv';
import { withoutComparisons } from '../adhocMatchers';
import { annotationSupport, answerAnnotation } from '../annotations';
import { askServer, panelFacts, withoutIntervals, type ServerSide } from '../server';
import { regions, type PromAnnotation } from './annotations';
import { PromClient } from './client';
import { formatForQuery } from './escape';
import { withTraces, type TraceDestination } from './exemplars';
import { align, durationText, rateInterval, seconds, stepOf } from './interval';
import { metricFind } from './metricFind';
import type { MatrixSeries, PromData, PromQuery } from './types';

/** jsonData of a provisioned Prometheus data source, with Grafana's names. */
export interface PromOptions extends DataSourceJsonData {
  /** Scrape interval, such as "15s". */
  timeInterval?: string;
  customQueryParameters?: string;
  exemplarTraceIdDestinations?: TraceDestination[];
}

/** A Prometheus server, or a server with the same API. */
export class PrometheusDatasource extends DataSourceApi<PromQuery, PromOptions> implements ServerSide<PromQuery> {
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

  query(request: DataQueryRequest<PromQuery>): Observable<DataQueryResponse> {
    const events = answerAnnotation(request, (annotation) => this.annotationEvents(annotation, request.range));
    if (events) {
      return events;
    }
    return from(Promise.all(request.targets.filter((t) => !t.hide).map((t) => this.serverQuery(t, request)))).pipe(
      switchMap((queries) =>
        askServer(
          request,
          queries.filter((q) => q !== undefined),
          (frame) => this.finish(frame)
        )
      )
    );
  }

  async serverQuery(target: PromQuery, request: DataQueryRequest<PromQuery>): Promise<PromQuery | undefined> {
    if (!target.expr?.trim()) {
      return undefined;
    }
    const templates = getTemplateSrv();
    const range = target.range ?? !target.instant;
    const vars = withoutIntervals(request.scopedVars);
    let expr = templates.replace(target.expr, vars, formatForQuery);
    if (request.filters?.length) {
      const { addFilters } = await import('./adhoc');
      expr = addFilters(expr, await this.compared(request.filters, request.range));
    }
    return {
      ...target,
      ...panelFacts(request),
      datasource: this.getRef(),
      expr,
      interval: templates.replace(target.interval ?? '', vars) || undefined,
      legendFormat: templates.replace(target.legendFormat ?? '', request.scopedVars),
      range,
      exemplar: Boolean(target.exemplar) && range,
    };
  }

  /** Turns the traces of exemplars into links. */
  finish(frame: DataFrame): DataFrame {
    return frame.name === 'exemplar' ? withTraces(frame, this.traces) : frame;
  }

  async metricFindQuery(query: string | { query?: string; expr?: string }, options?: LegacyMetricFindQueryOptions): Promise<MetricFindValue[]> {
    const text = typeof query === 'string' ? query : (query?.query ?? query?.expr ?? '');
    const range = options?.range ?? getDefaultTimeRange();
    const vars = { ...options?.scopedVars, ...rangeVars(range) };
    const rate = durationText(rateInterval(this.scrapeInterval, this.scrapeInterval));
    const expr = getTemplateSrv().replace(
      text,
      { ...vars, __rate_interval: { text: rate, value: rate }, ...intervalVars(this.scrapeInterval) },
      formatForQuery
    );
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

export function rangeVars(range: TimeRange): ScopedVars {
  const ms = range.to.valueOf() - range.from.valueOf();
  const secs = Math.round(ms / 1000);
  return {
    __range: { text: `${secs}s`, value: `${secs}s` },
    __range_s: { text: String(secs), value: secs },
    __range_ms: { text: String(ms), value: ms },
  };
}

function intervalVars(step: number): ScopedVars {
  const text = durationText(step);
  return { __interval: { text, value: text }, __interval_ms: { text: String(step * 1000), value: step * 1000 } };
}

function window(range: TimeRange | undefined) {
  return range ? { start: range.from.valueOf() / 1000, end: range.to.valueOf() / 1000 } : {};
}
