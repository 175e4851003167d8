import { css } from '@emotion/css';

/** uPlot marks what is under the pointer with circles; for boxes, use boxes. */
export const squareMarks = css({ '.u-cursor-pt': { borderRadius: '0 !important' } });
