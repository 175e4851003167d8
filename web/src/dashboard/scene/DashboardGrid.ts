import { SceneGridLayout, SceneGridRow } from '@grafana/scenes';

import { isCopy, type Cell } from '../edit/movements';

type GridState = ConstructorParameters<typeof SceneGridLayout>[0];
/** One thing on the grid, as react-grid-layout has it, which comes without types. */
interface Placed {
  i: string;
  x: number;
  y: number;
  w: number;
  h: number;
  isDraggable?: boolean;
  isResizable?: boolean;
}

/** From here on panels lie beside each other; below each other they are not moved. */
const wide = 769;

const itemPrefix = 'grid-item-';

/**
 * The grid of a dashboard. What is dropped on it changes the dashboard's JSON and is laid out from that; the library's own way
 * clones what changes its row, which would ask all queries of both rows again.
 */
export class DashboardGrid extends SceneGridLayout {
  constructor(
    state: GridState,
    /** Takes what lies where now; false when that cannot be. */
    private readonly onMoved: (cells: Cell[], moved: string) => boolean
  ) {
    super(state);
    this.onDragStop = (layout: Placed[], _: unknown, item: Placed) => this.stop(layout, item.i);
    this.onResizeStop = (layout: Placed[], _: unknown, item: Placed) => this.stop(layout, item.i);
  }

  override buildGridLayout(width: number, height: number): Placed[] {
    const narrow = width < wide;
    return (super.buildGridLayout(width, height) as Placed[]).map((cell) => {
      const child = this.getSceneLayoutChild(cell.i);
      const fixed = narrow || isCopy(keyOf(cell.i));
      return fixed ? { ...cell, isDraggable: false, isResizable: false } : child instanceof SceneGridRow ? { ...cell, isResizable: false } : cell;
    });
  }

  private stop(layout: Placed[], item: string) {
    const cells = layout.map(({ i, x, y, w, h }): Cell => {
      const child = this.getSceneLayoutChild(i);
      return { key: keyOf(i), x, y, w, h, ...(child instanceof SceneGridRow && { closed: Boolean(child.state.isCollapsed) }) };
    });
    const before = this.places();
    if (!this.onMoved(cells, keyOf(item)) || this.places() === before) {
      this.putBack(layout);
    }
    // What the grid reports next is what it was just told about.
    this.ignoreLayoutChange(true);
  }

  /** The grid takes a layout over only when it differs from the last one that it was given: here, from what was dropped. */
  private putBack(layout: Placed[]) {
    const children = layout.map(({ i }) => this.getSceneLayoutChild(i));
    const were = children.map(({ state: { x, y, width, height } }) => ({ x, y, width, height }));
    children.forEach((child, i) => child.setState({ x: layout[i]!.x, y: layout[i]!.y, width: layout[i]!.w, height: layout[i]!.h }));
    this.setState({});
    setTimeout(() => {
      children.forEach((child, i) => child.setState(were[i]!));
      this.setState({});
    });
  }

  private places(): string {
    const one = ({ state: { key, x, y, width, height } }: GridState['children'][number]) => [key, x, y, width, height];
    return JSON.stringify(this.state.children.map((child) => [one(child), child instanceof SceneGridRow && child.state.children.map(one)]));
  }
}

function keyOf(item: string): string {
  return item.startsWith(itemPrefix) ? item.slice(itemPrefix.length) : item;
}
