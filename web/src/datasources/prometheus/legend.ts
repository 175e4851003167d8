import { own } from '../../boot/own';
import type { Labels } from './types';

/** Formats a series as Prometheus does: name{label="value"}. */
export function seriesText(labels: Labels): string {
  const name = labels['__name__'] ?? '';
  const pairs = Object.keys(labels)
    .filter((key) => key !== '__name__')
    .map((key) => `${key}="${labels[key]}"`);
  return pairs.length > 0 || name === '' ? `${name}{${pairs.join(', ')}}` : name;
}

/**
 * Fills labels into a format such as "{{ instance }} up"; missing labels are empty. The server (dsquery) renders panel
 * legends, including `__auto`.
 */
export function renderLegend(format: string, labels: Labels): string {
  return format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, key: string) => own(labels, key) ?? '');
}
