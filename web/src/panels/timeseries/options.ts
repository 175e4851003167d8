import type { OptionsWithLegend, OptionsWithTimezones, OptionsWithTooltip } from '@grafana/schema';

/** Options of the panel, as Grafana names them. */
export interface Options extends OptionsWithLegend, OptionsWithTooltip, OptionsWithTimezones {
  orientation?: string;
}
