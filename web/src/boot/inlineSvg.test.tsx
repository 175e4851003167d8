import { act, type ReactNode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import InlineSvg, { keepPicture, parsePicture } from './inlineSvg';

let root: Root;
let place: HTMLElement;

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  place = document.createElement('div');
  root = createRoot(place);
});
afterEach(async () => {
  await act(async () => root.unmount());
  vi.unstubAllGlobals();
});

const draw = (node: ReactNode) => act(async () => root.render(node));

test('what is known is drawn at once, in the size that is asked for, and says so', async () => {
  const loaded = vi.fn();
  keepPicture('/star.svg', '<?xml version="1.0"?><svg xmlns="x" viewBox="0 0 24 24" width="9" fill="red"><path d="M0 0"/></svg>\n');
  await draw(<InlineSvg src="/star.svg" width={16} className="icon" title="<a> & b" onLoad={loaded} aria-hidden={false} />);
  expect(place.innerHTML).toBe(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="red" width="16" class="icon" aria-hidden="false"><title>&lt;a&gt; &amp; b</title><path d="M0 0"></path></svg>'
  );
  expect(loaded).toHaveBeenCalledTimes(1);
});

test('what is not known is asked for once', async () => {
  const asked = vi.fn(async () => new Response('<svg viewBox="0 0 1 1"><g/></svg>'));
  vi.stubGlobal('fetch', asked);
  await draw(
    <>
      <InlineSvg src="/new.svg" loader={<i />} />
      <InlineSvg src="/new.svg" />
    </>
  );
  expect(place.querySelectorAll('svg[viewBox="0 0 1 1"] g')).toHaveLength(2);
  expect(asked).toHaveBeenCalledTimes(1);
});

test('what is not there leaves the place as it was, and may be asked for again', async () => {
  const failed = vi.fn();
  vi.stubGlobal('fetch', async () => new Response('', { status: 404 }));
  await draw(<InlineSvg src="/none.svg" loader={<i />} onError={failed} />);
  expect(place.innerHTML).toBe('<i></i>');
  expect(failed).toHaveBeenCalledTimes(1);
});

test.each([
  '<svg viewBox="0 0 2 2"><b/></svg>',
  `data:image/svg+xml;base64,${btoa('<svg viewBox="0 0 2 2"><b/></svg>')}`,
  'data:image/svg+xml,%3Csvg viewBox="0 0 2 2"%3E%3Cb/%3E%3C/svg%3E',
])('what stands in the code itself is drawn: %s', async (src) => {
  vi.stubGlobal('fetch', () => expect.unreachable());
  await draw(<InlineSvg src={src} />);
  expect(place.querySelector('svg')?.getAttribute('viewBox')).toBe('0 0 2 2');
});

test('what is no picture is an empty one', () => expect(parsePicture('<html>no</html>').content).toBe(''));
