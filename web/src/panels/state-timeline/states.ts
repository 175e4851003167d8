import {
  FieldColorModeId,
  formattedValueToString,
  getActiveThreshold,
  MappingType,
  SpecialValueMatch,
  stringToJsRegex,
  ThresholdsMode,
  type Field,
  type GrafanaTheme2,
  type ThresholdsConfig,
  type ValueMapping,
} from '@grafana/data';

/** How a value is shown: equal keys are the same state. */
export interface State {
  key: unknown;
  text: string;
  color?: string;
}

/** Prefix of the keys of states that are threshold ranges. */
export const rangeKey = 'threshold ';

/** Returns a function that maps a value of the field to its state, or to undefined if there is none. */
export function stateOf(field: Field, theme: GrafanaTheme2): (value: unknown) => State | undefined {
  const known = new Map<unknown, State>();
  const ranges = thresholdRanges(field);
  const mappings = field.config.mappings ?? [];
  const compute = (value: unknown): State => {
    const shown = field.display?.(value);
    const text = shown ? formattedValueToString(shown) : String(value);
    if (ranges && typeof value === 'number' && !mappings.some((m) => isMapped(m, value))) {
      const step = getActiveThreshold(comparable(value, field), ranges.steps);
      const at = ranges.steps.indexOf(step);
      return { key: `${rangeKey}${at}`, text: ranges.labels[at] ?? text, color: theme.visualization.getColorByName(step.color) };
    }
    return { key: value, text, color: shown?.color };
  };
  return (value) => {
    if (value === null || value === undefined || (typeof value === 'number' && Number.isNaN(value) && mappings.length === 0)) {
      return undefined;
    }
    let state = known.get(value);
    if (!state) {
      state = compute(value);
      known.set(value, state);
    }
    return state;
  };
}

/** The steps of a field colored by thresholds, each with the text of its range. */
export function thresholdRanges(field: Field): { steps: ThresholdsConfig['steps']; labels: string[] } | undefined {
  const { thresholds, color } = field.config;
  if (color?.mode !== FieldColorModeId.Thresholds || !thresholds || thresholds.steps.length < 2) {
    return undefined;
  }
  const percent = thresholds.mode === ThresholdsMode.Percentage;
  const format = (value: number) => (percent ? `${value}%` : field.display ? formattedValueToString(unmapped(field, value)) : String(value));
  const labels = thresholds.steps.map((step, i) =>
    step.value === -Infinity || step.value === null ? `< ${format(thresholds.steps[i + 1]!.value)}` : `${format(step.value)}+`
  );
  return { steps: thresholds.steps, labels };
}

/** The bound of a range is shown as a number even if that number has a mapping. */
function unmapped(field: Field, value: number) {
  const shown = field.display!(value);
  return (field.config.mappings ?? []).some((m) => isMapped(m, value)) ? { text: String(value), suffix: shown.suffix } : shown;
}

function comparable(value: number, field: Field): number {
  if (field.config.thresholds?.mode !== ThresholdsMode.Percentage) {
    return value;
  }
  const min = field.config.min ?? field.state?.range?.min ?? 0;
  const max = field.config.max ?? field.state?.range?.max ?? 100;
  return max === min ? 0 : ((value - min) / (max - min)) * 100;
}

export function isMapped(mapping: ValueMapping, value: unknown): boolean {
  switch (mapping.type) {
    case MappingType.ValueToText:
      return Object.hasOwn(mapping.options, String(value));
    case MappingType.RangeToText:
      return typeof value === 'number' && value >= (mapping.options.from ?? -Infinity) && value <= (mapping.options.to ?? Infinity);
    case MappingType.RegexToText:
      return typeof value === 'string' && stringToJsRegex(mapping.options.pattern).test(value);
    case MappingType.SpecialValue:
      return isSpecial(mapping.options.match, value);
  }
}

function isSpecial(match: SpecialValueMatch, value: unknown): boolean {
  switch (match) {
    case SpecialValueMatch.True:
      return value === true;
    case SpecialValueMatch.False:
      return value === false;
    case SpecialValueMatch.Empty:
      return value === '';
    case SpecialValueMatch.NaN:
    case SpecialValueMatch.NullAndNaN:
      return Number.isNaN(value);
    default:
      return false;
  }
}
