import { createServer, type Server } from 'node:http';
import { parser } from '@prometheus-io/lezer-promql';

import { Program, until } from './program';

type Json = Record<string, unknown>;

/** A series that a dashboard queries. */
interface Wanted {
  metric: string;
  labels: Map<string, string>;
  /** The only value with a result, as in `haproxy_up == 1`. */
  value?: number;
}

type Matcher = [label: string, operator: string, value: string];

interface Selector extends Wanted {
  /** The matchers that do not depend on a variable. */
  matchers: Matcher[];
}

/** A series that exists without being generated. */
type Real = Record<string, string>;

/**
 * Parses all expressions of dashboards and generates series that match them: with labels that are matched, grouped by
 * or shown, and with changing values. Expressions answered by real series are skipped.
 */
function wantedSeries(dashboards: Json[], real: Real[]): Wanted[] {
  const byName = new Map<string, Real[]>();
  real.forEach((labels) => byName.set(labels['__name__']!, [...(byName.get(labels['__name__']!) ?? []), labels]));
  const wanted = new Map<string, Wanted>();
  for (const dashboard of dashboards) {
    const shown = new Set<string>(
      JSON.stringify(dashboard)
        .match(/\{\{\s*\w+\s*\}\}/g)
        ?.map((l) => l.replace(/[{}\s]/g, ''))
    );
    const variables = variableValues(dashboard);
    for (const expr of expressions(dashboard)) {
      for (const { metric, labels, matchers, value } of selectors(expr, variables)) {
        if (byName.get(metric)?.some((r) => matchers.every((m) => answers(r, m)))) {
          continue;
        }
        for (const label of shown) {
          if (!labels.has(label)) {
            labels.set(label, made(label, metric));
          }
        }
        const key = `${metric}${JSON.stringify([...labels].sort())}`;
        wanted.set(key, { metric, labels, value: value ?? wanted.get(key)?.value });
      }
    }
  }
  return [...wanted.values()];
}

function answers(labels: Real, [label, operator, value]: Matcher): boolean {
  const has = labels[label] ?? '';
  const equal = operator.includes('~') ? new RegExp(`^(?:${value.replace(/\\\\/g, '\\')})$`).test(has) : has === value;
  return equal !== operator.startsWith('!');
}

function expressions(value: unknown, found: string[] = []): string[] {
  if (Array.isArray(value)) {
    value.forEach((v) => expressions(v, found));
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, v] of Object.entries(value)) {
      if (typeof v === 'string' && (key === 'expr' || key === 'query' || key === 'definition')) {
        found.push(v.replace(/^label_values\(([\s\S]+),\s*(\w+)\)$/, 'count by ($2) ($1)').replace(/^query_result\(([\s\S]+)\)$/, '$1'));
      } else {
        expressions(v, found);
      }
    }
  }
  return found;
}

/** The values that the variables of a dashboard will have: the generated one for the label they list, or their first option. */
function variableValues(dashboard: Json): Map<string, string> {
  const inner = (dashboard['dashboard'] as Json | undefined) ?? dashboard;
  const list = ((inner['templating'] as Json | undefined)?.['list'] ?? []) as Array<{ name: string; type: string; query?: unknown; regex?: string }>;
  const values = new Map<string, string>();
  for (const { name, type, query, regex } of list) {
    const text = typeof query === 'string' ? query : String((query as Json | undefined)?.['query'] ?? '');
    const label = /^label_values\([\s\S]*?(\w+)\s*\)$/.exec(text.trim())?.[1];
    if (type === 'query' && label && !regex) {
      values.set(name, made(label, text));
    } else if (type === 'custom' || type === 'constant' || type === 'textbox') {
      values.set(name, text.split(',')[0]!.trim());
    }
  }
  return values;
}

/** The selectors of an expression, with variables replaced by something that PromQL can parse. */
function selectors(expr: string, variables: Map<string, string>): Selector[] {
  const text = expr
    .replace(/\[\s*(\$\w+|\$\{\w+\}|\[\[\w+\]\])/g, '[5m')
    .replace(/offset \$\w+/g, '')
    .replace(/\$\{?(\w+)(?::\w+)?\}?|\[\[(\w+)\]\]/g, `${placeholder}$1$2`);
  const grouped = new Set<string>();
  const found: Selector[] = [];
  parser.parse(text).iterate({
    enter(node) {
      const part = text.slice(node.from, node.to);
      if (node.name === 'GroupingLabels') {
        part.match(/\w+/g)?.forEach((label) => grouped.add(label));
      }
      if (node.name === 'VectorSelector') {
        const metric = /^[A-Za-z_:][\w:]*/.exec(part)?.[0];
        if (metric) {
          const only = /^\s*==\s*(\d+)/.exec(text.slice(node.to))?.[1];
          found.push({ metric, ...matched(part, metric, variables), value: only === undefined ? undefined : Number(only) });
        }
      }
    },
  });
  for (const { labels, metric } of found) {
    grouped.forEach((label) => labels.has(label) || labels.set(label, made(label, metric)));
  }
  return found;
}

const placeholder = 'VARIABLE_';

function matched(selector: string, metric: string, variables: Map<string, string>): Pick<Selector, 'labels' | 'matchers'> {
  const labels = new Map<string, string>();
  const fixed: Matcher[] = [];
  for (const [, name, operator, value] of selector.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g) as Iterable<[string, string, string, string]>) {
    if (value.includes(placeholder)) {
      const variable = value.startsWith(placeholder) ? variables.get(value.slice(placeholder.length)) : undefined;
      labels.set(name, labels.get(name) ?? variable ?? made(name, metric));
      continue;
    }
    fixed.push([name, operator, value]);
    if (operator === '=') {
      labels.set(name, value);
    } else if (operator === '=~') {
      labels.set(name, literal(value, name, metric));
    } else {
      labels.set(name, labels.get(name) ?? made(name, metric));
    }
  }
  return { labels, matchers: fixed };
}

/** A string that matches a simple regular expression. */
function literal(pattern: string, label: string, metric: string): string {
  const first = pattern
    .replace(/^\^|\$$/g, '')
    .split('|')[0]!
    .replace(/^\(+|\)+$/g, '');
  const text = first
    .replace(/\\+\./g, '.')
    .replace(/\.[+*]/g, 'x')
    .replace(/\[0-9\]\+?|\[\^[^\]]*\]\+?|\\+d\+?/g, '1')
    .replace(/[()?]/g, '');
  return new RegExp(`^(?:${pattern.replace(/\\\\/g, '\\')})$`).test(text) ? text : made(label, metric);
}

/** Values that dashboards accept as real: generated series of a target belong to the existing target. */
function made(label: string, metric: string): string {
  switch (label) {
    case 'le':
      return '+Inf';
    case 'quantile':
      return '0.99';
    case 'code':
    case 'status':
      return '200';
    case 'instance':
      return /prometheus_/.test(metric) ? 'prometheus:9090' : 'node-exporter:9100';
    case 'job':
      return /prometheus_/.test(metric) ? 'prometheus' : /node_/.test(metric) ? 'node-exporter' : 'gen-job';
    default:
      return `gen-${label}`;
  }
}

/**
 * Starts a program that scrapes the host, itself, and series generated for the dashboards. The metrics of the host and
 * the program are real; the rest follows from the queries of the dashboards.
 */
export async function startGenerated(dashboards: Json[], interval: string, files: Record<string, string> = {}) {
  const series: Wanted[] = [];
  const generator = await serveMetrics(series);
  const program = await Program.start({
    files: {
      'prometheus.yml': `global: {scrape_interval: ${interval}, evaluation_interval: 5s}
scrape_configs:
- {job_name: prometheus, static_configs: [{targets: ['prometheus:9090'], labels: {cluster: gen-cluster}}]}
- {job_name: node-exporter, static_configs: [{targets: ['node-exporter:9100'], labels: {cluster: gen-cluster}}]}
- {job_name: generated, honor_labels: true, static_configs: [{targets: ['${generator.address}']}]}
`,
      ...files,
    },
  });
  await until('both are scraped', async () => (await program.query('node_load1 + on () prometheus_build_info')) !== undefined);
  const { data: real } = await program.api<{ data: Real[] }>(`/api/v1/series?match[]=${encodeURIComponent('{job=~"prometheus|node-exporter"}')}`);
  series.push(...wantedSeries(dashboards, real));
  return { program, generator };
}

/**
 * Serves the series, to which more can be added, as /metrics: increasing counters, histograms with buckets, oscillating
 * gauges.
 */
async function serveMetrics(series: Wanted[]): Promise<{ address: string; server: Server }> {
  const started = Date.now();
  const server = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/plain; version=0.0.4');
    response.end(exposition(series, (Date.now() - started) / 1000));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { address: `127.0.0.1:${(server.address() as { port: number }).port}`, server };
}

function exposition(series: Wanted[], seconds: number): string {
  const lines = new Map<string, Map<string, number>>();
  const add = (metric: string, labels: Map<string, string>, value: number) => {
    const text = [...labels]
      .sort()
      .map(([k, v]) => `${k}="${v.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`)
      .join(',');
    const family = lines.get(metric) ?? new Map<string, number>();
    lines.set(metric, family.set(`${metric}{${text}}`, value));
  };
  series.forEach(({ metric, labels, value }, i) => {
    const pace = 1 + (i % 7);
    if (value !== undefined) {
      add(metric, labels, value);
    } else if (metric.endsWith('_bucket')) {
      const total = pace * seconds;
      [
        ['0.1', 0.3],
        ['0.5', 0.7],
        ['1', 0.9],
        ['+Inf', 1],
      ].forEach(([le, share]) => add(metric, new Map([...labels, ['le', String(le)]]), total * Number(share)));
    } else if (/_(total|count|sum)$/.test(metric)) {
      add(metric, labels, 100 + pace * seconds);
    } else {
      add(metric, labels, /up$/.test(metric) ? 1 : pace * 10 + 5 * Math.sin(seconds / 5 + i));
    }
  });
  return [...lines.values()].flatMap((family) => [...family].map(([name, value]) => `${name} ${value}`)).join('\n') + '\n';
}
