import { getBackendSrv } from '@grafana/runtime';
import { map, type Observable } from 'rxjs';

import type { PromAnswer } from './types';

/** The HTTP API of one Prometheus, accessed through our server's data source proxy. */
export class PromClient {
  constructor(private readonly url: string) {}

  /** Queries can exceed the length limit of URLs, so they are sent as forms. */
  post<T>(path: string, params: Params, requestId?: string): Observable<PromAnswer<T>> {
    return getBackendSrv()
      .fetch<PromAnswer<T>>({
        url: `${this.url}/api/v1/${path}`,
        method: 'POST',
        data: form(params),
        requestId,
        showErrorAlert: false,
      })
      .pipe(map((response) => response.data));
  }

  async get<T>(path: string, params: Params): Promise<T> {
    const answer = await getBackendSrv().get<PromAnswer<T>>(`${this.url}/api/v1/${path}`, Object.fromEntries(given(params)), undefined, {
      showErrorAlert: false,
    });
    return answer.data;
  }
}

type Params = Record<string, string | number | string[] | undefined>;

function given(params: Params): Array<[string, string | string[]]> {
  return Object.entries(params).flatMap(([key, value]) => (value === undefined || value === '' ? [] : [[key, Array.isArray(value) ? value : String(value)]]));
}

function form(params: Params): URLSearchParams {
  return new URLSearchParams(given(params).flatMap(([key, value]) => [value].flat().map((one) => [key, one])));
}
