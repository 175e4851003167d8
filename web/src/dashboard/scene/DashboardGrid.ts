import { SceneGridLayout, SceneGridRow } from '@grafana/scenes';

import { isCopy, type Cell } from '../edit/movements';

type GridState = ConstructorParameters<typeof SceneGridLayout>[0];
/** An item of the grid in the format of react-grid-layout, which has no types. */
interface Placed {
  i: string;
  x: number;
  y: number;
  w: number;
  h: number;
  isDraggable?: boolean;
  isResizable?: boolean;
}

/** From this width on, panels are side by side; when they are stacked, they cannot be moved. */
const wide = 769;

const itemPrefix = 'grid-item-';

/**
 * The grid of a dashboard. A drop changes the dashboard's JSON, from which the layout is computed. The library would
 * instead clone objects that move to another row, which would run all queries of both rows again.
 */
export class DashboardGrid extends SceneGridLayout {
  constructor(
    state: GridState,
    /** Applies the new positions; returns false if they are invalid. */
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
    // The next change that the grid reports is the layout it was just given.
    this.ignoreLayoutChange(true);
  }

  /** The grid only accepts a layout that differs from the previous one, which here is the dropped layout. */
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
