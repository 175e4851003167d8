import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { getDataSourceSrv, locationService } from '@grafana/runtime';
import { Alert, Button, Combobox, Field, FileDropzone, Input, Stack, useStyles2 } from '@grafana/ui';
import { useEffect, useState } from 'react';

import { dashboards, folders, type Folder } from '../api/dashboards';
import { usePage } from '../kit/page';
import { JsonEditor } from '../dashboard/edit/JsonEditor';
import { readImport, type ImportInput } from '../dashboard/importFile';
import { errorMessage } from '../runtime/backendSrv';

const largest = 10 * 1024 * 1024;

/** Imports a dashboard in any of the formats that Grafana writes. */
export default function ImportPage() {
  const [text, setText] = useState('');
  const [list, setList] = useState<Folder[]>([]);
  const [folder, setFolder] = useState('');
  const [values, setValues] = useState<Record<string, string>>({});
  const [error, setError] = useState<string>();
  const [found, setExisting] = useState<{ uid: string; title: string }>();
  const styles = useStyles2(getStyles);
  usePage({ breadcrumbs: [{ text: 'Dashboards', to: '/dashboards' }, { text: 'Import' }] }, 'import');
  useEffect(() => void folders.list().then(setList), []);
  const read = text.trim() === '' ? undefined : readImport(text);
  const uid = read?.uid;
  const existing = found?.uid === uid ? found : undefined;
  useEffect(() => {
    let gone = false;
    if (uid) {
      dashboards.get(uid).then(
        ({ dashboard }) => gone || setExisting({ uid, title: String(dashboard['title']) }),
        () => {}
      );
    }
    return () => {
      gone = true;
    };
  }, [uid]);
  const inputs = read?.inputs ?? [];
  const accept = async (file: File) => {
    setError(undefined);
    if (file.size > largest) {
      setError(`${file.name} has ${(file.size / 1024 / 1024).toFixed(1)} MiB; a dashboard may have 10 MiB.`);
      return;
    }
    setText(await file.text());
  };
  const send = async (overwrite: boolean) => {
    setError(undefined);
    try {
      // Checked again, because it may have been created since the file was read.
      if (!overwrite && uid) {
        const there = await dashboards.get(uid).catch(() => undefined);
        if (there) {
          setExisting({ uid, title: String(there.dashboard['title']) });
          return;
        }
      }
      const saved = await dashboards.import(read!.json, {
        folderUid: folder || undefined,
        overwrite,
        inputs: inputs.map((i) => ({ name: i.name, type: i.type, pluginId: i.pluginId, value: values[i.name] ?? i.value })),
      });
      locationService.push(saved.importedUrl ?? saved.url ?? `/d/${saved.uid}`);
    } catch (err) {
      setError(errorMessage(err));
      if ((err as { status?: number }).status === 412) {
        setExisting({ uid: uid ?? '', title: read!.title });
      }
    }
  };
  return (
    <div className={styles.page}>
      <h1>Import a dashboard</h1>
      <p>A file from Grafana (“Export”), from grafana.com, or the JSON of a dashboard.</p>
      <Field label="File" htmlFor="import-file">
        <FileDropzone
          id="import-file"
          options={{ accept: { 'application/json': ['.json'] }, multiple: false, onDropAccepted: ([file]: File[]) => file && void accept(file) }}
        />
      </Field>
      <Field label="JSON">
        <JsonEditor value={text} onChange={setText} height="30vh" />
      </Field>
      {read?.problem && (
        <Alert severity="error" title="This is not a dashboard">
          {read.problem}
        </Alert>
      )}
      {read && !read.problem && (
        <form
          onSubmit={(e) => {
            e.preventDefault();
            void send(false);
          }}
        >
          <p data-testid="import-summary">
            “{read.title}”, {read.panels} panels
          </p>
          <Field label="Folder">
            <Combobox
              value={folder}
              options={[{ value: '', label: 'Dashboards (no folder)' }, ...list.map((f) => ({ value: f.uid, label: f.title }))]}
              onChange={(o) => setFolder(o.value)}
            />
          </Field>
          {inputs.map((input) => (
            <InputField
              key={input.name}
              input={input}
              value={values[input.name] ?? input.value}
              onChange={(value) => setValues({ ...values, [input.name]: value })}
            />
          ))}
          {existing && (
            <Alert severity="warning" title={`“${existing.title}” is there already`}>
              It has the same uid ({existing.uid}), and is replaced; “Versions” still has it. With another uid in the JSON, or none, this becomes a dashboard of
              its own.
            </Alert>
          )}
          <Stack direction="row" gap={1}>
            {existing ? (
              <Button variant="destructive" data-testid="import-replace" onClick={() => send(true)}>
                Replace “{existing.title}”
              </Button>
            ) : (
              <Button type="submit" data-testid="import-confirm">
                Import
              </Button>
            )}
          </Stack>
        </form>
      )}
      {error && (
        <Alert severity="error" title="The dashboard was not imported">
          {error}
        </Alert>
      )}
    </div>
  );
}

function InputField({ input, value, onChange }: { input: ImportInput; value: string; onChange: (value: string) => void }) {
  if (input.type !== 'datasource') {
    return (
      <Field label={input.label} description={input.description}>
        <Input value={value} onChange={(e) => onChange(e.currentTarget.value)} />
      </Field>
    );
  }
  const list = getDataSourceSrv()
    .getList({ all: true })
    .filter((d) => !input.pluginId || d.type === input.pluginId);
  return (
    <Field label={input.label} description={list.length === 0 ? `No data sources of the type ${input.pluginId}` : input.description}>
      <Combobox value={value || list[0]?.uid || ''} options={list.map((d) => ({ value: d.uid, label: d.name }))} onChange={(o) => onChange(o.value)} />
    </Field>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({ padding: theme.spacing(2), maxWidth: 900, width: '100%', margin: '0 auto' }),
});
