import { PanelPlugin } from '@grafana/data';
import type { GraphFieldConfig, OptionsWithLegend, OptionsWithTimezones, OptionsWithTooltip } from '@grafana/schema';

import { addLegendOptions, addTooltipOptions } from '../shared/legendOptions';
import { graphFieldConfig } from './fieldConfig';
import { TimeSeriesPanel } from './TimeSeriesPanel';

/** Options of the panel, as Grafana names them. */
export interface Options extends OptionsWithLegend, OptionsWithTooltip, OptionsWithTimezones {
  orientation?: string;
}

export const plugin = new PanelPlugin<Options, GraphFieldConfig>(TimeSeriesPanel)
  .useFieldConfig(graphFieldConfig())
  .setDataSupport({ annotations: true, alertStates: false })
  .setPanelOptions((builder) => {
    addTooltipOptions(builder);
    addLegendOptions(builder);
  });
