import { AppEvents, toCSV } from '@grafana/data';
import { getAppEvents } from '@grafana/runtime';
import { sceneGraph, type SceneObject, type VizPanel } from '@grafana/scenes';

/** A link that shows the same time to everyone who opens it: relative times become absolute. */
export function shareLink(dashboard: SceneObject, extra: Record<string, string> = {}): string {
  const url = new URL(window.location.href);
  const { value } = sceneGraph.getTimeRange(dashboard).state;
  url.searchParams.set('from', value.from.toISOString());
  url.searchParams.set('to', value.to.toISOString());
  for (const name of ['inspect', 'inspectTab', 'editPanel', 'editview', 'refresh']) {
    url.searchParams.delete(name);
  }
  for (const [name, text] of Object.entries(extra)) {
    url.searchParams.set(name, text);
  }
  return url.toString();
}

export function panelLink(dashboard: SceneObject, key: string): string {
  return shareLink(dashboard, { viewPanel: key });
}

/** The clipboard API is unavailable over plain HTTP, so there is a fallback. */
export async function copyText(text: string, told: string) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  getAppEvents().publish({ type: AppEvents.alertSuccess.name, payload: [told] });
}

export function saveFile(name: string, content: Blob | string, type = 'text/plain;charset=utf-8') {
  const blob = typeof content === 'string' ? new Blob([content], { type }) : content;
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name.replace(/[^\w.\- ]+/g, '_');
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export function titleOf(panel: VizPanel): string {
  return panel.interpolate(panel.state.title, undefined, 'text') || panel.state.pluginId;
}

export function downloadCsv(panel: VizPanel) {
  const { data } = sceneGraph.getData(panel).state;
  const frames = panel.applyFieldConfig(data).series;
  saveFile(`${titleOf(panel)}.csv`, `\uFEFF${frames.map((frame) => toCSV([frame])).join('\n\n')}`, 'text/csv;charset=utf-8');
}

/** Downloads the panel as currently shown, as a PNG at twice the resolution. */
export async function downloadPicture(panel: VizPanel) {
  const { pictureOf } = await import('./picture');
  const element = document.querySelector<HTMLElement>(`[data-viz-panel-key="${CSS.escape(panel.state.key ?? '')}"]`);
  if (!element) {
    getAppEvents().publish({ type: AppEvents.alertError.name, payload: ['The panel is not on the screen'] });
    return;
  }
  try {
    saveFile(`${titleOf(panel)}.png`, await pictureOf(element));
  } catch (err) {
    getAppEvents().publish({ type: AppEvents.alertError.name, payload: ['The image could not be created', String(err)] });
  }
}
