import { getBackendSrv } from '@grafana/runtime';
import { map, type Observable } from 'rxjs';

import type { PromAnswer } from './types';

/** The HTTP API of one Prometheus, asked through the data source proxy of our own server. */
export class PromClient {
  constructor(private readonly url: string) {}

  /** Query strings grow past what a URL may hold, so these are posted as forms. */
  post<T>(path: string, params: Record<string, string | number | string[] | undefined>, requestId?: string): Observable<PromAnswer<T>> {
    return getBackendSrv()
      .fetch<PromAnswer<T>>({
        url: `${this.url}/api/v1/${path}`, method: 'POST', data: form(params), requestId, showErrorAlert: false,
      })
      .pipe(map((response) => response.data));
  }

  async get<T>(path: string, params: Record<string, string | number | string[] | undefined>): Promise<T> {
    const answer = await getBackendSrv().get<PromAnswer<T>>(`${this.url}/api/v1/${path}`, Object.fromEntries(form(params, true)), undefined, { showErrorAlert: false });
    return answer.data;
  }
}

function form(params: Record<string, string | number | string[] | undefined>): URLSearchParams;
function form(params: Record<string, string | number | string[] | undefined>, grouped: true): Array<[string, string | string[]]>;
function form(params: Record<string, string | number | string[] | undefined>, grouped?: true) {
  const pairs = Object.entries(params).filter((p): p is [string, string | number | string[]] => p[1] !== undefined && p[1] !== '');
  if (grouped) {
    return pairs.map(([key, value]) => [key, Array.isArray(value) ? value : String(value)]);
  }
  const data = new URLSearchParams();
  for (const [key, value] of pairs) {
    for (const one of Array.isArray(value) ? value : [String(value)]) {
      data.append(key, one);
    }
  }
  return data;
}
