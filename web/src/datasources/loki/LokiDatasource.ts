import {
  DataSourceApi, getDefaultTimeRange, type AnnotationEvent, type AnnotationQuery, type DataFrame, type DataQueryRequest,
  type DataQueryResponse, type DataSourceInstanceSettings, type DataSourceJsonData, type LegacyMetricFindQueryOptions, type MetricFindValue,
  type DataSourceGetTagValuesOptions, type TimeRange,
} from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import { getBackendSrv, getTemplateSrv } from '@grafana/runtime';
import { catchError, forkJoin, from, map, of, switchMap, type Observable } from 'rxjs';

import { errorMessage } from '../../runtime/backendSrv';
import { withoutComparisons } from '../adhocMatchers';
import { annotationSupport, answerAnnotation } from '../annotations';
import { formatForQuery } from '../prometheus/escape';
import { framesOf } from '../prometheus/frames';
import { durationText, seconds, stepOf } from '../prometheus/interval';
import { renderLegend } from '../prometheus/legend';
import { rangeVars } from '../prometheus/PrometheusDatasource';
import type { PreparedQuery, PromData } from '../prometheus/types';
import { addLabelFilters } from './filters';
import { logsFrame, type Stream } from './frames';

/** A Loki query as dashboards hold it. */
export interface LokiQuery extends DataQuery {
  expr: string;
  queryType?: 'range' | 'instant' | 'stream';
  legendFormat?: string;
  maxLines?: number;
  step?: string;
  resolution?: number;
  direction?: 'forward' | 'backward' | 'scan';
  /** Older dashboards. */
  instant?: boolean;
  range?: boolean;
}

interface LokiOptions extends DataSourceJsonData {
  maxLines?: string;
}

type LokiData = PromData | { resultType: 'streams'; result: Stream[] };

/** A Loki server. */
export class LokiDatasource extends DataSourceApi<LokiQuery, LokiOptions> {
  annotations = annotationSupport;
  private readonly url: string;
  private readonly maxLines: number;

  constructor(settings: DataSourceInstanceSettings<LokiOptions>) {
    super(settings);
    this.url = `${settings.url ?? `/api/datasources/proxy/uid/${settings.uid}`}/loki/api/v1`;
    this.maxLines = Number(settings.jsonData?.maxLines) || 1000;
  }

  query(request: DataQueryRequest<LokiQuery>): Observable<DataQueryResponse> {
    const events = answerAnnotation(request, (annotation) => this.annotationEvents(annotation, request.range));
    if (events) {
      return events;
    }
    const targets = request.targets.filter((t) => !t.hide && t.expr?.trim());
    if (targets.length === 0) {
      return of({ data: [] });
    }
    const compared = from(withoutComparisons(request.filters ?? [], (label) => this.labelValues(label, request.range)));
    return compared.pipe(
      switchMap((filters) => forkJoin(targets.map((target) => this.ask(target, { ...request, filters })))),
      map((responses) => {
        const errors = responses.flatMap((r) => r.errors ?? []);
        return { data: responses.flatMap((r) => r.data), ...(errors.length > 0 && { errors }) };
      })
    );
  }

  private ask(target: LokiQuery, request: DataQueryRequest<LokiQuery>): Observable<DataQueryResponse> {
    const { range } = request;
    const templates = getTemplateSrv();
    const step = stepOf(range, request.intervalMs / 1000, seconds(templates.replace(target.step ?? '', request.scopedVars)) || 1, target.resolution ?? 1);
    const stepText = durationText(step);
    const vars = {
      ...request.scopedVars, ...rangeVars(range),
      __auto: { text: stepText, value: stepText }, __interval: { text: stepText, value: stepText },
      __interval_ms: { text: String(step * 1000), value: step * 1000 }, __rate_interval: { text: stepText, value: stepText },
    };
    const expr = addLabelFilters(templates.replace(target.expr, vars, formatForQuery), request.filters ?? []);
    const instant = target.queryType === 'instant' || (target.queryType === undefined && Boolean(target.instant) && !target.range);
    const forward = target.direction === 'forward';
    const query: PreparedQuery = {
      refId: target.refId, expr, step, start: range.from.valueOf() / 1000, end: range.to.valueOf() / 1000, format: 'time_series',
      legendFormat: templates.replace(target.legendFormat ?? '', vars), range: !instant, instant, exemplar: false,
    };
    const common = { query: expr, limit: target.maxLines ?? this.maxLines, direction: forward ? 'forward' : 'backward' };
    const params = instant ? { ...common, time: nanos(range.to.valueOf()) } : { ...common, start: nanos(range.from.valueOf()), end: nanos(range.to.valueOf()), step };
    return getBackendSrv()
      .fetch<{ data: LokiData }>({ url: `${this.url}/${instant ? 'query' : 'query_range'}`, params, requestId: `${request.requestId}-${target.refId}`, showErrorAlert: false })
      .pipe(
        map(({ data }) => ({ data: toFrames(data.data, query, forward) })),
        catchError((err) => {
          if (err?.cancelled) {
            throw err;
          }
          return of({ data: [], errors: [{ refId: target.refId, message: errorMessage(err), status: err?.status }] });
        })
      );
  }

  async metricFindQuery(query: string | { type?: number; label?: string; stream?: string; query?: string }, options?: LegacyMetricFindQueryOptions): Promise<MetricFindValue[]> {
    const range = options?.range ?? getDefaultTimeRange();
    const { label, selector } = parseVariableQuery(query);
    const replaced = getTemplateSrv().replace(selector, options?.scopedVars, formatForQuery);
    const params = { ...window(range), query: replaced || undefined };
    const path = label === undefined ? 'labels' : `label/${encodeURIComponent(getTemplateSrv().replace(label, options?.scopedVars))}/values`;
    const values = await this.get<string[]>(path, params);
    return (values ?? []).map((text) => ({ text }));
  }

  async getTagKeys(): Promise<MetricFindValue[]> {
    return ((await this.get<string[]>('labels', window(getDefaultTimeRange()))) ?? []).map((text) => ({ text }));
  }

  async getTagValues({ key, timeRange }: DataSourceGetTagValuesOptions<LokiQuery>): Promise<MetricFindValue[]> {
    return (await this.labelValues(key, timeRange ?? getDefaultTimeRange())).map((text) => ({ text }));
  }

  private async labelValues(label: string, range: TimeRange): Promise<string[]> {
    return (await this.get<string[] | undefined>(`label/${encodeURIComponent(label)}/values`, window(range))) ?? [];
  }

  private async annotationEvents(annotation: AnnotationQuery, range: TimeRange): Promise<AnnotationEvent[]> {
    const a = annotation as unknown as { expr?: string; target?: LokiQuery; titleFormat?: string; textFormat?: string; tagKeys?: string; maxLines?: number };
    const expr = getTemplateSrv().replace(a.expr ?? a.target?.expr ?? '', rangeVars(range), formatForQuery);
    if (expr === '') {
      return [];
    }
    const data = await this.get<LokiData>('query_range', { query: expr, ...window(range), limit: a.maxLines ?? 100 });
    if (data.resultType !== 'streams') {
      throw new Error(`the annotation query ${expr} must return log lines`);
    }
    const keys = (a.tagKeys ?? '').split(',').map((k) => k.trim()).filter(Boolean);
    return data.result.flatMap(({ stream, values }) => values.map(([ns, line]) => ({
      time: Number(ns.slice(0, -6)), title: renderLegend(a.titleFormat ?? '', stream), text: renderLegend(a.textFormat ?? '', stream) || line,
      tags: (keys.length > 0 ? keys : Object.keys(stream)).map((k) => stream[k]).filter((v) => v !== undefined),
    })));
  }

  private async get<T>(path: string, params: Record<string, unknown>): Promise<T> {
    return (await getBackendSrv().get<{ data: T }>(`${this.url}/${path}`, params, undefined, { showErrorAlert: false })).data;
  }

  getQueryDisplayText(query: LokiQuery): string {
    return query.expr;
  }

  async testDatasource() {
    await this.get('labels', {});
    return { status: 'success', message: 'Data source successfully connected.' };
  }
}

function toFrames(data: LokiData, query: PreparedQuery, forward: boolean): DataFrame[] {
  return data.resultType === 'streams' ? [logsFrame(data.result, query.refId, query.expr, forward)] : framesOf(data, query, false);
}

/** label_names(), label_values(label), label_values(selector, label), or the object that the editor of Grafana saves. */
export function parseVariableQuery(query: string | { type?: number; label?: string; stream?: string; query?: string }): { label?: string; selector: string } {
  if (typeof query !== 'string' && query.type !== undefined) {
    return query.type === 0 ? { selector: '' } : { label: query.label ?? '', selector: query.stream ?? '' };
  }
  const text = (typeof query === 'string' ? query : (query.query ?? '')).trim();
  if (/^label_names\(\s*\)$/.test(text)) {
    return { selector: '' };
  }
  const found = /^label_values\((?:([\s\S]+),)?\s*([^\s,(){}]+)\s*\)$/.exec(text);
  if (!found) {
    throw new Error(`${text}: a Loki variable is label_names(), label_values(label) or label_values({selector}, label)`);
  }
  return { label: found[2], selector: found[1]?.trim() ?? '' };
}

function nanos(ms: number): string {
  return `${ms}000000`;
}

function window(range: TimeRange) {
  return { start: nanos(range.from.valueOf()), end: nanos(range.to.valueOf()) };
}
