import { css } from '@emotion/css';
import { dateTime, rangeUtil, type GrafanaTheme2 } from '@grafana/data';
import { locationService } from '@grafana/runtime';
import { Alert, Button, Combobox, IconButton, RadioButtonGroup, RefreshPicker, useStyles2 } from '@grafana/ui';
import { lazy, Suspense, useCallback, useEffect, useState } from 'react';
import { Navigate, useLocation, useSearchParams } from 'react-router-dom';

import { usePage } from '../../kit/page';
import { may } from '../../boot/role';
import { copyText } from '../../dashboard/scene/panelActions';
import { address } from '../../runtime/backendSrv';
import { Graph } from './Graph';
import { remember, type Past } from './history';
import { InstantTable } from './InstantTable';
import { isLines, proxyOf } from './source';
import { inputsOf, paramsOf, queriesOf, queriesOfExplore, rangeOf, secondsOf, tabOf, type QueryState, type Tab } from '../../links/explore';
import { languageOf, nameOf, nameOfDefault, sources, uidOf } from '../../links/sources';
import type { AnswerProps } from './answer';

const PromqlEditor = lazy(async () => ({ default: (await import('../../dashboard/edit/PromqlEditor')).PromqlEditor }));
const LogqlEditor = lazy(async () => ({ default: (await import('./logs/LogqlEditor')).LogqlEditor }));
const LogsAnswer = lazy(async () => ({ default: (await import('./logs/LogsAnswer')).LogsAnswer }));
const Explain = lazy(async () => ({ default: (await import('./Explain')).Explain }));
const HistoryModal = lazy(() => import('./HistoryModal'));
const AddToDashboard = lazy(() => import('./AddToDashboard'));

/** Redirects URLs of Grafana's Explore, which the Loki ruler uses in alerts, to the same queries here. */
export function ExploreLink() {
  const [params] = useSearchParams();
  const { pathname } = useLocation();
  return params.has('left') || params.has('panes') ? (
    <Navigate replace to={{ pathname, search: paramsOf(queriesOfExplore(params)).toString() }} />
  ) : (
    <ExplorePage />
  );
}

/** Expressions and their results, at the same URLs as Prometheus's own page: links in alerts lead here. */
export default function ExplorePage() {
  const [dialog, setDialog] = useState(false);
  const [params] = useSearchParams();
  const { pathname } = useLocation();
  const queries = queriesOf(params);
  const refresh = params.get('refresh') ?? '';
  const { round, again } = useRounds(refresh);
  const set = (next: QueryState[]) =>
    locationService.push({ pathname, search: `${paramsOf(next).toString()}${refresh && `&refresh=${encodeURIComponent(refresh)}`}` });
  const styles = useStyles2(getStyles);
  const actions = (
    <>
      <Button size="sm" variant="secondary" icon="history" onClick={() => setDialog(true)}>
        History
      </Button>
      <Button size="sm" variant="secondary" icon="share-alt" onClick={() => copyText(shareLink(), 'Link copied')}>
        Share
      </Button>
      <RefreshPicker
        value={refresh}
        intervals={refreshIntervals}
        tooltip="Ask again"
        onRefresh={again}
        onIntervalChanged={(interval) => locationService.partial({ refresh: interval || null })}
      />
    </>
  );
  usePage({ breadcrumbs: [{ text: 'Explore' }], actions }, `explore ${refresh}`);
  const choose = ({ expr, language }: Past) => {
    setDialog(false);
    const last = queries[queries.length - 1]!;
    set([
      ...queries.slice(0, -1),
      {
        ...pick(last, ['range_input', 'end_input']),
        expr,
        tab: '0',
        source: languageOf(last['source']) === language ? (last['source'] ?? '') : language === 'logql' ? 'loki' : '',
      },
    ]);
  };
  return (
    <div className={styles.page}>
      {queries.map((query, i) => (
        <Query
          key={i}
          query={query}
          number={i + 1}
          round={round}
          onChange={(part) => set(queries.map((q, j) => (j === i ? { ...q, ...part } : q)))}
          onRemove={queries.length > 1 ? () => set(queries.filter((_, j) => j !== i)) : undefined}
        />
      ))}
      <div>
        <Button
          icon="plus"
          variant="secondary"
          onClick={() => set([...queries, { ...pick(queries[queries.length - 1]!, ['range_input', 'end_input', 'source', 'tab']), expr: ' ' }])}
        >
          Add query
        </Button>
      </div>
      <Suspense fallback={null}>{dialog && <HistoryModal onChoose={choose} onClose={() => setDialog(false)} />}</Suspense>
    </div>
  );
}

function pick(query: QueryState, names: string[]): QueryState {
  return Object.fromEntries(Object.entries(query).filter(([name]) => names.includes(name)));
}

/** The URL of this page with absolute times. */
function shareLink(): string {
  const queries = queriesOf(new URLSearchParams(window.location.search)).map((q) => {
    const { from, to } = rangeUtil.convertRawToRange(rangeOf(q));
    return { ...q, live: '', ...inputsOf({ from: dateTime(from), to: dateTime(to) }) };
  });
  return new URL(address(`/explore?${paramsOf(queries).toString()}`), window.location.href).href;
}

const refreshIntervals = ['5s', '10s', '30s', '1m', '5m', '15m'];

/** Counts how often the queries run: on request and, while the page is visible, at each interval. */
function useRounds(refresh: string) {
  const [round, setRound] = useState(0);
  const seconds = secondsOf(refresh);
  useEffect(() => {
    if (seconds !== undefined) {
      const timer = setInterval(() => document.visibilityState === 'visible' && setRound((n) => n + 1), Math.max(1, seconds) * 1000);
      return () => clearInterval(timer);
    }
    return undefined;
  }, [seconds]);
  const again = useCallback(() => setRound((n) => n + 1), []);
  return { round, again };
}

interface Props {
  query: QueryState;
  number: number;
  round: number;
  onChange: (part: QueryState) => void;
  onRemove?: () => void;
}

function Query({ query, number, round: asked, onChange, onRemove }: Props) {
  const expr = (query['expr'] ?? '').trim();
  // Links without a source are those of alerts, which the built-in data sources evaluate; a new query starts at the default one.
  const name = query['source'] || (expr === '' ? nameOfDefault() : '');
  const language = languageOf(name);
  const source = uidOf(name);
  const styles = useStyles2(getStyles);
  const [{ text, of }, setDraft] = useState({ text: expr, of: expr });
  const setText = (next: string) => setDraft({ text: next, of: expr });
  const [adding, setAdding] = useState(false);
  // Each run repeats the query, even if nothing has changed.
  const [round, setRound] = useState(0);
  if (of !== expr) {
    setText(expr);
  }
  useEffect(() => {
    if (expr !== '') {
      remember(expr, language);
    }
  }, [expr, language]);
  const run = (asked: boolean) => {
    if (text.trim() !== expr) {
      onChange({ expr: text.trim(), ...(name && { source: name }) });
    } else if (asked) {
      setRound(round + 1);
    }
  };
  return (
    <section className={styles.query} aria-label={`Query ${number}`} data-testid="query">
      <div className={styles.line}>
        <div className={styles.editor}>
          <Suspense fallback={<code>{text}</code>}>
            {language === 'logql' ? (
              <LogqlEditor value={text} source={source} onChange={setText} onRun={run} />
            ) : (
              <PromqlEditor value={text} url={source && proxyOf(source)} onChange={setText} onRun={run} />
            )}
          </Suspense>
        </div>
        <Combobox
          aria-label="Data source"
          width="auto"
          minWidth={18}
          maxWidth={36}
          value={source ?? null}
          placeholder="No data source"
          options={sources().map((s) => ({ value: s.uid, label: s.name, description: s.type === 'loki' ? 'LogQL' : 'PromQL' }))}
          onChange={({ value }) =>
            onChange({
              source: nameOf(value) || (nameOfDefault() && value),
              ...(languageOf(value) !== language && { expr: ' ', tab: '0' }),
              back: '',
              live: '',
            })
          }
        />
        <Button onClick={() => run(true)}>Run</Button>
        {source && expr !== '' && may('Editor') && <IconButton name="apps" size="lg" tooltip="Add to a dashboard" onClick={() => setAdding(true)} />}
        {onRemove && <IconButton name="trash-alt" size="lg" tooltip="Remove this query" onClick={onRemove} />}
      </div>
      {!source ? (
        <Alert
          severity="error"
          title={name && name !== 'loki' ? `No data sources ${name}` : `There is no ${language === 'logql' ? 'Loki' : 'Prometheus'} among the data sources`}
        />
      ) : expr === '' ? (
        <Alert severity="info" title="Write an expression">
          {language === 'promql'
            ? 'Metric names, labels and functions are completed as you type (Ctrl Space).'
            : 'Type { to select logs by label; values, parsers and functions are completed too (Ctrl Space).'}{' '}
          Shift Enter runs it.
        </Alert>
      ) : (
        <Suspense fallback={null}>
          <Answer key={`${source} ${round}`} round={asked} query={query} expr={expr} language={language} source={source} onChange={onChange} />
        </Suspense>
      )}
      <Suspense fallback={null}>
        {adding && source && <AddToDashboard query={query} expr={expr} language={language} source={source} onClose={() => setAdding(false)} />}
      </Suspense>
    </section>
  );
}

function Answer(props: Omit<AnswerProps, 'children'>) {
  if (isLines(props.language, props.expr)) {
    return <LogsAnswer {...props}>{null}</LogsAnswer>;
  }
  if (props.language === 'logql') {
    return <Graph {...props}>{null}</Graph>;
  }
  const tab = tabOf(props.query);
  const View = { graph: Graph, table: InstantTable, explain: Explain }[tab];
  const tabs: Array<{ value: Tab; label: string }> = [
    { value: 'graph', label: 'Graph' },
    { value: 'table', label: 'Table' },
    { value: 'explain', label: 'Explain' },
  ];
  return (
    <View {...props}>
      <RadioButtonGroup<Tab>
        size="sm"
        value={tab}
        options={tabs}
        onChange={(t) => props.onChange({ tab: { graph: '0', table: '1', explain: 'explain' }[t] })}
      />
    </View>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({ padding: theme.spacing(2), display: 'flex', flexDirection: 'column', gap: theme.spacing(2) }),
  query: css({
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(1),
    background: theme.colors.background.primary,
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    padding: theme.spacing(1),
  }),
  line: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1), alignItems: 'flex-start' }),
  editor: css({ flex: '1 1 280px', minWidth: 0 }),
});
