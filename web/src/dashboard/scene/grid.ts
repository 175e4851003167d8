import type { Panel } from '@grafana/schema';
import { SceneGridItem, SceneGridRow, type SceneGridItemLike, type VizPanel } from '@grafana/scenes';

import { DashboardRow } from './DashboardRow';
import { buildPanel, optionsOf, scopedVariables } from './panel';
import { expandRepeats, type PlacedPanel, type Section, type ValuesOf } from './repeats';

/** Builds the grid of a dashboard, and rebuilds it when a repeat changes, reusing unchanged panels. */
export class GridBuilder {
  private readonly built = new Map<string, { panel: Panel; scoped: string; item: SceneGridItem }>();
  private readonly rows = new Map<string, { row: SceneGridRow; scoped: string }>();

  constructor(private panels: Panel[]) {}

  /** Replaces the panels of the dashboard; unchanged ones stay on screen. */
  replace(panels: Panel[]) {
    this.panels = panels;
  }

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
    // Items that move to another row get a new parent.
    items.forEach((item) => item.clearParent());
    if (!row) {
      return items;
    }
    const scoped = JSON.stringify(row.scoped);
    const before = this.rows.get(row.key);
    if (before && before.scoped === scoped) {
      // An unchanged row keeps its panels on screen, including running queries, and stays open or collapsed.
      before.row.setState({ y: row.y, title: row.panel.title ?? '', children: items });
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
    const changed = before?.scoped === scoped ? changedParts(before.panel, placed.panel) : undefined;
    if (before && changed?.every((part) => part === 'gridPos' || part === 'options')) {
      before.item.setState(place);
      if (changed.includes('options')) {
        setOptions(before.item.state.body as VizPanel, placed.panel);
      }
      this.built.set(placed.key, { ...before, panel: placed.panel });
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

/**
 * The parts in which two panels differ. Movements create new objects with the same parts; after undo, parts may have
 * been parsed again.
 */
function changedParts(a: Panel, b: Panel): string[] {
  const [before, after] = [a, b] as unknown as Array<Record<string, unknown>>;
  return Object.keys({ ...before, ...after }).filter((key) => before![key] !== after![key] && JSON.stringify(before![key]) !== JSON.stringify(after![key]));
}

/** Applies changed options for the same queries, such as a hidden legend. */
function setOptions(body: VizPanel, panel: Panel) {
  const options = optionsOf(panel);
  if (body.getPlugin()) {
    body.onOptionsChange(options, true);
  } else {
    body.setState({ options });
  }
}
