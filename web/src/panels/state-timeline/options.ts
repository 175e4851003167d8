import {
  FieldConfigProperty,
  FieldColorModeId,
  type Field,
  type FieldConfigEditorBuilder,
  type PanelOptionsEditorBuilder,
  type SetFieldConfigOptionsArgs,
} from '@grafana/data';
import { AxisPlacement, VisibilityMode, type HideableFieldConfig } from '@grafana/schema';

import { addPlain, isGraphable } from '../timeseries/fieldConfig';
import type { GapConfig } from './rows';
import type { StateOptions } from './StatePanel';

/** Field options of the state panels. */
export interface StateFieldConfig extends GapConfig {
  lineWidth?: number;
  fillOpacity?: number;
  axisPlacement?: AxisPlacement;
  axisWidth?: number;
  hideFrom?: HideableFieldConfig['hideFrom'];
}

export function stateFieldConfig(color: FieldColorModeId, defaults: StateFieldConfig): SetFieldConfigOptionsArgs<StateFieldConfig> {
  return {
    standardOptions: { [FieldConfigProperty.Color]: { settings: { byValueSupport: true }, defaultValue: { mode: color } } },
    useCustomConfig: (builder: FieldConfigEditorBuilder<StateFieldConfig>) => {
      const shouldApply = (field: Field) => isGraphable(field);
      builder
        .addSliderInput({ path: 'lineWidth', name: 'Line width', defaultValue: defaults.lineWidth, settings: { min: 0, max: 10, step: 1 }, shouldApply })
        .addSliderInput({ path: 'fillOpacity', name: 'Fill opacity', defaultValue: defaults.fillOpacity, settings: { min: 0, max: 100, step: 1 }, shouldApply })
        .addRadio({
          path: 'axisPlacement',
          name: 'Axis placement',
          defaultValue: AxisPlacement.Auto,
          settings: {
            options: [
              { value: AxisPlacement.Auto, label: 'Auto' },
              { value: AxisPlacement.Hidden, label: 'Hidden' },
            ],
          },
          shouldApply,
        });
      const hidden = { ...defaults, hideFrom: { legend: false, tooltip: false, viz: false } };
      addPlain(builder, ['spanNulls', 'insertNulls', 'axisWidth', 'hideFrom'], hidden, shouldApply);
    },
  };
}

export function addStateOptions<T extends StateOptions>(builder: PanelOptionsEditorBuilder<T>) {
  builder
    .addRadio({
      path: 'showValue',
      name: 'Show values',
      defaultValue: VisibilityMode.Auto,
      settings: {
        options: [
          { value: VisibilityMode.Auto, label: 'Auto' },
          { value: VisibilityMode.Always, label: 'Always' },
          { value: VisibilityMode.Never, label: 'Never' },
        ],
      },
    })
    .addSliderInput({ path: 'rowHeight', name: 'Row height', defaultValue: 0.9, settings: { min: 0, max: 1, step: 0.01 } })
    .addNumberInput({ path: 'perPage', name: 'Rows per page', description: '0: all rows on one page', defaultValue: 20, settings: { min: 0, integer: true } });
}
