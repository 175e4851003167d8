import { DataSourceApi, LoadingState, type DataQueryRequest, type DataQueryResponse, type DataSourceInstanceSettings } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import { getDataSourceSrv, toDataQueryError } from '@grafana/runtime';
import { catchError, combineLatest, from, map, of, scan, switchMap, type Observable } from 'rxjs';

/** Queries of one panel for several data sources. */
export class MixedDatasource extends DataSourceApi {
  constructor(settings: DataSourceInstanceSettings) {
    super(settings);
  }

  query(request: DataQueryRequest): Observable<DataQueryResponse> {
    const groups = new Map<string, DataQuery[]>();
    for (const target of request.targets) {
      // A query without a data source has inherited the panel's, which is this one: use the default.
      const datasource = target.datasource?.uid === '-- Mixed --' ? undefined : target.datasource;
      // Each query for another panel's result runs separately.
      const key = JSON.stringify([datasource ?? null, (target as { panelId?: number }).panelId ?? null]);
      groups.set(key, [...(groups.get(key) ?? []), { ...target, datasource }]);
    }
    const answers = [...groups.values()].map((targets, i) => this.ask({ ...request, targets, requestId: `${request.requestId}-${i}` }));
    if (answers.length === 0) {
      return of({ data: [] });
    }
    // Another panel's result never completes, so combine the latest result of each source.
    return combineLatest(answers).pipe(
      map((responses) => {
        const errors = responses.flatMap((r) => r.errors ?? []);
        const loading = responses.some((r) => r.state === LoadingState.Loading);
        return { data: responses.flatMap((r) => r.data), ...(errors.length > 0 && { errors }), ...(loading && { state: LoadingState.Loading }) };
      })
    );
  }

  private ask(request: DataQueryRequest): Observable<DataQueryResponse> {
    return from(getDataSourceSrv().get(request.targets[0]?.datasource, request.scopedVars)).pipe(
      switchMap((datasource) => latestOf(datasource.query(request))),
      catchError((err) => of({ data: [], errors: [toDataQueryError(err)] }))
    );
  }

  async testDatasource() {
    return { status: 'success', message: '' };
  }
}

/** Combines the packets of a source's response: packets with the same key replace each other. */
function latestOf(answer: ReturnType<DataSourceApi['query']>): Observable<DataQueryResponse> {
  return from(answer).pipe(
    scan((packets, packet) => new Map(packets).set(packet.key ?? '', packet), new Map<string, DataQueryResponse>()),
    map((packets) => {
      const all = [...packets.values()];
      return {
        data: all.flatMap((p) => p.data),
        errors: all.flatMap((p) => p.errors ?? (p.error ? [p.error] : [])),
        state: all.find((p) => p.state === LoadingState.Loading)?.state,
      };
    })
  );
}
