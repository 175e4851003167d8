import {
  isDataFrame,
  LoadingState,
  toDataFrame,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceApi,
  type PanelData,
} from '@grafana/data';
import { toDataQueryError } from '@grafana/runtime';
import { from, Observable } from 'rxjs';

import { askWithExpressions, isExpression } from './expressions';

/** How long the previous result is shown without a loading indicator, in milliseconds. */
const quietLoading = 50;

/**
 * Queries one data source and emits the growing state of its response. Packets with the same key replace each other; if
 * the data source throws or rejects, the error becomes part of the data and never an error of the stream.
 */
export function runRequest(datasource: DataSourceApi, request: DataQueryRequest): Observable<PanelData> {
  return new Observable((subscriber) => {
    const packets = new Map<string, DataQueryResponse>();
    let state: PanelData = { state: LoadingState.Loading, series: [], request, timeRange: request.range };
    request.startTime = Date.now();
    if (request.targets.every((t) => t.hide)) {
      subscriber.next({ ...state, state: LoadingState.Done });
      subscriber.complete();
      return;
    }
    const loading = setTimeout(() => subscriber.next(state), quietLoading);
    const subscription = ask(datasource, request).subscribe({
      next: (packet) => {
        clearTimeout(loading);
        packets.set(packet.key ?? 'A', packet);
        state = combine(request, [...packets.values()]);
        subscriber.next(state);
      },
      error: (err: unknown) => {
        clearTimeout(loading);
        const { cancelled } = (err ?? {}) as { cancelled?: boolean };
        request.endTime = Date.now();
        subscriber.next(cancelled ? { ...state, state: LoadingState.Done } : { ...state, state: LoadingState.Error, errors: [toDataQueryError(err as Error)] });
        subscriber.complete();
      },
      complete: () => {
        clearTimeout(loading);
        if (packets.size === 0) {
          subscriber.next({ ...state, state: LoadingState.Done });
        }
        subscriber.complete();
      },
    });
    return () => {
      clearTimeout(loading);
      subscription.unsubscribe();
    };
  });
}

function ask(datasource: DataSourceApi, request: DataQueryRequest): Observable<DataQueryResponse> {
  try {
    return request.targets.some((t) => isExpression(t) && !t.hide) ? askWithExpressions(request) : from(datasource.query(request));
  } catch (err) {
    return from(Promise.reject(err));
  }
}

function combine(request: DataQueryRequest, packets: DataQueryResponse[]): PanelData {
  request.endTime = Date.now();
  const series: DataFrame[] = [];
  const annotations: DataFrame[] = [];
  const errors = [];
  let state = LoadingState.Done;
  for (const packet of packets) {
    for (const data of packet.data ?? []) {
      const frame: DataFrame = isDataFrame(data) ? data : toDataFrame(data);
      (frame.meta?.dataTopic === 'annotations' ? annotations : series).push(frame);
    }
    errors.push(...(packet.errors ?? (packet.error ? [packet.error] : [])));
    if (packet.state === LoadingState.Loading || packet.state === LoadingState.Streaming) {
      state = packet.state;
    }
  }
  if (errors.length > 0) {
    state = LoadingState.Error;
  }
  return { state, series, annotations, errors: errors.length > 0 ? errors : undefined, request, timeRange: request.range };
}
