import {
  booleanOverrideProcessor, dataLinksOverrideProcessor, displayNameOverrideProcessor, FieldColorModeId, FieldConfigProperty, FieldType,
  identityOverrideProcessor, numberOverrideProcessor, standardFieldConfigEditorRegistry, stringOverrideProcessor, ThresholdsMode,
  thresholdsOverrideProcessor, unitOverrideProcessor, valueMappingsOverrideProcessor, type Field, type FieldConfigPropertyItem,
  type StandardEditorProps,
} from '@grafana/data';

/** Overrides are edited as JSON, the common options by the panel editor's own controls: no editor components here. */
const noEditor = (_: StandardEditorProps<never, never>) => null;

type Item = Pick<FieldConfigPropertyItem, 'id' | 'name' | 'process' | 'shouldApply'> & Partial<FieldConfigPropertyItem>;

const numeric = (field: Field) => field.type === FieldType.number;
const any = () => true;

const items: Item[] = [
  { id: FieldConfigProperty.DisplayName, name: 'Display name', process: displayNameOverrideProcessor, shouldApply: any, settings: { expandTemplateVars: true } },
  { id: FieldConfigProperty.Unit, name: 'Unit', process: unitOverrideProcessor, shouldApply: any },
  { id: FieldConfigProperty.Min, name: 'Min', process: numberOverrideProcessor, shouldApply: numeric },
  { id: FieldConfigProperty.Max, name: 'Max', process: numberOverrideProcessor, shouldApply: numeric },
  { id: FieldConfigProperty.FieldMinMax, name: 'Field min/max', process: booleanOverrideProcessor, shouldApply: numeric },
  { id: FieldConfigProperty.Decimals, name: 'Decimals', process: numberOverrideProcessor, shouldApply: numeric, settings: { integer: true, min: 0, max: 15 } },
  { id: FieldConfigProperty.Color, name: 'Color scheme', process: identityOverrideProcessor, shouldApply: any, defaultValue: { mode: FieldColorModeId.Thresholds } },
  { id: FieldConfigProperty.NoValue, name: 'No value', process: displayNameOverrideProcessor, shouldApply: any },
  { id: FieldConfigProperty.Links, name: 'Data links', process: dataLinksOverrideProcessor, shouldApply: any },
  { id: FieldConfigProperty.Actions, name: 'Actions', process: identityOverrideProcessor, shouldApply: any },
  { id: FieldConfigProperty.Mappings, name: 'Value mappings', process: valueMappingsOverrideProcessor, shouldApply: any, defaultValue: [] },
  { id: FieldConfigProperty.Thresholds, name: 'Thresholds', process: thresholdsOverrideProcessor, shouldApply: any, defaultValue: { mode: ThresholdsMode.Absolute, steps: [{ value: -Infinity, color: 'green' }, { value: 80, color: 'red' }] } },
  { id: FieldConfigProperty.Filterable, name: 'Filterable', process: booleanOverrideProcessor, shouldApply: any },
  { id: 'description', name: 'Description', process: stringOverrideProcessor, shouldApply: any, settings: { expandTemplateVars: true } },
];

/** Tells @grafana/data which field options every panel has and how their values are read from JSON. */
export function registerStandardFieldConfig() {
  standardFieldConfigEditorRegistry.setInit(() =>
    items.map(
      (item) =>
        ({ path: item.id, category: ['Standard options'], editor: noEditor, override: noEditor, ...item }) as unknown as FieldConfigPropertyItem
    )
  );
}
