import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { getDataSourceSrv } from '@grafana/runtime';
import type { DataSourceRef } from '@grafana/schema';
import { Button, Combobox, Field, IconButton, Input, RadioButtonGroup, Stack, TextArea, useStyles2 } from '@grafana/ui';

import type { PanelJson } from '../model';
import { refOf } from '../scene/datasourceRef';
import { PromqlEditor } from './PromqlEditor';

/** A query with an expression, for any data source. */
export interface Target {
  refId: string;
  datasource?: DataSourceRef | string | null;
  expr?: string;
  legendFormat?: string;
  interval?: string;
  format?: string;
  instant?: boolean;
  range?: boolean;
  hide?: boolean;
}

interface Props {
  panel: PanelJson;
  onChange: (panel: PanelJson) => void;
  onRun: () => void;
}

/** The queries of a panel. */
export function QueryList({ panel, onChange, onRun }: Props) {
  const targets = (panel.targets ?? []) as unknown as Target[];
  const sources = getDataSourceSrv()
    .getList()
    .filter((d) => d.type === 'prometheus' || d.type === 'loki');
  const chosen = getDataSourceSrv().getInstanceSettings(refOf(panel.datasource) ?? refOf(targets[0]?.datasource));
  const set = (next: Target[]) => onChange({ ...panel, targets: next as never });
  const change = (i: number, part: Partial<Target>) => set(targets.map((t, j) => (j === i ? { ...t, ...part } : t)));
  const choose = (uid: string) => {
    const source = sources.find((d) => d.uid === uid)!;
    const datasource = { uid, type: source.type };
    onChange({ ...panel, datasource, targets: targets.map((t) => ({ ...t, datasource })) as never });
    onRun();
  };
  return (
    <div>
      <Field label="Data source">
        <Combobox width={40} value={chosen?.uid ?? null} options={sources.map((d) => ({ value: d.uid, label: d.name }))} onChange={(o) => choose(o.value)} />
      </Field>
      {targets.map((target, i) => (
        <OneQuery
          key={target.refId}
          target={target}
          onRun={onRun}
          onChange={(part) => change(i, part)}
          onRemove={
            targets.length > 1
              ? () => {
                  set(targets.filter((_, j) => j !== i));
                  onRun();
                }
              : undefined
          }
        />
      ))}
      <Button icon="plus" variant="secondary" onClick={() => set([...targets, { refId: nextRefId(targets), expr: '', datasource: targets[0]?.datasource }])}>
        Add query
      </Button>
    </div>
  );
}

function OneQuery({
  target,
  onChange,
  onRun,
  onRemove,
}: {
  target: Target;
  onChange: (part: Partial<Target>) => void;
  onRun: () => void;
  onRemove?: () => void;
}) {
  const styles = useStyles2(getStyles);
  const settings = getDataSourceSrv().getInstanceSettings(refOf(target.datasource));
  const now = (part: Partial<Target>) => {
    onChange(part);
    onRun();
  };
  return (
    <section className={styles.query} aria-label={`Query ${target.refId}`}>
      <div className={styles.head}>
        <strong>{target.refId}</strong>
        <span>
          <IconButton
            name={target.hide ? 'eye-slash' : 'eye'}
            tooltip={target.hide ? 'Show this query' : 'Hide this query'}
            onClick={() => now({ hide: !target.hide })}
          />
          {onRemove && <IconButton name="trash-alt" tooltip="Remove this query" onClick={onRemove} />}
        </span>
      </div>
      {settings?.type === 'loki' ? (
        <TextArea
          aria-label="LogQL query"
          rows={2}
          value={target.expr ?? ''}
          onChange={(e) => onChange({ expr: e.currentTarget.value })}
          onBlur={onRun}
          placeholder={'LogQL, such as {container="api"} |= "error"'}
        />
      ) : (
        <PromqlEditor value={target.expr ?? ''} url={settings?.url} onChange={(expr) => onChange({ expr })} onRun={onRun} />
      )}
      <Stack direction="row" gap={2} wrap="wrap" alignItems="end">
        <Field label="Legend" noMargin>
          <Input
            width={30}
            placeholder="{{instance}}"
            value={target.legendFormat === '__auto' ? '' : (target.legendFormat ?? '')}
            onChange={(e) => onChange({ legendFormat: e.currentTarget.value })}
            onBlur={onRun}
          />
        </Field>
        <Field label="Min step" noMargin>
          <Input width={12} placeholder="auto" value={target.interval ?? ''} onChange={(e) => onChange({ interval: e.currentTarget.value })} onBlur={onRun} />
        </Field>
        <Field label="Format" noMargin>
          <Combobox
            width={16}
            value={target.format ?? 'time_series'}
            options={[
              { value: 'time_series', label: 'Time series' },
              { value: 'table', label: 'Table' },
              { value: 'heatmap', label: 'Heatmap' },
            ]}
            onChange={(o) => now({ format: o.value })}
          />
        </Field>
        <Field label="Type" noMargin>
          <RadioButtonGroup
            value={target.instant && !target.range ? 'instant' : 'range'}
            options={[
              { value: 'range', label: 'Range' },
              { value: 'instant', label: 'Instant' },
            ]}
            onChange={(v) => now({ instant: v === 'instant', range: v === 'range' })}
          />
        </Field>
      </Stack>
    </section>
  );
}

/** The next free letter, as in Grafana's query names. */
export function nextRefId(targets: Target[]): string {
  const used = new Set(targets.map((t) => t.refId));
  for (let n = 0; ; n++) {
    const id = (n >= 26 ? String.fromCharCode(64 + Math.floor(n / 26)) : '') + String.fromCharCode(65 + (n % 26));
    if (!used.has(id)) {
      return id;
    }
  }
}

const getStyles = (theme: GrafanaTheme2) => ({
  query: css({
    padding: theme.spacing(1),
    marginBottom: theme.spacing(1),
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(1),
  }),
  head: css({ display: 'flex', justifyContent: 'space-between' }),
});
