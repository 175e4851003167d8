import { migrateDashboard, schemaVersion } from '../migrate';
import type { PanelJson } from '../model';

/** The storage key of a copied panel, shared by other dashboards and tabs of this browser. */
const key = 'ausguck.panel';
const mostCharacters = 1_000_000;
const mostRows = 60;

export function keepPanel(panel: PanelJson): string {
  const text = JSON.stringify(panel, null, 2);
  try {
    localStorage.setItem(key, text);
  } catch {
    // The browser has no storage; the panel is still in the clipboard.
  }
  return text;
}

export function keptPanel(): string | undefined {
  return localStorage.getItem(key) ?? undefined;
}

/** Whether a text looks like a panel copied here or in Grafana. */
export function looksLikePanel(text: string): boolean {
  return /^\s*\{/.test(text);
}

/** Parses a panel from external text; the error explains why it is not one. */
export function readPanel(text: string): PanelJson {
  if (text.length > mostCharacters) {
    throw new Error('It exceeds one megabyte');
  }
  const json = parse(text);
  if (typeof json !== 'object' || json === null || Array.isArray(json) || typeof (json as { type?: unknown }).type !== 'string') {
    throw new Error('A panel is a JSON object with a "type"');
  }
  if (Array.isArray((json as { panels?: unknown }).panels) || (json as { type: string }).type === 'row') {
    throw new Error('It is a row or a dashboard, not a panel; use Import for dashboards');
  }
  const { dashboard, notices } = migrateDashboard({ schemaVersion, title: 'Clipboard', panels: [json] });
  const panel = dashboard.panels?.[0] as PanelJson | undefined;
  if (!panel) {
    throw new Error(notices[0] ?? 'It has no usable content');
  }
  return { ...panel, gridPos: { ...panel.gridPos!, h: Math.min(mostRows, panel.gridPos!.h) } };
}

function parse(text: string): unknown {
  try {
    // A key with this name would become the prototype when objects are merged.
    return JSON.parse(text, (name, value: unknown) => (name === '__proto__' ? undefined : value));
  } catch (err) {
    throw new Error(`It is not JSON: ${(err as Error).message}`, { cause: err });
  }
}
