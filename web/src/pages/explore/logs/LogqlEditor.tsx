import { QueryEditor, type QueryEditorProps } from '../../../dashboard/edit/QueryEditor';
import { LokiClient } from './client';
import { logql } from './logql';

/** A LogQL editor with completion based on the data source. */
export function LogqlEditor({ source, ...props }: QueryEditorProps & { source: string | undefined }) {
  const language = () => {
    const client = source === undefined ? undefined : new LokiClient(source);
    return logql({
      labels: async () => client?.labels() ?? [],
      values: async (label, selector) => client?.values(label, selector) ?? [],
      fields: async (selector) => (await client?.fields(selector, lately()))?.map((f) => f.label) ?? [],
    });
  };
  return <QueryEditor {...props} of={source} language={language} label="LogQL query" hint={'LogQL, such as {container="api"} |= "error"'} />;
}

function lately() {
  const now = Date.now();
  return { start: `${now - 3_600_000}000000`, end: `${now}000000` };
}
