import { css, cx, injectGlobal } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { locationService } from '@grafana/runtime';
import { Dropdown, Icon, IconButton, Menu, ToolbarButton, useStyles2, type IconName } from '@grafana/ui';
import { lazy, Suspense, useEffect, useState, type ReactNode } from 'react';
import { Link, useLocation } from 'react-router-dom';

import { bootData } from '../boot/bootData';
import { address } from '../runtime/backendSrv';
import { ErrorBoundary } from './ErrorBoundary';
import { docsAddress, runbooksAddress } from '../kit/DocLinks';
import { usePageState } from '../kit/page';
import { useShortcuts } from './shortcuts';
import { chooseTheme } from '../kit/theme';

const CommandPalette = lazy(() => import('./CommandPalette'));
const ShortcutHelp = lazy(() => import('./ShortcutHelp'));

const navigation: Array<{ to: string; text: string; icon: IconName; match: RegExp }> = [
  { to: '/', text: 'Home', icon: 'home-alt', match: /^\/$/ },
  { to: '/dashboards?starred=true', text: 'Starred', icon: 'star', match: /starred=true/ },
  { to: '/dashboards', text: 'Dashboards', icon: 'apps', match: /^\/(dashboards(?!.*starred)|d\/|dashboard|import)/ },
  { to: '/explore', text: 'Explore', icon: 'compass', match: /^\/(explore|graph|query)/ },
  { to: '/alerts', text: 'Alerts', icon: 'bell', match: /^\/alerts/ },
  { to: '/targets', text: 'Targets', icon: 'monitor', match: /^\/targets/ },
  { to: '/admin/status', text: 'Status', icon: 'shield', match: /^\/admin/ },
  { to: '/settings', text: 'Settings', icon: 'cog', match: /^\/(settings|profile)/ },
];

/** The frame around every page: menu, breadcrumbs, search and user. */
export function Shell({ children }: { children: ReactNode }) {
  const { breadcrumbs, actions, bare } = usePageState();
  const [open, setOpen] = useState(() => localStorage.getItem('ausguck.menu') !== 'closed' && window.innerWidth >= 992);
  const [dialog, setDialog] = useState<'search' | 'help'>();
  const styles = useStyles2(getStyles);
  const location = useLocation();
  useShortcuts({ search: () => setDialog('search'), help: () => setDialog('help') });
  useEffect(() => {
    document.title = [...breadcrumbs.map((b) => b.text).reverse(), 'Ausguck'].join(' – ');
  }, [breadcrumbs]);
  // On a narrow page, the menu covers the page that was selected in it.
  useEffect(() => {
    let { pathname } = locationService.getLocation();
    return locationService.getHistory().listen((next) => {
      if (next.pathname !== pathname && window.innerWidth < 992) {
        setOpen(false);
      }
      pathname = next.pathname;
    });
  }, []);
  const toggle = () => {
    localStorage.setItem('ausguck.menu', open ? 'closed' : 'open');
    setOpen(!open);
  };
  const here = location.pathname + location.search;
  return (
    <div className={cx(styles.app, !bare && styles.framed)}>
      <a
        href="#page"
        className={styles.skip}
        onClick={(e) => {
          e.preventDefault();
          document.getElementById('page')?.focus();
        }}
      >
        Skip to the content
      </a>
      {!bare && (
        <header className={styles.top}>
          <IconButton name="bars" size="lg" aria-expanded={open} onClick={toggle} tooltip={open ? 'Close the menu' : 'Open the menu'} />
          <Link to="/" className={styles.brand} aria-label="Ausguck: home">
            <img src={address('/static/icon.svg')} alt="" width={24} height={24} />
          </Link>
          <nav aria-label="Breadcrumbs" className={styles.crumbs}>
            <ol>
              {breadcrumbs.map((crumb, i) => (
                <li key={i}>
                  {i > 0 && <Icon name="angle-right" />}
                  {crumb.to ? <Link to={crumb.to}>{crumb.text}</Link> : <span aria-current="page">{crumb.text}</span>}
                </li>
              ))}
            </ol>
          </nav>
          <div className={styles.actions}>{actions}</div>
          <ToolbarButton icon="search" aria-label="Search dashboards" tooltip="Search (Ctrl K)" onClick={() => setDialog('search')} />
          <Dropdown overlay={<HelpMenu shortcuts={() => setDialog('help')} />} placement="bottom-end">
            <ToolbarButton icon="question-circle" aria-label="Help" tooltip="Help" />
          </Dropdown>
          <Dropdown overlay={<UserMenu />} placement="bottom-end">
            <ToolbarButton icon="user" aria-label={`User ${bootData.user.login}`} />
          </Dropdown>
        </header>
      )}
      <div className={styles.middle}>
        {!bare && open && (
          <nav className={styles.menu} aria-label="Main">
            {navigation.map(({ to, text, icon, match }) => {
              const active = match.test(here);
              return (
                <Link key={to} to={to} className={cx(styles.item, active && styles.active)} aria-current={active ? 'page' : undefined}>
                  <Icon name={icon} size="lg" /> {text}
                </Link>
              );
            })}
          </nav>
        )}
        <main id="page" className={styles.page} tabIndex={-1}>
          <ErrorBoundary place={location.pathname}>{children}</ErrorBoundary>
        </main>
      </div>
      <ErrorBoundary place={`${location.pathname} ${dialog}`}>
        <Suspense fallback={null}>
          {dialog === 'search' && <CommandPalette onClose={() => setDialog(undefined)} onHelp={() => setDialog('help')} />}
          {dialog === 'help' && <ShortcutHelp onClose={() => setDialog(undefined)} />}
        </Suspense>
      </ErrorBoundary>
    </div>
  );
}

function HelpMenu({ shortcuts }: { shortcuts: () => void }) {
  return (
    <Menu>
      <Menu.Item label="Documentation" icon="book" url={docsAddress()} />
      <Menu.Item label="Runbooks of alerts" icon="book-open" url={runbooksAddress()} />
      <Menu.Item label="Keyboard shortcuts" icon="keyboard" onClick={shortcuts} />
    </Menu>
  );
}

function UserMenu() {
  const { login, orgRole } = bootData.user;
  return (
    <Menu header={`${login} (${orgRole})`}>
      <Menu.Item label="Profile" icon="user" onClick={() => locationService.push('/profile')} />
      <Menu.Item label="Light theme" icon="circle" onClick={() => chooseTheme('light')} />
      <Menu.Item label="Dark theme" icon="adjust-circle" onClick={() => chooseTheme('dark')} />
      <Menu.Divider />
      <Menu.Item label="Sign out" icon="signout" onClick={signOut} />
    </Menu>
  );
}

/** Signing out changes state, so it is a POST request. */
function signOut() {
  const form = document.createElement('form');
  form.method = 'post';
  form.action = address('/logout');
  document.body.append(form);
  form.submit();
}

injectGlobal({ body: { margin: 0 } });

const getStyles = (theme: GrafanaTheme2) => ({
  app: css({ display: 'flex', flexDirection: 'column', minHeight: '100vh', background: theme.colors.background.canvas }),
  // The height of the bar at the top of the window, for elements that stick below it.
  framed: css({ '--bar': '48px', [theme.breakpoints.down('md')]: { '--bar': '0px' } }),
  skip: css({
    position: 'absolute',
    left: -9999,
    '&:focus': { left: 8, top: 8, zIndex: 9999, background: theme.colors.background.primary, padding: theme.spacing(1) },
  }),
  top: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1),
    minHeight: 48,
    padding: theme.spacing(0, 2),
    background: theme.colors.background.primary,
    borderBottom: `1px solid ${theme.colors.border.weak}`,
    flexWrap: 'wrap',
    position: 'sticky',
    top: 0,
    zIndex: theme.zIndex.navbarFixed,
    [theme.breakpoints.down('md')]: { position: 'static' },
  }),
  brand: css({ display: 'flex' }),
  crumbs: css({
    flex: '1 1 auto',
    minWidth: 0,
    ol: { display: 'flex', listStyle: 'none', alignItems: 'center', flexWrap: 'wrap' },
    li: {
      display: 'flex',
      alignItems: 'center',
      gap: 4,
      paddingRight: 4,
      minWidth: 0,
      a: { color: theme.colors.text.secondary },
      span: { overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap', maxWidth: '50vw' },
    },
  }),
  actions: css({ display: 'flex', gap: theme.spacing(1), alignItems: 'center' }),
  middle: css({ display: 'flex', flex: '1 1 auto', minWidth: 0 }),
  menu: css({
    width: 200,
    flexShrink: 0,
    padding: theme.spacing(1),
    background: theme.colors.background.primary,
    borderRight: `1px solid ${theme.colors.border.weak}`,
    position: 'sticky',
    top: 'var(--bar)',
    height: 'calc(100vh - var(--bar))',
    overflow: 'auto',
    [theme.breakpoints.down('md')]: { position: 'fixed', top: 48, bottom: 0, height: 'auto', zIndex: theme.zIndex.sidemenu, boxShadow: theme.shadows.z3 },
  }),
  item: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1),
    padding: theme.spacing(1),
    borderRadius: theme.shape.radius.default,
    color: theme.colors.text.secondary,
    '&:hover': { background: theme.colors.action.hover, color: theme.colors.text.primary },
  }),
  active: css({ background: theme.colors.action.selected, color: theme.colors.text.primary }),
  page: css({ flex: '1 1 auto', minWidth: 0, display: 'flex', flexDirection: 'column', outline: 'none' }),
});
