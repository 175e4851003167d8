import { Badge } from '@grafana/ui';

import type { ContainerLogs } from '../../api/system';

/** Whether the lines of a container are collected; those that are not say why, and what changes that. */
export function LogsOfContainer({ logs }: { logs: ContainerLogs }) {
  if (logs.collected) {
    return <div data-testid="container-logs">Logs are collected.</div>;
  }
  return (
    <div data-testid="container-logs">
      <Badge color="orange" text="logs not collected" /> {logs.reason} {logs.remedy}
    </div>
  );
}
