import { getDisplayValueAlignmentFactors, VizOrientation, type DisplayProcessor, type FieldDisplay, type PanelProps } from '@grafana/data';
import { BarGaugeDisplayMode, BarGaugeNamePlacement, BarGaugeSizing, LegendDisplayMode } from '@grafana/schema';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import { BarGauge, useTheme2, VizLayout, VizLegend, VizRepeater, type VizLegendItem, type VizRepeaterRenderValueProps } from '@grafana/ui';

import { LinkedValue } from '../shared/LinkedValue';
import { NoData } from '../shared/NoData';
import { hasNothing, reduceToDisplays } from '../shared/reduce';

type Alignment = ReturnType<typeof getDisplayValueAlignmentFactors>;

/** Default bar sizes in pixels, used if they are not set manually. */
const autoSize = { minVizWidth: 8, minVizHeight: 16, maxVizHeight: 300 };

export function BarGaugePanel(props: PanelProps<Options>) {
  const { data, options, renderCounter } = props;
  const theme = useTheme2();
  const { legend } = options;

  if (hasNothing(data)) {
    return <NoData data={data} text={props.fieldConfig.defaults.noValue || undefined} />;
  }

  const draw = ({ value, width, height, count, alignmentFactors, orientation }: VizRepeaterRenderValueProps<FieldDisplay, Alignment>) => (
    <LinkedValue value={value}>
      {({ openMenu, className }) => (
        <BarGauge
          value={clearName(value, count, legend?.showLegend === true)}
          width={width}
          height={height}
          orientation={orientation}
          field={value.field}
          text={options.text}
          display={value.view?.getFieldDisplayProcessor(value.colIndex ?? 0) as DisplayProcessor | undefined}
          theme={theme}
          itemSpacing={itemSpacing(options)}
          displayMode={options.displayMode}
          onClick={openMenu}
          className={className}
          alignmentFactors={count > 1 ? alignmentFactors : undefined}
          showUnfilled={options.showUnfilled}
          valueDisplayMode={options.valueMode}
          namePlacement={legend?.showLegend === true ? BarGaugeNamePlacement.Hidden : options.namePlacement}
          isOverflow={orientation === VizOrientation.Horizontal && height * count > props.height}
        />
      )}
    </LinkedValue>
  );

  return (
    <VizLayout width={props.width} height={props.height} legend={legendOf(props)}>
      {(width, height) => (
        <VizRepeater<FieldDisplay, Alignment>
          source={data}
          getAlignmentFactors={getDisplayValueAlignmentFactors}
          getValues={() => reduceToDisplays(props)}
          renderValue={draw}
          renderCounter={renderCounter}
          width={width}
          height={height}
          itemSpacing={itemSpacing(options)}
          orientation={options.orientation}
          {...sizes(options)}
        />
      )}
    </VizLayout>
  );
}

function itemSpacing(options: Options): number {
  return options.displayMode === BarGaugeDisplayMode.Lcd ? 2 : 10;
}

function sizes(options: Options) {
  if (options.sizing !== BarGaugeSizing.Manual) {
    return autoSize;
  }
  return { minVizWidth: options.minVizWidth, minVizHeight: options.minVizHeight, maxVizHeight: options.maxVizHeight };
}

/** A single value without a custom name does not need one: the panel title is enough. */
function clearName(value: FieldDisplay, count: number, hide: boolean) {
  return hide || (count === 1 && !value.field.displayName) ? { ...value.display, title: undefined } : value.display;
}

function legendOf(props: PanelProps<Options>) {
  const { legend } = props.options;
  if (legend?.showLegend !== true) {
    return null;
  }
  const items = reduceToDisplays(props).map((value, i): VizLegendItem => ({
    label: value.display.title ?? '',
    color: value.display.color,
    yAxis: 1,
    getItemKey: () => String(i),
    getDisplayValues: () => [],
  }));
  return (
    <VizLayout.Legend placement={legend.placement ?? 'bottom'} width={legend.width}>
      <VizLegend items={items} displayMode={legend.displayMode ?? LegendDisplayMode.List} placement={legend.placement ?? 'bottom'} readonly />
    </VizLayout.Legend>
  );
}
