/** Text that would execute if a page rendered it as HTML. */
export const script = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>';

/** Alerts in every state, and receivers at a URL: one that accepts them and one that rejects them. */
export const files = (url: string) => ({
  'prometheus.yml': `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ['alertmanager:9093']}]}]}
scrape_configs:
- {job_name: prometheus, static_configs: [{targets: ['prometheus:9090']}]}
`,
  'rules.yml': JSON.stringify({
    groups: [
      {
        name: 'always',
        rules: [
          {
            alert: 'AlwaysFires',
            expr: 'vector(41) + 1',
            labels: { severity: 'critical', team: 'a', evil: script },
            annotations: { summary: `It fires ${script}`, runbook_url: 'javascript:window.pwned=1', dashboard: '/d/ausguck-host' },
          },
          {
            alert: 'GoesToNobody',
            expr: 'vector(1)',
            labels: { severity: 'warning', team: 'b' },
            annotations: { runbook_url: 'https://runbooks.example/x' },
          },
          { alert: 'IsInhibited', expr: 'vector(1)', labels: { team: 'a' } },
          { alert: 'IsPending', expr: 'vector(1)', for: '1h' },
          { alert: 'IsQuiet', expr: 'vector(0) > 1' },
          { alert: 'Fails', expr: 'up * on () {__name__=~"scrape_.+"}' },
          { record: 'job:made', expr: 'sum by (job) (up)' },
          { record: 'job:broken', expr: 'up * on () {__name__=~"scrape_.+"}' },
        ],
      },
    ],
  }),
  'alertmanager.yml': JSON.stringify({
    route: {
      receiver: 'hook',
      group_by: ['alertname'],
      group_wait: '0s',
      group_interval: '1s',
      repeat_interval: '1h',
      routes: [{ matchers: ['team="b"'], receiver: 'refusing' }],
    },
    inhibit_rules: [{ source_matchers: ['alertname="AlwaysFires"'], target_matchers: ['alertname="IsInhibited"'] }],
    receivers: [
      { name: 'hook', webhook_configs: [{ url: `${url}/` }] },
      { name: 'refusing', webhook_configs: [{ url: `${url}/refuse` }] },
    ],
  }),
});
