import { FieldType, type DataFrame, type Field, type Labels } from '@grafana/data';

/** A value extracted from log lines and the link for it, as provisioned for Grafana. */
export interface DerivedField {
  name: string;
  /** A regular expression whose first group is the value or, with the type "label", one that matches a label name. */
  matcherRegex: string;
  matcherType?: 'regex' | 'label';
  url?: string;
  urlDisplayLabel?: string;
}

/** Returns the frame with a column for each derived field that has values. */
export function withDerivedFields(frame: DataFrame, derived: DerivedField[] = []): DataFrame {
  const lines = frame.fields.find((f) => f.name === 'Line');
  const labels = frame.fields.find((f) => f.name === 'labels');
  if (!lines || derived.length === 0) {
    return frame;
  }
  const more = derived.flatMap((one) => {
    const field = fieldOf(one, lines, labels);
    return field ? [field] : [];
  });
  return { ...frame, fields: [...frame.fields, ...more] };
}

function fieldOf(one: DerivedField, lines: Field<string>, labels: Field<Labels> | undefined): Field | undefined {
  let regex: RegExp;
  try {
    regex = new RegExp(one.matcherRegex);
  } catch {
    return undefined;
  }
  const values = lines.values.map((line, row) => (one.matcherType === 'label' ? labelValue(labels?.values[row], regex) : (regex.exec(line)?.[1] ?? null)));
  if (values.every((value) => value === null)) {
    return undefined;
  }
  const links = one.url ? [{ title: one.urlDisplayLabel ?? '', url: one.url, targetBlank: true }] : undefined;
  return { name: one.name, type: FieldType.string, config: { links }, values };
}

function labelValue(labels: Labels | undefined, regex: RegExp): string | null {
  const name = Object.keys(labels ?? {}).find((key) => regex.test(key));
  return name === undefined ? null : (labels?.[name] ?? null);
}
