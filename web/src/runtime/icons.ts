import { keepPicture } from '../boot/inlineSvg';

/** Icons used on most pages, bundled so that they are not requested one by one. */
const bundled = import.meta.glob<string>(
  [
    '../../node_modules/@grafana/ui/dist/public/img/icons/unicons/{angle-double-right,angle-down,angle-up,angle-right,angle-left,apps,arrow-left,arrow-down,arrow-up,arrow-right,bars,bolt,calendar-alt,check,clock-nine,copy,download-alt,edit,ellipsis-v,exclamation-triangle,exclamation-circle,external-link-alt,eye,favorite,file-alt,folder,folder-open,folder-plus,import,info-circle,keyboard,link,list-ul,minus,monitor,plus,question-circle,save,search,search-minus,search-plus,share-alt,shield,sign-out-alt,signout,sliders-v-alt,sort-amount-down,star,sync,tag-alt,times,trash-alt,upload,user,history,filter,draggabledots,panel-add,eye-slash,compass,bell,home-alt,dashboard,cog,document-info,check-circle,heart,heart-break,repeat,lock,table,graph-bar}.svg',
    '../../node_modules/@grafana/ui/dist/public/img/icons/mono/{favorite,panel-add}.svg',
  ],
  { query: '?raw', import: 'default', eager: true }
);

/** Icons that Grafana's components use but its library lacks; icons.test.ts finds more. */
export const missing: Record<string, string> = {
  'unicons/angle-double-left.svg': 'm11 7-5 5 5 5 1.4-1.4L8.8 12l3.6-3.6zm6 0-5 5 5 5 1.4-1.4-3.6-3.6 3.6-3.6z',
  'unicons/sync-slash.svg':
    'M12 4a8 8 0 0 1 7.7 6h-2.1A6 6 0 0 0 9 6.8L7.5 5.3A8 8 0 0 1 12 4zM4.3 14h2.1A6 6 0 0 0 15 17.2l1.5 1.5A8 8 0 0 1 4.3 14zM3.7 2.3 21.7 20.3 20.3 21.7 2.3 3.7z',
  'unicons/circle-mono.svg': 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z',
  'unicons/expand-arrows.svg': 'M12 2 8.5 5.5h2.5V11H5.5V8.5L2 12l3.5 3.5V13H11v5.5H8.5L12 22l3.5-3.5H13V13h5.5v2.5L22 12l-3.5-3.5V11H13V5.5h2.5z',
  'unicons/table-expand-all.svg': 'M4 4h16v2H4zm0 14h16v2H4zm8-10 4 3.5H8zm0 8-4-3.5h8z',
  'unicons/table-collapse-all.svg': 'M4 4h16v2H4zm0 14h16v2H4zm8-6.5L8 8h8zm0 1L8 16h8z',
  'unicons/text-fields.svg': 'M3 4h12v3h-4.5v13h-3V7H3zm11 5h7v2.5h-2.25V20h-2.5v-8.5H14z',
  'unicons/web-section-alt.svg': 'M3 4h18v16H3zm2 2v3h14V6zm0 5v7h6v-7zm8 0v7h6v-7z',
  'custom/gf-pin.svg': 'M8 3h8v2h-1v6l3 3v2h-5v5h-2v-5H6v-2l3-3V5H8z',
};

export function cacheIcons() {
  const root = window.__grafana_public_path__ ?? '/public/';
  for (const [path, content] of Object.entries(bundled)) {
    const name = path.split('/img/icons/')[1]!;
    keepPicture(`${root}build/img/icons/${name}`, content);
    if (name === 'unicons/sync.svg') {
      // build/compress.mjs uses the same name.
      keepPicture(`${root}build/img/icons/unicons/spinner.svg`, content);
    }
  }
  for (const [name, path] of Object.entries(missing)) {
    keepPicture(`${root}build/img/icons/${name}`, `<svg viewBox="0 0 24 24"><path d="${path}"/></svg>`);
  }
}
