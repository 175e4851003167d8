import { expect, test, vi } from 'vitest';

vi.mock('../boot/bootData', () => ({ bootData: { version: 'test' } }));
vi.mock('./registry', () => ({
  panelLoaders: { unknown: { name: 'Unknown panel type', load: async () => ({ plugin: { meta: undefined } }) } },
}));

const { importPanelPlugin } = await import('./panelImporter');

test.each(['__proto__', 'constructor', 'toString', 'no-such-panel'])('%s is a panel type that is not available', async (id) => {
  expect((await importPanelPlugin(id)).meta).toMatchObject({ id: 'unknown', name: 'Unknown panel type' });
});
