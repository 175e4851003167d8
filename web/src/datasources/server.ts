import { LoadingState, type DataFrame, type DataQueryRequest, type DataQueryResponse, type DataSourceApi, type ScopedVars } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import { toDataQueryResponse } from '@grafana/runtime';
import { catchError, map, of, type Observable } from 'rxjs';

import { errorMessage } from '../runtime/backendSrv';
import { askTogether } from './batch';

/** A data source whose queries run on the server, which also creates the frames. */
export interface ServerSide<Q extends DataQuery = DataQuery> {
  /**
   * Returns the query with variables and filters interpolated, or undefined if there is nothing to query. The server
   * interpolates intervals.
   */
  serverQuery(target: Q, request: DataQueryRequest<Q>): Promise<DataQuery | undefined>;
  /** Adds what only the page adds to the response, such as links. */
  finish?(frame: DataFrame): DataFrame;
}

export function isServerSide(datasource: DataSourceApi): datasource is DataSourceApi & ServerSide {
  return 'serverQuery' in datasource;
}

/**
 * Queries /api/ds/query, batched with other current requests. Each query has its own state: a failure does not affect
 * the others.
 */
export function askServer(request: DataQueryRequest, queries: DataQuery[], finish: (frame: DataFrame) => DataFrame = (f) => f): Observable<DataQueryResponse> {
  const visible = queries.filter((q) => !q.hide);
  if (visible.length === 0) {
    return of({ data: [] });
  }
  const { from, to } = request.range;
  return askTogether({ from: String(from.valueOf()), to: String(to.valueOf()), queries }).pipe(
    map((answer) => finished(answer, visible, finish)),
    catchError((err) => {
      if (err?.cancelled) {
        throw err;
      }
      // If a query failed, the response has the results of the others; if the server did not respond, it has none.
      const answered = Boolean(err?.data?.results);
      return of(
        answered ? finished(err, visible, finish) : { data: [], state: LoadingState.Error, errors: [{ message: errorMessage(err), status: err?.status }] }
      );
    })
  );
}

function finished(answer: Parameters<typeof toDataQueryResponse>[0], queries: DataQuery[], finish: (frame: DataFrame) => DataFrame): DataQueryResponse {
  const response = toDataQueryResponse(answer, queries);
  const frames = (response.data as DataFrame[]).filter((f) => f.fields.length > 0 || f.meta?.notices?.length);
  return { ...response, data: frames.map(finish) };
}

/** The properties of the panel that the server needs in addition to the query. */
export function panelFacts(request: DataQueryRequest) {
  return { intervalMs: request.intervalMs, maxDataPoints: request.maxDataPoints, utcOffsetSec: request.range.to.utcOffset() * 60 };
}

/** Removes the variables that the server interpolates because it chooses the step. */
export function withoutIntervals(vars: ScopedVars): ScopedVars {
  const rest = { ...vars };
  for (const name of ['__interval', '__interval_ms', '__rate_interval', '__rate_interval_ms', '__range', '__range_s', '__range_ms', '__auto']) {
    delete rest[name];
  }
  return rest;
}
