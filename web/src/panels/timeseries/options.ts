import type { OptionsWithLegend, OptionsWithTimezones, OptionsWithTooltip } from '@grafana/schema';

/** The panel options, with Grafana's names. */
export interface Options extends OptionsWithLegend, OptionsWithTooltip, OptionsWithTimezones {
  orientation?: string;
}
