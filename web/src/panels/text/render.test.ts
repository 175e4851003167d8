import { describe, expect, test } from 'vitest';
import { renderText } from './render';

const asIs = (text: string) => text;

function html(mode: string, content: string): HTMLElement {
  const rendered = renderText({ mode, content } as never, asIs);
  const element = document.createElement('div');
  element.innerHTML = rendered.kind === 'html' ? rendered.html : '';
  return element;
}

describe.each(['markdown', 'html'])('%s', (mode) => {
  test.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href=" java\tscript:alert(1)">x</a>',
    '<svg onload=alert(1)><a xlink:href="javascript:alert(1)">x</a></svg>',
    '<form action="/logout"><input name=a></form>',
    '<iframe src="javascript:alert(1)"></iframe>',
    '<style>*{display:none}</style>',
    '<div style="background:url(javascript:alert(1))" onclick="x()">x</div>',
    '<object data="x"></object><embed src="x"><base href="//evil">',
    '[x](javascript:alert(1)) ![y](javascript:alert(1)) <javascript:alert(1)>',
  ])('%s is dead', (content) => {
    const element = html(mode, content);
    expect(element.querySelectorAll('script, svg, form, style, object, embed, base, input')).toHaveLength(0);
    for (const node of element.querySelectorAll('*')) {
      for (const attribute of node.attributes) {
        expect(attribute.name).not.toMatch(/^on/);
        expect(attribute.value).not.toMatch(/javascript:/i);
      }
    }
  });
});

test('markdown becomes HTML', () => {
  const element = html('markdown', '# Title\n\n* a\n* [b](https://example.com)\n\n| x |\n|---|\n| 1 |\n\n`code`');
  expect(element.querySelector('h1')?.textContent).toBe('Title');
  expect(element.querySelector('a')?.getAttribute('href')).toBe('https://example.com');
  expect(element.querySelectorAll('li, table, code')).toHaveLength(4);
});

test('variables are put in for the kind of text', () => {
  const formats: unknown[] = [];
  const replace = (text: string, _vars?: unknown, format?: unknown) => {
    formats.push(format);
    return text.replace('$v', 'value');
  };
  expect(renderText({ mode: 'html', content: '<b>$v</b>' } as never, replace as never)).toEqual({ kind: 'html', html: '<b>value</b>' });
  expect(renderText({ mode: 'code', content: '$v', code: { language: 'json' } } as never, replace as never)).toEqual({ kind: 'code', text: 'value' });
  renderText({ mode: 'code', content: '<b>' } as never, replace as never);
  renderText({ content: 5 } as never, replace as never);
  expect(formats).toEqual(['html', 'json', 'raw', 'html']);
});
