import { QueryClientProvider } from '@tanstack/react-query';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { newQueryClient, useAsked, usePolled, type Polled } from './usePolled';

let root: Root;
let shown: Polled<string>;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  root = createRoot(document.createElement('div'));
});

afterEach(async () => {
  await act(async () => root.unmount());
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const client = () => {
  const queries = newQueryClient();
  return async (hook: () => Polled<string>) => {
    await act(async () =>
      root.render(
        <QueryClientProvider client={queries}>
          <Shown use={hook} />
        </QueryClientProvider>
      )
    );
    await after(0);
  };
};

function Shown({ use }: { use: () => Polled<string> }) {
  shown = use();
  return null;
}

/** Results are reported with the next timer. */
const after = (ms: number) => act(async () => vi.advanceTimersByTimeAsync(ms + 1));
const failing = () => Promise.reject(new Error('the server is away'));

test('asks again every ten seconds, and a failure keeps what was known', async () => {
  const load = vi.fn<() => Promise<string>>().mockResolvedValueOnce('first').mockImplementationOnce(failing).mockResolvedValue('third');
  await client()(() => usePolled(['a'], load));
  expect(shown).toMatchObject({ data: 'first', error: undefined });
  await after(10_000);
  expect(shown).toMatchObject({ data: 'first', error: 'the server is away' });
  await after(10_000);
  expect(shown).toMatchObject({ data: 'third', error: undefined });
});

test('an error stays in sight while the next attempt runs', async () => {
  const load = vi
    .fn<() => Promise<string>>()
    .mockImplementationOnce(failing)
    .mockReturnValue(new Promise(() => {}));
  await client()(() => usePolled(['a'], load));
  await after(10_000);
  expect(load).toHaveBeenCalledTimes(2);
  expect(shown).toMatchObject({ data: undefined, error: 'the server is away' });
});

test('a page that nobody sees does not ask', async () => {
  const load = vi.fn(async () => 'x');
  await client()(() => usePolled(['a'], load));
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
  await after(60_000);
  expect(load).toHaveBeenCalledTimes(1);
});

test('reload asks at once', async () => {
  const load = vi.fn<() => Promise<string>>().mockResolvedValueOnce('before').mockResolvedValue('after');
  await client()(() => usePolled(['a'], load));
  await act(async () => shown.reload());
  await after(0);
  expect(shown.data).toBe('after');
});

test('an effect may return what reload returns, for React calls that when the effect ends', async () => {
  await client()(() => usePolled(['a'], async () => 'x'));
  expect(shown.reload()).toBeUndefined();
});

test('what is asked once is not polled, and another key has its own answer', async () => {
  const load = vi.fn(async () => 'x');
  const draw = client();
  await draw(() => useAsked(['a'], load));
  await after(60_000);
  expect(load).toHaveBeenCalledTimes(1);
  await draw(() => useAsked(['b'], () => new Promise<string>(() => {})));
  expect(shown.data).toBeUndefined();
});

test('with keep the last answer stands until the next one is there', async () => {
  const draw = client();
  await draw(() => useAsked(['a'], async () => 'old', { keep: true }));
  await draw(() => useAsked(['b'], () => new Promise<string>(() => {}), { keep: true }));
  expect(shown.data).toBe('old');
});
