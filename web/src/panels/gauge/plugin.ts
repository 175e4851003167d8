import { PanelPlugin } from '@grafana/data';
import { BarGaugeSizing } from '@grafana/schema';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen';
import { commonOptionsBuilder, sharedSingleStatPanelChangedHandler } from '@grafana/ui';

import { addOrientation, addReduceOptions } from '../shared/reduce';
import { GaugePanel } from './GaugePanel';

const category = ['Gauge'];

export const plugin = new PanelPlugin<Options>(GaugePanel)
  .useFieldConfig()
  .setPanelOptions((builder) => {
    addReduceOptions(builder);
    addOrientation(builder, category);
    builder
      .addRadio({
        path: 'shape',
        name: 'Style',
        category,
        defaultValue: 'gauge' as Options['shape'],
        settings: {
          options: [
            { value: 'gauge', label: 'Arc' },
            { value: 'circle', label: 'Circle' },
          ],
        },
      })
      .addSliderInput({ path: 'barWidthFactor', name: 'Bar width', category, defaultValue: 0.5, settings: { min: 0.1, max: 1, step: 0.05 } })
      .addSliderInput({ path: 'segmentCount', name: 'Segments', category, defaultValue: 1, settings: { min: 1, max: 100, step: 1 } })
      .addSliderInput({
        path: 'segmentSpacing',
        name: 'Segment spacing',
        category,
        defaultValue: 0.3,
        settings: { min: 0, max: 0.9, step: 0.05 },
        showIf: (options) => options.segmentCount > 1,
      })
      .addRadio({
        path: 'barShape',
        name: 'Bar shape',
        category,
        defaultValue: 'flat' as Options['barShape'],
        settings: {
          options: [
            { value: 'flat', label: 'Flat' },
            { value: 'rounded', label: 'Rounded' },
          ],
        },
        showIf: (options) => options.segmentCount === 1,
      })
      .addRadio({
        path: 'endpointMarker',
        name: 'Endpoint marker',
        category,
        defaultValue: 'point' as Options['endpointMarker'],
        settings: {
          options: [
            { value: 'point', label: 'Point' },
            { value: 'none', label: 'None' },
          ],
        },
        showIf: (options) => options.barShape === 'rounded' && options.segmentCount === 1,
      })
      .addNumberInput({
        path: 'neutral',
        name: 'Neutral value',
        description: 'The bar begins here; empty: at the minimum.',
        category,
        settings: { placeholder: 'Min' },
      })
      .addBooleanSwitch({ path: 'showThresholdMarkers', name: 'Show thresholds', category, defaultValue: true })
      .addBooleanSwitch({ path: 'showThresholdLabels', name: 'Show labels', category, defaultValue: false })
      .addBooleanSwitch({ path: 'sparkline', name: 'Show sparkline', category, defaultValue: false })
      .addBooleanSwitch({ path: 'effects.gradient', name: 'Gradient', category, defaultValue: false })
      .addBooleanSwitch({ path: 'effects.barGlow', name: 'Bar glow', category, defaultValue: false })
      .addBooleanSwitch({ path: 'effects.centerGlow', name: 'Center glow', category, defaultValue: false })
      .addSelect({
        path: 'textMode',
        name: 'Text mode',
        category,
        defaultValue: 'auto' as Options['textMode'],
        settings: {
          options: [
            { value: 'auto', label: 'Auto' },
            { value: 'value_and_name', label: 'Value and name' },
            { value: 'value', label: 'Value' },
            { value: 'name', label: 'Name' },
            { value: 'none', label: 'None' },
          ],
        },
      })
      .addRadio({
        path: 'sizing',
        name: 'Gauge size',
        category,
        defaultValue: BarGaugeSizing.Auto,
        settings: {
          options: [
            { value: BarGaugeSizing.Auto, label: 'Auto' },
            { value: BarGaugeSizing.Manual, label: 'Manual' },
          ],
        },
      });
    for (const [path, name] of [
      ['minVizWidth', 'Min width'],
      ['minVizHeight', 'Min height'],
    ] as const) {
      builder.addSliderInput({
        path,
        name,
        category,
        defaultValue: 75,
        settings: { min: 0, max: 600, step: 1 },
        showIf: (options) => options.sizing === BarGaugeSizing.Manual,
      });
    }
    commonOptionsBuilder.addTextSizeOptions(builder, { withTitle: true, withValue: true });
  })
  .setPanelChangeHandler(sharedSingleStatPanelChangedHandler);
