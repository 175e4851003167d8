/**
 * Renders an element as a PNG: its HTML with computed styles inside an SVG, its canvases as images. Everything is
 * inlined because such an SVG must not load anything.
 */
export async function pictureOf(element: HTMLElement, scale = 2): Promise<Blob> {
  const { width, height } = element.getBoundingClientRect();
  const copy = cloneWithStyles(element);
  copy.setAttribute('xmlns', 'http://www.w3.org/1999/xhtml');
  copy.style.position = 'static';
  const html = new XMLSerializer().serializeToString(copy);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><foreignObject width="100%" height="100%">${html}</foreignObject></svg>`;
  const image = new Image();
  const loaded = new Promise<void>((resolve, reject) => {
    image.onload = () => resolve();
    image.onerror = () => reject(new Error('the browser cannot draw this panel'));
  });
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await loaded;
  const canvas = document.createElement('canvas');
  canvas.width = width * scale;
  canvas.height = height * scale;
  const context = canvas.getContext('2d')!;
  context.fillStyle = getComputedStyle(document.body).backgroundColor;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the picture is empty'))), 'image/png'));
}

function cloneWithStyles(source: HTMLElement): HTMLElement {
  if (source instanceof HTMLCanvasElement) {
    const image = document.createElement('img');
    image.src = source.toDataURL('image/png');
    applyStyle(source, image);
    return image;
  }
  const copy = source.cloneNode(false) as HTMLElement;
  applyStyle(source, copy);
  for (const child of source.childNodes) {
    if (child instanceof HTMLElement || child instanceof SVGElement) {
      copy.append(cloneWithStyles(child as HTMLElement));
    } else if (child instanceof Text) {
      copy.append(child.cloneNode());
    }
  }
  return copy;
}

function applyStyle(source: Element, target: HTMLElement) {
  const computed = getComputedStyle(source);
  let text = '';
  for (const name of computed) {
    text += `${name}:${computed.getPropertyValue(name)};`;
  }
  target.setAttribute('style', text);
}
