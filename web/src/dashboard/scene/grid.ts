import type { Panel } from '@grafana/schema';
import { SceneGridItem, SceneGridRow, type SceneGridItemLike, type SceneObject, type VizPanel } from '@grafana/scenes';

import { buildPanel, scopedVariables } from './panel';
import { expandRepeats, type PlacedPanel, type Section, type ValuesOf } from './repeats';

/** Builds the grid of a dashboard, and builds it again when a repeat changes, with the panels that are still the same. */
export class GridBuilder {
  private readonly built = new Map<string, { panel: Panel; scoped: string; item: SceneGridItem }>();
  private readonly collapsed = new Map<string, boolean>();

  constructor(private readonly panels: Panel[]) {}

  children(valuesOf: ValuesOf): SceneGridItemLike[] {
    const sections = expandRepeats(this.panels, valuesOf);
    const keep = new Set(sections.flatMap((s) => s.panels.map((p) => p.key)));
    for (const key of this.built.keys()) {
      if (!keep.has(key)) {
        this.built.delete(key);
      }
    }
    return sections.flatMap((section) => this.section(section));
  }

  private section({ row, panels }: Section): SceneGridItemLike[] {
    const items = panels.map((p) => this.item(p));
    if (!row) {
      return items;
    }
    return [
      new SceneGridRow({
        key: row.key, title: row.panel.title ?? '', x: 0, y: row.y, width: 24, height: 1, isCollapsible: true,
        isCollapsed: this.collapsed.get(row.key) ?? row.collapsed, children: items, repeatSourceKey: row.source,
        $variables: row.scoped.length > 0 ? scopedVariables(row.scoped) : undefined,
      }),
    ];
  }

  /** Remembers which rows are open, so that a new set of copies does not close them. */
  rememberRows(children: SceneObject[]) {
    for (const child of children) {
      if (child instanceof SceneGridRow && child.state.key) {
        this.collapsed.set(child.state.key, child.state.isCollapsed ?? false);
      }
    }
  }

  private item(placed: PlacedPanel): SceneGridItem {
    const place = { x: placed.x, y: placed.y, width: placed.w, height: placed.h };
    const scoped = JSON.stringify(placed.scoped);
    const before = this.built.get(placed.key);
    if (before && before.panel === placed.panel && before.scoped === scoped) {
      before.item.clearParent();
      before.item.setState(place);
      return before.item;
    }
    const body: VizPanel = buildPanel(placed.panel, placed.key, placed.scoped);
    const item = new SceneGridItem({ key: `grid-item-${placed.key}`, ...place, body });
    this.built.set(placed.key, { panel: placed.panel, scoped, item });
    return item;
  }
}
