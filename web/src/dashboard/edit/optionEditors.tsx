import {
  FieldColorModeId,
  getFieldDisplayName,
  ReducerID,
  ThresholdsMode,
  type FieldColor,
  type StandardEditorProps,
  type ThresholdsConfig,
} from '@grafana/data';
import {
  Button,
  ColorPicker,
  Combobox,
  IconButton,
  Input,
  MultiCombobox,
  RadioButtonGroup,
  Slider,
  StatsPicker,
  Switch,
  TagsInput,
  TimeZonePicker,
  UnitPicker,
} from '@grafana/ui';
import type { ComponentType } from 'react';

import { JsonValue } from './JsonValue';

export type EditorId =
  | 'number'
  | 'slider'
  | 'text'
  | 'strings'
  | 'select'
  | 'multi-select'
  | 'radio'
  | 'boolean'
  | 'color'
  | 'timezone'
  | 'unit'
  | 'field-name'
  | 'dashboard-uid'
  | 'stats-picker'
  | 'thresholds'
  | 'fieldColor'
  | 'json';

// Settings and values differ by editor; Grafana's registry types them as any, too.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Props<T = any> = StandardEditorProps<T, any>;

interface Choice {
  value: string | number;
  label?: string;
}

const choices = (item: Props['item']): Choice[] =>
  ((item.settings?.options ?? []) as Choice[]).map((o) => ({ value: o.value, label: o.label ?? String(o.value) }));

function NumberEditor({ value, onChange, item, id }: Props<number | undefined>) {
  const { min, max, step, placeholder, integer } = item.settings ?? {};
  const change = (text: string) => {
    const n = Number(text);
    onChange(text.trim() === '' || Number.isNaN(n) ? undefined : integer ? Math.trunc(n) : n);
  };
  return (
    <Input
      id={id}
      type="number"
      defaultValue={value ?? ''}
      min={min}
      max={max}
      step={step ?? 'any'}
      placeholder={placeholder ?? 'auto'}
      onBlur={(e) => change(e.currentTarget.value)}
      onKeyDown={(e) => e.key === 'Enter' && change(e.currentTarget.value)}
      key={String(value)}
    />
  );
}

function SliderEditor({ value, onChange, item, id }: Props<number>) {
  const { min = 0, max = 100, step = 1 } = item.settings ?? {};
  return <Slider inputId={id} value={value ?? min} min={min} max={max} step={step} onAfterChange={(v) => v !== undefined && onChange(v)} key={String(value)} />;
}

function TextEditor({ value, onChange, item, id }: Props<string | undefined>) {
  return (
    <Input
      id={id}
      defaultValue={value ?? ''}
      placeholder={item.settings?.placeholder}
      onBlur={(e) => onChange(e.currentTarget.value || undefined)}
      onKeyDown={(e) => e.key === 'Enter' && onChange(e.currentTarget.value || undefined)}
      key={value}
    />
  );
}

function StringsEditor({ value, onChange }: Props<string[]>) {
  return <TagsInput tags={value ?? []} onChange={onChange} />;
}

function SelectEditor({ value, onChange, item, id }: Props<string | number>) {
  return (
    <Combobox
      id={id}
      value={value ?? null}
      options={choices(item)}
      isClearable
      createCustomValue={Boolean(item.settings?.allowCustomValue)}
      onChange={(o: Choice | null) => onChange(o?.value)}
    />
  );
}

function MultiSelectEditor({ value, onChange, item }: Props<Array<string | number>>) {
  return <MultiCombobox value={value ?? []} options={choices(item)} onChange={(list) => onChange(list.map((o) => o.value))} />;
}

function RadioEditor({ value, onChange, item }: Props<string | number>) {
  const list = choices(item);
  return list.length > 4 ? (
    <SelectEditor {...({ value, onChange, item } as Props)} />
  ) : (
    <RadioButtonGroup value={value} options={list} onChange={onChange} fullWidth />
  );
}

function BooleanEditor({ value, onChange, id }: Props<boolean>) {
  return <Switch id={id} value={Boolean(value)} onChange={(e) => onChange(e.currentTarget.checked)} />;
}

function ColorEditor({ value, onChange }: Props<string>) {
  return <ColorPicker color={value || 'green'} onChange={onChange} enableNamedColors />;
}

function UnitEditor({ value, onChange, id }: Props<string | undefined>) {
  return <UnitPicker id={id} value={value} onChange={onChange} />;
}

function FieldNameEditor({ value, onChange, context, item, id }: Props<string | undefined>) {
  const names = new Set<string>();
  for (const frame of context.data) {
    for (const field of frame.fields) {
      if (!item.settings?.filter || item.settings.filter(field)) {
        names.add(getFieldDisplayName(field, frame, context.data));
      }
    }
  }
  return (
    <Combobox
      id={id}
      value={value ?? null}
      isClearable
      options={[...names].map((name) => ({ value: name, label: name }))}
      onChange={(o: Choice | null) => onChange(o?.value as string | undefined)}
    />
  );
}

function StatsEditor({ value, onChange, item }: Props<string[] | string>) {
  const many = item.settings?.allowMultiple ?? true;
  const list = Array.isArray(value) ? value : value ? [value] : [];
  return (
    <StatsPicker
      stats={list}
      allowMultiple={many}
      onChange={(stats) => onChange(many || Array.isArray(value) ? stats : stats[0])}
      defaultStat={many ? undefined : ReducerID.lastNotNull}
    />
  );
}

function TimeZoneEditor({ value, onChange }: Props<string | undefined>) {
  return <TimeZonePicker value={value} onChange={(zone) => onChange(zone)} includeInternal />;
}

/** Steps in ascending order; the first one has no lower bound. */
function ThresholdsEditor({ value, onChange }: Props<ThresholdsConfig>) {
  const steps = value?.steps?.length ? value.steps : [{ value: -Infinity, color: 'green' }];
  const mode = value?.mode ?? ThresholdsMode.Absolute;
  const change = (next: typeof steps) => onChange({ mode, steps: [...next].sort((a, b) => a.value - b.value) });
  const add = () => {
    const last = steps[steps.length - 1]!.value;
    change([...steps, { value: Number.isFinite(last) ? last + 10 : 80, color: 'red' }]);
  };
  return (
    <div>
      {[...steps].reverse().map((step) => {
        const i = steps.indexOf(step);
        return (
          <div key={`${i}-${step.value}`} style={{ display: 'flex', gap: 8, alignItems: 'center', marginBottom: 4 }}>
            <ColorPicker color={step.color} enableNamedColors onChange={(color) => change(steps.map((s, j) => (j === i ? { ...s, color } : s)))} />
            {i === 0 ? (
              <span>Base</span>
            ) : (
              <Input
                type="number"
                step="any"
                aria-label={`Threshold ${i}`}
                defaultValue={step.value}
                width={14}
                onBlur={(e) => change(steps.map((s, j) => (j === i ? { ...s, value: Number(e.currentTarget.value) } : s)))}
              />
            )}
            {i > 0 && <IconButton name="trash-alt" tooltip="Remove this threshold" onClick={() => change(steps.filter((_, j) => j !== i))} />}
          </div>
        );
      })}
      <div style={{ display: 'flex', gap: 8 }}>
        <Button size="sm" variant="secondary" icon="plus" onClick={add}>
          Add threshold
        </Button>
        <RadioButtonGroup
          size="sm"
          value={mode}
          options={[
            { value: ThresholdsMode.Absolute, label: 'Absolute' },
            { value: ThresholdsMode.Percentage, label: 'Percent' },
          ]}
          onChange={(m) => onChange({ mode: m, steps })}
        />
      </div>
    </div>
  );
}

const colorModes: Array<{ value: FieldColorModeId; label: string }> = [
  { value: FieldColorModeId.PaletteClassic, label: 'Classic palette' },
  { value: FieldColorModeId.PaletteClassicByName, label: 'Classic palette (by series name)' },
  { value: FieldColorModeId.Fixed, label: 'Single color' },
  { value: FieldColorModeId.Shades, label: 'Shades of a color' },
  { value: FieldColorModeId.Thresholds, label: 'From thresholds' },
  { value: 'continuous-GrYlRd' as FieldColorModeId, label: 'Green-Yellow-Red' },
  { value: 'continuous-RdYlGr' as FieldColorModeId, label: 'Red-Yellow-Green' },
  { value: 'continuous-BlYlRd' as FieldColorModeId, label: 'Blue-Yellow-Red' },
  { value: 'continuous-blues' as FieldColorModeId, label: 'Blues' },
  { value: 'continuous-reds' as FieldColorModeId, label: 'Reds' },
  { value: 'continuous-greens' as FieldColorModeId, label: 'Greens' },
  { value: 'continuous-purples' as FieldColorModeId, label: 'Purples' },
];

function FieldColorEditor({ value, onChange, id }: Props<FieldColor | undefined>) {
  const mode = value?.mode ?? FieldColorModeId.Thresholds;
  return (
    <div style={{ display: 'flex', gap: 8, alignItems: 'center' }}>
      <Combobox id={id} value={mode} options={colorModes} onChange={(o) => onChange({ ...value, mode: o.value })} />
      {(mode === FieldColorModeId.Fixed || mode === FieldColorModeId.Shades) && (
        <ColorPicker color={value?.fixedColor ?? 'green'} enableNamedColors onChange={(fixedColor) => onChange({ ...value, mode, fixedColor })} />
      )}
    </div>
  );
}

export const editors: Record<EditorId, ComponentType<Props>> = {
  number: NumberEditor,
  slider: SliderEditor,
  text: TextEditor,
  strings: StringsEditor,
  select: SelectEditor,
  'multi-select': MultiSelectEditor,
  radio: RadioEditor,
  boolean: BooleanEditor,
  color: ColorEditor,
  timezone: TimeZoneEditor,
  unit: UnitEditor,
  'field-name': FieldNameEditor,
  'dashboard-uid': TextEditor,
  'stats-picker': StatsEditor,
  thresholds: ThresholdsEditor,
  fieldColor: FieldColorEditor,
  json: JsonValue,
};
