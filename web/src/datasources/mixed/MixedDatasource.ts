import { DataSourceApi, type DataQueryRequest, type DataQueryResponse, type DataSourceInstanceSettings } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import { getDataSourceSrv, toDataQueryError } from '@grafana/runtime';
import { catchError, forkJoin, from, map, of, switchMap, type Observable } from 'rxjs';

/** Queries of one panel that go to several data sources. */
export class MixedDatasource extends DataSourceApi {
  constructor(settings: DataSourceInstanceSettings) {
    super(settings);
  }

  query(request: DataQueryRequest): Observable<DataQueryResponse> {
    const groups = new Map<string, DataQuery[]>();
    for (const target of request.targets.filter((t) => t.datasource?.uid !== '-- Mixed --')) {
      const key = JSON.stringify(target.datasource ?? null);
      groups.set(key, [...(groups.get(key) ?? []), target]);
    }
    const answers = [...groups.values()].map((targets, i) => this.ask({ ...request, targets, requestId: `${request.requestId}-${i}` }));
    if (answers.length === 0) {
      return of({ data: [] });
    }
    return forkJoin(answers).pipe(
      map((responses) => {
        const errors = responses.flatMap((r) => r.errors ?? (r.error ? [r.error] : []));
        return { data: responses.flatMap((r) => r.data), ...(errors.length > 0 && { errors }) };
      })
    );
  }

  private ask(request: DataQueryRequest): Observable<DataQueryResponse> {
    return from(getDataSourceSrv().get(request.targets[0]?.datasource, request.scopedVars)).pipe(
      switchMap((datasource) => from(datasource.query(request))),
      catchError((err) => of({ data: [], errors: [toDataQueryError(err)] }))
    );
  }

  async testDatasource() {
    return { status: 'success', message: '' };
  }
}
