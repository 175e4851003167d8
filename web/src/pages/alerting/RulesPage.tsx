import { formattedValueToString, getValueFormat } from '@grafana/data';
import { Alert, useStyles2 } from '@grafana/ui';
import { Link } from 'react-router-dom';

import { alerting, type Rule, type RuleGroup, type Labels } from '../../api/alerting';
import { MatcherInput, useFilter, useUrlParams, type UrlFilter } from '../../kit/MatcherInput';
import { graphPath, ruleLink, silenceLink } from '../../links/addresses';
import { wordsOf } from '../../links/matchers';
import { AlertingPage, Ago, getStyles, LabelList, mayEdit, OutsideLink, StateBadge, StateFilter } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { usePage } from '../../kit/page';
import { logsOfAlert } from '../../links/related';
import { Foldable } from '../../kit/Foldable';

const seconds = getValueFormat('s');
const short = getValueFormat('short');

/** With more rules than this, groups without problems are initially collapsed. */
const mostOpen = 30;

/** Alerting and recording rules by group, with the alerts of each. */
export default function RulesPage() {
  usePage({ breadcrumbs: [{ text: 'Alerts', to: '/alerts' }, { text: 'Rules' }] }, 'rules');
  const styles = useStyles2(getStyles);
  const [params, setParams] = useUrlParams();
  const filter = useFilter();
  const state = params.get('state') ?? '';
  const { data, error } = usePolled(['rules'], alerting.rules);
  const rules = data?.flatMap((g) => g.rules) ?? [];
  const shown = (data ?? [])
    .map((g) => ({ ...g, rules: g.rules.filter((r) => (state === '' || stateOf(r) === state) && isShown(r, g, filter)) }))
    .filter((g) => g.rules.length > 0);
  const number = (s: string) => rules.filter((r) => stateOf(r) === s).length;
  return (
    <AlertingPage error={error} loading={!data}>
      <div className={styles.bar}>
        <MatcherInput filter={filter} />
        <StateFilter
          value={state}
          all={`All (${rules.length})`}
          options={['firing', 'pending', 'failing', 'normal', 'recording'].map((s) => [s, `${s} (${number(s)})`])}
          onChange={(s) => setParams({ state: s })}
        />
      </div>
      {data?.length === 0 && (
        <Alert severity="info" title="There are no rules">
          Name their files in prometheus.yml under rule_files; `ausguck init` writes the built-in ones.
        </Alert>
      )}
      {data && data.length > 0 && shown.length === 0 && <Alert severity="info" title="No rules match the filter" />}
      {shown.map((group) => (
        <Group
          key={`${group.language}/${group.file}/${group.name}`}
          group={group}
          filter={filter}
          open={
            rules.length <= mostOpen || state !== '' || filter.text !== '' || group.rules.some((r) => ['firing', 'pending', 'failing'].includes(stateOf(r)))
          }
        />
      ))}
    </AlertingPage>
  );
}

function Group({ group, filter, open }: { group: RuleGroup; filter: UrlFilter; open: boolean }) {
  const styles = useStyles2(getStyles);
  return (
    <Foldable
      label={`Group ${group.name}`}
      open={open}
      head={
        <>
          <h2>{group.name}</h2>
          <span className={styles.quiet}>
            {group.rules.length} {group.rules.length === 1 ? 'rule' : 'rules'} · {group.language === 'logql' && 'LogQL · '}
            {group.file}
          </span>
          <span className={`${styles.quiet} ${styles.right}`}>
            <span>
              {group.lastEvaluation.startsWith('0001') ? (
                'not evaluated yet'
              ) : (
                <>
                  evaluated <Ago time={group.lastEvaluation} /> in {time(group.evaluationTime)}
                </>
              )}
              , every {time(group.interval)}
            </span>
          </span>
        </>
      }
    >
      <ul className={styles.list}>
        {group.rules.map((rule, i) => (
          <One key={i} rule={rule} language={group.language ?? 'promql'} filter={filter} />
        ))}
      </ul>
    </Foldable>
  );
}

function One({ rule, language, filter }: { rule: Rule; language: 'promql' | 'logql'; filter: UrlFilter }) {
  const styles = useStyles2(getStyles);
  const onPick = filter.pick;
  const own = filter.shows(ownLabels(rule), textsOf(rule));
  // If the filter matches the text of the rule itself, all of its alerts are shown.
  const alerts = (rule.alerts ?? []).filter((a) => filter.shows(a.labels, Object.values(a.annotations ?? {})) || (own && wordsOf(filter.text) !== undefined));
  return (
    <li className={styles.item} data-testid="rule" data-state={stateOf(rule)}>
      <div className={styles.line}>
        <StateBadge state={stateOf(rule)} />
        <span className={styles.title}>{rule.name}</span>
        <LabelList labels={rule.labels ?? {}} onPick={onPick} />
        <span className={styles.right}>
          <OutsideLink to={ruleLink(rule.annotations?.['dashboard'])}>Dashboard</OutsideLink>
          <OutsideLink to={ruleLink(rule.annotations?.['runbook_url'])}>Runbook</OutsideLink>
          {!rule.lastEvaluation.startsWith('0001') && (
            <span className={styles.quiet}>
              evaluated <Ago time={rule.lastEvaluation} />
            </span>
          )}
        </span>
      </div>
      <div className={styles.line}>
        <Link className={`${styles.link} ${styles.code}`} to={graphPath(rule.query, language)} title="Show the graph">
          {rule.query}
        </Link>
        {rule.duration ? <span className={styles.quiet}>for {time(rule.duration)}</span> : null}
      </div>
      {rule.lastError && (
        <div className={styles.error} role="alert">
          {rule.lastError}
        </div>
      )}
      {alerts.length > 0 && (
        <div className={styles.wide}>
          <table className={styles.table}>
            <thead>
              <tr>
                <th>State</th>
                <th>Labels</th>
                <th>Value</th>
                <th>Since</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {alerts.map((alert) => (
                <tr key={JSON.stringify(alert.labels)}>
                  <td data-label="State">
                    <StateBadge state={alert.state} />
                  </td>
                  <td data-label="Labels">
                    <LabelList labels={alert.labels} without={['alertname']} onPick={onPick} />
                    {alert.annotations?.['summary'] && <div className={styles.quiet}>{alert.annotations['summary']}</div>}
                  </td>
                  <td data-label="Value">{valueText(alert.value)}</td>
                  <td data-label="Since" className={styles.short}>
                    {alert.activeAt && <Ago time={alert.activeAt} />}
                  </td>
                  <td className={styles.short}>
                    <Link className={styles.link} to={`/alerts/receivers?labels=${encodeURIComponent(JSON.stringify(alert.labels))}`}>
                      Route
                    </Link>{' '}
                    {alert.activeAt && logsOfAlert(alert.labels, alert.activeAt) && (
                      <Link className={styles.link} to={logsOfAlert(alert.labels, alert.activeAt)!}>
                        Logs
                      </Link>
                    )}{' '}
                    {mayEdit() && (
                      <Link className={styles.link} to={silenceLink(alert.labels)}>
                        Silence
                      </Link>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </li>
  );
}

function stateOf(rule: Rule): string {
  if (rule.health === 'err') {
    return 'failing';
  }
  if (rule.type === 'recording') {
    return 'recording';
  }
  return rule.state === 'firing' || rule.state === 'pending' ? rule.state : 'normal';
}

/** A filter finds rules that match, and rules with matching alerts. */
function isShown(rule: Rule, group: RuleGroup, filter: UrlFilter): boolean {
  return (
    filter.shows(ownLabels(rule), [...textsOf(rule), group.name, group.file]) ||
    (rule.alerts ?? []).some((a) => filter.shows(a.labels, Object.values(a.annotations ?? {})))
  );
}

function ownLabels(rule: Rule): Labels {
  return rule.type === 'recording' ? (rule.labels ?? {}) : { ...rule.labels, alertname: rule.name };
}

function textsOf(rule: Rule): Array<string | undefined> {
  return [rule.name, rule.query, rule.lastError, ...Object.values(rule.annotations ?? {})];
}

function time(value: number): string {
  return formattedValueToString(seconds(value));
}

function valueText(value: string | undefined): string {
  const number = Number(value);
  return value === undefined ? '' : Number.isFinite(number) ? formattedValueToString(short(number)) : value;
}
