import { css } from '@emotion/css';
import { LoadingPlaceholder } from '@grafana/ui';
import { lazy, Suspense } from 'react';
import { Route, Routes as RouterRoutes } from 'react-router-dom';

import { usePage } from '../kit/page';
import { Only } from './Only';

const DashboardPage = lazy(() => import('../pages/DashboardPage'));
const HomePage = lazy(() => import('../pages/HomePage'));
const BrowsePage = lazy(() => import('../pages/BrowsePage'));
const ImportPage = lazy(() => import('../pages/ImportPage'));
const ProfilePage = lazy(() => import('../pages/ProfilePage'));
const ExplorePage = lazy(() => import('../pages/explore/ExplorePage'));
const ExploreLink = lazy(async () => ({ default: (await import('../pages/explore/ExplorePage')).ExploreLink }));
const ActivePage = lazy(() => import('../pages/alerting/ActivePage'));
const RulesPage = lazy(() => import('../pages/alerting/RulesPage'));
const SilencesPage = lazy(() => import('../pages/alerting/SilencesPage'));
const SilencePage = lazy(() => import('../pages/alerting/SilencePage'));
const StatusPagesPage = lazy(() => import('../pages/alerting/StatusPagesPage'));
const NotificationsPage = lazy(() => import('../pages/alerting/NotificationsPage'));
const ReceiversPage = lazy(() => import('../pages/alerting/ReceiversPage'));

const TargetsPage = lazy(() => import('../pages/targets/TargetsPage'));
const ContainersPage = lazy(() => import('../pages/targets/ContainersPage'));
const ProbesPage = lazy(() => import('../pages/targets/ProbesPage'));
const HeartbeatsPage = lazy(() => import('../pages/targets/HeartbeatsPage'));
const DroppedPage = lazy(() => import('../pages/targets/DroppedPage'));

const StatusPage = lazy(() => import('../pages/status/StatusPage'));
const ConfigurationPage = lazy(() => import('../pages/status/ConfigurationPage'));
const SeriesPage = lazy(() => import('../pages/status/SeriesPage'));
const QueryLogPage = lazy(() => import('../pages/status/QueryLogPage'));
const DataSourcesPage = lazy(() => import('../pages/settings/DataSourcesPage'));
const UsersPage = lazy(() => import('../pages/settings/UsersPage'));
const TokensPage = lazy(() => import('../pages/settings/TokensPage'));

function NoPage() {
  usePage({ breadcrumbs: [{ text: 'No page' }] }, 'no page');
  return (
    <div data-testid="no-page" className={css({ padding: 16 })}>
      <h1>Page not found</h1>
      <p>Use the menu on the left to find dashboards.</p>
    </div>
  );
}

/** All pages and their paths. */
export function Routes() {
  return (
    <Suspense fallback={<LoadingPlaceholder text="" />}>
      <RouterRoutes>
        <Route path="/" element={<HomePage />} />
        <Route path="/d/:uid/:slug?" element={<DashboardPage />} />
        <Route path="/dashboards" element={<BrowsePage />} />
        <Route path="/dashboards/f/:folder/:slug?" element={<BrowsePage />} />
        <Route
          path="/dashboard/new"
          element={
            <Only role="Editor" title="New dashboard">
              <DashboardPage />
            </Only>
          }
        />
        <Route
          path="/dashboard/import"
          element={
            <Only role="Editor" title="Import">
              <ImportPage />
            </Only>
          }
        />
        <Route
          path="/import"
          element={
            <Only role="Editor" title="Import">
              <ImportPage />
            </Only>
          }
        />
        <Route path="/alerts" element={<ActivePage />} />
        <Route path="/alerts/rules" element={<RulesPage />} />
        <Route path="/alerts/silences" element={<SilencesPage />} />
        <Route
          path="/alerts/silences/new"
          element={
            <Only role="Editor" title="New silence">
              <SilencePage />
            </Only>
          }
        />
        <Route path="/alerts/silences/:id" element={<SilencePage />} />
        <Route path="/alerts/status-pages" element={<StatusPagesPage />} />
        <Route path="/alerts/notifications" element={<NotificationsPage />} />
        <Route path="/alerts/receivers" element={<ReceiversPage />} />
        <Route path="/targets" element={<TargetsPage />} />
        <Route path="/targets/containers" element={<ContainersPage />} />
        <Route path="/targets/probes" element={<ProbesPage />} />
        <Route path="/targets/heartbeats" element={<HeartbeatsPage />} />
        <Route path="/targets/dropped" element={<DroppedPage />} />
        <Route path="/graph" element={<ExplorePage />} />
        <Route path="/explore" element={<ExploreLink />} />
        <Route path="/query" element={<ExplorePage />} />
        <Route path="/admin/status" element={<StatusPage />} />
        <Route path="/admin/configuration" element={<ConfigurationPage />} />
        <Route path="/admin/series" element={<SeriesPage />} />
        <Route
          path="/admin/queries"
          element={
            <Only role="Admin" title="Query log">
              <QueryLogPage />
            </Only>
          }
        />
        <Route path="/settings" element={<ProfilePage />} />
        <Route
          path="/settings/datasources"
          element={
            <Only role="Admin" title="Data sources">
              <DataSourcesPage />
            </Only>
          }
        />
        <Route
          path="/settings/users"
          element={
            <Only role="Admin" title="Users">
              <UsersPage />
            </Only>
          }
        />
        <Route
          path="/settings/tokens"
          element={
            <Only role="Admin" title="Tokens">
              <TokensPage />
            </Only>
          }
        />
        <Route path="/profile" element={<ProfilePage />} />
        <Route path="*" element={<NoPage />} />
      </RouterRoutes>
    </Suspense>
  );
}
