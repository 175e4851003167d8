import { css } from '@emotion/css';
import { locationUtil, textUtil, type GrafanaTheme2, type PanelProps } from '@grafana/data';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/dashboardlist/panelcfg/x/DashboardListPanelCfg_types.gen';
import { IconButton, useStyles2 } from '@grafana/ui';
import { Link } from 'react-router-dom';

import { NoData } from '../shared/NoData';
import { dashboardUrl } from './links';
import { useDashboards } from './useDashboards';

export function DashListPanel({ options, replaceVariables, height }: PanelProps<Options>) {
  const styles = useStyles2(getStyles);
  const { sections, error, star } = useDashboards(options, replaceVariables(options.query ?? ''));
  if (error !== undefined) {
    return <NoData failure={error} />;
  }
  if (sections === undefined) {
    return null;
  }
  if (sections.every((section) => section.hits.length === 0)) {
    return <NoData text="No dashboards" />;
  }
  return (
    <div className={styles.panel} style={{ height }} tabIndex={0}>
      {sections
        .filter((section) => section.hits.length > 0)
        .map((section) => (
          <section key={section.title} aria-label={section.title}>
            {options.showHeadings && <h6 className={styles.heading}>{section.title}</h6>}
            <ul className={styles.list}>
              {section.hits.map((hit) => (
                <li key={hit.uid} className={styles.item}>
                  <div className={styles.text}>
                    <Link to={address(dashboardUrl(hit.url, options, replaceVariables))} className={styles.link}>
                      {hit.title}
                    </Link>
                    {options.showFolderNames && hit.folderTitle && <div className={styles.folder}>{hit.folderTitle}</div>}
                  </div>
                  <IconButton
                    name={hit.isStarred ? 'favorite' : 'star'}
                    iconType={hit.isStarred ? 'mono' : 'default'}
                    aria-label={hit.isStarred ? `Unstar ${hit.title}` : `Star ${hit.title}`}
                    onClick={() => void star(hit)}
                  />
                </li>
              ))}
            </ul>
          </section>
        ))}
    </div>
  );
}

/** The path inside the application. */
function address(url: string): string {
  return locationUtil.stripBaseFromUrl(textUtil.sanitizeUrl(url));
}

const getStyles = (theme: GrafanaTheme2) => ({
  panel: css({ overflow: 'auto' }),
  heading: css({ margin: theme.spacing(1, 0), color: theme.colors.text.secondary }),
  list: css({ listStyle: 'none', marginBottom: theme.spacing(2) }),
  item: css({ display: 'flex', alignItems: 'center', padding: theme.spacing(0.5, 1), '&:hover': { background: theme.colors.action.hover } }),
  text: css({ flexGrow: 1, minWidth: 0 }),
  link: css({ color: theme.colors.text.link, '&:hover': { textDecoration: 'underline' } }),
  folder: css({ color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize }),
});
