import { FieldColorModeId, PanelPlugin, type PanelProps, type TimeRange } from '@grafana/data';
import { config } from '@grafana/runtime';
import { createElement } from 'react';

import { addLegendOptions, addTooltipOptions } from '../shared/legendOptions';
import { addStateOptions, stateFieldConfig, type StateFieldConfig } from '../state-timeline/options';
import { historyRows } from '../state-timeline/rows';
import { StatePanel, type StateOptions } from '../state-timeline/StatePanel';

/** The panel options, with Grafana's names. */
export interface Options extends StateOptions {
  colWidth?: number;
}

const rowsOf = ({ data, options }: PanelProps<Options>, { from, to }: TimeRange) =>
  historyRows(data.series, config.theme2, options.colWidth ?? 0.9, to.valueOf() - from.valueOf());

function StatusHistoryPanel(props: PanelProps<Options>) {
  return createElement(StatePanel, { ...props, rowsOf, withDuration: false, alignValue: 'center' });
}

export const plugin = new PanelPlugin<Options, StateFieldConfig>(StatusHistoryPanel)
  .useFieldConfig(stateFieldConfig(FieldColorModeId.Thresholds, { lineWidth: 1, fillOpacity: 70 }))
  .setDataSupport({ annotations: true, alertStates: false })
  .setPanelOptions((builder) => {
    addStateOptions(builder);
    builder.addSliderInput({ path: 'colWidth', name: 'Column width', defaultValue: 0.9, settings: { min: 0, max: 1, step: 0.01 } });
    addLegendOptions(builder);
    addTooltipOptions(builder);
  });
