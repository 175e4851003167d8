import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { locationService } from '@grafana/runtime';
import { Alert, Button, IconButton, RadioButtonGroup, TextArea, useStyles2 } from '@grafana/ui';
import { lazy, Suspense, useEffect, useState } from 'react';
import { Navigate, useLocation, useSearchParams } from 'react-router-dom';

import { usePage } from '../../app/page';
import { Graph } from './Graph';
import { InstantTable } from './InstantTable';
import { builtIn, proxyOf, type Language } from './source';
import { languageOf, paramsOf, queriesOf, queriesOfExplore, tabOf, type AnswerProps, type QueryState, type Tab } from './urlState';

const PromqlEditor = lazy(async () => ({ default: (await import('../../dashboard/edit/PromqlEditor')).PromqlEditor }));

/** Leads addresses of Grafana's Explore, as Loki's ruler writes them into alerts, to the same queries here. */
export function ExploreLink() {
  const [params] = useSearchParams();
  return <Navigate replace to={{ pathname: '/graph', search: paramsOf(queriesOfExplore(params)).toString() }} />;
}

/** Expressions and what they give, at the addresses that Prometheus's own page has: links in alerts lead here. */
export default function GraphPage() {
  usePage({ breadcrumbs: [{ text: 'Graph' }] }, 'graph');
  const styles = useStyles2(getStyles);
  const [params] = useSearchParams();
  const { pathname } = useLocation();
  const queries = queriesOf(params);
  const set = (next: QueryState[]) => locationService.push({ pathname, search: paramsOf(next).toString() });
  return (
    <div className={styles.page}>
      {queries.map((query, i) => (
        <Query
          key={i} query={query} number={i + 1}
          onChange={(part) => set(queries.map((q, j) => (j === i ? { ...q, ...part } : q)))}
          onRemove={queries.length > 1 ? () => set(queries.filter((_, j) => j !== i)) : undefined}
        />
      ))}
      <div><Button icon="plus" variant="secondary" onClick={() => set([...queries, { ...queries[queries.length - 1], expr: ' ' }])}>Add query</Button></div>
    </div>
  );
}

interface Props {
  query: QueryState;
  number: number;
  onChange: (part: QueryState) => void;
  onRemove?: () => void;
}

function Query({ query, number, onChange, onRemove }: Props) {
  const language = languageOf(query);
  const source = builtIn(language);
  const styles = useStyles2(getStyles);
  const expr = (query['expr'] ?? '').trim();
  const [text, setText] = useState(expr);
  // Each run asks again, also when nothing was changed.
  const [round, setRound] = useState(0);
  useEffect(() => setText(expr), [expr]);
  const run = (asked: boolean) => {
    if (text.trim() !== expr) {
      onChange({ expr: text.trim() });
    } else if (asked) {
      setRound(round + 1);
    }
  };
  return (
    <section className={styles.query} aria-label={`Query ${number}`} data-testid="query">
      <div className={styles.line}>
        <div className={styles.editor}>
          {language === 'logql' ? (
            <TextArea aria-label="LogQL query" rows={2} value={text} placeholder={'LogQL, such as {container="api"} |= "error"'} onChange={(e) => setText(e.currentTarget.value)} onBlur={() => run(false)} onKeyDown={(e) => { if (e.key === 'Enter' && (e.shiftKey || e.ctrlKey)) { e.preventDefault(); run(true); } }} />
          ) : (
            <Suspense fallback={<code>{text}</code>}>
              <PromqlEditor value={text} url={source && proxyOf(source)} onChange={setText} onRun={() => run(false)} />
            </Suspense>
          )}
        </div>
        <RadioButtonGroup<Language>
          aria-label="Language" value={language} options={[{ value: 'promql', label: 'PromQL' }, { value: 'logql', label: 'LogQL' }]}
          onChange={(l) => onChange({ source: l === 'logql' ? 'loki' : '', expr: ' ', tab: '0' })}
        />
        <Button onClick={() => run(true)}>Run</Button>
        {onRemove && <IconButton name="trash-alt" tooltip="Remove this query" onClick={onRemove} />}
      </div>
      {!source ? (
        <Alert severity="error" title={`There is no ${language === 'logql' ? 'Loki' : 'Prometheus'} among the data sources`} />
      ) : expr === '' ? (
        <Alert severity="info" title="Write an expression">{language === 'promql' && 'Metric names, labels and functions are completed while you type (Ctrl Space). '}Shift Enter runs it.</Alert>
      ) : (
        <Answer key={round} query={query} expr={expr} language={language} source={source} onChange={onChange} />
      )}
    </section>
  );
}

function Answer(props: Omit<AnswerProps, 'children'>) {
  if (props.language === 'logql') {
    return <Graph {...props}>{null}</Graph>;
  }
  const tab = tabOf(props.query);
  const tabs = <RadioButtonGroup<Tab> size="sm" value={tab} options={[{ value: 'graph', label: 'Graph' }, { value: 'table', label: 'Table' }]} onChange={(t) => props.onChange({ tab: t === 'graph' ? '0' : '1' })} />;
  return tab === 'graph' ? <Graph {...props}>{tabs}</Graph> : <InstantTable {...props}>{tabs}</InstantTable>;
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({ padding: theme.spacing(2), display: 'flex', flexDirection: 'column', gap: theme.spacing(2) }),
  query: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(1), background: theme.colors.background.primary, border: `1px solid ${theme.colors.border.weak}`, borderRadius: theme.shape.radius.default, padding: theme.spacing(1) }),
  line: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1), alignItems: 'flex-start' }),
  editor: css({ flex: '1 1 280px', minWidth: 0 }),
});
