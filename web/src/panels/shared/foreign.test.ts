import { expect, test } from 'vitest';

import { tameForeign } from './foreign';

test('links get no handle on this page, blocked images say why', () => {
  const element = document.createElement('div');
  element.innerHTML =
    '<a href="https://a.example" target="_blank">a</a><a href="/d/x" rel="opener">b</a><img src="https://b.example/x.png" alt="Logo"><img src="/none.png">';
  tameForeign(element);
  expect([...element.querySelectorAll('a')].map((a) => a.rel)).toEqual(['noopener noreferrer', 'noopener noreferrer']);
  element.querySelectorAll('img').forEach((image) => image.dispatchEvent(new Event('error')));
  expect([...element.querySelectorAll('em')].map((note) => note.textContent)).toEqual([
    'Logo (Image from https://b.example is not loaded: an operator allows its site with --web.image-hosts)',
    'Image cannot be loaded',
  ]);
});
