import { beforeEach, describe, expect, test } from 'vitest';

import {
  asked,
  board,
  browser,
  drag,
  forget,
  hasOrder,
  header,
  heading,
  keys,
  menuOf,
  open,
  panel,
  places,
  program,
  redo,
  row,
  rowMenu,
  save,
  saved,
  type Panel,
  undo,
  withBoards,
} from './hands.world';
import { until } from './program';

withBoards();

describe('panels', () => {
  beforeEach(() => open());

  test('are dragged, also into another row, and nothing is asked again', async () => {
    await drag(await header('Panel 3'), await header('Panel 1'));
    await hasOrder(3, 2, 1, 4, 5, 6, 7);
    const before = await browser.report();
    await drag(await header('Panel 2'), await header('Panel 5'));
    await hasOrder(3, 1, 4, 2, 6, 5, 7);
    expect(await browser.settled()).toHaveLength(before.length);
    expect((await browser.report()).filter((r) => r.key !== 'panel-8').every((r) => r.hasData)).toBe(true);
    expect(asked).toEqual([]);
    await save();
    const [first, second] = [places(await saved()), (await saved()).map((p) => p.id)];
    expect(second).toEqual([3, 1, 4, 2, 6, 5, 7]);
    await browser.goto('/d/one');
    await browser.settled();
    await hasOrder(3, 1, 4, 2, 6, 5, 7);
    expect(places(await saved())).toEqual(first);
  });

  test('are undone and done again, step by step, until nothing is left to save', async () => {
    const { page } = browser;
    await drag(await header('Panel 3'), await header('Panel 1'));
    await hasOrder(3, 2, 1, 4, 5, 6, 7);
    await keys('Panel 6', 'p', 'r');
    await hasOrder(3, 2, 1, 4, 5, 7);
    await undo();
    await hasOrder(3, 2, 1, 4, 5, 6, 7);
    await page.getByRole('button', { name: /^Undo: Move/ }).click();
    await hasOrder(1, 2, 3, 4, 5, 6, 7);
    await redo();
    await hasOrder(3, 2, 1, 4, 5, 6, 7);
    await page.keyboard.press('Control+y');
    await hasOrder(3, 2, 1, 4, 5, 7);
    expect(new Set(asked)).toEqual(new Set(['up * 6']));
  });

  test('are resized by their corner', async () => {
    const { page } = browser;
    const box = (await browser.panel('Panel 3').boundingBox())!;
    const corner = { x: box.x + box.width - 5, y: box.y + box.height - 5 };
    await browser.panel('Panel 3').hover();
    await drag(corner, { x: corner.x - box.width / 2, y: corner.y + 76 });
    await until('it is smaller and higher', async () => {
      const now = (await browser.panel('Panel 3').boundingBox())!;
      return now.width < box.width * 0.6 && now.height > box.height + 60;
    });
    await page.mouse.move(10, 500);
    expect(asked).toEqual([]);
    await save();
    expect(places(await saved())).toEqual(['1@0,0 8x5', '2@8,0 8x5', '3@16,0 4x7', '4@0,7 24x1', '5@0,8 8x5', '6@8,8 8x5', '7@0,13 24x1', ' 8@0,14 8x5']);
  });

  test('that are dropped where they were stay there and nothing is to be saved', async () => {
    const { page } = browser;
    const from = await header('Panel 2');
    await drag(from, { x: from.x + 3, y: from.y + 3 });
    await hasOrder(1, 2, 3, 4, 5, 6, 7);
    expect(await page.getByRole('button', { name: /^Undo/ }).count()).toBe(0);
  });

  test('are duplicated by menu and keys; only the new one asks', async () => {
    await menuOf('Panel 5', 'Duplicate');
    await hasOrder(1, 2, 3, 4, 5, 6, 9, 7);
    await browser.settled();
    expect(asked).toEqual(['up * 5']);
    await keys('Panel 6', 'p', 'd');
    await hasOrder(1, 2, 3, 4, 5, 6, 10, 9, 7);
    await save();
    const panels = await saved();
    expect(panels.find((p) => p.id === 10)).toEqual({ ...panels.find((p) => p.id === 6), id: 10, gridPos: { x: 16, y: 6, w: 8, h: 5 } });
  });

  test('that are removed come back by the button of the notice', async () => {
    const { page } = browser;
    await menuOf('Panel 1', 'Remove');
    await hasOrder(2, 3, 4, 5, 6, 7);
    const note = page.getByRole('status', { name: 'Panel “Panel 1” was removed' });
    await note.waitFor();
    await browser.screenshot('hands-notice');
    expect(asked).toEqual([]);
    await note.getByRole('button', { name: 'Undo' }).click();
    await hasOrder(1, 2, 3, 4, 5, 6, 7);
    await browser.settled();
    expect(asked).toEqual(['up * 1']);
    await heading('Panel 1').waitFor();
  });

  test('are moved by the keys alone', async () => {
    const { page } = browser;
    await page.mouse.move(5, 900);
    await browser.panel('Panel 2').locator('[tabindex="0"]').first().focus();
    for (const [key, ...wanted] of [
      ['ArrowLeft', 2, 1, 3, 4, 5, 6, 7],
      ['ArrowRight', 1, 2, 3, 4, 5, 6, 7],
    ] as const) {
      await page.keyboard.press('p');
      await page.keyboard.press(key);
      await hasOrder(...wanted);
    }
    expect(asked).toEqual([]);
  });

  test('show and hide their legend without asking again', async () => {
    const legend = browser.panel('Panel 1').locator('[data-testid^="data-testid VizLegend series"]');
    expect(await legend.count()).toBeGreaterThan(0);
    await keys('Panel 1', 'p', 'l');
    await until('the legend is gone', async () => (await legend.count()) === 0);
    await undo();
    await until('the legend is back', async () => (await legend.count()) > 0);
    expect(asked).toEqual([]);
  });

  test('are copied to another dashboard and tab, from the browser or from the clipboard', async () => {
    const { page } = browser;
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await menuOf('Panel 2', 'Copy');
    await page.getByText('Panel copied').waitFor();
    await browser.goto('/d/two');
    await browser.settled();
    forget();
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'Paste panel' }).click();
    await hasOrder(9, 2, 3, 1, 4, 5, 6, 7);
    await page.keyboard.press('Control+v');
    await hasOrder(10, 2, 3, 9, 1, 4, 5, 6, 7);
    await browser.settled();
    expect(asked).toEqual(['up * 2', 'up * 2']);
    await save();
    const panels = await saved('two');
    const [copy, original] = [9, 2].map((id) => panels.find((p) => p.id === id)!);
    expect({ ...copy, id: 2, gridPos: undefined }).toEqual({ ...original, gridPos: undefined });
  });

  test('that a clipboard only pretends to hold are refused with a reason', async () => {
    const { page } = browser;
    const paste = (text: string) =>
      page.evaluate((data) => {
        const transfer = new DataTransfer();
        transfer.setData('text/plain', data);
        document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true }));
      }, text);
    for (const [text, reason] of [
      ['{"a": 1}', 'A panel is a JSON object with a "type"'],
      ['{"type": "row", "title": "x"}', 'It is a row or a dashboard, not a panel'],
      ['{"type": ', 'It is not JSON'],
    ] as const) {
      await paste(text);
      await page.getByText(reason).waitFor();
    }
    await paste('plain words do nothing');
    await hasOrder(1, 2, 3, 4, 5, 6, 7);
    await paste(
      JSON.stringify({
        type: 'text',
        title: '<img src=x onerror="window.pwned=1">',
        gridPos: { x: -4, y: 1e15, w: 500, h: 1e9 },
        options: { mode: 'html', content: '<script>window.pwned=1</script><svg onload="window.pwned=1"></svg>' },
        links: [{ title: 'x', url: 'javascript:window.pwned=1' }],
      })
    );
    await hasOrder(9, 1, 2, 3, 4, 5, 6, 7);
    expect(await page.evaluate(() => (window as { pwned?: number }).pwned)).toBeUndefined();
    expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
  });
});

describe('rows', () => {
  beforeEach(() => open());

  test('are renamed, moved and deleted, alone or with their panels', async () => {
    const { page } = browser;
    await rowMenu('Row 4', 'Rename');
    await page.locator('#row-title').fill('Machines');
    await browser.screenshot('hands-rename');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Collapse row with title Machines' }).waitFor();
    await rowMenu('Machines', 'Move down');
    await hasOrder(1, 2, 3, 7, 4, 5, 6);
    await undo();
    await hasOrder(1, 2, 3, 4, 5, 6, 7);
    expect(asked).toEqual([]);

    await rowMenu('Machines', 'Delete');
    await page.getByRole('button', { name: 'Delete the row only' }).click();
    await hasOrder(1, 2, 3, 5, 6, 7);
    expect(asked).toEqual([]);
    await undo();
    await hasOrder(1, 2, 3, 4, 5, 6, 7);
    await rowMenu('Machines', 'Delete');
    await page.getByRole('button', { name: 'Delete it and its panels' }).click();
    await hasOrder(1, 2, 3, 7);
    await page.getByRole('status').getByRole('button', { name: 'Undo' }).last().click();
    await hasOrder(1, 2, 3, 4, 5, 6, 7);
    await save();
    const panels = await saved();
    expect(panels.find((p) => p.id === 4)!.title).toBe('Machines');
    expect(places(panels)).toEqual(places(board('one').panels as Panel[]));
  });

  test('that are closed are dragged with their panels, and never into another', async () => {
    const handle = (await browser.page.getByTestId('row-handle').boundingBox())!;
    const from = { x: handle.x + handle.width - 8, y: handle.y + handle.height / 2 };
    const top = (await browser.panel('Panel 1').boundingBox())!;
    await drag(from, { x: from.x, y: top.y + 5 });
    await hasOrder(7, 1, 2, 3, 4, 5, 6);
    expect(asked).toEqual([]);
    await save();
    const panels = await saved();
    expect(panels.map((p) => p.id)).toEqual([7, 1, 2, 3, 4, 5, 6]);
    expect(panels[0]!.panels!.map((p) => p.id)).toEqual([8]);
    await browser.goto('/d/one');
    await browser.settled();
    await hasOrder(7, 1, 2, 3, 4, 5, 6);
  });

  test('open and close without a change, and start as the menu says', async () => {
    const { page } = browser;
    await page.getByRole('button', { name: 'Collapse row with title Row 4' }).click();
    await hasOrder(1, 2, 3, 4, 7);
    expect(await page.getByRole('button', { name: /^Undo/ }).count()).toBe(0);
    await page.keyboard.press('d');
    await page.keyboard.press('Shift+E');
    await hasOrder(1, 2, 3, 4, 5, 6, 7, 8);
    await rowMenu('Row 4', 'Collapse when the dashboard opens');
    await save();
    expect((await saved()).map((p) => [p.id, p.panels?.map((inner) => inner.id) ?? []])).toEqual([
      [1, []],
      [2, []],
      [3, []],
      [4, [5, 6]],
      [7, [8]],
    ]);
  });
});

test('copies of repeats are not moved on their own', async () => {
  const model = board('one');
  const repeated = { ...panel(1, 0, 0, { repeat: 'n', maxPerRow: 2, title: 'Copy $n' }), gridPos: { x: 0, y: 0, w: 24, h: 4 } };
  await program.api('/api/dashboards/db', {
    method: 'POST',
    body: { dashboard: { ...model, panels: [repeated, { ...panel(2, 0, 4), gridPos: { x: 0, y: 4, w: 24, h: 5 } }] }, overwrite: true },
  });
  await open();
  await hasOrder(1, '1-clone-1', 2);
  const from = await header('Copy b');
  await drag(from, { x: from.x, y: from.y + 250 });
  await hasOrder(1, '1-clone-1', 2);
  expect(await browser.page.getByRole('button', { name: /^Undo/ }).count()).toBe(0);
  const source = await header('Copy a');
  await drag(source, { x: source.x, y: (await header('Panel 2')).y + 100 });
  await hasOrder(2, 1, '1-clone-1');
  expect(asked).toEqual([]);
});

test('what is dropped among the copies of a row goes back', async () => {
  const model = board('one');
  const panels = [panel(1, 0, 0), row(4, 5, { repeat: 'n', title: 'Row $n' }), panel(5, 0, 6)];
  await program.api('/api/dashboards/db', { method: 'POST', body: { dashboard: { ...model, panels }, overwrite: true } });
  await open();
  await hasOrder(1, 4, 5, '4-clone-1', '5-row-1');
  const from = await header('Panel 1');
  const copy = (await browser.page.locator('[data-griditem-key="grid-item-panel-5-row-1"]').boundingBox())!;
  await drag(from, { x: copy.x + copy.width / 2, y: copy.y + copy.height + 20 });
  await hasOrder(1, 4, 5, '4-clone-1', '5-row-1');
  const after = await header('Panel 1');
  expect(Math.abs(after.y - from.y)).toBeLessThan(5);
  expect(await browser.page.getByRole('button', { name: /^Undo/ }).count()).toBe(0);
  expect(asked).toEqual([]);
});

describe('the palette', () => {
  const palette = async (words: string, option: string) => {
    const { page } = browser;
    await page.keyboard.press('Control+k');
    await page.getByPlaceholder('Search dashboards, pages and actions').fill(words);
    await page.getByRole('option', { name: option }).first().waitFor();
    await page.keyboard.press('Enter');
  };

  test('knows what can be done with the dashboard, and every page', async () => {
    const { page } = browser;
    await open();
    await keys('Panel 1', 'p', 'd');
    await hasOrder(1, 2, 3, 9, 4, 5, 6, 7);
    await palette('undo', 'Undo: Duplicate the panel');
    await hasOrder(1, 2, 3, 4, 5, 6, 7);
    await page.keyboard.press('Control+k');
    await page.getByRole('option', { name: 'Kiosk mode' }).waitFor();
    await browser.screenshot('hands-palette');
    await page.keyboard.press('Escape');
    await palette('sett', 'Settings');
    const drawer = page.getByText('Dashboard settings');
    await drawer.waitFor();
    await until('the drawer has the focus', () => page.evaluate(() => Boolean(document.activeElement?.closest('[role=dialog]'))));
    await page.getByRole('button', { name: 'Cancel' }).click();
    await drawer.waitFor({ state: 'detached' });
    await palette('query log', 'Status: query log');
    await page.waitForURL(/\/admin\/queries/);
    await palette('board two', 'Board two');
    await page.waitForURL(/\/d\/two/);
    await palette('kiosk', 'Kiosk mode');
    await until('kiosk mode hides the header', async () => (await page.locator('header').count()) === 0);
  });

  test('offers a viewer no page and no action that would be refused', async () => {
    const { page } = browser;
    await open('one', ['vera', 'viewer password 1']);
    await page.keyboard.press('Control+k');
    await page.getByRole('option', { name: 'Kiosk mode' }).waitFor();
    const names = await page.getByRole('option').allInnerTexts();
    expect(names.filter((name) => /Add panel|Save|Paste|Settings:|Import|New|query log|Delete/.test(name))).toEqual([]);
    expect(names.join()).toContain('Targets');
  });
});

test('a viewer moves and removes nothing', async () => {
  const { page } = browser;
  await open('one', ['vera', 'viewer password 1']);
  await drag(await header('Panel 3'), await header('Panel 1'));
  await hasOrder(1, 2, 3, 4, 5, 6, 7);
  await keys('Panel 1', 'p', 'r');
  await keys('Panel 1', 'p', 'd');
  await keys('Panel 1', 'p', 'ArrowRight');
  await hasOrder(1, 2, 3, 4, 5, 6, 7);
  expect(await page.getByRole('button', { name: /^Menu of row/ }).count()).toBe(0);
  await menuOf('Panel 1');
  expect(await page.getByRole('menuitem', { name: /Remove|Duplicate|Edit/ }).count()).toBe(0);
});

test('a phone moves nothing', async () => {
  await browser.page.setViewportSize({ width: 700, height: 900 });
  await open();
  const from = await header('Panel 3');
  await drag(from, { x: from.x, y: from.y - 300 });
  await hasOrder(1, 2, 3, 4, 5, 6, 7);
  const box = (await browser.panel('Panel 1').boundingBox())!;
  await drag({ x: box.x + box.width - 5, y: box.y + box.height - 5 }, { x: box.x + 200, y: box.y + box.height + 80 });
  expect(await browser.page.getByRole('button', { name: /^Undo/ }).count()).toBe(0);
});

test('unsaved changes are asked about before they are lost', async () => {
  const { page } = browser;
  await browser.login();
  await browser.goto('/dashboards');
  await page.getByRole('link', { name: 'Board one' }).click();
  await page.waitForSelector('[data-testid=dashboard]');
  await browser.settled();
  await keys('Panel 1', 'p', 'r');
  await hasOrder(2, 3, 4, 5, 6, 7);
  const question = page.getByRole('dialog', { name: 'Leave without saving' });
  await page.keyboard.press('g');
  await page.keyboard.press('d');
  await question.waitFor();
  await browser.screenshot('hands-leave');
  await question.getByRole('button', { name: 'Stay' }).click();
  await question.waitFor({ state: 'detached' });
  expect(page.url()).toContain('/d/one');
  await hasOrder(2, 3, 4, 5, 6, 7);
  await page.goBack();
  await question.waitFor();
  await page.keyboard.press('Escape');
  await question.waitFor({ state: 'detached' });
  expect(page.url()).toContain('/d/one');
  await page.getByRole('navigation', { name: 'Main' }).getByText('Alerts').click();
  await question.getByRole('button', { name: 'Leave' }).click();
  await page.waitForURL(/\/alerts/);
});
