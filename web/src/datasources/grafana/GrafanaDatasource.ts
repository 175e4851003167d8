import {
  DataSourceApi, FieldType, type AnnotationEvent, type AnnotationQuery, type DataQueryRequest, type DataQueryResponse,
  type DataSourceInstanceSettings,
} from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import { getBackendSrv, getTemplateSrv } from '@grafana/runtime';
import { of, type Observable } from 'rxjs';

import { annotationSupport, answerAnnotation } from '../annotations';
import { randomWalk } from './randomWalk';

interface GrafanaQuery extends DataQuery {
  queryType?: string;
}

/** Grafana's built-in data source: stored annotations, and a random walk to try panels with. */
export class GrafanaDatasource extends DataSourceApi<GrafanaQuery> {
  constructor(settings: DataSourceInstanceSettings) {
    super(settings);
  }

  annotations = annotationSupport;

  query(request: DataQueryRequest<GrafanaQuery>): Observable<DataQueryResponse> {
    return answerAnnotation(request, (annotation) => stored(annotation, request)) ?? of(walks(request));
  }

  async testDatasource() {
    return { status: 'success', message: '' };
  }
}

function walks(request: DataQueryRequest<GrafanaQuery>): DataQueryResponse {
  return {
    data: request.targets.filter((t) => !t.hide).map((target) => {
      if (target.queryType && target.queryType !== 'randomWalk') {
        throw new Error(`the built-in data source has no query of the type ${target.queryType}; randomWalk is there`);
      }
      const { times, values } = randomWalk(request.range.from.valueOf(), request.range.to.valueOf(), request.intervalMs, target.refId);
      return {
        refId: target.refId, length: times.length,
        fields: [
          { name: 'time', type: FieldType.time, config: {}, values: times },
          { name: `${target.refId}-series`, type: FieldType.number, config: {}, values },
        ],
      };
    }),
  };
}

async function stored(annotation: AnnotationQuery, { range, dashboardUID }: DataQueryRequest): Promise<AnnotationEvent[]> {
  const target = (annotation.target ?? annotation) as { type?: string; limit?: number; tags?: string[]; matchAny?: boolean };
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
