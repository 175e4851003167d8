import { FieldType, formattedValueToString, getFieldDisplayName, LoadingState, type DataFrame } from '@grafana/data';
import { sceneGraph, type VizPanel } from '@grafana/scenes';

import type { DashboardBase } from './scene/DashboardBase';
import { PanelNotices } from './scene/PanelNotices';

/** What one panel shows, for tests and for bug reports. */
export interface PanelReport {
  key: string;
  title: string;
  type: string;
  /** Done, Error or Loading; NotStarted while the panel is out of sight. */
  state: string;
  /** True when at least one value is not empty. */
  hasData: boolean;
  errors: string[];
  notices: string[];
  /** Frames after transformations and overrides. */
  frames: Array<{ name?: string; length: number; fields: Array<{ name: string; type: string; last: string; hidden: boolean }> }>;
}

declare global {
  interface Window {
    /** Reports every panel of the dashboard on the screen. */
    ausguckReport?: () => PanelReport[];
  }
}

export function offerReport(scene: DashboardBase): () => void {
  window.ausguckReport = () => scene.panels().map(reportOf);
  return () => {
    window.ausguckReport = undefined;
  };
}

function reportOf(panel: VizPanel): PanelReport {
  const { data } = sceneGraph.getData(panel).state;
  const { series } = panel.applyFieldConfig(data);
  return {
    key: panel.state.key ?? '',
    title: panel.interpolate(panel.state.title, undefined, 'text'),
    type: panel.state.pluginId,
    state: data?.state ?? LoadingState.NotStarted,
    hasData: series.some((f) => f.fields.some((field) => field.type !== FieldType.time && field.values.some((v) => v !== null && v !== undefined && v !== ''))),
    errors: (data?.errors ?? []).map((e) => e.message ?? e.data?.message ?? 'unknown error'),
    notices: noticesOf(panel),
    frames: series.map((frame) => frameReport(frame, series)),
  };
}

function noticesOf(panel: VizPanel): string[] {
  const items = [panel.state.titleItems ?? []].flat();
  return items.flatMap((item) => (item instanceof PanelNotices ? item.collect() : [])).map((notice) => notice.text);
}

function frameReport(frame: DataFrame, all: DataFrame[]): PanelReport['frames'][number] {
  return {
    name: frame.name,
    length: frame.length,
    fields: frame.fields.map((field) => {
      const last = field.values[field.values.length - 1];
      return {
        name: getFieldDisplayName(field, frame, all),
        type: field.type,
        last: field.display ? formattedValueToString(field.display(last)) : String(last),
        hidden: Boolean((field.config.custom as { hideFrom?: { viz?: boolean } } | undefined)?.hideFrom?.viz),
      };
    }),
  };
}
