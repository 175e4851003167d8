import { PanelPlugin } from '@grafana/data';
import { BarGaugeDisplayMode, BarGaugeNamePlacement, BarGaugeSizing, BarGaugeValueMode } from '@grafana/schema';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import { commonOptionsBuilder, sharedSingleStatPanelChangedHandler } from '@grafana/ui';

import { addOrientation, addReduceOptions } from '../shared/reduce';
import { BarGaugePanel } from './BarGaugePanel';

const category = ['Bar gauge'];

export const plugin = new PanelPlugin<Options>(BarGaugePanel)
  .useFieldConfig()
  .setPanelOptions((builder) => {
    addReduceOptions(builder);
    addOrientation(builder, category);
    builder
      .addRadio({
        path: 'displayMode',
        name: 'Display mode',
        category,
        defaultValue: BarGaugeDisplayMode.Gradient,
        settings: {
          options: [
            { value: BarGaugeDisplayMode.Gradient, label: 'Gradient' },
            { value: BarGaugeDisplayMode.Lcd, label: 'Retro LCD' },
            { value: BarGaugeDisplayMode.Basic, label: 'Basic' },
          ],
        },
      })
      .addRadio({
        path: 'valueMode',
        name: 'Value display',
        category,
        defaultValue: BarGaugeValueMode.Color,
        settings: {
          options: [
            { value: BarGaugeValueMode.Color, label: 'Value color' },
            { value: BarGaugeValueMode.Text, label: 'Text color' },
            { value: BarGaugeValueMode.Hidden, label: 'Hidden' },
          ],
        },
      })
      .addRadio({
        path: 'namePlacement',
        name: 'Name placement',
        category,
        defaultValue: BarGaugeNamePlacement.Auto,
        settings: {
          options: [
            { value: BarGaugeNamePlacement.Auto, label: 'Auto' },
            { value: BarGaugeNamePlacement.Top, label: 'Top' },
            { value: BarGaugeNamePlacement.Left, label: 'Left' },
            { value: BarGaugeNamePlacement.Hidden, label: 'Hidden' },
          ],
        },
      })
      .addBooleanSwitch({
        path: 'showUnfilled',
        name: 'Show unfilled area',
        category,
        defaultValue: true,
        showIf: (options) => options.displayMode !== BarGaugeDisplayMode.Lcd,
      })
      .addRadio({
        path: 'sizing',
        name: 'Bar size',
        category,
        defaultValue: BarGaugeSizing.Auto,
        settings: {
          options: [
            { value: BarGaugeSizing.Auto, label: 'Auto' },
            { value: BarGaugeSizing.Manual, label: 'Manual' },
          ],
        },
      });
    for (const [path, name, defaultValue, max] of [
      ['minVizWidth', 'Min width', 8, 300],
      ['minVizHeight', 'Min height', 16, 300],
      ['maxVizHeight', 'Max height', 300, 300],
    ] as const) {
      builder.addSliderInput({
        path,
        name,
        category,
        defaultValue,
        settings: { min: 0, max, step: 1 },
        showIf: (options) => options.sizing === BarGaugeSizing.Manual,
      });
    }
    commonOptionsBuilder.addLegendOptions(builder, false, false);
    commonOptionsBuilder.addTextSizeOptions(builder, { withTitle: true, withValue: true });
  })
  .setPanelChangeHandler(sharedSingleStatPanelChangedHandler);
