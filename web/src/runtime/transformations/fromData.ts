import { FieldMatcherID, getFieldDisplayName, getFieldMatcher, reduceField, type DataFrame, type Labels, type MatcherConfig } from '@grafana/data';

import { configOf, nameAndValue, rolesOf, type ConfigMapping } from './configMapping';
import { column, transformer } from './transformer';

/** Turns each row into a field: one column provides the name, one the value, and others settings or labels. */
export const rowsToFields = transformer<{ mappings?: ConfigMapping[] }>('rowsToFields', 'Rows to fields', (frames, { mappings = [] }) =>
  frames.map((frame) => fieldsOfRows(frame, mappings))
);

function fieldsOfRows(frame: DataFrame, mappings: ConfigMapping[]): DataFrame {
  const roles = rolesOf(frame, mappings);
  const { name, value } = nameAndValue(frame, mappings, roles);
  if (!name || !value) {
    return frame;
  }
  const labelled = frame.fields.filter((f) => f !== name && f !== value && [undefined, 'field.label'].includes(roles.get(f)?.key));
  const fields = name.values.map((text: unknown, row) => {
    const labels: Labels = { ...name.labels };
    for (const field of labelled) {
      const v: unknown = field.values[row];
      if (v !== null && v !== undefined) {
        labels[getFieldDisplayName(field, frame)] = v as string;
      }
    }
    return column(String(text), value.type, [value.values[row]], { labels, config: configOf(roles, (f) => f.values[row]) });
  });
  return { refId: `rowsToFields-${frame.refId}`, fields, length: 1 };
}

interface FromQuery {
  configRefId?: string;
  mappings?: ConfigMapping[];
  applyTo?: MatcherConfig;
}

/** Uses one query's result as the settings (minimum, unit, thresholds …) of the other queries' fields. */
export const configFromData = transformer<FromQuery>(
  'configFromData',
  'Config from query results',
  (frames, { configRefId, mappings = [], applyTo }) => {
    const source = frames.find((f) => f.refId === configRefId);
    if (!source) {
      return frames;
    }
    const roles = rolesOf(source, mappings);
    const config = configOf(roles, (field) => {
      const { reducer } = roles.get(field)!;
      return reduceField({ field: { ...field, state: undefined }, reducers: [reducer] })[reducer];
    });
    const applies = getFieldMatcher(applyTo ?? { id: FieldMatcherID.numeric });
    return frames
      .filter((frame) => frame !== source || frames.length === 1)
      .map((frame) => ({
        ...frame,
        fields: frame.fields.map((field) => (applies(field, frame, frames) ? { ...field, config: { ...field.config, ...config }, state: undefined } : field)),
      }));
  },
  { configRefId: 'config', mappings: [] }
);
