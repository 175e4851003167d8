export const config = `global: {scrape_interval: 1s}
scrape_configs:
- {job_name: prometheus, static_configs: [{targets: ['prometheus:9090']}]}
- {job_name: node-exporter, static_configs: [{targets: ['node-exporter:9100']}]}
`;

/** A dashboard for trying things out. */
export const sample = {
  uid: 'sample',
  title: 'Sample',
  schemaVersion: 42,
  time: { from: 'now-5m', to: 'now' },
  templating: {
    list: [
      {
        name: 'mode',
        type: 'query',
        query: 'label_values(node_cpu_seconds_total, mode)',
        datasource: { type: 'prometheus', uid: 'prometheus' },
        refresh: 1,
        sort: 1,
      },
    ],
  },
  panels: [
    {
      id: 1,
      type: 'timeseries',
      title: 'CPU $mode',
      gridPos: { x: 0, y: 0, w: 24, h: 10 },
      datasource: { type: 'prometheus', uid: 'prometheus' },
      targets: [{ refId: 'A', expr: 'sum by (cpu) (rate(node_cpu_seconds_total{mode="$mode"}[1m]))', legendFormat: 'cpu {{cpu}}' }],
      options: { legend: { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] }, tooltip: { mode: 'multi', sort: 'none' } },
      fieldConfig: { defaults: {}, overrides: [] },
    },
  ],
};
