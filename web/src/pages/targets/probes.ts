import { omit, pick } from 'lodash';

import type { KnownProbe, Probe, Sample } from '../../api/system';

/** A target with the results of its probes. */
export interface Probed {
  key: string;
  title: string;
  target: string;
  group: string;
  /** The job that probes it; empty until the first probe. */
  job: string;
  /** Undefined until the first probe. */
  up?: boolean;
  /** Seconds. */
  duration?: number;
  /** The share of successful probes of the last day. */
  day?: number;
  /** Seconds until the first certificate expires. */
  certificate?: number;
  /** Its definition, if it is one of ours and not of a job of prometheus.yml. */
  probe?: KnownProbe;
}

/** The queries of the page, by the field that they fill. */
export const probeQueries = {
  up: 'probe_success',
  duration: 'probe_duration_seconds',
  day: 'avg_over_time(probe_success[1d])',
  certificate: 'probe_ssl_earliest_cert_expiry - time()',
} as const;

type Answers = Record<keyof typeof probeQueries, Sample[]>;

const keyOf = (labels: Sample['metric']) => `${labels['probe'] ?? ''}\n${labels['instance'] ?? ''}\n${labels['job'] ?? ''}`;

/** All targets that are probed or will be, those that are down first. */
export function probed(known: KnownProbe[], answers: Answers): Probed[] {
  const all = new Map<string, Probed>();
  for (const { metric, value } of answers.up) {
    const probe = known.find((k) => k.name === metric['probe'] && k.url === metric['instance']);
    all.set(keyOf(metric), {
      key: keyOf(metric),
      title: metric['probe'] ?? metric['instance'] ?? '',
      target: metric['instance'] ?? '',
      group: metric['group'] ?? (probe ? '' : (metric['job'] ?? '')),
      job: metric['job'] ?? '',
      up: value === 1,
      ...(probe && { probe }),
    });
  }
  for (const field of ['duration', 'day', 'certificate'] as const) {
    for (const { metric, value } of answers[field]) {
      const target = all.get(keyOf(metric));
      if (target) {
        target[field] = value;
      }
    }
  }
  const seen = [...all.values()];
  const waiting = known
    .filter((k) => !seen.some((s) => s.probe === k))
    .map((probe): Probed => ({ key: probe.name, title: probe.name, target: probe.url, group: probe.group ?? '', job: '', probe }));
  return [...seen, ...waiting].sort((a, b) => Number(a.up ?? true) - Number(b.up ?? true) || a.group.localeCompare(b.group) || a.title.localeCompare(b.title));
}

/** The fields of the form. */
export interface Draft {
  url: string;
  name: string;
  group: string;
  interval: string;
  text: string;
  status: string;
  maxDuration: string;
  /** Whether an alert is wanted before the domain expires. */
  domain: boolean;
}

/** The days before the expiry of a domain at which the form asks for an alert. */
const domainDays = 30;

export const noDraft: Draft = { url: '', name: '', group: '', interval: '', text: '', status: '', maxDuration: '', domain: false };

/** Where a target is configured that cannot be edited on the page. */
export function sourceOf(p: Probed): string {
  if (p.probe) {
    return p.probe.editable ? '' : 'from probes.yml';
  }
  switch (p.job) {
    case 'probes':
      return 'no longer configured';
    case 'container-probes':
      return 'from a container label';
    default:
      return `from the job ${p.job} in prometheus.yml`;
  }
}

export function draftOf(p: Probe): Draft {
  const { status, text, max_duration, domain_days } = p.expect ?? {};
  return {
    url: p.url,
    name: p.name,
    group: p.group ?? '',
    interval: p.interval ?? '',
    text: text ?? '',
    status: status?.join(' ') ?? '',
    maxDuration: max_duration ?? '',
    domain: Boolean(domain_days),
  };
}

/** What the form does not show of a probe. The server fills in a timeout, which belongs to the interval. */
function hidden(p: KnownProbe): Partial<Probe> {
  const byDefault = p.timeout === '10s' || p.timeout === p.interval;
  return pick(p, ['depends_on', 'module', 'labels', ...(byDefault ? [] : (['timeout'] as const))]);
}

/** The probe that the form describes. Without a scheme, a URL is one of https. */
export function probeOf(d: Draft, edited?: KnownProbe): Probe {
  const url = d.url.includes('://') ? d.url.trim() : `https://${d.url.trim()}`;
  const expect = {
    ...omit(edited?.expect, ['text', 'status', 'max_duration', 'domain_days']),
    ...(d.text && { text: d.text }),
    ...(d.status && { status: d.status.split(/[\s,]+/).filter(Boolean) }),
    ...(d.maxDuration && { max_duration: d.maxDuration }),
    ...(d.domain && { domain_days: edited?.expect?.domain_days || domainDays }),
  };
  return {
    ...(edited && hidden(edited)),
    name: d.name.trim() || nameOf(url),
    url,
    ...(d.group && { group: d.group.trim() }),
    ...(d.interval && { interval: d.interval.trim() }),
    ...(Object.keys(expect).length > 0 && { expect }),
  };
}

/** What is known about the registration of a probe's domain. */
export function domainText({ name, expires, problem }: NonNullable<KnownProbe['domain']>, now: Date): string {
  if (!expires) {
    return problem ? `Domain ${name}: it is unknown when it expires: ${problem}` : `Domain ${name}: its registry has not been asked yet`;
  }
  const days = Math.floor((Date.parse(expires) - now.getTime()) / 86_400_000);
  const date = expires.slice(0, 10);
  return `Domain ${name} ${days < 0 ? `expired on ${date}` : `expires on ${date} (${days} days)`}${problem ? `; the last request failed: ${problem}` : ''}`;
}

/** The name that a URL suggests: its host, with the port and the path if there are any. */
export function nameOf(url: string): string {
  return url.replace(/^[a-z]+:\/\//, '').replace(/[/?#]+$/, '');
}
