import { isDataFrame, type DataFrame, type DataQueryRequest, type DataQueryResponse, type DataSourceApi } from '@grafana/data';
import { from, map } from 'rxjs';

/** Wraps a data source so that its responses carry a notice, which the panel header shows. */
export function withNotice(datasource: DataSourceApi, text: string): DataSourceApi {
  const wrapped = Object.create(datasource) as DataSourceApi;
  wrapped.query = (request: DataQueryRequest) => from(datasource.query(request)).pipe(map((response) => mark(response, text)));
  return wrapped;
}

function mark(response: DataQueryResponse, text: string): DataQueryResponse {
  const data = response.data.map((frame: DataFrame, i) =>
    i === 0 && isDataFrame(frame) ? { ...frame, meta: { ...frame.meta, notices: [...(frame.meta?.notices ?? []), { severity: 'warning', text }] } } : frame
  );
  return { ...response, data };
}
