import { lastValueFrom, map, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { Backend, holdPage } from './backendSrv';

beforeEach(() => vi.stubGlobal('fetch', async () => new Response('{"message":"Unauthorized"}', { status: 401 })));
afterEach(() => vi.unstubAllGlobals());

const quiet = { showErrorAlert: false };

test('what is sent when the session has ended is refused in words that help, and the page stays', async () => {
  await expect(new Backend().post('/api/dashboards/db', {}, quiet)).rejects.toMatchObject({
    status: 401,
    message: expect.stringContaining('log in on another tab'),
  });
});

test('what is asked then keeps a page with something unsaved', async () => {
  const release = holdPage();
  await expect(new Backend().get('/api/search', undefined, undefined, quiet)).rejects.toMatchObject({ status: 401 });
  await expect(new Backend().post('/api/ds/query', {}, quiet)).rejects.toMatchObject({ status: 401 });
  release();
});

describe('an answer in parts', () => {
  const parts = (body: ReadableStream<Uint8Array> | string, status = 200) => {
    vi.stubGlobal('fetch', async () => new Response(body, { status }));
    return lastValueFrom(
      new Backend().chunked({ url: '/api/ausguck/query', method: 'POST', data: {} }).pipe(
        map((part) => new TextDecoder().decode(part.data)),
        toArray()
      )
    );
  };

  test('is told as it arrives', async () => {
    const body = new ReadableStream<Uint8Array>({
      start(stream) {
        ['one', 'two'].forEach((text) => stream.enqueue(new TextEncoder().encode(text)));
        stream.close();
      },
    });
    expect(await parts(body)).toEqual(['one', 'two']);
  });

  test('fails with the words of the server', async () => {
    await expect(parts('{"message":"too many queries"}', 400)).rejects.toMatchObject({ status: 400, message: 'too many queries', cancelled: false });
  });

  test('that breaks off says that nobody answers', async () => {
    const body = new ReadableStream<Uint8Array>({ pull: (stream) => stream.error(new TypeError('network error')) });
    await expect(parts(body)).rejects.toMatchObject({ status: 0, message: expect.stringContaining('cannot be reached'), cancelled: false });
  });

  test('is given up with whom it is for', async () => {
    let signal: AbortSignal | undefined;
    vi.stubGlobal('fetch', (_: string, init: RequestInit) => {
      signal = init.signal ?? undefined;
      return new Promise(() => undefined);
    });
    const asking = new Backend().chunked({ url: '/api/ausguck/query', method: 'POST', data: {} }).subscribe();
    asking.unsubscribe();
    expect(signal?.aborted).toBe(true);
  });
});
