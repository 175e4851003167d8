import {
  anyToNumber,
  FieldType,
  getFieldDisplayName,
  MappingType,
  ReducerID,
  ThresholdsMode,
  type DataFrame,
  type Field,
  type FieldConfig,
  type ValueMap,
} from '@grafana/data';

/** The field setting that a column of data is mapped to. */
export interface ConfigMapping {
  fieldName: string;
  handlerKey: string | null;
  reducerId?: ReducerID;
  handlerArguments?: { threshold?: { color: string } };
}

/** How a column is used: determined by its lower-case name unless a mapping overrides it. */
export interface Role {
  key?: string;
  reducer: ReducerID;
  threshold: string;
}

const number = (value: unknown) => {
  const n = anyToNumber(value);
  return Number.isNaN(n) ? undefined : n;
};

const settings: Record<string, (config: FieldConfig, value: unknown, role: Role) => void> = {
  min: (config, value) => set(config, { min: number(value) }),
  max: (config, value) => set(config, { max: number(value) }),
  unit: (config, value) => set(config, { unit: String(value) }),
  displayName: (config, value) => set(config, { displayName: String(value) }),
  color: (config, value) => set(config, { color: { mode: 'fixed', fixedColor: String(value) } }),
  decimals: (config, value) => {
    const n = number(value);
    set(config, { decimals: n !== undefined && Number.isInteger(n) && n >= 0 && n <= 15 ? n : undefined });
  },
  threshold1: (config, value, { threshold }) => {
    const n = number(value);
    if (n !== undefined) {
      config.thresholds = { mode: ThresholdsMode.Absolute, steps: [...(config.thresholds?.steps ?? []), { value: n, color: threshold }] };
    }
  },
};
const mappingParts = ['mappings.value', 'mappings.text', 'mappings.color'];
const roles = new Set(['field.name', 'field.value', 'field.label', '__ignore', ...Object.keys(settings), ...mappingParts]);

function set(config: FieldConfig, part: FieldConfig) {
  const [[key, value]] = Object.entries(part) as [[keyof FieldConfig, unknown]];
  if (value !== undefined) {
    Object.assign(config, { [key]: value });
  }
}

/** The role of each column, by its name in lower case: neither "Display name" nor "displayname" matches the setting displayName. */
export function rolesOf(frame: DataFrame, mappings: ConfigMapping[]): Map<Field, Role> {
  return new Map(
    frame.fields.map((field) => {
      const name = getFieldDisplayName(field, frame);
      const mapping = mappings.find((m) => m.fieldName === name);
      const wanted = mapping ? mapping.handlerKey : name.toLowerCase();
      const key = wanted && roles.has(wanted) ? wanted : undefined;
      return [
        field,
        {
          key,
          reducer: mapping?.reducerId ?? (key && mappingParts.includes(key) ? ReducerID.allValues : ReducerID.lastNotNull),
          threshold: mapping?.handlerArguments?.threshold?.color ?? 'red',
        },
      ];
    })
  );
}

/**
 * The columns with the names and the values of fields: those that mappings specify, otherwise the first string and the
 * first number column.
 */
export function nameAndValue(frame: DataFrame, mappings: ConfigMapping[], found: Map<Field, Role>): { name?: Field; value?: Field } {
  const has = (key: string) => frame.fields.find((f) => found.get(f)?.key === key);
  const mapped = (key: string) => mappings.some((m) => m.handlerKey === key);
  const free = (type: FieldType) =>
    frame.fields.find((f) => f.type === type && !found.get(f)?.key && !mappings.some((m) => m.fieldName === getFieldDisplayName(f, frame)));
  return {
    name: has('field.name') ?? (mapped('field.name') ? undefined : free(FieldType.string)),
    value: has('field.value') ?? (mapped('field.value') ? undefined : free(FieldType.number)),
  };
}

/** The settings from one row; `valueAt` returns a column's value in it. */
export function configOf(columns: Map<Field, Role>, valueAt: (field: Field) => unknown): FieldConfig {
  const config: FieldConfig = {};
  const parts: Record<string, unknown[]> = {};
  for (const [field, role] of columns) {
    const value = valueAt(field);
    if (role.key === undefined || value === null || value === undefined) {
      continue;
    }
    if (mappingParts.includes(role.key) && Array.isArray(value)) {
      parts[role.key] = value;
    } else {
      settings[role.key]?.(config, value, role);
    }
  }
  const values = parts['mappings.value'];
  if (values) {
    const options: ValueMap['options'] = {};
    values.forEach((value, index) => {
      if (value !== null && value !== undefined) {
        options[String(value)] = { text: parts['mappings.text']?.[index] as string, color: parts['mappings.color']?.[index] as string, index };
      }
    });
    config.mappings = [{ type: MappingType.ValueToText, options }];
  }
  return config;
}
