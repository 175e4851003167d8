// Stands in for react-inlinesvg, of which @grafana/ui draws its icons. The original parses a picture anew, and makes elements of
// all its parts, for each place where it is: for a dashboard that was an eighth of all work.
import { useEffect, useReducer, type ReactNode, type Ref, type SVGProps } from 'react';

interface Picture {
  attributes: SVGProps<SVGSVGElement>;
  content: string;
}

const pictures = new Map<string, Picture>();
const loading = new Map<string, Promise<void>>();

/** Makes known what is at an address, so that it is not asked for. */
export function keepPicture(src: string, svg: string) {
  pictures.set(src, parsePicture(svg));
}

/** What is inside of an svg element, and how it is painted; sizes are for whoever shows it. */
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

/** A picture in the text of a module: as it is, or as an address of its own. */
function written(src: string): string | undefined {
  const [, base64, data] = /^data:image\/svg[^,]*?(;base64)?,([^]*)$/.exec(src) ?? [];
  return data === undefined ? (src.includes('<svg') ? src : undefined) : base64 ? atob(data) : decodeURIComponent(data);
}

interface Props extends Omit<SVGProps<SVGSVGElement>, 'onLoad' | 'onError' | 'ref'> {
  src: string;
  innerRef?: Ref<SVGSVGElement>;
  /** Stands there until the picture has come. */
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
