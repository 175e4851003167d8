import { css } from '@emotion/css';
import { dateTimeFormat, FieldType, type DataFrame, type TimeZone } from '@grafana/data';
import { Tooltip, type UPlotConfigBuilder } from '@grafana/ui';
import { createPortal } from 'react-dom';

import { usePlot } from '../timeseries/overlay';
import { yOfValue, type View } from './view';

interface Props {
  config: UPlotConfigBuilder;
  frames: DataFrame[];
  view: View;
  color: string;
  timeZone: TimeZone;
}

/** Exemplars as diamonds in the bucket that their value fell into, each with its labels. */
export function ExemplarMarks({ config, frames, view, color, timeZone }: Props) {
  const u = usePlot(config);
  if (!u) {
    return null;
  }
  const { min, max } = u.scales['y']!;
  return createPortal(
    frames.flatMap((frame, f) => {
      const times = frame.fields.find((field) => field.type === FieldType.time)?.values ?? [];
      const values = frame.fields.find((field) => field.type === FieldType.number)?.values ?? [];
      return times.map((time: number, row: number) => {
        const left = u.valToPos(time, 'x');
        const y = yOfValue(view, values[row]);
        if (left < 0 || left > u.over.clientWidth || !Number.isFinite(y)) {
          return null;
        }
        const top = u.valToPos(Math.min(Math.max(y, min ?? y), max ?? y), 'y');
        return (
          <Tooltip key={`${f}-${row}`} content={<Labels frame={frame} row={row} timeZone={timeZone} />} interactive>
            <button type="button" className={diamond} style={{ left: left - 4, top: top - 4, background: color }} aria-label="Exemplar" />
          </Tooltip>
        );
      });
    }),
    u.over
  );
}

function Labels({ frame, row, timeZone }: { frame: DataFrame; row: number; timeZone: TimeZone }) {
  return (
    <table>
      <tbody>
        {frame.fields.filter((field) => field.values[row] !== '').map((field) => (
          <tr key={field.name}>
            <th scope="row" className={name}>{field.name}</th>
            <td>{field.type === FieldType.time ? dateTimeFormat(field.values[row], { timeZone }) : String(field.values[row])}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const name = css({ textAlign: 'left', paddingRight: 8 });
const diamond = css({ position: 'absolute', width: 8, height: 8, padding: 0, border: '1px solid white', transform: 'rotate(45deg)', cursor: 'pointer', zIndex: 1 });
