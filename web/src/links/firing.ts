import type { ActiveAlert, AlertGroup } from '../api/alerting';

/**
 * The alerts that fire: those that Alertmanager has, neither silenced nor inhibited nor muted, each once. Severity none is
 * a sign of life (Watchdog) and nothing to count.
 */
export function firing(groups: AlertGroup[]): ActiveAlert[] {
  const alerts = groups.flatMap((g) => g.alerts).filter((a) => a.status.state === 'active' && a.labels['severity'] !== 'none');
  return [...new Map(alerts.map((a) => [a.fingerprint, a])).values()];
}

/** The page with exactly these alerts. */
export const firingPath = `/alerts?state=active&filter=${encodeURIComponent('{severity!="none"}')}`;
