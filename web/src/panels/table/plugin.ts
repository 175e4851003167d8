import { FieldType, identityOverrideProcessor, PanelPlugin, standardEditorsRegistry, type Field } from '@grafana/data';
import { TableCellDisplayMode, TableCellHeight, type TableFieldOptions, type TableOptions } from '@grafana/schema';

import { CellOptionsEditor } from './CellOptionsEditor';
import { TablePanel } from './TablePanel';

const category = ['Table'];
const column = ['Column'];
const cell = ['Cell options'];
const notNested = (field: Field) => field.type !== FieldType.nestedFrames;

export const plugin = new PanelPlugin<TableOptions, TableFieldOptions>(TablePanel)
  .useFieldConfig({
    useCustomConfig: (builder) => {
      builder
        .addNumberInput({
          path: 'minWidth',
          name: 'Minimum column width',
          category: column,
          settings: { placeholder: '150', min: 50, max: 500 },
          shouldApply: notNested,
        })
        .addNumberInput({ path: 'width', name: 'Column width', category: column, settings: { placeholder: 'Auto', min: 20 }, shouldApply: notNested })
        .addRadio({
          path: 'align',
          name: 'Column alignment',
          category: column,
          defaultValue: 'auto' as TableFieldOptions['align'],
          settings: {
            options: ['auto', 'left', 'center', 'right'].map((value) => ({
              value: value as TableFieldOptions['align'],
              label: value[0]!.toUpperCase() + value.slice(1),
            })),
          },
        })
        .addBooleanSwitch({ path: 'filterable', name: 'Column filter', category: column, defaultValue: false })
        .addBooleanSwitch({ path: 'sortable', name: 'Sortable', category: column, defaultValue: true, hideFromDefaults: true })
        .addBooleanSwitch({ path: 'wrapHeaderText', name: 'Wrap header text', category: column, defaultValue: false })
        .addBooleanSwitch({ path: 'hideHeader', name: 'Hide header text', category: column, defaultValue: false, hideFromDefaults: true })
        .addBooleanSwitch({ path: 'hideFrom.viz', name: 'Hide in table', category: column, defaultValue: false, hideFromDefaults: true })
        .addCustomEditor({
          id: 'cellOptions',
          path: 'cellOptions',
          name: 'Cell type',
          category: cell,
          defaultValue: { type: TableCellDisplayMode.Auto },
          editor: CellOptionsEditor,
          override: CellOptionsEditor,
          process: identityOverrideProcessor,
          shouldApply: () => true,
        })
        .addBooleanSwitch({ path: 'wrapText', name: 'Wrap text', category: cell, defaultValue: false })
        .addBooleanSwitch({ path: 'inspect', name: 'Cell value inspect', category: cell, defaultValue: false })
        .addFieldNamePicker({ path: 'tooltip.field', name: 'Tooltip from field', category: cell })
        .addFieldNamePicker({ path: 'styleField', name: 'Styling from field', category: cell })
        .addCustomEditor({
          id: 'footer.reducers',
          path: 'footer.reducers',
          name: 'Footer calculation',
          category: ['Table footer'],
          defaultValue: [],
          editor: standardEditorsRegistry.get('stats-picker').editor,
          override: standardEditorsRegistry.get('stats-picker').editor,
          settings: { allowMultiple: true },
          process: identityOverrideProcessor,
          shouldApply: () => true,
        });
    },
  })
  .setPanelOptions((builder) => {
    builder
      .addBooleanSwitch({ path: 'showHeader', name: 'Show table header', category, defaultValue: true })
      .addBooleanSwitch({ path: 'showTypeIcons', name: 'Show type icons', category, defaultValue: false })
      .addNumberInput({ path: 'frozenColumns.left', name: 'Frozen columns', category, settings: { placeholder: 'None', min: 0, integer: true } })
      .addRadio({
        path: 'cellHeight',
        name: 'Cell height',
        category,
        defaultValue: TableCellHeight.Sm,
        settings: {
          options: [
            { value: TableCellHeight.Sm, label: 'Small' },
            { value: TableCellHeight.Md, label: 'Medium' },
            { value: TableCellHeight.Lg, label: 'Large' },
          ],
        },
      })
      .addNumberInput({ path: 'maxRowHeight', name: 'Max row height', category, settings: { placeholder: 'None', min: 0 } })
      .addBooleanSwitch({ path: 'enablePagination', name: 'Enable pagination', category, defaultValue: false })
      .addNumberInput({
        path: 'pageSize',
        name: 'Rows per page',
        category,
        settings: { placeholder: 'Auto', min: 1, integer: true },
        showIf: (options) => options.enablePagination === true,
      });
  });
