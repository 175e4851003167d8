import { createServer, type Server } from 'node:http';
import { parser } from '@prometheus-io/lezer-promql';

type Json = Record<string, unknown>;

/** A series that a dashboard asks for. */
interface Wanted {
  metric: string;
  labels: Map<string, string>;
}

/**
 * Reads every expression of dashboards and makes up series that answer them: the labels that are matched, grouped by
 * or shown, and values that change. A metric that the program exposes by itself is left out by `known`.
 */
export function wantedSeries(dashboards: Json[], known: Set<string>): Wanted[] {
  const wanted = new Map<string, Wanted>();
  for (const dashboard of dashboards) {
    const shown = new Set<string>(JSON.stringify(dashboard).match(/\{\{\s*\w+\s*\}\}/g)?.map((l) => l.replace(/[{}\s]/g, '')));
    for (const expr of expressions(dashboard)) {
      for (const { metric, labels } of selectors(expr)) {
        if (known.has(metric)) {
          continue;
        }
        for (const label of shown) {
          if (!labels.has(label)) {
            labels.set(label, made(label));
          }
        }
        wanted.set(`${metric}${JSON.stringify([...labels].sort())}`, { metric, labels });
      }
    }
  }
  return [...wanted.values()];
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

/** Selectors of an expression whose variables are replaced by something that PromQL can read. */
function selectors(expr: string): Wanted[] {
  const text = expr.replace(/\[\s*(\$\w+|\$\{\w+\}|\[\[\w+\]\])/g, '[5m').replace(/offset \$\w+/g, '').replace(/\$\{?\w+(:\w+)?\}?/g, variable).replace(/\[\[\w+\]\]/g, variable);
  const grouped = new Set<string>();
  const found: Wanted[] = [];
  parser.parse(text).iterate({
    enter(node) {
      const part = text.slice(node.from, node.to);
      if (node.name === 'GroupingLabels') {
        part.match(/\w+/g)?.forEach((label) => grouped.add(label));
      }
      if (node.name === 'VectorSelector') {
        const metric = /^[A-Za-z_:][\w:]*/.exec(part)?.[0];
        if (metric) {
          found.push({ metric, labels: matchers(part) });
        }
      }
    },
  });
  for (const { labels } of found) {
    grouped.forEach((label) => labels.has(label) || labels.set(label, made(label)));
  }
  return found;
}

const placeholder = 'VARIABLE';

function variable(): string {
  return placeholder;
}

function matchers(selector: string): Map<string, string> {
  const labels = new Map<string, string>();
  for (const [, name, operator, value] of selector.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g)) {
    if (operator === '=' && !value!.includes(placeholder)) {
      labels.set(name!, value!);
    } else if (operator === '=~' && !value!.includes(placeholder)) {
      labels.set(name!, literal(value!, name!));
    } else {
      labels.set(name!, labels.get(name!) ?? made(name!));
    }
  }
  return labels;
}

/** Something that a simple regular expression matches. */
function literal(pattern: string, label: string): string {
  const first = pattern.replace(/^\^|\$$/g, '').split('|')[0]!.replace(/^\(+|\)+$/g, '');
  const text = first.replace(/\\+\./g, '.').replace(/\.[+*]/g, 'x').replace(/\[0-9\]\+?|\[\^[^\]]*\]\+?|\\+d\+?/g, '1').replace(/[()?]/g, '');
  return new RegExp(`^(?:${pattern.replace(/\\\\/g, '\\')})$`).test(text) ? text : made(label);
}

function made(label: string): string {
  return label === 'le' ? '+Inf' : label === 'quantile' ? '0.99' : label === 'code' || label === 'status' ? '200' : `gen-${label}`;
}

/** Serves the series as /metrics: counters that grow, histograms with buckets, gauges that swing. */
export async function serveMetrics(series: Wanted[], more: () => string = () => ''): Promise<{ address: string; server: Server }> {
  const started = Date.now();
  const server = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/plain; version=0.0.4');
    response.end(exposition(series, (Date.now() - started) / 1000) + more());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { address: `127.0.0.1:${(server.address() as { port: number }).port}`, server };
}

function exposition(series: Wanted[], seconds: number): string {
  const lines = new Map<string, Map<string, number>>();
  const add = (metric: string, labels: Map<string, string>, value: number) => {
    const text = [...labels].sort().map(([k, v]) => `${k}="${v.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`).join(',');
    const family = lines.get(metric) ?? new Map<string, number>();
    lines.set(metric, family.set(`${metric}{${text}}`, value));
  };
  series.forEach(({ metric, labels }, i) => {
    const pace = 1 + (i % 7);
    if (metric.endsWith('_bucket')) {
      const total = pace * seconds;
      [['0.1', 0.3], ['0.5', 0.7], ['1', 0.9], ['+Inf', 1]].forEach(([le, share]) => add(metric, new Map([...labels, ['le', String(le)]]), total * Number(share)));
    } else if (/_(total|count|sum)$/.test(metric)) {
      add(metric, labels, 100 + pace * seconds);
    } else {
      add(metric, labels, /up$/.test(metric) ? 1 : pace * 10 + 5 * Math.sin(seconds / 5 + i));
    }
  });
  return [...lines.values()].flatMap((family) => [...family].map(([name, value]) => `${name} ${value}`)).join('\n') + '\n';
}
