import { createTheme, FieldType, getDisplayProcessor, toDataFrame, type PanelData, type PanelProps } from '@grafana/data';
import { config } from '@grafana/runtime';
import type { SingleStatBaseOptions } from '@grafana/schema';
import { beforeAll, expect, test } from 'vitest';

import { reduceToDisplays } from './reduce';

const theme = createTheme();
beforeAll(() => {
  config.theme2 = theme;
});

test('a value that is not there has no color of thresholds', () => {
  const settings = { noValue: 'nothing', color: { mode: 'thresholds' }, thresholds: { mode: 'absolute', steps: [{ value: -Infinity, color: 'green' }] } };
  const frame = toDataFrame({ fields: ['none', 'one'].map((name, i) => ({ name, type: FieldType.number, config: settings, values: [i === 0 ? null : 1] })) });
  for (const field of frame.fields) {
    field.display = getDisplayProcessor({ field, theme });
  }
  const props = {
    data: { series: [frame] } as PanelData,
    options: { reduceOptions: { calcs: ['lastNotNull'] } },
    fieldConfig: { defaults: settings, overrides: [] },
    replaceVariables: (v: string) => v,
    timeZone: 'utc',
  };
  const displays = reduceToDisplays(props as unknown as PanelProps<SingleStatBaseOptions>);
  expect(displays.map(({ display }) => [display.text, display.color])).toEqual([
    ['nothing', theme.colors.text.secondary],
    ['1', theme.visualization.getColorByName('green')],
  ]);
});
