import { getDisplayValueAlignmentFactors, type FieldDisplay, type PanelProps } from '@grafana/data';
import { BigValueGraphMode } from '@grafana/schema';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import { BigValue, useTheme2, VizRepeater, type VizRepeaterRenderValueProps } from '@grafana/ui';

import { LinkedValue } from '../shared/LinkedValue';
import { NoData } from '../shared/NoData';
import { hasNothing, reduceToDisplays } from '../shared/reduce';

type Alignment = ReturnType<typeof getDisplayValueAlignmentFactors>;

export function StatPanel(props: PanelProps<Options>) {
  const { width, height, data, renderCounter, options } = props;
  const theme = useTheme2();

  if (hasNothing(data)) {
    return <NoData data={data} text={props.fieldConfig.defaults.noValue || undefined} />;
  }

  // BigValue declares its own enums with the same values.
  const draw = ({ value, width, height, count, alignmentFactors }: VizRepeaterRenderValueProps<FieldDisplay, Alignment>) => (
    <LinkedValue value={value}>
      {({ openMenu, className }) => (
        <BigValue
          value={value.display}
          count={count}
          sparkline={options.graphMode === BigValueGraphMode.None ? undefined : value.sparkline}
          colorMode={options.colorMode as never}
          graphMode={options.graphMode as never}
          justifyMode={options.justifyMode as never}
          textMode={options.textMode as never}
          alignmentFactors={count > 1 ? alignmentFactors : undefined}
          text={options.text}
          width={width}
          height={height}
          theme={theme}
          onClick={openMenu}
          className={className}
          hasLinks={value.hasLinks}
          disableWideLayout={!options.wideLayout}
          percentChangeColorMode={options.percentChangeColorMode}
        />
      )}
    </LinkedValue>
  );

  return (
    <VizRepeater<FieldDisplay, Alignment>
      getValues={() => reduceToDisplays(props, { sparkline: options.graphMode !== BigValueGraphMode.None, percentChange: options.showPercentChange })}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={draw}
      width={width}
      height={height}
      source={data}
      itemSpacing={3}
      renderCounter={renderCounter}
      autoGrid={true}
      orientation={options.orientation}
    />
  );
}
