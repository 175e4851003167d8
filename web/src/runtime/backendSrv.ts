import { AppEvents } from '@grafana/data';
import { getAppEvents, type BackendSrv, type BackendSrvRequest, type FetchError, type FetchResponse } from '@grafana/runtime';
import { firstValueFrom, Observable } from 'rxjs';

/** Where the page lives below the host, without a slash at the end. */
let subUrl = '';

export function setSubUrl(path: string) {
  subUrl = path;
}

/** HTTP to our own server, in the shape that Grafana's libraries expect. */
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

  /** One answer, or an error of the type FetchError. Unsubscribing aborts; so does a later request with the same requestId. */
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

  /** An answer part by part, as they arrive. Unsubscribing aborts. Errors are the caller's to show. */
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

  /** Shows errors of what the user asked for; reads and queries are shown where they belong. */
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

/** What went wrong, in words for people. */
export function errorMessage(err: unknown): string {
  if (err instanceof Error) {
    return err.message;
  }
  const e = err as Partial<FetchError> | null;
  const data = e?.data as { message?: string; error?: string } | undefined;
  return data?.message ?? data?.error ?? e?.message ?? e?.statusText ?? 'unknown error';
}

let awaySince: Date | undefined;

/** Since when nothing has answered, in words. */
function unreachable(): string {
  awaySince ??= new Date();
  return `Ausguck cannot be reached since ${awaySince.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false })}`;
}

/** Sends a request; an answer that is an error is thrown. The text of one that is none is still to be read. */
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
    // The page is about to be left: nobody should act on an answer any more.
    return new Promise(() => {});
  }
  if (!response.ok) {
    const data = await read<T>(response, options.responseType);
    const words = (data as { message?: string; error?: string } | undefined) ?? {};
    throw failure(options, response.status, words.message ?? words.error ?? response.statusText, data, false);
  }
  return response;
}

/** What is posted and changes nothing. */
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

/** What is thrown where nobody answers any more. */
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

/** Relative URLs are below the sub path. */
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

/** Keeps the page when the session ends, as long as something on it is not saved. Returns what lets it go. */
export function holdPage(): () => void {
  held++;
  return () => {
    held--;
  };
}

let leaving = false;

/** The session has ended: the login page leads back here. */
function toLogin() {
  if (leaving) {
    return;
  }
  leaving = true;
  const here = window.location.pathname.slice(subUrl.length) + window.location.search;
  window.location.assign(`${subUrl}/login?redirectTo=${encodeURIComponent(here)}`);
}
