import { css } from '@emotion/css';
import { dateTimeFormat, type DataFrame, type TimeZone } from '@grafana/data';
import { Tooltip, type UPlotConfigBuilder } from '@grafana/ui';
import { createPortal } from 'react-dom';
import type uPlot from 'uplot';

import { usePlot } from './overlay';

interface Props {
  config: UPlotConfigBuilder;
  frames: DataFrame[];
  timeZone: TimeZone;
}

/** Exemplars as diamonds over a plot, each with its labels. */
export function Exemplars({ config, frames, timeZone }: Props) {
  const u = usePlot(config);
  if (!u) {
    return null;
  }
  return createPortal(
    frames.flatMap((frame, f) =>
      Array.from({ length: frame.length }, (_, row) => {
        const at = place(u, frame, row);
        return at && (
          <Tooltip key={`${f}-${row}`} content={<Content frame={frame} row={row} timeZone={timeZone} />} interactive>
            <button type="button" className={diamond} style={at} aria-label="Exemplar" />
          </Tooltip>
        );
      })
    ),
    u.over
  );
}

function place(u: uPlot, frame: DataFrame, row: number) {
  const scale = u.axes.slice(1).map((a) => a.scale).find((s) => s !== undefined && s !== 'x');
  if (!scale) {
    return undefined;
  }
  const [time, value] = [frame.fields[0]!.values[row] as number, frame.fields[1]!.values[row] as number];
  const { min, max } = u.scales[scale]!;
  // An exemplar above the axis is shown at its edge, as Grafana does.
  const shown = Math.min(Math.max(value, min ?? value), max ?? value);
  const left = u.valToPos(time, 'x');
  return left < 0 || left > u.over.clientWidth ? undefined : { left: left - 4, top: u.valToPos(shown, scale) - 4 };
}

function Content({ frame, row, timeZone }: { frame: DataFrame; row: number; timeZone: TimeZone }) {
  return (
    <table>
      <tbody>
        {frame.fields.map((field, i) => {
          const value = field.values[row];
          const text = i === 0 ? dateTimeFormat(value, { timeZone }) : String(value);
          return value === '' ? null : (
            <tr key={field.name}>
              <th scope="row" style={{ textAlign: 'left', paddingRight: 8 }}>{field.name}</th>
              <td>{text}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

const diamond = css({ position: 'absolute', width: 8, height: 8, padding: 0, border: '1px solid white', background: '#5794F2', transform: 'rotate(45deg)', cursor: 'pointer', zIndex: 1 });
