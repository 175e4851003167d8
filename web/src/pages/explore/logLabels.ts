import { LokiClient } from './logs/client';
import { builtIn } from '../../links/sources';

/** The available stream labels, requested once per page load. */
let known: Promise<string[]> | undefined;

export function logLabels(): Promise<string[]> {
  const source = builtIn('logql');
  return source === undefined
    ? Promise.resolve([])
    : (known ??= new LokiClient(source).labels().catch(() => {
        known = undefined;
        return [];
      }));
}
