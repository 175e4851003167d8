import type { ActiveAlert, AlertGroup } from '../api/alerting';

/**
 * The firing alerts: those that Alertmanager reports as neither silenced, inhibited nor muted, without duplicates.
 * Alerts with severity none are heartbeats (Watchdog) and not counted.
 */
export function firing(groups: AlertGroup[]): ActiveAlert[] {
  const alerts = groups.flatMap((g) => g.alerts).filter((a) => a.status.state === 'active' && a.labels['severity'] !== 'none');
  return [...new Map(alerts.map((a) => [a.fingerprint, a])).values()];
}

/** The page that lists exactly these alerts. */
export const firingPath = `/alerts?state=active&filter=${encodeURIComponent('{severity!="none"}')}`;
