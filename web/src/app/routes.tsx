import { Alert, LoadingPlaceholder } from '@grafana/ui';
import { lazy, Suspense } from 'react';
import { Route, Routes as RouterRoutes } from 'react-router-dom';

const DashboardPage = lazy(() => import('../pages/DashboardPage'));
const HomePage = lazy(() => import('../pages/HomePage'));
const BrowsePage = lazy(() => import('../pages/BrowsePage'));
const ImportPage = lazy(() => import('../pages/ImportPage'));
const ProfilePage = lazy(() => import('../pages/ProfilePage'));

/** Every page and where it is. */
export function Routes() {
  return (
    <Suspense fallback={<LoadingPlaceholder text="" />}>
      <RouterRoutes>
        <Route path="/" element={<HomePage />} />
        <Route path="/d/:uid/:slug?" element={<DashboardPage />} />
        <Route path="/dashboards" element={<BrowsePage />} />
        <Route path="/dashboards/f/:folder/:slug?" element={<BrowsePage />} />
        <Route path="/dashboard/new" element={<DashboardPage />} />
        <Route path="/dashboard/import" element={<ImportPage />} />
        <Route path="/import" element={<ImportPage />} />
        <Route path="/profile" element={<ProfilePage />} />
        <Route path="*" element={<Alert severity="info" title="There is no page at this address">The dashboards are in the menu at the left.</Alert>} />
      </RouterRoutes>
    </Suspense>
  );
}
