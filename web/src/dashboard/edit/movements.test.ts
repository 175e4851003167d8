import type { Dashboard } from '@grafana/schema';
import { describe, expect, test } from 'vitest';

import { migrateDashboard } from '../migrate';
import { overlap } from '../migrate/layout';
import { allPanels, sectionsOf, type PanelJson } from '../model';
import { expandRepeats, type ValuesOf } from '../scene/repeats';
import {
  arranged,
  duplicated,
  idOf,
  isCopy,
  legendToggled,
  nudged,
  pasted,
  removed,
  rowAdded,
  rowCollapsed,
  rowMoved,
  rowRemoved,
  rowRenamed,
  type Cell,
} from './movements';

const panel = (id: number, x: number, y: number, w = 12, h = 8, more: object = {}) =>
  ({ id, type: 'timeseries', title: `p${id}`, gridPos: { x, y, w, h }, ...more }) as unknown as PanelJson;
const row = (id: number, y: number, more: object = {}) =>
  ({ id, type: 'row', title: `r${id}`, collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [], ...more }) as unknown as PanelJson;
const closed = (id: number, y: number, ...panels: PanelJson[]) => row(id, y, { collapsed: true, panels });
const board = (...panels: PanelJson[]) => ({ title: 'Board', uid: 'u', panels }) as unknown as Dashboard;

/** Every panel with its position; those in collapsed rows are in brackets. */
function shape(model: Dashboard): string {
  const one = ({ id, type, gridPos: { x, y, w, h } = { x: 0, y: 0, w: 0, h: 0 } }: PanelJson) =>
    type === 'row' ? `row${id}@${y}` : `${id}@${x},${y} ${w}x${h}`;
  return (model.panels as PanelJson[]).map((p) => one(p) + (p.panels?.length ? `[${p.panels.map(one).join('; ')}]` : '')).join('; ');
}

/** The cells of a dashboard on screen. */
function screen(model: Dashboard, values: ValuesOf = () => undefined, isClosed: (key: string) => boolean | undefined = () => undefined): Cell[] {
  return expandRepeats(model.panels as PanelJson[], values, isClosed).flatMap(({ row: header, panels }) => [
    ...(header ? [{ key: header.key, x: 0, y: header.y, w: 24, h: 1, closed: header.collapsed }] : []),
    ...(header?.collapsed ? [] : panels.map(({ key, x, y, w, h }) => ({ key, x, y, w, h }))),
  ]);
}

/** The cells after a drop at another position, which pushes other cells away. */
function drop(cells: Cell[], key: string, to: Partial<Cell>): Cell[] {
  const moved = { ...cells.find((c) => c.key === key)!, ...to };
  const done: Cell[] = [moved];
  for (const cell of cells.filter((c) => c.key !== key).sort((a, b) => a.y - b.y || a.x - b.x)) {
    const at = { ...cell };
    for (let hit = done.find((d) => overlap(at, d)); hit; hit = done.find((d) => overlap(at, d))) {
      at.y = hit.y + hit.h;
    }
    done.push(at);
  }
  return done;
}

function moved(model: Dashboard, key: string, to: Partial<Cell>, values?: ValuesOf, isClosed?: (key: string) => boolean | undefined): Dashboard | undefined {
  return arranged(model, drop(screen(model, values, isClosed), key, to), key);
}

describe('a drag', () => {
  const two = board(panel(1, 0, 0), panel(2, 12, 0), panel(3, 0, 8, 24, 4));

  test.each([
    ['to the place of another moves that one down', 'panel-2', { x: 0 }, '2@0,0 12x8; 1@0,8 12x8; 3@0,16 24x4'],
    ['below all goes up as far as there is room', 'panel-1', { y: 100 }, '2@12,0 12x8; 3@0,8 24x4; 1@0,12 12x8'],
    ['of a corner makes it larger and moves what is below', 'panel-1', { h: 10 }, '1@0,0 12x10; 2@12,0 12x8; 3@0,10 24x4'],
    ['of a corner makes it narrower', 'panel-3', { w: 6 }, '1@0,0 12x8; 2@12,0 12x8; 3@0,8 6x4'],
    ['that ends where it began changes nothing', 'panel-1', {}, '1@0,0 12x8; 2@12,0 12x8; 3@0,8 24x4'],
  ])('%s', (_, key, to, expected) => {
    expect(shape(moved(two, key, to)!)).toBe(expected);
  });

  const rows = board(panel(1, 0, 0), row(2, 8), panel(3, 0, 9), closed(4, 17, panel(5, 0, 18)), row(6, 18), panel(7, 0, 19));

  test.each([
    ['into an open row', 'panel-1', { y: 3 }, 'row2@0; 3@0,1 12x8; 1@0,9 12x8; row4@17[5@0,18 12x8]; row6@18; 7@0,19 12x8'],
    ['out of its row', 'panel-3', { x: 12, y: 0 }, '1@0,0 12x8; 3@12,0 12x8; row2@8; row4@9[5@0,10 12x8]; row6@10; 7@0,11 12x8'],
    ['below a closed row, which does not swallow it', 'panel-7', { y: 18 }, '1@0,0 12x8; row2@8; 3@0,9 12x8; row4@17[5@0,18 12x8]; 7@0,18 12x8; row6@26'],
    ['of a closed row takes its panels along', 'panel-4', { y: 0 }, 'row4@0[5@0,1 12x8]; 1@0,1 12x8; row2@9; 3@0,10 12x8; row6@18; 7@0,19 12x8'],
    [
      'of a row among the panels of another puts it below them',
      'panel-4',
      { y: 9 },
      '1@0,0 12x8; row2@8; 3@0,9 12x8; row4@17[5@0,18 12x8]; row6@18; 7@0,19 12x8',
    ],
  ])('%s', (_, key, to, expected) => {
    const result =
      key === 'panel-1'
        ? arranged(
            rows,
            [...screen(rows).filter((c) => c.key !== key), { key, x: 0, y: 17, w: 12, h: 8 }].map((c) =>
              c.y >= 17 && c.key !== key ? { ...c, y: c.y + 8 } : c
            ),
            key
          )
        : moved(rows, key, to);
    expect(shape(result!)).toBe(expected);
  });

  test('below a row that was closed on the screen closes it in the dashboard too', () => {
    const model = board(panel(1, 0, 0), row(2, 8), panel(3, 0, 9));
    const isClosed = (key: string) => (key === 'panel-2' ? true : undefined);
    expect(shape(moved(model, 'panel-1', { y: 9 }, undefined, isClosed)!)).toBe('row2@0[3@0,1 12x8]; 1@0,1 12x8');
  });

  test('into a row that was opened on the screen leaves it closed in the dashboard, and others where they are', () => {
    const model = board(panel(1, 0, 0), closed(2, 8, panel(3, 0, 9)), panel(4, 0, 9));
    const isClosed = (key: string) => (key === 'panel-2' ? false : undefined);
    const cells: Cell[] = [
      { key: 'panel-2', x: 0, y: 0, w: 24, h: 1 },
      { key: 'panel-3', x: 0, y: 1, w: 12, h: 8 },
      { key: 'panel-1', x: 12, y: 1, w: 12, h: 8 },
      { key: 'panel-4', x: 0, y: 9, w: 12, h: 8 },
    ];
    expect(screen(model, undefined, isClosed)).toHaveLength(4);
    expect(shape(arranged(model, cells, 'panel-1')!)).toBe('row2@0[3@0,1 12x8; 1@12,1 12x8]; 4@0,1 12x8');
  });

  const values: ValuesOf = () => ['a', 'b', 'c'].map((value) => ({ value, text: value }));

  test('of a repeated panel moves its copies with it, and keeps its size', () => {
    const model = board(panel(1, 0, 0, 24, 4, { repeat: 'job', maxPerRow: 2 }), panel(2, 0, 4));
    expect(shape(moved(model, 'panel-2', { x: 12 }, values)!)).toBe('1@0,0 24x4; 2@12,4 12x8');
    expect(shape(moved(model, 'panel-1', { h: 6 }, values)!)).toBe('1@0,0 24x6; 2@0,6 12x8');
    expect(shape(moved(model, 'panel-1', { y: 40 }, values)!)).toBe('2@0,0 12x8; 1@0,8 24x4');
  });

  test('among the copies of a row is refused', () => {
    const model = board(panel(9, 0, 0), row(1, 8, { repeat: 'job' }), panel(2, 0, 9));
    expect(moved(model, 'panel-9', { x: 12, y: 25 }, values)).toBeUndefined();
    expect(shape(moved(model, 'panel-9', { x: 12, y: 9 }, values)!)).toBe('row1@0; 2@0,1 12x8; 9@12,1 12x8');
  });
});

describe('by the keys', () => {
  const model = board(panel(1, 0, 0), panel(2, 12, 0), panel(3, 0, 8, 6), row(4, 16), panel(5, 0, 17));

  test.each([
    ['right, past the neighbour', 1, 1, 0, '2@0,0 12x8; 1@12,0 12x8; 3@0,8 6x8; row4@16; 5@0,17 12x8'],
    ['left, past the neighbour', 2, -1, 0, '2@0,0 12x8; 1@12,0 12x8; 3@0,8 6x8; row4@16; 5@0,17 12x8'],
    ['right, where there is room', 3, 1, 0, '1@0,0 12x8; 2@12,0 12x8; 3@1,8 6x8; row4@16; 5@0,17 12x8'],
    ['left, at the edge', 1, -1, 0, '1@0,0 12x8; 2@12,0 12x8; 3@0,8 6x8; row4@16; 5@0,17 12x8'],
    ['down', 1, 0, 1, '3@0,0 6x8; 2@12,0 12x8; 1@0,8 12x8; row4@16; 5@0,17 12x8'],
    ['up', 3, 0, -1, '3@0,0 6x8; 2@12,0 12x8; 1@0,8 12x8; row4@16; 5@0,17 12x8'],
    ['up, at the top', 1, 0, -1, '1@0,0 12x8; 2@12,0 12x8; 3@0,8 6x8; row4@16; 5@0,17 12x8'],
    ['up, at the top of its row', 5, 0, -1, '1@0,0 12x8; 2@12,0 12x8; 3@0,8 6x8; row4@16; 5@0,17 12x8'],
  ])('%s', (_, id, dx, dy, expected) => {
    expect(shape(nudged(model, id, dx, dy))).toBe(expected);
  });
});

describe('a panel', () => {
  test('is duplicated beside itself where there is room, else below', () => {
    expect(shape(duplicated(board(panel(1, 0, 0)), 1))).toBe('1@0,0 12x8; 2@12,0 12x8');
    expect(shape(duplicated(board(panel(1, 0, 0), panel(7, 12, 0), panel(3, 0, 8)), 1))).toBe('1@0,0 12x8; 7@12,0 12x8; 8@0,8 12x8; 3@0,16 12x8');
    expect(shape(duplicated(board(closed(1, 0, panel(2, 0, 1))), 2))).toBe('row1@0[2@0,1 12x8; 3@12,1 12x8]');
  });

  test('that is removed lets what is below it up, in its row', () => {
    expect(shape(removed(board(panel(1, 0, 0), panel(2, 0, 8), row(3, 16), panel(4, 0, 17)), 1))).toBe('2@0,0 12x8; row3@8; 4@0,9 12x8');
    expect(shape(removed(board(closed(1, 0, panel(2, 0, 1), panel(3, 0, 9))), 2))).toBe('row1@0[3@0,1 12x8]');
  });

  test('that is not there is neither removed nor duplicated', () => {
    const model = board(panel(1, 0, 0));
    expect(removed(model, 2)).toBe(model);
    expect(duplicated(model, NaN)).toBe(model);
  });

  test('that is pasted comes first, with an id of its own', () => {
    expect(shape(pasted(board(row(1, 0), panel(2, 0, 1)), panel(2, 5, 77, 6, 4)))).toBe('3@0,0 6x4; row1@4; 2@0,5 12x8');
    expect(shape(pasted(board(), panel(2, 5, 77, 40, 4)))).toBe('1@0,0 24x4');
  });

  test('shows its legend or not', () => {
    const model = board(panel(1, 0, 0, 12, 8, { options: { legend: { showLegend: true, placement: 'right' } } }));
    const hidden = legendToggled(model, 1);
    expect((hidden.panels![0] as PanelJson).options).toEqual({ legend: { showLegend: false, placement: 'right' } });
    expect(legendToggled(hidden, 1)).toEqual(model);
    expect(legendToggled(board(panel(1, 0, 0)), 1)).toEqual(board(panel(1, 0, 0)));
  });
});

describe('a row', () => {
  const model = board(panel(1, 0, 0), row(2, 8), panel(3, 0, 9), closed(4, 17, panel(5, 0, 18)), panel(6, 0, 18), row(7, 26), panel(8, 0, 27));

  test('is renamed', () => {
    const { panels } = rowRenamed(model, 2, 'Other');
    expect(panels!.map((p) => p.title)).toEqual(['p1', 'Other', 'p3', 'r4', 'p6', 'r7', 'p8']);
    expect(rowRenamed(rowRenamed(model, 2, 'Other'), 2, 'r2')).toEqual(model);
  });

  test('is closed and opened again', () => {
    expect(shape(rowCollapsed(model, 7, true))).toBe('1@0,0 12x8; row2@8; 3@0,9 12x8; row4@17[5@0,18 12x8]; 6@0,18 12x8; row7@26[8@0,27 12x8]');
    expect(rowCollapsed(rowCollapsed(model, 7, true), 7, false)).toEqual(model);
    // When the row is opened, the panels below it become part of it, as the JSON format implies.
    expect(shape(rowCollapsed(model, 4, false))).toBe('1@0,0 12x8; row2@8; 3@0,9 12x8; row4@17; 5@0,18 12x8; 6@0,26 12x8; row7@34; 8@0,35 12x8');
  });

  test('goes alone or with its panels', () => {
    expect(shape(rowRemoved(model, 2, true))).toBe('1@0,0 12x8; row4@8[5@0,9 12x8]; 6@0,9 12x8; row7@17; 8@0,18 12x8');
    expect(shape(rowRemoved(model, 2, false))).toBe('1@0,0 12x8; 3@0,8 12x8; row4@16[5@0,17 12x8]; 6@0,17 12x8; row7@25; 8@0,26 12x8');
    expect(shape(rowRemoved(model, 4, false))).toBe('1@0,0 12x8; row2@8; 3@0,9 12x8; 5@0,17 12x8; 6@0,25 12x8; row7@33; 8@0,34 12x8');
  });

  test('changes places with the next, and takes along what is in neither', () => {
    expect(shape(rowMoved(model, 2, 1))).toBe('1@0,0 12x8; row4@8[5@0,9 12x8]; 6@0,9 12x8; row2@17; 3@0,18 12x8; row7@26; 8@0,27 12x8');
    expect(rowMoved(rowMoved(model, 2, 1), 2, -1)).toEqual(model);
    expect(rowMoved(model, 2, -1)).toBe(model);
    expect(rowMoved(model, 7, 1)).toBe(model);
  });

  test('is added below everything', () => {
    expect(shape(rowAdded(model)).endsWith('8@0,27 12x8; row9@35')).toBe(true);
    expect(shape(rowAdded(board()))).toBe('row1@0');
  });
});

/** Random numbers that are the same in every run. */
function random(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) >>> 0;
    return (state >>> 8) % below;
  };
}

function anyBoard(pick: (below: number) => number): Dashboard {
  let id = 1;
  const some = () =>
    Array.from({ length: pick(5) }, () => {
      const w = 1 + pick(24);
      return panel(
        id++,
        pick(25 - w),
        pick(30),
        w,
        1 + pick(9),
        pick(6) === 0 ? { repeat: 'v', repeatDirection: pick(2) ? 'v' : 'h', maxPerRow: 1 + pick(4) } : {}
      );
    });
  const parts = [
    ...some(),
    ...Array.from({ length: pick(4) }, (_, i) => row(id++, 40 * (i + 1), { collapsed: pick(2) === 0, panels: some(), ...(pick(5) === 0 && { repeat: 'v' }) })),
  ];
  const { dashboard } = migrateDashboard({
    title: 'Any',
    uid: 'any',
    schemaVersion: 42,
    panels: parts,
    templating: { list: [{ name: 'v', type: 'custom', query: 'a,b,c' }] },
  });
  return dashboard;
}

const values: ValuesOf = () => ['a', 'b', 'c'].map((value) => ({ value, text: value }));

/** A random movement, with what it may add and remove. */
function anyMovement(model: Dashboard, pick: (below: number) => number, isClosed: (key: string) => boolean | undefined): [string, Dashboard | undefined] {
  const all = allPanels(model);
  const panels = all.filter((p) => p.type !== 'row');
  const rows = all.filter((p) => p.type === 'row');
  const id = panels.length > 0 ? panels[pick(panels.length)]!.id! : 0;
  const rowId = rows.length > 0 ? rows[pick(rows.length)]!.id! : 0;
  const cells = screen(model, values, isClosed);
  const movable = cells.filter((c) => !isCopy(c.key) && (c.closed !== false || all.find((p) => p.id === idOf(c.key))!.type !== 'row'));
  switch (pick(8)) {
    case 0:
      return ['duplicate', duplicated(model, id)];
    case 1:
      return ['remove', removed(model, id)];
    case 2:
      return ['paste', pasted(model, panel(id, 3, 3, 1 + pick(24), 1 + pick(9)))];
    case 3:
      return ['move', rowMoved(model, rowId, pick(2) === 0 ? -1 : 1)];
    case 4:
      return ['move', pick(2) === 0 ? nudged(model, id, 0, pick(2) * 2 - 1) : nudged(model, id, pick(2) * 2 - 1, 0)];
    case 5:
      return ['remove', rowRemoved(model, rowId, pick(2) === 0)];
    default: {
      if (movable.length === 0) {
        return ['move', model];
      }
      const cell = movable[pick(movable.length)]!;
      const w = cell.closed === undefined ? 1 + pick(24) : 24;
      const h = cell.closed === undefined ? 1 + pick(9) : 1;
      return ['move', arranged(model, drop(cells, cell.key, { x: pick(25 - w), y: pick(120), w, h }), cell.key)];
    }
  }
}

/** Everything that movements must not change: all except positions and the contents of collapsed rows. */
function rest(model: Dashboard): Record<string, string> {
  return Object.fromEntries(allPanels(model).map(({ id, gridPos: _, panels: __, collapsed: ___, ...more }) => [String(id), JSON.stringify(more)]));
}

test('2000 movements of any dashboard leave no two panels in one place, ids unique, and the rest of the JSON as it was', () => {
  let moves = 0;
  let refused = 0;
  for (let seed = 1; seed <= 250; seed++) {
    const pick = random(seed);
    let model = anyBoard(pick);
    for (let step = 0; step < 8; step++) {
      const flips = new Map<string, boolean>(
        sectionsOf(model.panels as PanelJson[]).flatMap(({ row: header }) => (header && pick(4) === 0 ? [[`panel-${header.id}`, pick(2) === 0] as const] : []))
      );
      const frozen = JSON.stringify(model);
      const [kind, next] = anyMovement(model, pick, (key) => flips.get(key));
      expect(JSON.stringify(model)).toBe(frozen);
      if (!next) {
        refused++;
        continue;
      }
      moves++;
      const where = `seed ${seed}, step ${step}, ${kind}: ${shape(model)} → ${shape(next)}`;
      const lists = [next.panels as PanelJson[], ...(next.panels as PanelJson[]).map((p) => p.panels ?? [])];
      for (const list of lists) {
        const clash = list.some((a, i) => list.slice(i + 1).some((b) => overlap(a.gridPos!, b.gridPos!)));
        expect(clash, where).toBe(false);
      }
      const ids = allPanels(next).map((p) => p.id);
      expect(new Set(ids).size, where).toBe(ids.length);
      expect(
        allPanels(next).every(({ gridPos: { x, y, w, h } = { x: -1, y: 0, w: 0, h: 0 } }) => x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= 24),
        where
      ).toBe(true);
      const [before, after] = [rest(model), rest(next)];
      const kept = Object.keys(after).filter((id) => id in before);
      expect(Object.fromEntries(kept.map((id) => [id, after[id]])), where).toEqual(Object.fromEntries(kept.map((id) => [id, before[id]])));
      expect(Object.keys(before).length - kept.length > 0, where).toBe(kind === 'remove' && Object.keys(before).length > Object.keys(after).length);
      expect(Object.keys(after).length - kept.length <= (['duplicate', 'paste'].includes(kind) ? 1 : 0), where).toBe(true);
      const { panels: _, ...others } = next;
      const { panels: __, ...othersBefore } = model;
      expect(others).toEqual(othersBefore);
      // The server returns what was saved; nothing may move when it is loaded again.
      expect(shape(migrateDashboard(next).dashboard), where).toBe(shape(next));
      model = next;
    }
  }
  expect(moves).toBeGreaterThan(1800);
  expect(refused).toBeGreaterThan(5);
});
