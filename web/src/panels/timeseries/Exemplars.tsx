import { css } from '@emotion/css';
import { dateTimeFormat, FieldType, formattedValueToString, type DataFrame, type Field, type TimeZone } from '@grafana/data';
import { getFieldDisplayLinks, TextLink, Tooltip, type UPlotConfigBuilder } from '@grafana/ui';
import { createPortal } from 'react-dom';
import type uPlot from 'uplot';

import { usePlot } from './overlay';

interface Props {
  config: UPlotConfigBuilder;
  frames: DataFrame[];
  /** The scale of a value and its position on it; undefined if it has none. */
  scaleOf: (u: uPlot, value: number) => { scale: string; at: number } | undefined;
  color?: string;
  timeZone: TimeZone;
}

/** Exemplars as diamonds over a plot, each with its labels and the data source's links. */
export function Exemplars({ config, frames, scaleOf, color = '#5794F2', timeZone }: Props) {
  const u = usePlot(config);
  if (!u) {
    return null;
  }
  return createPortal(
    frames.flatMap((frame, f) => {
      const times: number[] = frame.fields.find((field) => field.type === FieldType.time)?.values ?? [];
      const values: number[] = frame.fields.find((field) => field.type === FieldType.number)?.values ?? [];
      return times.map((time, row) => {
        const place = placeOf(u, time, scaleOf(u, values[row]!));
        return (
          place && (
            <Tooltip key={`${f}-${row}`} content={<Labels {...{ frame, row, timeZone }} />} interactive>
              <button type="button" className={diamond} style={{ ...place, background: color }} aria-label="Exemplar" data-testid="exemplar" />
            </Tooltip>
          )
        );
      });
    }),
    u.over
  );
}

function placeOf(u: uPlot, time: number, position: { scale: string; at: number } | undefined) {
  const left = u.valToPos(time, 'x');
  if (!position || left < 0 || left > u.over.clientWidth || !Number.isFinite(position.at)) {
    return undefined;
  }
  const { scale, at } = position;
  const { min, max } = u.scales[scale]!;
  // An exemplar beyond the axis is shown at the edge, as in Grafana.
  return { left: left - 4, top: u.valToPos(Math.min(Math.max(at, min ?? at), max ?? at), scale) - 4 };
}

/** The scale of the first value axis, which a graph uses for all exemplars. */
export function firstScale(u: uPlot, value: number) {
  const scale = u.axes
    .slice(1)
    .map((a) => a.scale)
    .find((s) => s !== undefined && s !== 'x');
  return scale === undefined ? undefined : { scale, at: value };
}

function Labels({ frame, row, timeZone }: { frame: DataFrame; row: number; timeZone: TimeZone }) {
  const shown = frame.fields.filter((field) => field.values[row] !== '' && field.values[row] !== undefined);
  return (
    <div data-testid="exemplar-labels">
      <table>
        <tbody>
          {shown.map((field) => (
            <tr key={field.name}>
              <th scope="row" className={name}>
                {field.name}
              </th>
              <td>{textOf(field, row, timeZone)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown
        .flatMap((field) => getFieldDisplayLinks(field, row))
        .map((link, i) => (
          <div key={i}>
            <TextLink href={link.href} external={link.target === '_blank'} onClick={link.onClick as React.MouseEventHandler<HTMLAnchorElement>}>
              {link.title}
            </TextLink>
          </div>
        ))}
    </div>
  );
}

function textOf(field: Field, row: number, timeZone: TimeZone): string {
  const value: unknown = field.values[row];
  if (field.type === FieldType.time) {
    return dateTimeFormat(value as number, { timeZone });
  }
  return field.display ? formattedValueToString(field.display(value)) : String(value);
}

const name = css({ textAlign: 'left', paddingRight: 8 });
const diamond = css({
  position: 'absolute',
  width: 8,
  height: 8,
  padding: 0,
  border: '1px solid white',
  transform: 'rotate(45deg)',
  cursor: 'pointer',
  zIndex: 1,
});
