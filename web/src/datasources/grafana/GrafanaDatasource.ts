import {
  DataSourceApi,
  FieldType,
  type AnnotationEvent,
  type AnnotationQuery,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceInstanceSettings,
} from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import { getBackendSrv, getTemplateSrv } from '@grafana/runtime';
import { of, type Observable } from 'rxjs';

import { annotationSupport, answerAnnotation } from '../annotations';
import { randomWalk } from './randomWalk';
import { regionsWithin, type TimeRegion } from './timeRegions';

interface GrafanaQuery extends DataQuery {
  queryType?: string;
}

/** Grafana's built-in data source: stored annotations, time regions, and a random walk to try panels with. */
export class GrafanaDatasource extends DataSourceApi<GrafanaQuery> {
  constructor(settings: DataSourceInstanceSettings) {
    super(settings);
  }

  annotations = annotationSupport;

  query(request: DataQueryRequest<GrafanaQuery>): Observable<DataQueryResponse> {
    return answerAnnotation(request, (annotation) => events(annotation, request)) ?? of(walks(request));
  }

  async testDatasource() {
    return { status: 'success', message: '' };
  }
}

function walks(request: DataQueryRequest<GrafanaQuery>): DataQueryResponse {
  return {
    data: request.targets
      .filter((t) => !t.hide)
      .map((target) => {
        if (target.queryType && target.queryType !== 'randomWalk') {
          throw new Error(`the built-in data source has no query of the type ${target.queryType}; randomWalk is there`);
        }
        const { times, values } = randomWalk(request.range.from.valueOf(), request.range.to.valueOf(), request.intervalMs, target.refId);
        return {
          refId: target.refId,
          length: times.length,
          fields: [
            { name: 'time', type: FieldType.time, config: {}, values: times },
            { name: `${target.refId}-series`, type: FieldType.number, config: {}, values },
          ],
        };
      }),
  };
}

/** What an annotation of this data source asks for, in `target` or, in old dashboards, in itself. */
interface AnnotationTarget {
  queryType?: string;
  timeRegion?: TimeRegion;
  type?: string;
  limit?: number;
  tags?: string[];
  matchAny?: boolean;
}

async function events(annotation: AnnotationQuery, request: DataQueryRequest): Promise<AnnotationEvent[]> {
  const target = (annotation.target ?? annotation) as AnnotationTarget;
  if (target.queryType !== 'timeRegions') {
    return stored(target, request);
  }
  const { range, timezone } = request;
  return regionsWithin(target.timeRegion ?? {}, range.from.valueOf(), range.to.valueOf(), timezone).map((stretch) => ({
    ...stretch,
    isRegion: true,
    title: annotation.name,
  }));
}

async function stored(target: AnnotationTarget, { range, dashboardUID }: DataQueryRequest): Promise<AnnotationEvent[]> {
  const params: Record<string, unknown> = { from: range.from.valueOf(), to: range.to.valueOf(), limit: target.limit ?? 100, matchAny: target.matchAny };
  if (target.type === 'tags') {
    params['tags'] = (target.tags ?? []).map((tag) => getTemplateSrv().replace(tag, {}, 'pipe')).flatMap((t) => t.split('|'));
  } else {
    if (!dashboardUID) {
      return [];
    }
    params['dashboardUID'] = dashboardUID;
  }
  return getBackendSrv().get<AnnotationEvent[]>('/api/annotations', params);
}
