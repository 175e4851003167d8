import { css } from '@emotion/css';

/** uPlot marks what is under the pointer with circles; boxes are marked as boxes. */
export const squareMarks = css({ '.u-cursor-pt': { borderRadius: '0 !important' } });
