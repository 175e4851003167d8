import { css } from '@emotion/css';
import type { FieldConfigSource, GrafanaTheme2, PanelPlugin } from '@grafana/data';
import { sceneGraph, VizPanel } from '@grafana/scenes';
import { Alert, Button, Combobox, ConfirmModal, Field, Input, Switch, Tab, TabsBar, TextArea, useStyles2 } from '@grafana/ui';
import { useEffect, useRef, useState } from 'react';

import { panelLoaders } from '../../panels/registry';
import { importPanelPlugin } from '../../panels/panelImporter';
import { useLatest } from '../../runtime/hooks';
import { findPanelJson, withPanel, type PanelJson } from '../model';
import type { DashboardScene } from '../scene/DashboardScene';
import { buildData, buildPanel } from '../scene/panel';
import { withModel } from './changes';
import { JsonEditor } from './JsonEditor';
import { OptionList } from './OptionList';
import { QueryList } from './QueryList';

interface Props {
  scene: DashboardScene;
  panelKey: string;
  replace: (scene: DashboardScene) => void;
}

/** Edits one panel with a live preview next to it. */
export default function PanelEditor({ scene, panelKey, replace }: Props) {
  const id = Number(/\d+/.exec(panelKey)?.[0]);
  const json = findPanelJson(scene.state.model, id);
  if (!json) {
    return (
      <Alert severity="warning" title={`This dashboard has no panel ${panelKey}`}>
        <Button onClick={() => leave(scene)}>Back to the dashboard</Button>
      </Alert>
    );
  }
  return <Editor scene={scene} id={id} json={json} replace={replace} />;
}

/** The URL follows the scene; if it were the other way round, late updates of the closing editor would reopen it. */
function leave(scene: DashboardScene) {
  scene.setState({ editPanel: undefined });
}

function Editor({ scene, id, json, replace }: { scene: DashboardScene; id: number; json: PanelJson; replace: Props['replace'] }) {
  const [draft, setDraft] = useState(json);
  const [tab, setTab] = useState<'query' | 'json'>('query');
  const [run, setRun] = useState(0);
  const preview = usePreview(scene, draft, run);
  const styles = useStyles2(getStyles);
  const [asking, setAsking] = useState(false);
  const changed = draft !== json;
  const apply = () => {
    leave(scene);
    if (changed) {
      const next = withModel(scene, withPanel(scene.state.model, id, draft), 'Edit the panel');
      next.setState({ editPanel: undefined });
      replace(next);
    }
  };
  return (
    <div className={styles.editor} data-testid="panel-editor">
      <div className={styles.bar}>
        <scene.state.variables.Component model={scene.state.variables} />
        <span style={{ flex: 1 }} />
        <scene.state.timePicker.Component model={scene.state.timePicker} />
        <scene.state.refreshPicker.Component model={scene.state.refreshPicker} />
        <Button variant="secondary" onClick={() => (changed ? setAsking(true) : leave(scene))}>
          Discard
        </Button>
        <Button onClick={apply} data-testid="apply-panel">
          Apply
        </Button>
      </div>
      <ConfirmModal
        isOpen={asking}
        title="Discard the changes"
        body="Changes to this panel are lost."
        confirmText="Discard"
        onConfirm={() => leave(scene)}
        onDismiss={() => setAsking(false)}
      />
      <div className={styles.columns}>
        <div className={styles.main}>
          <div className={styles.preview}>{preview && <preview.Component model={preview} />}</div>
          <TabsBar>
            <Tab label="Queries" active={tab === 'query'} onChangeTab={() => setTab('query')} />
            <Tab label="JSON" active={tab === 'json'} onChangeTab={() => setTab('json')} />
          </TabsBar>
          <div className={styles.tab}>
            {tab === 'query' ? (
              <QueryList panel={draft} onChange={setDraft} onRun={() => setRun((n) => n + 1)} />
            ) : (
              <PanelJsonEditor panel={draft} onChange={setDraft} />
            )}
          </div>
        </div>
        <aside className={styles.options} aria-label="Panel options">
          <Options draft={draft} setDraft={setDraft} preview={preview} />
        </aside>
      </div>
    </div>
  );
}

/**
 * A panel of the draft inside the dashboard, so that it uses its time range and variables. Queries run whenever `run`
 * is incremented.
 */
function usePreview(scene: DashboardScene, draft: PanelJson, run: number): VizPanel {
  const [panel, setPanel] = useState(() => buildPanel(draft, `panel-${draft.id}`));
  const shown = useRef({ draft, run });
  const latest = useLatest(draft);
  useEffect(() => {
    scene.setState({ preview: panel });
    return () => {
      if (scene.state.preview === panel) {
        scene.setState({ preview: undefined });
      }
    };
  }, [scene, panel]);
  useEffect(() => {
    if (run !== shown.current.run) {
      shown.current.run = run;
      panel.setState({ $data: buildData(latest()) });
    }
  }, [run, panel, latest]);
  useEffect(() => {
    const before = shown.current.draft;
    shown.current.draft = draft;
    if (draft === before) {
      return;
    }
    if (draft.type !== before.type || draft.timeFrom !== before.timeFrom || draft.timeShift !== before.timeShift) {
      setPanel(buildPanel(draft, `panel-${draft.id}`));
      return;
    }
    panel.setState({ title: draft.title ?? '', description: draft.description, displayMode: draft.transparent ? 'transparent' : 'default' });
    if (draft.options !== before.options) {
      panel.onOptionsChange((draft.options ?? {}) as object, true);
    }
    if (draft.fieldConfig !== before.fieldConfig) {
      panel.onFieldConfigChange((draft.fieldConfig ?? { defaults: {}, overrides: [] }) as FieldConfigSource, true);
    }
  }, [draft, panel]);
  return panel;
}

function Options({ draft, setDraft, preview }: { draft: PanelJson; setDraft: (panel: PanelJson) => void; preview: VizPanel }) {
  const [plugin, setPlugin] = useState<PanelPlugin>();
  const { data } = sceneGraph.getData(preview).useState();
  useEffect(() => {
    let gone = false;
    void importPanelPlugin(draft.type).then((loaded) => !gone && setPlugin(loaded));
    return () => {
      gone = true;
    };
  }, [draft.type]);
  const types = Object.entries(panelLoaders)
    .filter(([type]) => type !== 'unknown')
    .map(([value, { name }]) => ({ value, label: name }));
  return (
    <>
      <Field label="Visualization" htmlFor="panel-type">
        <Combobox id="panel-type" value={draft.type} options={types} onChange={(o) => setDraft({ ...draft, type: o.value })} />
      </Field>
      <Field label="Title" htmlFor="panel-title">
        <Input id="panel-title" value={draft.title ?? ''} onChange={(e) => setDraft({ ...draft, title: e.currentTarget.value })} />
      </Field>
      <Field label="Description" htmlFor="panel-description">
        <TextArea
          id="panel-description"
          rows={2}
          value={draft.description ?? ''}
          onChange={(e) => setDraft({ ...draft, description: e.currentTarget.value })}
        />
      </Field>
      <Field label="Transparent background" htmlFor="panel-transparent">
        <Switch id="panel-transparent" value={Boolean(draft.transparent)} onChange={(e) => setDraft({ ...draft, transparent: e.currentTarget.checked })} />
      </Field>
      {plugin && plugin.meta.id === draft.type && (
        <OptionList panel={draft} plugin={plugin} data={preview.applyFieldConfig(data).series} onChange={setDraft} replaceVariables={preview.interpolate} />
      )}
    </>
  );
}

/** Edits what has no editor of its own: overrides, transformations, links. */
function PanelJsonEditor({ panel, onChange }: { panel: PanelJson; onChange: (panel: PanelJson) => void }) {
  const [text, setText] = useState(() => JSON.stringify(panel, null, 2));
  const [error, setError] = useState<string>();
  const read = () => {
    try {
      const next = JSON.parse(text) as PanelJson;
      if (typeof next !== 'object' || next === null || typeof next.type !== 'string') {
        throw new Error('a panel is an object with a "type"');
      }
      setError(undefined);
      onChange({ ...next, id: panel.id });
    } catch (err) {
      setError((err as Error).message);
    }
  };
  return (
    <>
      <JsonEditor value={text} onChange={setText} height="40vh" />
      {error && (
        <Alert severity="error" title="This is not a valid panel">
          {error}
        </Alert>
      )}
      <Button onClick={read} variant="secondary">
        Show the result
      </Button>
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  editor: css({ display: 'flex', flexDirection: 'column', flexGrow: 1, padding: theme.spacing(1, 2) }),
  bar: css({ display: 'flex', gap: theme.spacing(1), alignItems: 'center', flexWrap: 'wrap', marginBottom: theme.spacing(1) }),
  columns: css({ display: 'flex', gap: theme.spacing(2), flexGrow: 1, minHeight: 0, [theme.breakpoints.down('md')]: { flexDirection: 'column' } }),
  main: css({ flex: '1 1 auto', minWidth: 0, display: 'flex', flexDirection: 'column' }),
  preview: css({ height: '42vh', minHeight: 240, position: 'relative', display: 'flex', marginBottom: theme.spacing(1) }),
  tab: css({ padding: theme.spacing(1, 0) }),
  options: css({
    width: 340,
    flexShrink: 0,
    maxHeight: 'calc(100vh - 120px)',
    overflow: 'auto',
    paddingRight: theme.spacing(1),
    [theme.breakpoints.down('md')]: { width: '100%', maxHeight: 'none' },
  }),
});
