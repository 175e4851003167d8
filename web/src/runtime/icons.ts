import { cacheStore } from 'react-inlinesvg';

/** The icons that most pages show, in the bundle, so that they are not asked for one by one. */
const bundled = import.meta.glob<string>(
  [
    '../../node_modules/@grafana/ui/dist/public/img/icons/unicons/{angle-down,angle-up,angle-right,angle-left,apps,arrow-left,arrow-down,arrow-up,arrow-right,bars,bolt,calendar-alt,check,clock-nine,copy,download-alt,edit,ellipsis-v,exclamation-triangle,exclamation-circle,external-link-alt,eye,favorite,file-alt,folder,folder-open,folder-plus,import,info-circle,keyboard,link,list-ul,minus,monitor,plus,question-circle,save,search,search-minus,search-plus,share-alt,shield,sign-out-alt,signout,sliders-v-alt,sort-amount-down,star,sync,tag-alt,times,trash-alt,upload,user,history,filter,draggabledots,panel-add,eye-slash,compass,bell,home-alt,dashboard,cog,document-info,check-circle,heart,heart-break,repeat,lock,table,graph-bar}.svg',
    '../../node_modules/@grafana/ui/dist/public/img/icons/mono/{favorite,panel-add}.svg',
  ],
  { query: '?raw', import: 'default', eager: true }
);

export function cacheIcons() {
  const root = window.__grafana_public_path__ ?? '/public/';
  for (const [path, content] of Object.entries(bundled)) {
    const name = path.split('/img/icons/')[1]!;
    cacheStore.set(`${root}build/img/icons/${name}`, { content, status: 'loaded' });
  }
}
