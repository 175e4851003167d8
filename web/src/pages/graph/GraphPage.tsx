import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { locationService } from '@grafana/runtime';
import { Alert, Button, IconButton, RadioButtonGroup, useStyles2 } from '@grafana/ui';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useLocation, useSearchParams } from 'react-router-dom';

import { usePage } from '../../app/page';
import { Graph } from './Graph';
import { InstantTable } from './InstantTable';
import { builtIn, proxyOf } from './source';
import { paramsOf, queriesOf, tabOf, type QueryState, type Tab } from './urlState';

const PromqlEditor = lazy(async () => ({ default: (await import('../../dashboard/edit/PromqlEditor')).PromqlEditor }));

/** Expressions and what they give, at the addresses that Prometheus's own page has: links in alerts lead here. */
export default function GraphPage() {
  usePage({ breadcrumbs: [{ text: 'Graph' }] }, 'graph');
  const styles = useStyles2(getStyles);
  const [params] = useSearchParams();
  const { pathname } = useLocation();
  const queries = queriesOf(params);
  const source = builtIn();
  const set = (next: QueryState[]) => locationService.push({ pathname, search: paramsOf(next).toString() });
  if (!source) {
    return <Alert severity="error" title="There is no Prometheus data source" />;
  }
  return (
    <div className={styles.page}>
      {queries.map((query, i) => (
        <Query
          key={i} query={query} number={i + 1} source={source.uid}
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
  source: string;
  onChange: (part: QueryState) => void;
  onRemove?: () => void;
}

function Query({ query, number, source, onChange, onRemove }: Props) {
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
          <Suspense fallback={<code>{text}</code>}>
            <PromqlEditor value={text} url={proxyOf(source)} onChange={setText} onRun={() => run(false)} />
          </Suspense>
        </div>
        <Button onClick={() => run(true)}>Run</Button>
        {onRemove && <IconButton name="trash-alt" tooltip="Remove this query" onClick={onRemove} />}
      </div>
      {expr === '' ? (
        <Alert severity="info" title="Write an expression">Metric names, labels and functions are completed while you type (Ctrl Space). Shift Enter runs it.</Alert>
      ) : (
        <Answer key={round} query={query} expr={expr} source={source} onChange={onChange} />
      )}
    </section>
  );
}

function Answer({ query, expr, source, onChange }: { query: QueryState; expr: string; source: string; onChange: (part: QueryState) => void }) {
  const tab = tabOf(query);
  const tabs = <RadioButtonGroup<Tab> size="sm" value={tab} options={[{ value: 'graph', label: 'Graph' }, { value: 'table', label: 'Table' }]} onChange={(t) => onChange({ tab: t === 'graph' ? '0' : '1' })} />;
  return tab === 'graph' ? <Graph query={query} expr={expr} source={source} onChange={onChange}>{tabs}</Graph> : <InstantTable query={query} expr={expr} source={source} onChange={onChange}>{tabs}</InstantTable>;
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({ padding: theme.spacing(2), display: 'flex', flexDirection: 'column', gap: theme.spacing(2) }),
  query: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(1), background: theme.colors.background.primary, border: `1px solid ${theme.colors.border.weak}`, borderRadius: theme.shape.radius.default, padding: theme.spacing(1) }),
  line: css({ display: 'flex', gap: theme.spacing(1), alignItems: 'flex-start' }),
  editor: css({ flex: '1 1 auto', minWidth: 0 }),
});
