import { AppEvents } from '@grafana/data';
import { getAppEvents, type BackendSrv, type BackendSrvRequest, type FetchError, type FetchResponse } from '@grafana/runtime';
import { firstValueFrom, Observable } from 'rxjs';

/** Path of the application below the host, without a trailing slash. */
let subUrl = '';

export function setSubUrl(path: string) {
  subUrl = path;
}

/** HTTP client for our own server, with the interface that Grafana's libraries expect. */
export class Backend implements BackendSrv {
  private readonly running = new Map<string, AbortController>();

  get<T>(url: string, params?: BackendSrvRequest['params'], requestId?: string, options?: Partial<BackendSrvRequest>) {
    return this.request<T>({ ...options, method: 'GET', url, params, requestId });
  }
  delete<T>(url: string, data?: unknown, options?: Partial<BackendSrvRequest>) {
    return this.request<T>({ ...options, method: 'DELETE', url, data });
  }
  post<T>(url: string, data?: unknown, options?: Partial<BackendSrvRequest>) {
    return this.request<T>({ ...options, method: 'POST', url, data });
  }
  patch<T>(url: string, data?: unknown, options?: Partial<BackendSrvRequest>) {
    return this.request<T>({ ...options, method: 'PATCH', url, data });
  }
  put<T>(url: string, data?: unknown, options?: Partial<BackendSrvRequest>) {
    return this.request<T>({ ...options, method: 'PUT', url, data });
  }

  async request<T = unknown>(options: BackendSrvRequest): Promise<T> {
    const response = await firstValueFrom(this.fetch<T>(options));
    if (options.showSuccessAlert) {
      const message = (response.data as { message?: string } | null)?.message;
      if (message) {
        getAppEvents().publish({ type: AppEvents.alertSuccess.name, payload: [message] });
      }
    }
    return response.data;
  }

  datasourceRequest<T = unknown>(options: BackendSrvRequest) {
    return firstValueFrom(this.fetch<T>(options));
  }

  /**
   * Emits one response, or fails with a FetchError. Unsubscribing aborts the request; so does a later request with the
   * same requestId.
   */
  fetch<T>(options: BackendSrvRequest): Observable<FetchResponse<T>> {
    return new Observable((subscriber) => {
      const abort = new AbortController();
      if (options.requestId) {
        this.running.get(options.requestId)?.abort();
        this.running.set(options.requestId, abort);
      }
      options.abortSignal?.addEventListener('abort', () => abort.abort());
      void send<T>(options, abort.signal).then(
        (response) => {
          subscriber.next(response);
          subscriber.complete();
        },
        (err: FetchError) => {
          this.tell(options, err);
          subscriber.error(err);
        }
      );
      return () => {
        if (options.requestId && this.running.get(options.requestId) === abort) {
          this.running.delete(options.requestId);
        }
        abort.abort();
      };
    });
  }

  /** Emits the chunks of a response as they arrive. Unsubscribing aborts the request. The caller has to show errors. */
  chunked(options: BackendSrvRequest): Observable<FetchResponse<Uint8Array | undefined>> {
    return new Observable((subscriber) => {
      const abort = new AbortController();
      void receive(options, abort.signal, (part) => subscriber.next(part)).then(
        () => subscriber.complete(),
        (err: FetchError) => subscriber.error(err)
      );
      return () => abort.abort();
    });
  }

  /** Shows errors of user actions; errors of reads and queries are shown in context. */
  private tell(options: BackendSrvRequest, err: FetchError) {
    const method = options.method ?? 'GET';
    const show = options.showErrorAlert ?? (method !== 'GET' && !options.url.includes('/api/datasources/'));
    if (err.cancelled || !show) {
      return;
    }
    getAppEvents().publish({ type: AppEvents.alertError.name, payload: [errorMessage(err)] });
    err.isHandled = true;
  }
}

/** Human-readable description of an error. */
export function errorMessage(err: unknown): string {
  if (err instanceof Error) {
    return err.message;
  }
  const e = err as Partial<FetchError> | null;
  const data = e?.data as { message?: string; error?: string } | undefined;
  return data?.message ?? data?.error ?? e?.message ?? e?.statusText ?? 'unknown error';
}

let awaySince: Date | undefined;

/** Message that says since when the server has been unreachable. */
function unreachable(): string {
  awaySince ??= new Date();
  return `Ausguck cannot be reached since ${awaySince.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false })}`;
}

/** Sends a request and throws if the response is an error. The body of a successful response is not read yet. */
async function open<T>(options: BackendSrvRequest, signal: AbortSignal): Promise<Response> {
  const method = options.method ?? 'GET';
  const headers = new Headers(options.headers);
  let body: BodyInit | undefined;
  if (options.data !== undefined && method !== 'GET') {
    if (typeof options.data === 'string' || options.data instanceof URLSearchParams) {
      body = options.data;
    } else {
      headers.set('Content-Type', 'application/json');
      body = JSON.stringify(options.data);
    }
  }
  let response: Response;
  try {
    response = await fetch(address(options.url, options.params), { method, headers, body, signal, credentials: 'same-origin' });
  } catch (err) {
    throw lost<T>(options, signal, err);
  }
  awaySince = undefined;
  if (response.status === 401 && !options.url.includes('/api/datasources/')) {
    const writes = method !== 'GET' && !queryPaths.has(options.url);
    if (writes || held > 0) {
      throw failure<T>(options, 401, sessionEnded, { message: sessionEnded } as T, false);
    }
    toLogin();
    // The page is about to be unloaded: nothing should act on a response any more.
    return new Promise(() => {});
  }
  if (!response.ok) {
    const data = await read<T>(response, options.responseType);
    const words = (data as { message?: string; error?: string } | undefined) ?? {};
    throw failure(options, response.status, words.message ?? words.error ?? response.statusText, data, false);
  }
  return response;
}

/** POST requests that change nothing. */
const queryPaths = new Set(['/api/ds/query', '/api/ausguck/query']);

async function send<T>(options: BackendSrvRequest, signal: AbortSignal): Promise<FetchResponse<T>> {
  const response = await open<T>(options, signal);
  return answer(options, response, await read<T>(response, options.responseType));
}

async function receive(options: BackendSrvRequest, signal: AbortSignal, next: (part: FetchResponse<Uint8Array | undefined>) => void) {
  const response = await open<Uint8Array>(options, signal);
  const reader = response.body?.getReader();
  try {
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      next(answer(options, response, part.value));
    }
  } catch (err) {
    throw lost(options, signal, err);
  }
}

function answer<T>(config: BackendSrvRequest, { status, statusText, ok, headers, redirected, type, url }: Response, data: T): FetchResponse<T> {
  return { data, status, statusText, ok, headers, redirected, type, url, config };
}

/** The error for a connection that failed or broke. */
function lost<T>(options: BackendSrvRequest, signal: AbortSignal, err: unknown): FetchError<T> {
  return failure<T>(options, 0, signal.aborted ? 'cancelled' : unreachable(), { cause: String(err) } as T, signal.aborted);
}

function failure<T>(config: BackendSrvRequest, status: number, message: string, data: T, cancelled: boolean): FetchError<T> {
  return { status, statusText: message, message, data: isObject(data) ? data : ({ message: String(data || message) } as T), cancelled, config };
}

function isObject(data: unknown): boolean {
  return typeof data === 'object' && data !== null;
}

async function read<T>(response: Response, type: BackendSrvRequest['responseType']): Promise<T> {
  switch (type) {
    case 'text':
      return (await response.text()) as T;
    case 'blob':
      return (await response.blob()) as T;
    case 'arraybuffer':
      return (await response.arrayBuffer()) as T;
  }
  const text = await response.text();
  if (text === '') {
    return {} as T;
  }
  try {
    return JSON.parse(text) as T;
  } catch {
    return text as T;
  }
}

/** Relative URLs are relative to the sub path. */
export function address(url: string, params?: BackendSrvRequest['params']): string {
  const absolute = /^https?:\/\//.test(url) ? url : `${subUrl}/${url.replace(/^\//, '')}`;
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) {
        query.append(key, String(one));
      }
    }
  }
  const text = query.toString();
  return text === '' ? absolute : `${absolute}${absolute.includes('?') ? '&' : '?'}${text}`;
}

const sessionEnded = 'Your session has expired. Your changes on this page are kept: log in on another tab, then try again here';

let held = 0;

/**
 * Prevents the redirect to the login page when the session ends, while the page has unsaved changes. Returns a function
 * that lifts this.
 */
export function holdPage(): () => void {
  held++;
  return () => {
    held--;
  };
}

let leaving = false;

/** The session has ended: go to the login page, which leads back here. */
function toLogin() {
  if (leaving) {
    return;
  }
  leaving = true;
  const here = window.location.pathname.slice(subUrl.length) + window.location.search;
  window.location.assign(`${subUrl}/login?redirectTo=${encodeURIComponent(here)}`);
}
