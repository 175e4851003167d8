import type { PanelPlugin } from '@grafana/data';

/** Name and code location of a panel type; the code is loaded when the first panel of the type is shown. */
export interface PanelLoader {
  name: string;
  // Each panel has its own types of options and field options.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  load: () => Promise<{ plugin: PanelPlugin<any, any> }>;
}

/** All panel types by the IDs used in dashboards. */
export const panelLoaders: Record<string, PanelLoader> = {
  timeseries: { name: 'Time series', load: () => import('./timeseries/plugin') },
  stat: { name: 'Stat', load: () => import('./stat/plugin') },
  gauge: { name: 'Gauge', load: () => import('./gauge/plugin') },
  bargauge: { name: 'Bar gauge', load: () => import('./bargauge/plugin') },
  table: { name: 'Table', load: () => import('./table/plugin') },
  text: { name: 'Text', load: () => import('./text/plugin') },
  unknown: { name: 'Unknown panel type', load: () => import('./unknown/plugin') },
  logs: { name: 'Logs', load: () => import('./logs/plugin') },
  alertlist: { name: 'Alert list', load: () => import('./alertlist/plugin') },
  dashlist: { name: 'Dashboard list', load: () => import('./dashlist/plugin') },
  piechart: { name: 'Pie chart', load: () => import('./piechart/plugin') },
  histogram: { name: 'Histogram', load: () => import('./histogram/plugin') },
  'state-timeline': { name: 'State timeline', load: () => import('./state-timeline/plugin') },
  'status-history': { name: 'Status history', load: () => import('./status-history/plugin') },
  heatmap: { name: 'Heatmap', load: () => import('./heatmap/plugin') },
  barchart: { name: 'Bar chart', load: () => import('./barchart/plugin') },
};
