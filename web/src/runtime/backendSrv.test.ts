import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Backend, holdPage } from './backendSrv';

beforeEach(() => vi.stubGlobal('fetch', async () => new Response('{"message":"Unauthorized"}', { status: 401 })));
afterEach(() => vi.unstubAllGlobals());

const quiet = { showErrorAlert: false };

test('what is sent when the session has ended is refused in words that help, and the page stays', async () => {
  await expect(new Backend().post('/api/dashboards/db', {}, quiet)).rejects.toMatchObject({
    status: 401,
    message: expect.stringContaining('log in in another tab'),
  });
});

test('what is asked then keeps a page with something unsaved', async () => {
  const release = holdPage();
  await expect(new Backend().get('/api/search', undefined, undefined, quiet)).rejects.toMatchObject({ status: 401 });
  await expect(new Backend().post('/api/ds/query', {}, quiet)).rejects.toMatchObject({ status: 401 });
  release();
});
