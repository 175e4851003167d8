import { own } from '../../boot/own';
import type { Labels } from './types';

/** A series as Prometheus prints it: name{label="value"}. */
export function seriesText(labels: Labels): string {
  const name = labels['__name__'] ?? '';
  const pairs = Object.keys(labels)
    .filter((key) => key !== '__name__')
    .map((key) => `${key}="${labels[key]}"`);
  return pairs.length > 0 || name === '' ? `${name}{${pairs.join(', ')}}` : name;
}

/** "{{ instance }} up" with the labels filled in; a label that the series lacks is left out. */
export function renderLegend(format: string, labels: Labels): string {
  return format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, key: string) => own(labels, key) ?? '');
}

/** The name that a legend shows, undefined for the automatic one. */
export function legendOf(format: string, labels: Labels, expr: string): string | undefined {
  if (format === '__auto') {
    return Object.keys(labels).length === 0 ? expr : undefined;
  }
  if (format === '') {
    const text = seriesText(labels);
    return text === '{}' ? expr : text;
  }
  const text = renderLegend(format, labels);
  return text === '' ? seriesText(labels) : text;
}
