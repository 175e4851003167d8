import { compact, num, obj, text, without, type Json } from './json';
import { aliasMatcher, reducers } from './context';
import { own } from '../../boot/own';

const pieKeys = [
  'aliasColors',
  'breakPoint',
  'combine',
  'decimals',
  'fontSize',
  'format',
  'legend',
  'legendType',
  'nullPointMode',
  'pieType',
  'strokeWidth',
  'valueName',
  'cacheTimeout',
];

/** Converts grafana-piechart-panel to the built-in pie chart. */
export function migratePiechart(panel: Json): Json {
  const legend = obj(panel.legend);
  const onGraph = panel.legendType === 'On graph';
  const values = [legend.percentage === true ? 'percent' : undefined, legend.values === true ? 'value' : undefined].filter((v) => v !== undefined);
  const previous = obj(panel.fieldConfig);
  return {
    ...without(panel, pieKeys),
    type: 'piechart',
    fieldConfig: {
      defaults: compact({
        ...obj(previous.defaults),
        unit: text(panel.format),
        decimals: num(panel.decimals) ?? num(legend.percentageDecimals),
        color: { mode: 'palette-classic' },
      }),
      overrides: Object.entries(obj(panel.aliasColors))
        .filter(([, color]) => text(color) !== undefined)
        .map(([alias, color]) => ({ matcher: aliasMatcher(alias), properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: color } }] })),
    },
    options: {
      pieType: panel.pieType === 'donut' ? 'donut' : 'pie',
      reduceOptions: { values: false, calcs: [own(reducers, String(panel.valueName))?.id ?? 'lastNotNull'], fields: '' },
      displayLabels: onGraph ? ['name', ...values] : [],
      legend: {
        showLegend: legend.show !== false && !onGraph,
        displayMode: values.length > 0 ? 'table' : 'list',
        placement: panel.legendType === 'Right side' ? 'right' : 'bottom',
        calcs: [],
        values,
      },
      tooltip: { mode: 'single', sort: 'none' },
    },
  };
}
