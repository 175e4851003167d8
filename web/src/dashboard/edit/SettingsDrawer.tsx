import { Button, Combobox, Drawer, Field, Input, Stack, TagsInput, TextArea } from '@grafana/ui';
import { useState } from 'react';

import type { DashboardScene } from '../scene/DashboardScene';
import { withModel } from './changes';

interface Props {
  scene: DashboardScene;
  replace: (scene: DashboardScene) => void;
  onClose: () => void;
}

/** Title, description, tags, time range and refresh interval of a dashboard. */
export default function SettingsDrawer({ scene, replace, onClose }: Props) {
  const { model } = scene.state;
  const [title, setTitle] = useState(model.title ?? '');
  const [description, setDescription] = useState(model.description ?? '');
  const [tags, setTags] = useState(model.tags ?? []);
  const [from, setFrom] = useState(model.time?.from ?? 'now-6h');
  const [to, setTo] = useState(model.time?.to ?? 'now');
  const [refresh, setRefresh] = useState(String(model.refresh || ''));
  const [tooltip, setTooltip] = useState(model.graphTooltip ?? 0);
  const apply = () => {
    replace(withModel(scene, { ...model, title, description, tags, time: { from, to }, refresh, graphTooltip: tooltip }, 'Change the settings'));
    onClose();
  };
  return (
    <Drawer title="Dashboard settings" size="sm" onClose={onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          apply();
        }}
      >
        <Field label="Title" required>
          <Input value={title} onChange={(e) => setTitle(e.currentTarget.value)} required />
        </Field>
        <Field label="Description">
          <TextArea rows={2} value={description} onChange={(e) => setDescription(e.currentTarget.value)} />
        </Field>
        <Field label="Tags">
          <TagsInput tags={tags} onChange={setTags} />
        </Field>
        <Stack direction="row" gap={2}>
          <Field label="From">
            <Input value={from} onChange={(e) => setFrom(e.currentTarget.value)} />
          </Field>
          <Field label="To">
            <Input value={to} onChange={(e) => setTo(e.currentTarget.value)} />
          </Field>
        </Stack>
        <Field label="Refresh">
          <Combobox
            value={refresh}
            options={['', '5s', '10s', '30s', '1m', '5m', '15m', '30m', '1h'].map((value) => ({ value, label: value || 'Off' }))}
            onChange={(o) => setRefresh(o.value)}
          />
        </Field>
        <Field label="Crosshair and tooltip">
          <Combobox
            value={tooltip}
            options={[
              { value: 0, label: 'Each panel its own' },
              { value: 1, label: 'Shared crosshair' },
              { value: 2, label: 'Shared tooltip' },
            ]}
            onChange={(o) => setTooltip(o.value)}
          />
        </Field>
        <p>Variables, annotations and links are edited under “JSON”.</p>
        <Stack direction="row" gap={1}>
          <Button type="submit">Apply</Button>
          <Button variant="secondary" onClick={onClose}>
            Cancel
          </Button>
        </Stack>
      </form>
    </Drawer>
  );
}
