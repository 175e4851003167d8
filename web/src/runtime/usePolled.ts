import { keepPreviousData, QueryClient, useQuery, type QueryKey } from '@tanstack/react-query';
import { useCallback } from 'react';

import { errorMessage } from './backendSrv';

interface Answer<T> {
  data?: T;
  /** Why the newest attempt failed; data is then what was known before. */
  error?: string;
}

export interface Polled<T> extends Answer<T> {
  reload: () => void;
}

/** A browser that believes to be offline still reaches a server on its own machine, and a failure is shown rather than tried again unseen. */
export function newQueryClient(): QueryClient {
  return new QueryClient({ defaultOptions: { queries: { networkMode: 'always', retry: false } } });
}

/** Loads something now, when the key changes, and every ten seconds while the page is in sight. Equal keys share what they load. */
export function usePolled<T>(key: QueryKey, load: (signal: AbortSignal) => Promise<T>, interval = 10_000): Polled<T> {
  return useAnswer(key, load, { refetchInterval: interval });
}

interface AskOptions {
  enabled?: boolean;
  /** What an earlier key gave stays until the answer is there. */
  keep?: boolean;
}

/** Loads something once, and when the key changes. */
export function useAsked<T>(key: QueryKey, load: (signal: AbortSignal) => Promise<T>, { enabled, keep }: AskOptions = {}): Polled<T> {
  return useAnswer(key, load, { enabled, placeholderData: keep ? keepPreviousData : undefined, refetchOnWindowFocus: false });
}

interface Options {
  enabled?: boolean;
  placeholderData?: typeof keepPreviousData;
  refetchInterval?: number;
  refetchOnWindowFocus?: boolean;
}

function useAnswer<T>(key: QueryKey, load: (signal: AbortSignal) => Promise<T>, options: Options): Polled<T> {
  const { data, refetch } = useQuery({
    ...options,
    queryKey: key,
    // An error is an answer too: it stays in sight while the next attempt runs.
    queryFn: async ({ signal, client }): Promise<Answer<T>> => {
      try {
        return { data: await load(signal) };
      } catch (err) {
        if (signal.aborted) {
          throw err;
        }
        return { data: client.getQueryData<Answer<T>>(key)?.data, error: errorMessage(err) };
      }
    },
  });
  // It returns nothing, so that effects can return what it returns.
  const reload = useCallback(() => void refetch(), [refetch]);
  return { data: data?.data, error: data?.error, reload };
}
