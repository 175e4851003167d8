import type { BadgeColor } from '@grafana/ui';

import type { Definition, Heartbeat } from '../../api/heartbeats';
import type { Labels } from '../../api/alerting';
import { own } from '../../boot/own';

/** The states by the status of the server, the worst first. */
export const states: Readonly<Record<string, { text: string; color: BadgeColor }>> = {
  missing: { text: 'missing', color: 'red' },
  failed: { text: 'failed', color: 'red' },
  'too long': { text: 'too long', color: 'red' },
  late: { text: 'late', color: 'orange' },
  running: { text: 'running', color: 'blue' },
  new: { text: 'never seen', color: 'darkgrey' },
  up: { text: 'in time', color: 'green' },
};

export const stateOf = (status: string) => own(states, status) ?? { text: status, color: 'purple' as const };

const order = Object.keys(states);

/** The heartbeats, those with the worst state first. */
export function sorted(all: Heartbeat[]): Heartbeat[] {
  const rank = (h: Heartbeat) => order.indexOf(h.status);
  return [...all].sort((a, b) => rank(a) - rank(b) || a.group.localeCompare(b.group) || a.name.localeCompare(b.name));
}

const units = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
] as const;

/** Seconds as in heartbeats.yml, such as 1d12h. */
export function span(seconds: number): string {
  let rest = seconds;
  let text = '';
  for (const [unit, size] of units) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    text += n > 0 ? `${n}${unit}` : '';
  }
  return rest > 0 || text === '' ? `${text}${Math.round(rest * 1000) / 1000}s` : text;
}

/** The schedule and its limits. */
export function scheduleOf(h: Heartbeat): string {
  const when = h.cron ? `${h.cron} (${h.timezone ?? 'UTC'})` : `every ${h.every ?? ''}`;
  return [when, `grace ${span(h.grace)}`, h.maxDuration && `at most ${span(h.maxDuration)}`].filter(Boolean).join(' · ');
}

/** The fields of the form. */
export interface Draft {
  name: string;
  kind: 'every' | 'cron';
  every: string;
  cron: string;
  timezone: string;
  grace: string;
  maxDuration: string;
  group: string;
  /** One name=value per line. */
  labels: string;
}

/** An empty form. A crontab has the time zone of its host, which is probably that of the browser. */
export const noDraft = (): Draft => ({
  name: '',
  kind: 'cron',
  every: '',
  cron: '',
  timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  grace: '',
  maxDuration: '',
  group: '',
  labels: '',
});

export function draftOf(d: Definition): Draft {
  return {
    ...noDraft(),
    ...(d.timezone || d.cron ? { timezone: d.timezone ?? '' } : {}),
    name: d.name,
    kind: d.cron ? 'cron' : 'every',
    every: d.every ?? '',
    cron: d.cron ?? '',
    grace: d.grace ?? '',
    maxDuration: d.max_duration ?? '',
    group: d.group ?? '',
    labels: Object.entries(d.labels ?? {})
      .map(([name, value]) => `${name}=${value}`)
      .join('\n'),
  };
}

/** The heartbeat that the form describes; the server checks it. */
export function definitionOf(d: Draft): Definition {
  const fields = {
    ...(d.kind === 'every' ? { every: d.every } : { cron: d.cron, timezone: d.timezone }),
    grace: d.grace,
    max_duration: d.maxDuration,
    group: d.group,
  };
  const labels = labelsOf(d.labels);
  return {
    name: d.name.trim(),
    ...Object.fromEntries(
      Object.entries(fields)
        .map(([name, value]) => [name, value.trim()])
        .filter(([, value]) => value)
    ),
    ...(Object.keys(labels).length > 0 && { labels }),
  };
}

function labelsOf(text: string): Labels {
  return Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.trim())
      .map((line) => {
        const [name = '', ...value] = line.split('=');
        return [name.trim(), value.join('=').trim()];
      })
  );
}

/** The fields of a crontab that run a job in an interval; undefined if none do. */
function cronOf(every: string): string | undefined {
  const [, number, unit] = /^(\d+)([mhd])$/.exec(every) ?? [];
  const n = Number(number);
  const steps = n === 1 ? '*' : `*/${n}`;
  if (unit === 'm' && n > 0 && 60 % n === 0) {
    return n === 60 ? '0 * * * *' : `${steps} * * * *`;
  }
  if (unit === 'h' && n > 0 && 24 % n === 0) {
    return n === 24 ? '0 0 * * *' : `0 ${steps} * * *`;
  }
  return unit === 'd' && n === 1 ? '0 0 * * *' : undefined;
}

/**
 * The line of a crontab that runs a job and reports its exit code; without the schedule if a crontab cannot express it.
 * The base is the URL at which Ausguck is reached, with its path.
 */
export function crontabLine(d: Definition, base: string, token: string): string {
  const schedule = d.cron ?? cronOf(d.every ?? '');
  const report = `curl -fsS -m 10 --retry 5 -o /dev/null ${base.replace(/\/+$/, '')}/hb/${token}/$?`;
  return `${schedule ? `${schedule} ` : ''}/path/to/job; ${report}`;
}
