// Replaces react-inlinesvg, which @grafana/ui uses for its icons. The original parses an image again for each place it
// is used and creates elements for all of its parts: an eighth of all work for a dashboard.
import { useEffect, useReducer, type ReactNode, type Ref, type SVGProps } from 'react';

interface Picture {
  attributes: SVGProps<SVGSVGElement>;
  content: string;
}

const pictures = new Map<string, Picture>();
const loading = new Map<string, Promise<void>>();

/** Caches the image at a URL so that it is not requested. */
export function keepPicture(src: string, svg: string) {
  pictures.set(src, parsePicture(svg));
}

/** The content of an svg element and how it is painted; the size is up to the user of the image. */
export function parsePicture(svg: string): Picture {
  const [, attributes = '', content = ''] = /<svg\b([^>]*)>([^]*)<\/svg>/.exec(svg) ?? [];
  const value = (name: string) => new RegExp(`\\s${name}="([^"]*)"`).exec(attributes)?.[1];
  return { attributes: { viewBox: value('viewBox'), fill: value('fill') }, content };
}

function load(src: string): Promise<void> {
  let job = loading.get(src);
  if (!job) {
    job = fetch(src, { credentials: 'same-origin' }).then(async (response) => {
      if (!response.ok) {
        throw new Error(`${src}: ${response.status}`);
      }
      keepPicture(src, await response.text());
    });
    loading.set(src, job);
    job.catch(() => loading.delete(src));
  }
  return job;
}

/** The text of an image that is inlined in a module, either directly or as a data URL. */
function written(src: string): string | undefined {
  const [, base64, data] = /^data:image\/svg[^,]*?(;base64)?,([^]*)$/.exec(src) ?? [];
  return data === undefined ? (src.includes('<svg') ? src : undefined) : base64 ? atob(data) : decodeURIComponent(data);
}

interface Props extends Omit<SVGProps<SVGSVGElement>, 'onLoad' | 'onError' | 'ref'> {
  src: string;
  innerRef?: Ref<SVGSVGElement>;
  /** Shown until the image is loaded. */
  loader?: ReactNode;
  title?: string;
  onLoad?: () => void;
  onError?: () => void;
}

export default function InlineSvg({ src, innerRef, loader = null, title, onLoad, onError, ...rest }: Props) {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const text = written(src);
  if (text !== undefined && !pictures.has(src)) {
    keepPicture(src, text);
  }
  const picture = pictures.get(src);
  const known = picture !== undefined;
  useEffect(() => {
    if (known) {
      onLoad?.();
      return;
    }
    let gone = false;
    load(src).then(
      () => !gone && redraw(),
      () => !gone && onError?.()
    );
    return () => {
      gone = true;
    };
  }, [src, known, onLoad, onError]);
  if (!picture) {
    return loader;
  }
  const inner = title ? `<title>${escaped(title)}</title>${picture.content}` : picture.content;
  return <svg xmlns="http://www.w3.org/2000/svg" {...picture.attributes} {...rest} ref={innerRef} dangerouslySetInnerHTML={{ __html: inner }} />;
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
}
