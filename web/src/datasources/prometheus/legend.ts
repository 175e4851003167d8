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

/** "{{ instance }} up" with the labels filled in; missing labels are empty. Legends of panels, with `__auto`, are made by the server (dsquery). */
export function renderLegend(format: string, labels: Labels): string {
  return format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, key: string) => own(labels, key) ?? '');
}
