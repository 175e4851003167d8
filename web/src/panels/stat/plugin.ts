import { PanelPlugin } from '@grafana/data';
import { BigValueColorMode, BigValueGraphMode, BigValueJustifyMode, BigValueTextMode, PercentChangeColorMode } from '@grafana/schema';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import { commonOptionsBuilder, sharedSingleStatPanelChangedHandler } from '@grafana/ui';

import { addOrientation, addReduceOptions } from '../shared/reduce';
import { StatPanel } from './StatPanel';

const category = ['Stat styles'];

export const plugin = new PanelPlugin<Options>(StatPanel)
  .useFieldConfig()
  .setPanelOptions((builder) => {
    addReduceOptions(builder);
    addOrientation(builder, category);
    builder.addSelect({
      path: 'textMode',
      name: 'Text mode',
      category,
      defaultValue: BigValueTextMode.Auto,
      settings: {
        options: [
          { value: BigValueTextMode.Auto, label: 'Auto' },
          { value: BigValueTextMode.Value, label: 'Value' },
          { value: BigValueTextMode.ValueAndName, label: 'Value and name' },
          { value: BigValueTextMode.Name, label: 'Name' },
          { value: BigValueTextMode.None, label: 'None' },
        ],
      },
    });
    builder.addRadio({
      path: 'wideLayout',
      name: 'Wide layout',
      category,
      defaultValue: true,
      settings: {
        options: [
          { value: true, label: 'On' },
          { value: false, label: 'Off' },
        ],
      },
      showIf: (options) => options.textMode === BigValueTextMode.ValueAndName,
    });
    builder.addSelect({
      path: 'colorMode',
      name: 'Color mode',
      category,
      defaultValue: BigValueColorMode.Value,
      settings: {
        options: [
          { value: BigValueColorMode.None, label: 'None' },
          { value: BigValueColorMode.Value, label: 'Value' },
          { value: BigValueColorMode.Background, label: 'Background gradient' },
          { value: BigValueColorMode.BackgroundSolid, label: 'Background solid' },
        ],
      },
    });
    builder.addRadio({
      path: 'graphMode',
      name: 'Graph mode',
      category,
      defaultValue: BigValueGraphMode.Area,
      settings: {
        options: [
          { value: BigValueGraphMode.None, label: 'None' },
          { value: BigValueGraphMode.Area, label: 'Area' },
        ],
      },
    });
    builder.addRadio({
      path: 'justifyMode',
      name: 'Text alignment',
      category,
      defaultValue: BigValueJustifyMode.Auto,
      settings: {
        options: [
          { value: BigValueJustifyMode.Auto, label: 'Auto' },
          { value: BigValueJustifyMode.Center, label: 'Center' },
        ],
      },
    });
    builder.addBooleanSwitch({ path: 'showPercentChange', name: 'Show percent change', category, defaultValue: false });
    builder.addSelect({
      path: 'percentChangeColorMode',
      name: 'Percent change color mode',
      category,
      defaultValue: PercentChangeColorMode.Standard,
      settings: {
        options: [
          { value: PercentChangeColorMode.Standard, label: 'Standard' },
          { value: PercentChangeColorMode.Inverted, label: 'Inverted' },
          { value: PercentChangeColorMode.SameAsValue, label: 'Same as value' },
        ],
      },
      showIf: (options) => options.showPercentChange,
    });
    commonOptionsBuilder.addTextSizeOptions(builder, { withTitle: true, withValue: true, withPercentChange: true });
  })
  .setNoPadding()
  .setPanelChangeHandler(sharedSingleStatPanelChangedHandler);
