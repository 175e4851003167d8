import {
  getFieldDisplayValues,
  ReducerID,
  standardEditorsRegistry,
  VizOrientation,
  type FieldDisplay,
  type PanelData,
  type PanelOptionsEditorBuilder,
  type PanelProps,
} from '@grafana/data';
import type { SingleStatBaseOptions } from '@grafana/schema';
import { config } from '@grafana/runtime';

import { mostSeries } from './mostSeries';

type ReduceProps = Pick<PanelProps<SingleStatBaseOptions>, 'options' | 'replaceVariables' | 'fieldConfig' | 'timeZone' | 'data'>;

interface Extras {
  sparkline?: boolean;
  percentChange?: boolean;
}

/** The values of a panel that reduces fields: one per field and calculation, or per row. */
export function reduceToDisplays(props: ReduceProps, extras: Extras = {}): FieldDisplay[] {
  const { options, replaceVariables, fieldConfig, timeZone, data } = props;
  const displays = getFieldDisplayValues({
    fieldConfig,
    reduceOptions: { ...options.reduceOptions, calcs: options.reduceOptions?.calcs?.length ? options.reduceOptions.calcs : [ReducerID.lastNotNull] },
    replaceVariables,
    theme: config.theme2,
    data: data.series,
    timeZone,
    ...extras,
  });
  return (options.reduceOptions?.values ? displays : displays.slice(0, mostSeries)).map((each) =>
    isEmpty(each) ? { ...each, display: { ...each.display, color: config.theme2.colors.text.secondary } } : each
  );
}

/** Whether the queries of a panel returned nothing. */
export function hasNothing(data: PanelData): boolean {
  return data.series.every((frame) => frame.length === 0);
}

/** A missing value, to which thresholds would give the color of the lowest step: often green. */
function isEmpty({ display, field }: FieldDisplay): boolean {
  return Number.isNaN(display.numeric) && ['', 'No data', field.noValue].includes(display.text);
}

const category = ['Value options'];

/** The options shared by all panels that reduce fields to values. */
export function addReduceOptions<T extends SingleStatBaseOptions>(builder: PanelOptionsEditorBuilder<T>): void {
  builder
    .addRadio({
      path: 'reduceOptions.values',
      name: 'Show',
      category,
      settings: {
        options: [
          { value: false, label: 'Calculate' },
          { value: true, label: 'All values' },
        ],
      },
      defaultValue: false,
    })
    .addNumberInput({
      path: 'reduceOptions.limit',
      name: 'Limit',
      category,
      settings: { placeholder: '25', integer: true, min: 1, max: 5000 },
      showIf: (options) => options.reduceOptions?.values === true,
    })
    .addCustomEditor({
      id: 'reduceOptions.calcs',
      path: 'reduceOptions.calcs',
      name: 'Calculation',
      category,
      editor: standardEditorsRegistry.getIfExists('stats-picker')?.editor ?? (() => null),
      defaultValue: [ReducerID.lastNotNull],
      showIf: (options) => options.reduceOptions?.values !== true,
    })
    .addTextInput({
      path: 'reduceOptions.fields',
      name: 'Fields',
      description: 'A field name, or a regular expression between slashes. Empty: all fields with numbers.',
      category,
      settings: { placeholder: 'Numeric fields' },
      defaultValue: '',
    });
}

export function addOrientation<T extends SingleStatBaseOptions>(builder: PanelOptionsEditorBuilder<T>, section: string[]): void {
  builder.addRadio({
    path: 'orientation',
    name: 'Orientation',
    category: section,
    settings: {
      options: [
        { value: VizOrientation.Auto, label: 'Auto' },
        { value: VizOrientation.Horizontal, label: 'Horizontal' },
        { value: VizOrientation.Vertical, label: 'Vertical' },
      ],
    },
    defaultValue: VizOrientation.Auto,
  });
}
