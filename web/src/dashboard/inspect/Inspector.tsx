import { applyFieldOverrides, getDisplayProcessor, LoadingState, toCSV, type DataFrame, type PanelData } from '@grafana/data';
import { config, locationService } from '@grafana/runtime';
import { sceneGraph, SceneDataTransformer, type VizPanel } from '@grafana/scenes';
import { Alert, Button, Combobox, Drawer, Stack, Switch, Tab, TabsBar, Field } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { useMemo, useState } from 'react';

import { JsonEditor } from '../edit/JsonEditor';
import type { DashboardBase, InspectTab } from '../scene/DashboardBase';
import { copyText, saveFile, titleOf } from '../scene/panelActions';

const tabs: Array<{ id: InspectTab; label: string }> = [
  { id: 'data', label: 'Data' },
  { id: 'stats', label: 'Stats' },
  { id: 'query', label: 'Query' },
  { id: 'json', label: 'JSON' },
];

/** Shows what a panel is based on: its data, queries and JSON. */
export default function Inspector({ dashboard, panelKey }: { dashboard: DashboardBase; panelKey: string }) {
  const { inspectTab = 'data' } = dashboard.useState();
  const panel = dashboard.findPanel(panelKey);
  const close = () => locationService.partial({ inspect: null, inspectTab: null });
  if (!panel) {
    return null;
  }
  return (
    <Drawer
      title={`Inspect: ${titleOf(panel)}`}
      size="md"
      onClose={close}
      tabs={
        <TabsBar>
          {tabs.map((tab) => (
            <Tab key={tab.id} label={tab.label} active={tab.id === inspectTab} onChangeTab={() => locationService.partial({ inspectTab: tab.id }, true)} />
          ))}
        </TabsBar>
      }
    >
      {inspectTab === 'data' && <DataTab panel={panel} />}
      {inspectTab === 'stats' && <StatsTab panel={panel} />}
      {inspectTab === 'query' && <QueryTab panel={panel} />}
      {inspectTab === 'json' && <JsonTab panel={panel} dashboard={dashboard} />}
    </Drawer>
  );
}

function DataTab({ panel }: { panel: VizPanel }) {
  const provider = sceneGraph.getData(panel);
  const raw = provider instanceof SceneDataTransformer ? provider.state.$data : undefined;
  const { data } = provider.useState();
  const [transformed, setTransformed] = useState(true);
  const [formatted, setFormatted] = useState(true);
  const [chosen, setChosen] = useState(0);
  const source = transformed || !raw ? data : raw.state.data;
  const frames = useMemo(() => display(panel, source, formatted), [panel, source, formatted]);
  const frame = frames[Math.min(chosen, frames.length - 1)];
  if (data?.state === LoadingState.Error) {
    return <Errors data={data} />;
  }
  if (!frame) {
    return <Alert severity="info" title="No data for the queries of this panel in this time range" />;
  }
  return (
    <Stack direction="column" gap={1}>
      <Stack direction="row" gap={2} alignItems="end" wrap="wrap">
        {frames.length > 1 && (
          <Field label="Series" noMargin>
            <Combobox
              width={40}
              value={Math.min(chosen, frames.length - 1)}
              options={frames.map((f, i) => ({ value: i, label: nameOf(f, i) }))}
              onChange={(o) => setChosen(o.value)}
            />
          </Field>
        )}
        <Field label="Apply transformations" noMargin>
          <Switch value={transformed} onChange={() => setTransformed(!transformed)} />
        </Field>
        <Field label="Formatted values" noMargin>
          <Switch value={formatted} onChange={() => setFormatted(!formatted)} />
        </Field>
        <Button icon="download-alt" variant="secondary" onClick={() => saveFile(`${titleOf(panel)}.csv`, `\uFEFF${toCSV([frame])}`, 'text/csv;charset=utf-8')}>
          Download CSV
        </Button>
      </Stack>
      <div data-testid="inspect-table" style={{ height: '65vh', position: 'relative' }}>
        <TableNG
          data={frame}
          width={Math.min(window.innerWidth * 0.5 - 64, 1200)}
          height={Math.round(window.innerHeight * 0.65)}
          enableVirtualization
          frozenColumns={0}
          structureRev={chosen}
        />
      </div>
    </Stack>
  );
}

function display(panel: VizPanel, data: PanelData | undefined, formatted: boolean): DataFrame[] {
  const series = data?.series ?? [];
  if (formatted) {
    return panel.applyFieldConfig(data && { ...data }).series;
  }
  return applyFieldOverrides({ data: series, fieldConfig: { defaults: {}, overrides: [] }, replaceVariables: (text) => text, theme: config.theme2 }).map(
    (frame) => ({
      ...frame,
      fields: frame.fields.map((field) => ({
        ...field,
        display: getDisplayProcessor({ field: { ...field, config: { ...field.config, unit: 'none', mappings: [] } }, theme: config.theme2 }),
      })),
    })
  );
}

function nameOf(frame: DataFrame, i: number): string {
  return frame.name ?? frame.fields[1]?.config.displayNameFromDS ?? `${frame.refId ?? ''} ${i + 1}`;
}

function Errors({ data }: { data: PanelData }) {
  return (data.errors ?? []).map((err, i) => (
    <Alert key={i} severity="error" title={err.refId ? `Query ${err.refId} failed` : 'The query failed'}>
      {err.message ?? err.data?.message}
    </Alert>
  ));
}

function StatsTab({ panel }: { panel: VizPanel }) {
  const { data } = sceneGraph.getData(panel).useState();
  const request = data?.request;
  const took = request?.endTime ? request.endTime - request.startTime : undefined;
  const rows: Array<[string, string]> = [
    ['Request time', took === undefined ? '–' : `${took} ms`],
    ['Queries', String(request?.targets.length ?? 0)],
    ['Series', String(data?.series.length ?? 0)],
    ['Rows in all', String((data?.series ?? []).reduce((n, f) => n + f.length, 0))],
    ['Interval', request?.interval ?? '–'],
    ['Max data points', String(request?.maxDataPoints ?? '–')],
  ];
  return (
    <table>
      <tbody>
        {rows.map(([name, value]) => (
          <tr key={name}>
            <th scope="row" style={{ textAlign: 'left', paddingRight: 24, fontWeight: 400 }}>
              {name}
            </th>
            <td style={{ textAlign: 'right' }}>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The queries as sent, with variables interpolated, and a summary of the responses. */
function QueryTab({ panel }: { panel: VizPanel }) {
  const { data } = sceneGraph.getData(panel).useState();
  const executed = new Map((data?.series ?? []).map((f) => [f.refId ?? '', f.meta?.executedQueryString]));
  const targets = (data?.request?.targets ?? []) as unknown as Array<{ refId: string; expr?: string }>;
  const text = targets.map((t) => `${t.refId}\n${executed.get(t.refId) ?? `Expr: ${panel.interpolate(t.expr ?? '')}`}`).join('\n\n');
  return (
    <Stack direction="column" gap={2}>
      {data?.state === LoadingState.Error && <Errors data={data} />}
      <pre data-testid="inspect-query">{text || 'This panel has no queries.'}</pre>
      <div>
        <Button icon="copy" variant="secondary" onClick={() => copyText(text, 'Queries copied')}>
          Copy
        </Button>
      </div>
    </Stack>
  );
}

function JsonTab({ panel, dashboard }: { panel: VizPanel; dashboard: DashboardBase }) {
  const id = panel.getLegacyPanelId();
  const all = (dashboard.state.model.panels ?? []).flatMap((p) => [p, ...((p as { panels?: object[] }).panels ?? [])]);
  const json = all.find((p) => (p as { id?: number }).id === id);
  return <JsonEditor value={JSON.stringify(json ?? {}, null, 2)} readOnly />;
}
