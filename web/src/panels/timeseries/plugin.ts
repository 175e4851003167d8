import { PanelPlugin } from '@grafana/data';
import type { GraphFieldConfig } from '@grafana/schema';

import { addLegendOptions, addTooltipOptions } from '../shared/legendOptions';
import { graphFieldConfig } from './fieldConfig';
import type { Options } from './options';
import { TimeSeriesPanel } from './TimeSeriesPanel';

export const plugin = new PanelPlugin<Options, GraphFieldConfig>(TimeSeriesPanel)
  .useFieldConfig(graphFieldConfig())
  .setDataSupport({ annotations: true, alertStates: false })
  .setPanelOptions((builder) => {
    addTooltipOptions(builder);
    addLegendOptions(builder);
  });
