import { keepPreviousData, QueryClient, useQuery, type QueryKey } from '@tanstack/react-query';
import { useCallback } from 'react';

import { errorMessage } from './backendSrv';

interface Answer<T> {
  data?: T;
  /** Why the latest attempt failed; data is then from an earlier one. */
  error?: string;
}

export interface Polled<T> extends Answer<T> {
  reload: () => void;
}

/**
 * A browser that thinks it is offline can still reach a server on its own machine, and failures are shown rather than
 * silently retried.
 */
export function newQueryClient(): QueryClient {
  return new QueryClient({ defaultOptions: { queries: { networkMode: 'always', retry: false } } });
}

/**
 * Loads data immediately, when the key changes, and every ten seconds while the page is visible. Equal keys share their
 * requests.
 */
export function usePolled<T>(key: QueryKey, load: (signal: AbortSignal) => Promise<T>, interval = 10_000): Polled<T> {
  return useAnswer(key, load, { refetchInterval: interval });
}

interface AskOptions {
  enabled?: boolean;
  /** Keep the previous key's data until the response arrives. */
  keep?: boolean;
}

/** Loads data once and again whenever the key changes. */
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
    // An error is data too: it stays visible while the next attempt runs.
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
  // Returns nothing, so that effects can return its result.
  const reload = useCallback(() => void refetch(), [refetch]);
  return { data: data?.data, error: data?.error, reload };
}
