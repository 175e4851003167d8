import type { StandardEditorProps } from '@grafana/data';
import { TextArea } from '@grafana/ui';
import { useState } from 'react';

/** Edits an option without its own editor as JSON. */
export function JsonValue({ value, onChange, id }: StandardEditorProps<unknown>) {
  const [error, setError] = useState<string>();
  const read = (text: string) => {
    try {
      onChange(text.trim() === '' ? undefined : JSON.parse(text));
      setError(undefined);
    } catch (err) {
      setError((err as Error).message);
    }
  };
  return (
    <>
      <TextArea
        id={id}
        rows={3}
        defaultValue={value === undefined ? '' : JSON.stringify(value, null, 1)}
        invalid={error !== undefined}
        onBlur={(e) => read(e.currentTarget.value)}
        key={JSON.stringify(value)}
      />
      {error && <small role="alert">{error}</small>}
    </>
  );
}
