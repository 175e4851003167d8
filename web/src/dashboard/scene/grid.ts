import type { Panel } from '@grafana/schema';
import { SceneGridItem, SceneGridRow, type SceneGridItemLike, type VizPanel } from '@grafana/scenes';

import { DashboardRow } from './DashboardRow';
import { buildPanel, scopedVariables } from './panel';
import { expandRepeats, type PlacedPanel, type Section, type ValuesOf } from './repeats';

/** Builds the grid of a dashboard, and builds it again when a repeat changes, with the panels that are still the same. */
export class GridBuilder {
  private readonly built = new Map<string, { panel: Panel; scoped: string; item: SceneGridItem }>();
  private readonly rows = new Map<string, { row: SceneGridRow; scoped: string }>();

  constructor(private readonly panels: Panel[]) {}

  children(valuesOf: ValuesOf): SceneGridItemLike[] {
    const sections = expandRepeats(this.panels, valuesOf, (key) => this.rows.get(key)?.row.state.isCollapsed);
    forget(
      this.built,
      sections.flatMap((s) => s.panels.map((p) => p.key))
    );
    forget(
      this.rows,
      sections.flatMap((s) => s.row?.key ?? [])
    );
    return sections.flatMap((section) => this.section(section));
  }

  private section({ row, panels }: Section): SceneGridItemLike[] {
    const items = panels.map((p) => this.item(p));
    if (!row) {
      return items;
    }
    const scoped = JSON.stringify(row.scoped);
    const before = this.rows.get(row.key);
    if (before && before.scoped === scoped) {
      // The same row keeps its panels on the screen, with the queries that are running, and stays open or closed.
      before.row.setState({ y: row.y, children: items });
      return [before.row];
    }
    const built = new DashboardRow({
      key: row.key,
      title: row.panel.title ?? '',
      x: 0,
      y: row.y,
      width: 24,
      height: 1,
      isCollapsible: true,
      isCollapsed: row.collapsed,
      children: items,
      repeatSourceKey: row.source,
      $variables: row.scoped.length > 0 ? scopedVariables(row.scoped) : undefined,
    });
    this.rows.set(row.key, { row: built, scoped });
    return [built];
  }

  private item(placed: PlacedPanel): SceneGridItem {
    const place = { x: placed.x, y: placed.y, width: placed.w, height: placed.h };
    const scoped = JSON.stringify(placed.scoped);
    const before = this.built.get(placed.key);
    if (before && before.panel === placed.panel && before.scoped === scoped) {
      before.item.setState(place);
      return before.item;
    }
    const body: VizPanel = buildPanel(placed.panel, placed.key, placed.scoped);
    const item = new SceneGridItem({ key: `grid-item-${placed.key}`, ...place, body });
    this.built.set(placed.key, { panel: placed.panel, scoped, item });
    return item;
  }
}

function forget(built: Map<string, unknown>, keep: string[]) {
  const kept = new Set(keep);
  for (const key of [...built.keys()].filter((k) => !kept.has(k))) {
    built.delete(key);
  }
}
