import type { FieldConfigSource } from '@grafana/data';
import type { DataQuery, DataTransformerConfig, Panel } from '@grafana/schema';
import {
  LocalValueVariable,
  SceneDataNode,
  SceneDataTransformer,
  SceneQueryRunner,
  SceneVariableSet,
  VizPanel,
  type SceneDataProvider,
  type SceneObject,
} from '@grafana/scenes';

import { own } from '../../boot/own';
import { panelLoaders } from '../../panels/registry';
import { refOf } from './datasourceRef';
import { PanelLinks } from './PanelLinks';
import { buildMenu } from './panelMenu';
import { PanelNotices } from './PanelNotices';
import { PanelTimeRange } from './PanelTimeRange';
import type { ScopedValue } from './repeats';

/** Panel types without queries. */
const withoutQueries = new Set(['text', 'dashlist', 'alertlist', 'row']);

/** Builds the scene of a dashboard panel. */
export function buildPanel(panel: Panel, key: string, scoped: ScopedValue[] = []): VizPanel {
  const titleItems: SceneObject[] = [new PanelNotices({ panel })];
  if (panel.links?.length) {
    titleItems.push(new PanelLinks({ links: panel.links }));
  }
  return new VizPanel({
    key,
    pluginId: panel.type || 'unknown',
    title: panel.title ?? '',
    description: panel.description,
    options: optionsOf(panel),
    fieldConfig: (panel.fieldConfig as FieldConfigSource | undefined) ?? { defaults: {}, overrides: [] },
    pluginVersion: panel.pluginVersion,
    displayMode: panel.transparent ? 'transparent' : 'default',
    hoverHeader: !panel.title && !panel.timeFrom && !panel.timeShift,
    titleItems,
    menu: buildMenu(),
    $data: withoutQueries.has(panel.type) ? undefined : buildData(panel),
    $timeRange:
      panel.timeFrom || panel.timeShift
        ? new PanelTimeRange({ timeFrom: panel.timeFrom, timeShift: panel.timeShift, hideTimeOverride: panel.hideTimeOverride })
        : undefined,
    $variables: scoped.length > 0 ? scopedVariables(scoped) : undefined,
  });
}

/** The options of a panel; for an unknown type, its JSON to display. */
export function optionsOf(panel: Panel): object {
  return { ...(panel.options ?? {}), ...(!own(panelLoaders, panel.type) && { __panel: panel }) };
}

export function scopedVariables(scoped: ScopedValue[]): SceneVariableSet {
  return new SceneVariableSet({ variables: scoped.map(({ name, value, text }) => new LocalValueVariable({ name, value, text })) });
}

/** The queries of a panel and the transformations of their results. */
export function buildData(panel: Panel): SceneDataProvider {
  const queries = ((panel.targets ?? []) as unknown as DataQuery[]).map((target) => ({ ...target, datasource: refOf(target.datasource) }));
  const runner =
    queries.length === 0
      ? new SceneDataNode()
      : new SceneQueryRunner({
          queries,
          datasource: refOf(panel.datasource),
          minInterval: panel.interval || undefined,
          maxDataPoints: panel.maxDataPoints || undefined,
          maxDataPointsFromWidth: true,
          dataLayerFilter: { panelId: panel.id ?? 0 },
        });
  return new SceneDataTransformer({ $data: runner, transformations: (panel.transformations ?? []) as DataTransformerConfig[] });
}
