import type { StandardEditorProps } from '@grafana/data';
import { BarGaugeDisplayMode, TableCellBackgroundDisplayMode, TableCellDisplayMode, type TableCellOptions } from '@grafana/schema';
import { Checkbox, Combobox, RadioButtonGroup, Stack } from '@grafana/ui';

const types: Array<{ value: TableCellOptions['type']; label: string }> = [
  { value: TableCellDisplayMode.Auto, label: 'Auto' },
  { value: TableCellDisplayMode.ColorText, label: 'Colored text' },
  { value: TableCellDisplayMode.ColorBackground, label: 'Colored background' },
  { value: TableCellDisplayMode.Gauge, label: 'Gauge' },
  { value: TableCellDisplayMode.Sparkline, label: 'Sparkline' },
  { value: TableCellDisplayMode.DataLinks, label: 'Data links' },
  { value: TableCellDisplayMode.JSONView, label: 'JSON view' },
  { value: TableCellDisplayMode.Pill, label: 'Pill' },
  { value: TableCellDisplayMode.Markdown, label: 'Markdown' },
  { value: TableCellDisplayMode.Image, label: 'Image' },
];

const gaugeModes = [
  { value: BarGaugeDisplayMode.Basic, label: 'Basic' },
  { value: BarGaugeDisplayMode.Gradient, label: 'Gradient' },
  { value: BarGaugeDisplayMode.Lcd, label: 'Retro LCD' },
];

const backgroundModes = [
  { value: TableCellBackgroundDisplayMode.Basic, label: 'Basic' },
  { value: TableCellBackgroundDisplayMode.Gradient, label: 'Gradient' },
];

/** Editor for how the cells of a column are drawn. */
export function CellOptionsEditor({ value, onChange }: StandardEditorProps<TableCellOptions>) {
  const cell = value ?? { type: TableCellDisplayMode.Auto };
  return (
    <Stack direction="column">
      <Combobox value={cell.type} options={types} onChange={(choice) => onChange({ type: choice.value } as TableCellOptions)} />
      {cell.type === TableCellDisplayMode.Gauge && (
        <RadioButtonGroup size="sm" value={cell.mode ?? BarGaugeDisplayMode.Gradient} options={gaugeModes} onChange={(mode) => onChange({ ...cell, mode })} />
      )}
      {cell.type === TableCellDisplayMode.ColorBackground && (
        <>
          <RadioButtonGroup
            size="sm"
            value={cell.mode ?? TableCellBackgroundDisplayMode.Gradient}
            options={backgroundModes}
            onChange={(mode) => onChange({ ...cell, mode })}
          />
          <Checkbox
            label="Apply to entire row"
            value={cell.applyToRow === true}
            onChange={(event) => onChange({ ...cell, applyToRow: event.currentTarget.checked })}
          />
        </>
      )}
    </Stack>
  );
}
