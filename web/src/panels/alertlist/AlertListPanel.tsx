import { useMemo, useState } from 'react';
import { css } from '@emotion/css';
import { dateTime, formattedValueToString, getValueFormat, type GrafanaTheme2, type PanelProps } from '@grafana/data';
import { BigValue, BigValueColorMode, BigValueGraphMode, BigValueTextMode, IconButton, Icon, useStyles2, useTheme2, type IconName } from '@grafana/ui';

import { NoData } from '../shared/NoData';
import { itemsOf, parseMatchers, whyNone, type Alert, type AlertListOptions, type Item, type State } from './alerts';
import { useRules } from './useRules';

const looks: Record<State, { icon: IconName; color: (theme: GrafanaTheme2) => string; text: string }> = {
  firing: { icon: 'exclamation-circle', color: (theme) => theme.colors.error.text, text: 'Firing' },
  error: { icon: 'exclamation-triangle', color: (theme) => theme.colors.error.text, text: 'Error' },
  pending: { icon: 'clock-nine', color: (theme) => theme.colors.warning.text, text: 'Pending' },
  noData: { icon: 'question-circle', color: (theme) => theme.colors.info.text, text: 'No data' },
  normal: { icon: 'check-circle', color: (theme) => theme.colors.success.text, text: 'Normal' },
};

export function AlertListPanel({ options, timeRange, replaceVariables, width, height }: PanelProps<AlertListOptions>) {
  const styles = useStyles2(getStyles);
  const rules = useRules(options.datasource, timeRange);
  const name = replaceVariables(options.alertName ?? '');
  const labels = replaceVariables(options.alertInstanceLabelFilter ?? '');
  const { items, problem } = useMemo(() => {
    try {
      return { items: itemsOf(rules.groups, options, { name, labels: parseMatchers(labels) }), problem: undefined };
    } catch (error) {
      return { items: [], problem: (error as Error).message };
    }
  }, [rules.groups, options, name, labels]);
  const error = problem ?? rules.error;
  if (error !== undefined && items.length === 0) {
    return <NoData failure={error} />;
  }
  if (rules.loading) {
    return null;
  }
  if (options.viewMode === 'stat') {
    return <Count items={items} width={width} height={height} />;
  }
  if (items.length === 0) {
    return <NoData text={whyNone(rules.groups, options, name !== '' || labels.trim() !== '')} />;
  }
  return (
    <div className={styles.list} style={{ height }} tabIndex={0}>
      {error !== undefined && <div role="alert">{error}</div>}
      <ol>
        {items.map((item) => (
          <Entry key={item.key} item={item} openAtFirst={options.showInstances === true} />
        ))}
      </ol>
    </div>
  );
}

function Count({ items, width, height }: { items: Item[]; width: number; height: number }) {
  const theme = useTheme2();
  const count = items.reduce((sum, item) => sum + item.alerts.length, 0);
  const color = count > 0 ? theme.visualization.getColorByName('red') : theme.visualization.getColorByName('green');
  return (
    <BigValue
      width={width}
      height={height}
      theme={theme}
      colorMode={BigValueColorMode.Background}
      graphMode={BigValueGraphMode.None}
      textMode={BigValueTextMode.Auto}
      value={{ text: String(count), numeric: count, color }}
    />
  );
}

function Entry({ item, openAtFirst }: { item: Item; openAtFirst: boolean }) {
  const theme = useTheme2();
  const styles = useStyles2(getStyles);
  const [open, setOpen] = useState(openAtFirst);
  const look = looks[item.state];
  return (
    <li className={styles.item}>
      <div className={styles.head}>
        <Icon name={look.icon} style={{ color: look.color(theme) }} title={look.text} />
        <div className={styles.text}>
          <div className={styles.title}>{item.title}</div>
          <div className={styles.quiet}>
            <span style={{ color: look.color(theme) }}>{look.text}</span>
            {item.since !== undefined && ` for ${dateTime(item.since).fromNow(true)}`}
            {item.summary !== '' && ` · ${item.summary}`}
          </div>
          {item.error !== undefined && <div className={styles.quiet}>{item.error}</div>}
        </div>
        {item.alerts.length > 0 && (
          <div className={styles.count}>
            {item.alerts.length} {item.alerts.length === 1 ? 'instance' : 'instances'}
            <IconButton
              name={open ? 'angle-up' : 'angle-down'}
              aria-expanded={open}
              aria-label={open ? 'Hide instances' : 'Show instances'}
              onClick={() => setOpen(!open)}
            />
          </div>
        )}
      </div>
      {open && item.alerts.map((alert, i) => <Instance key={i} alert={alert} />)}
    </li>
  );
}

const short = getValueFormat('short');

function Instance({ alert }: { alert: Alert }) {
  const theme = useTheme2();
  const styles = useStyles2(getStyles);
  const look = looks[alert.state === 'firing' ? 'firing' : 'pending'];
  const value = Number(alert.value);
  return (
    <div className={styles.instance}>
      <span style={{ color: look.color(theme) }}>{look.text}</span>
      <span className={styles.labels}>
        {Object.entries(alert.labels)
          .filter(([key]) => key !== 'alertname')
          .map(([key, label]) => (
            <code key={key}>{`${key}=${label}`}</code>
          ))}
      </span>
      {alert.value !== undefined && !Number.isNaN(value) && <span>{formattedValueToString(short(value))}</span>}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ overflow: 'auto', '& ol': { listStyle: 'none', margin: 0 } }),
  item: css({
    padding: theme.spacing(0.75, 1),
    marginBottom: theme.spacing(0.5),
    background: theme.colors.background.secondary,
    borderRadius: theme.shape.radius.default,
  }),
  head: css({ display: 'flex', gap: theme.spacing(1), alignItems: 'center' }),
  text: css({ flexGrow: 1, minWidth: 0, overflowWrap: 'anywhere' }),
  title: css({ fontWeight: theme.typography.fontWeightMedium }),
  quiet: css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize }),
  count: css({
    display: 'flex',
    alignItems: 'center',
    whiteSpace: 'nowrap',
    color: theme.colors.text.secondary,
    fontSize: theme.typography.bodySmall.fontSize,
  }),
  instance: css({ display: 'flex', gap: theme.spacing(1), padding: theme.spacing(0.5, 0, 0, 3), fontSize: theme.typography.bodySmall.fontSize }),
  labels: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(0.5), flexGrow: 1, '& code': { overflowWrap: 'anywhere' } }),
});
