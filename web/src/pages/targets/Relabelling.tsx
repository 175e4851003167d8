import { Alert, LoadingPlaceholder, useStyles2 } from '@grafana/ui';

import type { Labels } from '../../api/alerting';
import { system, type RelabelStep } from '../../api/system';
import { getStyles, LabelList } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';

/** The effect of each rule on the discovered labels. */
export function Relabelling({ pool, labels }: { pool: string; labels: Labels }) {
  const styles = useStyles2(getStyles);
  const { data, error } = usePolled(['relabelling', pool, labels], () => system.relabelSteps(pool, labels));
  if (error) {
    return (
      <Alert severity="error" title="The rules could not be loaded">
        {error}
      </Alert>
    );
  }
  if (!data) {
    return <LoadingPlaceholder text="" />;
  }
  const last = data.findIndex((step) => !step.keep);
  const steps = last < 0 ? data : data.slice(0, last + 1);
  return (
    <div data-testid="relabelling">
      <div className={styles.quiet}>Found with</div>
      <LabelList labels={labels} />
      {data.length === 0 && <div className={styles.quiet}>The job has no relabel_configs.</div>}
      <ol style={{ paddingLeft: 24, marginTop: 8 }}>
        {steps.map((step, i) => (
          <Step key={i} step={step} before={i === 0 ? labels : steps[i - 1]!.output} />
        ))}
      </ol>
    </div>
  );
}

function Step({ step, before }: { step: RelabelStep; before: Labels }) {
  const styles = useStyles2(getStyles);
  const changed = Object.fromEntries(Object.entries(step.output).filter(([name, value]) => before[name] !== value));
  const gone = Object.keys(before).filter((name) => !Object.hasOwn(step.output, name));
  return (
    <li>
      <code className={styles.code}>{ruleText(step.rule)}</code>
      {!step.keep ? (
        <div className={styles.error}>drops the target</div>
      ) : Object.keys(changed).length + gone.length === 0 ? (
        <div className={styles.quiet}>changes nothing</div>
      ) : (
        <div className={styles.line}>
          → <LabelList labels={changed} /> {gone.length > 0 && <span className={styles.quiet}>without {gone.join(', ')}</span>}
        </div>
      )}
    </li>
  );
}

/** A rule on one line, without default values. */
export function ruleText({ source_labels, regex, target_label, replacement, action, separator }: RelabelStep['rule']): string {
  const parts = [
    source_labels?.length && `source_labels: [${source_labels.join(', ')}]`,
    separator && separator !== ';' && `separator: ${JSON.stringify(separator)}`,
    regex && regex !== '(.*)' && `regex: ${regex}`,
    target_label && `target_label: ${target_label}`,
    replacement !== undefined && replacement !== '$1' && action === 'replace' && `replacement: ${replacement}`,
    action !== 'replace' && `action: ${action}`,
  ];
  return parts.filter(Boolean).join(', ');
}
