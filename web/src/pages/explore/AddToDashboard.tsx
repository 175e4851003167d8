import { locationService } from '@grafana/runtime';
import { Alert, Button, Combobox, Field, Input, Modal } from '@grafana/ui';
import { useEffect, useState } from 'react';

import { dashboards, type SearchHit } from '../../api/dashboards';
import { errorMessage } from '../../runtime/backendSrv';
import { isLines } from './source';
import { rangeOf, type QueryState } from '../../links/explore';
import type { Language } from '../../links/sources';

/** Creates a panel from an expression, in a new or an existing dashboard. */
export default function AddToDashboard({
  query,
  expr,
  language,
  source,
  onClose,
}: {
  query: QueryState;
  expr: string;
  language: Language;
  source: string;
  onClose: () => void;
}) {
  const [hits, setHits] = useState<SearchHit[]>([]);
  const [uid, setUid] = useState('');
  const [title, setTitle] = useState(expr.slice(0, 80));
  const [error, setError] = useState<string>();
  useEffect(() => void dashboards.search({ type: 'dash-db', limit: 1000 }).then(setHits), []);
  const save = async () => {
    try {
      const { dashboard, meta } =
        uid === '' ? { dashboard: { title, schemaVersion: 41, time: rangeOf(query), panels: [] }, meta: {} } : await dashboards.get(uid);
      const changed = { ...dashboard, panels: withPanel((dashboard as { panels?: PanelPlace[] }).panels ?? [], panelOf(title, expr, language, source)) };
      const { url } = await dashboards.save(changed, { folderUid: (meta as { folderUid?: string }).folderUid, message: 'A panel from Explore' });
      onClose();
      locationService.push(url);
    } catch (err) {
      setError(errorMessage(err));
    }
  };
  return (
    <Modal title="Add to a dashboard" isOpen onDismiss={onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void save();
        }}
      >
        <Field label="Dashboard" description="Provisioned ones are changed in their files.">
          <Combobox
            id="add-dashboard"
            value={uid}
            options={[
              { value: '', label: 'A new dashboard' },
              ...hits.map((h) => ({ value: h.uid, label: h.folderTitle ? `${h.folderTitle} / ${h.title}` : h.title })),
            ]}
            onChange={(o) => setUid(o.value)}
          />
        </Field>
        <Field label="Title">
          <Input id="add-title" value={title} onChange={(e) => setTitle(e.currentTarget.value)} />
        </Field>
        {error && (
          <Alert severity="error" title="The panel could not be added">
            {error}
          </Alert>
        )}
        <Button type="submit" disabled={title.trim() === ''}>
          Add the panel
        </Button>
      </form>
    </Modal>
  );
}

interface PanelPlace {
  id?: number;
  gridPos?: { x: number; y: number; w: number; h: number };
  panels?: PanelPlace[];
}

function panelOf(title: string, expr: string, language: Language, uid: string) {
  const logs = isLines(language, expr);
  return {
    type: logs ? 'logs' : 'timeseries',
    title,
    datasource: { type: language === 'logql' ? 'loki' : 'prometheus', uid },
    targets: [{ refId: 'A', expr, ...(language === 'promql' && { range: true }) }],
    ...(logs && { options: { showTime: true, wrapLogMessage: true, enableLogDetails: true, sortOrder: 'Descending' } }),
  };
}

/** Below all others, so that nothing moves. */
export function withPanel<T extends PanelPlace>(panels: T[], panel: object): object[] {
  const all = panels.flatMap((p) => [p, ...(p.panels ?? [])]);
  const bottom = Math.max(0, ...all.map((p) => (p.gridPos?.y ?? 0) + (p.gridPos?.h ?? 0)));
  return [...panels, { ...panel, id: Math.max(0, ...all.map((p) => p.id ?? 0)) + 1, gridPos: { x: 0, y: bottom, w: 12, h: 9 } }];
}
