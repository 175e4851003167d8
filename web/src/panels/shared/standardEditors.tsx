import { standardEditorsRegistry, type SelectableValue, type StandardEditorProps, type StandardEditorsRegistryItem } from '@grafana/data';
import {
  Checkbox, ColorPicker, Combobox, Input, MultiCombobox, RadioButtonGroup, Slider, StatsPicker, Switch, TagsInput, TextArea, TimeZonePicker, UnitPicker,
} from '@grafana/ui';

interface Choices {
  options?: Array<SelectableValue<string | number | boolean>>;
  allowCustomValue?: boolean;
}

interface Numeric {
  min?: number;
  max?: number;
  step?: number;
  integer?: boolean;
  placeholder?: string;
}

interface Text {
  placeholder?: string;
  useTextarea?: boolean;
  rows?: number;
}

function BooleanEditor({ value, onChange, id }: StandardEditorProps<boolean>) {
  return <Switch id={id} value={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />;
}

function NumberEditor({ value, onChange, item, id }: StandardEditorProps<number, Numeric>) {
  const { min, max, step, integer, placeholder } = item.settings ?? {};
  const change = (text: string) => {
    const number = integer ? Number.parseInt(text, 10) : Number.parseFloat(text);
    onChange(Number.isNaN(number) ? undefined : Math.min(max ?? Infinity, Math.max(min ?? -Infinity, number)));
  };
  return (
    <Input id={id} type="number" key={value} defaultValue={value} min={min} max={max} step={step} placeholder={placeholder} onBlur={(event) => change(event.currentTarget.value)} />
  );
}

function SliderEditor({ value, onChange, item }: StandardEditorProps<number, Numeric>) {
  const { min = 0, max = 100, step } = item.settings ?? {};
  return <Slider value={value ?? min} min={min} max={max} step={step} onAfterChange={onChange} />;
}

function TextEditor({ value, onChange, item, id }: StandardEditorProps<string, Text>) {
  const { placeholder, useTextarea, rows } = item.settings ?? {};
  const common = { id, placeholder, defaultValue: value ?? '', key: value };
  return useTextarea === true ? (
    <TextArea {...common} key={common.key} rows={rows ?? 5} onBlur={(event) => onChange(event.currentTarget.value)} />
  ) : (
    <Input {...common} key={common.key} onBlur={(event) => onChange(event.currentTarget.value)} />
  );
}

function StringsEditor({ value, onChange }: StandardEditorProps<string[]>) {
  return <TagsInput tags={value ?? []} onChange={onChange} />;
}

/** Combobox knows strings and numbers; other values, as true and false, are told apart by their place. */
function SelectEditor({ value, onChange, item, id }: StandardEditorProps<string | number | boolean, Choices>) {
  const options = item.settings?.options ?? [];
  const index = options.findIndex((option) => option.value === value);
  return (
    <Combobox
      id={id}
      value={index < 0 ? null : String(index)}
      options={options.map((option, i) => ({ value: String(i), label: option.label ?? String(option.value), description: option.description }))}
      onChange={(choice) => onChange(options[Number(choice.value)]?.value)}
    />
  );
}

function RadioEditor({ value, onChange, item }: StandardEditorProps<string | number | boolean, Choices>) {
  return <RadioButtonGroup value={value} options={(item.settings?.options ?? []) as never} onChange={onChange} size="sm" />;
}

function MultiSelectEditor({ value, onChange, item }: StandardEditorProps<string[], Choices>) {
  const options = (item.settings?.options ?? []).map((option) => ({ value: String(option.value), label: option.label ?? String(option.value) }));
  if (options.length > 0 && options.length <= 6) {
    const chosen = new Set(value ?? []);
    return (
      <div>
        {options.map((option) => (
          <Checkbox
            key={option.value}
            label={option.label}
            value={chosen.has(option.value)}
            onChange={(event) => onChange(options.map((o) => o.value).filter((v) => (v === option.value ? event.currentTarget.checked : chosen.has(v))))}
          />
        ))}
      </div>
    );
  }
  return <MultiCombobox value={value ?? []} options={options} onChange={(list) => onChange(list.map((o) => o.value))} />;
}

function ColorEditor({ value, onChange }: StandardEditorProps<string>) {
  return <ColorPicker color={value || 'gray'} onChange={onChange} />;
}

function UnitEditor({ value, onChange }: StandardEditorProps<string>) {
  return <UnitPicker value={value} onChange={onChange} />;
}

function FieldNameEditor({ value, onChange, context }: StandardEditorProps<string>) {
  const names = new Set(context.data.flatMap((frame) => frame.fields.map((field) => field.state?.displayName ?? field.name)));
  return (
    <Combobox
      value={value ?? null}
      isClearable
      createCustomValue
      placeholder="Auto"
      options={[...names].map((name) => ({ value: name, label: name }))}
      onChange={(choice) => onChange(choice?.value)}
    />
  );
}

function StatsEditor({ value, onChange, item }: StandardEditorProps<string[], { allowMultiple?: boolean }>) {
  const stats = Array.isArray(value) ? value : value ? [value] : [];
  return item.settings?.allowMultiple === true ? (
    <StatsPicker stats={stats} onChange={onChange} allowMultiple />
  ) : (
    <StatsPicker stats={stats} onChange={onChange} />
  );
}

function TimeZoneEditor({ value, onChange }: StandardEditorProps<string>) {
  return <TimeZonePicker value={value} onChange={onChange} includeInternal />;
}

const editors: Record<string, unknown> = {
  boolean: BooleanEditor,
  number: NumberEditor,
  slider: SliderEditor,
  text: TextEditor,
  strings: StringsEditor,
  select: SelectEditor,
  radio: RadioEditor,
  'multi-select': MultiSelectEditor,
  color: ColorEditor,
  unit: UnitEditor,
  'field-name': FieldNameEditor,
  'stats-picker': StatsEditor,
  timezone: TimeZoneEditor,
  'dashboard-uid': TextEditor,
};

/**
 * Tells @grafana/data how the options of panels are edited. Called once, before the first panel plugin is loaded: the
 * builders of options and field options look every editor up by its id.
 */
export function registerStandardEditors(): void {
  standardEditorsRegistry.setInit(() => Object.entries(editors).map(([id, editor]) => ({ id, name: id, editor }) as StandardEditorsRegistryItem));
}
