import {
  DataSourceApi,
  getDefaultTimeRange,
  type AnnotationEvent,
  type AnnotationQuery,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceInstanceSettings,
  type DataSourceJsonData,
  type LegacyMetricFindQueryOptions,
  type MetricFindValue,
  type DataSourceGetTagValuesOptions,
  type TimeRange,
} from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import { getBackendSrv, getTemplateSrv } from '@grafana/runtime';
import { from, switchMap, type Observable } from 'rxjs';

import { withoutComparisons } from '../adhocMatchers';
import { annotationSupport, answerAnnotation } from '../annotations';
import { formatForQuery } from '../prometheus/escape';
import { renderLegend } from '../prometheus/legend';
import { rangeVars } from '../prometheus/PrometheusDatasource';
import type { PromData } from '../prometheus/types';
import { askServer, panelFacts, withoutIntervals, type ServerSide } from '../server';
import { withDerivedFields, type DerivedField } from './derivedFields';
import type { Stream } from './streams';

/** A Loki query as stored in dashboards. */
export interface LokiQuery extends DataQuery {
  expr: string;
  queryType?: 'range' | 'instant' | 'stream';
  legendFormat?: string;
  maxLines?: number;
  step?: string;
  resolution?: number;
  direction?: 'forward' | 'backward' | 'scan';
  /** In older dashboards. */
  instant?: boolean;
  range?: boolean;
}

interface LokiOptions extends DataSourceJsonData {
  derivedFields?: DerivedField[];
}

type LokiData = PromData | { resultType: 'streams'; result: Stream[] };

/** A Loki server. */
export class LokiDatasource extends DataSourceApi<LokiQuery, LokiOptions> implements ServerSide<LokiQuery> {
  annotations = annotationSupport;
  private readonly url: string;
  private readonly derivedFields?: DerivedField[];

  constructor(settings: DataSourceInstanceSettings<LokiOptions>) {
    super(settings);
    this.url = `${settings.url ?? `/api/datasources/proxy/uid/${settings.uid}`}/loki/api/v1`;
    this.derivedFields = settings.jsonData?.derivedFields;
  }

  query(request: DataQueryRequest<LokiQuery>): Observable<DataQueryResponse> {
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

  async serverQuery(target: LokiQuery, request: DataQueryRequest<LokiQuery>): Promise<LokiQuery | undefined> {
    if (!target.expr?.trim()) {
      return undefined;
    }
    const templates = getTemplateSrv();
    const vars = withoutIntervals(request.scopedVars);
    const filters = await withoutComparisons(request.filters ?? [], (label) => this.labelValues(label, request.range));
    const expr = templates.replace(target.expr, vars, formatForQuery);
    return {
      ...target,
      ...panelFacts(request),
      datasource: this.getRef(),
      // The LogQL grammar is only loaded when needed.
      expr: filters.length > 0 ? (await import('./filters')).addLabelFilters(expr, filters) : expr,
      step: templates.replace(target.step ?? '', vars) || undefined,
      legendFormat: templates.replace(target.legendFormat ?? '', request.scopedVars),
    };
  }

  /** Adds the data source's derived fields as columns. */
  finish(frame: DataFrame): DataFrame {
    return withDerivedFields(frame, this.derivedFields);
  }

  async metricFindQuery(
    query: string | { type?: number; label?: string; stream?: string; query?: string },
    options?: LegacyMetricFindQueryOptions
  ): Promise<MetricFindValue[]> {
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
    const keys = (a.tagKeys ?? '')
      .split(',')
      .map((k) => k.trim())
      .filter(Boolean);
    return data.result.flatMap(({ stream, values }) =>
      values.map(([ns, line]) => ({
        time: Number(ns.slice(0, -6)),
        title: renderLegend(a.titleFormat ?? '', stream),
        text: renderLegend(a.textFormat ?? '', stream) || line,
        tags: (keys.length > 0 ? keys : Object.keys(stream)).map((k) => stream[k]).filter((v) => v !== undefined),
      }))
    );
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

/** label_names(), label_values(label), label_values(selector, label), or the object that Grafana's editor saves. */
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
