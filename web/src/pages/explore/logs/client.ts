import { getBackendSrv } from '@grafana/runtime';

import type { Stream } from '../../../datasources/loki/streams';
import { address } from '../../../runtime/backendSrv';
import { proxyOf } from '../source';

/** Nanoseconds since 1970 as strings: JavaScript numbers are not precise enough. */
export interface Window {
  start: string;
  end: string;
}

/** A field that Loki detected in log lines. */
export interface DetectedField {
  label: string;
  type: string;
  cardinality: number;
  /** The parsers that extract it; null for metadata stored with the line. */
  parsers: string[] | null;
}

/** Similar lines; <_> stands for the parts that differ. */
export interface Pattern {
  pattern: string;
  level?: string;
  samples: Array<[seconds: number, count: number]>;
}

/** The HTTP API of one Loki, accessed through our server's data source proxy. */
export class LokiClient {
  private readonly url: string;

  constructor(source: string) {
    this.url = `${proxyOf(source)}/loki/api/v1`;
  }

  /** The lines of a window, newest first unless forward is set; end is exclusive. Metadata is distinguished from labels. */
  async lines(query: string, { start, end }: Window, limit: number, forward = false, abort?: AbortSignal): Promise<Stream[]> {
    const answer = await getBackendSrv().get<{ data: { resultType: string; result: Stream[] } }>(
      `${this.url}/query_range`,
      { query, start, end, limit, direction: forward ? 'forward' : 'backward' },
      undefined,
      { showErrorAlert: false, abortSignal: abort, headers: { 'X-Loki-Response-Encoding-Flags': 'categorize-labels' } }
    );
    if (answer.data.resultType !== 'streams') {
      throw new Error('the expression answers with numbers, not with lines');
    }
    return answer.data.result;
  }

  labels = async () => (await this.get<{ data?: string[] | null }>('labels', {})).data ?? [];

  values = async (label: string, selector: string) =>
    (await this.get<{ data?: string[] | null }>(`label/${encodeURIComponent(label)}/values`, { query: selector || undefined })).data ?? [];

  fields = async (query: string, window: Window) =>
    (await this.get<{ fields?: DetectedField[] | null }>('detected_fields', { query, ...window, limit: 200, line_limit: 1000 })).fields ?? [];

  patterns = async (selector: string, window: Window) => (await this.get<{ data?: Pattern[] | null }>('patterns', { query: selector, ...window })).data ?? [];

  private get<T>(path: string, params: Record<string, unknown>): Promise<T> {
    return getBackendSrv().get<T>(`${this.url}/${path}`, params, undefined, { showErrorAlert: false });
  }
}

/** The URL that streams lines as they are stored; only the built-in Loki has one. */
export function tailAddress(query: string, start: string): string {
  const url = new URL(address('/loki/api/v1/tail', { query, start, limit: 100 }), window.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
