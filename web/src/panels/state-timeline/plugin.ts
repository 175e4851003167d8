import { FieldColorModeId, PanelPlugin, type PanelProps, type TimeRange } from '@grafana/data';
import { config } from '@grafana/runtime';
import type { TimelineValueAlignment } from '@grafana/schema';
import { createElement } from 'react';

import { addLegendOptions, addTooltipOptions } from '../shared/legendOptions';
import { addStateOptions, stateFieldConfig, type StateFieldConfig } from './options';
import { timelineRows } from './rows';
import { StatePanel, type StateOptions } from './StatePanel';

/** The panel options, with Grafana's names. */
export interface Options extends StateOptions {
  mergeValues?: boolean;
  alignValue?: TimelineValueAlignment;
}

const rowsOf = ({ data, options }: PanelProps<Options>, timeRange: TimeRange) =>
  timelineRows(data.series, config.theme2, timeRange.to.valueOf(), options.mergeValues ?? true);

function StateTimelinePanel(props: PanelProps<Options>) {
  return createElement(StatePanel, { ...props, rowsOf, withDuration: true, alignValue: props.options.alignValue ?? 'left' });
}

export const plugin = new PanelPlugin<Options, StateFieldConfig>(StateTimelinePanel)
  .useFieldConfig(stateFieldConfig(FieldColorModeId.ContinuousGrYlRd, { lineWidth: 0, fillOpacity: 70, spanNulls: false, insertNulls: false }))
  .setDataSupport({ annotations: true, alertStates: false })
  .setPanelOptions((builder) => {
    builder.addBooleanSwitch({ path: 'mergeValues', name: 'Merge equal consecutive values', defaultValue: true });
    addStateOptions(builder);
    builder.addRadio({
      path: 'alignValue',
      name: 'Align values',
      defaultValue: 'left' as TimelineValueAlignment,
      settings: {
        options: [
          { value: 'left', label: 'Left' },
          { value: 'center', label: 'Center' },
          { value: 'right', label: 'Right' },
        ],
      },
    });
    addLegendOptions(builder);
    addTooltipOptions(builder);
  });
