import {
  booleanOverrideProcessor,
  dataLinksOverrideProcessor,
  displayNameOverrideProcessor,
  FieldColorModeId,
  FieldConfigProperty,
  FieldType,
  identityOverrideProcessor,
  numberOverrideProcessor,
  standardFieldConfigEditorRegistry,
  stringOverrideProcessor,
  ThresholdsMode,
  thresholdsOverrideProcessor,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
  type Field,
  type FieldConfigPropertyItem,
} from '@grafana/data';

import type { EditorId } from './optionEditors';
import { editorOf } from './registerOptionEditors';

type Item = Pick<FieldConfigPropertyItem, 'id' | 'name' | 'process' | 'shouldApply'> & Partial<FieldConfigPropertyItem> & { edit: EditorId };

const numeric = (field: Field) => field.type === FieldType.number;
const any = () => true;

const items: Item[] = [
  {
    id: FieldConfigProperty.DisplayName,
    edit: 'text',
    name: 'Display name',
    process: displayNameOverrideProcessor,
    shouldApply: any,
    settings: { expandTemplateVars: true },
  },
  { id: FieldConfigProperty.Unit, edit: 'unit', name: 'Unit', process: unitOverrideProcessor, shouldApply: any },
  { id: FieldConfigProperty.Min, edit: 'number', name: 'Min', process: numberOverrideProcessor, shouldApply: numeric },
  { id: FieldConfigProperty.Max, edit: 'number', name: 'Max', process: numberOverrideProcessor, shouldApply: numeric },
  { id: FieldConfigProperty.FieldMinMax, edit: 'boolean', name: 'Field min/max', process: booleanOverrideProcessor, shouldApply: numeric },
  {
    id: FieldConfigProperty.Decimals,
    edit: 'number',
    name: 'Decimals',
    process: numberOverrideProcessor,
    shouldApply: numeric,
    settings: { integer: true, min: 0, max: 15 },
  },
  {
    id: FieldConfigProperty.Color,
    edit: 'fieldColor',
    name: 'Color scheme',
    process: identityOverrideProcessor,
    shouldApply: any,
    defaultValue: { mode: FieldColorModeId.Thresholds },
  },
  { id: FieldConfigProperty.NoValue, edit: 'text', name: 'No value', process: displayNameOverrideProcessor, shouldApply: any },
  { id: FieldConfigProperty.Links, edit: 'json', name: 'Data links', process: dataLinksOverrideProcessor, shouldApply: any },
  { id: FieldConfigProperty.Actions, edit: 'json', name: 'Actions', process: identityOverrideProcessor, shouldApply: any },
  { id: FieldConfigProperty.Mappings, edit: 'json', name: 'Value mappings', process: valueMappingsOverrideProcessor, shouldApply: any, defaultValue: [] },
  {
    id: FieldConfigProperty.Thresholds,
    edit: 'thresholds',
    name: 'Thresholds',
    process: thresholdsOverrideProcessor,
    shouldApply: any,
    defaultValue: {
      mode: ThresholdsMode.Absolute,
      steps: [
        { value: -Infinity, color: 'green' },
        { value: 80, color: 'red' },
      ],
    },
  },
  { id: FieldConfigProperty.Filterable, edit: 'boolean', name: 'Filterable', process: booleanOverrideProcessor, shouldApply: any },
  { id: 'description', edit: 'text', name: 'Description', process: stringOverrideProcessor, shouldApply: any, settings: { expandTemplateVars: true } },
];

/** Registers the field options common to all panels, and how their values are read from JSON, with @grafana/data. */
export function registerStandardFieldConfig() {
  standardFieldConfigEditorRegistry.setInit(() =>
    items.map(({ edit, ...item }) => {
      const editor = editorOf(edit);
      return { path: item.id, category: ['Standard options'], editor, override: editor, ...item } as FieldConfigPropertyItem;
    })
  );
}
