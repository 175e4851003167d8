import {
  dataFrameFromJSON,
  DataSourceApi,
  FieldType,
  type AnnotationEvent,
  type AnnotationQuery,
  type DataFrame,
  type DataFrameJSON,
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
  /** The frames of a snapshot, which are stored in the dashboard. */
  snapshot?: DataFrameJSON[];
}

/**
 * Grafana's built-in data source: stored annotations, time regions, frames of a snapshot, and a random walk for trying
 * out panels.
 */
export class GrafanaDatasource extends DataSourceApi<GrafanaQuery> {
  constructor(settings: DataSourceInstanceSettings) {
    super(settings);
  }

  annotations = annotationSupport;

  query(request: DataQueryRequest<GrafanaQuery>): Observable<DataQueryResponse> {
    return (
      answerAnnotation(request, (annotation) => events(annotation, request)) ??
      of({ data: request.targets.filter((t) => !t.hide).flatMap((t) => framesOf(t, request)) })
    );
  }

  async testDatasource() {
    return { status: 'success', message: '' };
  }
}

function framesOf({ refId, queryType, snapshot }: GrafanaQuery, { range, intervalMs }: DataQueryRequest): DataFrame[] {
  if (queryType === 'snapshot') {
    return (snapshot ?? []).map((frame) => ({ ...dataFrameFromJSON(frame), refId }));
  }
  if (queryType && queryType !== 'randomWalk') {
    throw new Error(`The built-in data source has no query of the type ${queryType}; it has randomWalk and snapshot.`);
  }
  const { times, values } = randomWalk(range.from.valueOf(), range.to.valueOf(), intervalMs, refId);
  return [
    {
      refId,
      length: times.length,
      fields: [
        { name: 'time', type: FieldType.time, config: {}, values: times },
        { name: `${refId}-series`, type: FieldType.number, config: {}, values },
      ],
    },
  ];
}

/** What an annotation of this data source queries, in `target` or, in old dashboards, in the annotation itself. */
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
