import type { Labels } from '@grafana/data';
import { useEffect, useState } from 'react';

import { PathButton } from '../../kit/PathButton';
import { logsPath, selectorOf } from '../../links/related';
import { logLabels } from './logLabels';
import type { QueryState } from '../../links/explore';

/** A link to the logs of the objects that some series describe, for the same time; hidden if there are none. */
export function LogsOfLabels({ labels, query }: { labels: Labels[]; query: QueryState }) {
  const [names, setNames] = useState<string[]>([]);
  useEffect(() => void logLabels().then(setNames), []);
  const selector = selectorOf(labels, names);
  return selector === undefined ? null : (
    <PathButton icon="gf-logs" to={logsPath(selector, query, query['expr'])} tooltip={`Lines of ${selector} at this time`}>
      Logs
    </PathButton>
  );
}
