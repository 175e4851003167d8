import { FieldType, formattedValueToString, getFieldDisplayName, LoadingState, type DataFrame } from '@grafana/data';
import { SceneDataTransformer, sceneGraph, type VizPanel } from '@grafana/scenes';

import type { DashboardBase } from './scene/DashboardBase';
import { PanelNotices } from './scene/PanelNotices';

/** What a panel shows, for tests and bug reports. */
export interface PanelReport {
  key: string;
  title: string;
  type: string;
  /** Done, Error or Loading; NotStarted until the panel is visible. */
  state: string;
  /** True if at least one value is not empty. */
  hasData: boolean;
  errors: string[];
  notices: string[];
  /** Frames after transformations and overrides. */
  frames: Array<{ name?: string; length: number; fields: Array<{ name: string; type: string; last: string; hidden: boolean }> }>;
}

/** The data sources' responses for one panel, before transformations. */
export interface PanelAnswers {
  key: string;
  title: string;
  /** The requested range in milliseconds. */
  from: number;
  to: number;
  frames: Array<{
    refId?: string;
    /** The query as executed by the server, with its step. */
    executed?: string;
    kind?: string;
    fields: Array<{ name: string; type: string; labels: Record<string, string>; values: unknown[] }>;
  }>;
}

declare global {
  interface Window {
    /** Reports all panels of the current dashboard. */
    ausguckReport?: () => PanelReport[];
    ausguckAnswers?: () => PanelAnswers[];
  }
}

export function offerReport(scene: DashboardBase): () => void {
  window.ausguckReport = () => scene.panels().map(reportOf);
  window.ausguckAnswers = () => scene.panels().map(answersOf);
  return () => {
    window.ausguckReport = window.ausguckAnswers = undefined;
  };
}

function answersOf(panel: VizPanel): PanelAnswers {
  const provider = panel.state.$data instanceof SceneDataTransformer ? panel.state.$data.state.$data : panel.state.$data;
  const data = provider?.state.data;
  return {
    key: panel.state.key ?? '',
    title: panel.interpolate(panel.state.title, undefined, 'text'),
    from: data?.timeRange.from.valueOf() ?? 0,
    to: data?.timeRange.to.valueOf() ?? 0,
    frames: (data?.series ?? []).map(({ refId, meta, fields }) => ({
      refId,
      executed: meta?.executedQueryString,
      kind: meta?.type,
      fields: fields.map(({ name, type, labels, values }) => ({ name, type, labels: labels ?? {}, values })),
    })),
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
