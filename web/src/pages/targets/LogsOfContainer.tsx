import { Badge } from '@grafana/ui';

import type { ContainerLogs } from '../../api/system';

/** Whether the logs of a container are collected, and if not, why and how to change that. */
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
