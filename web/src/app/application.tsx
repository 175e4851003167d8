import { config, LocationServiceProvider, locationService } from '@grafana/runtime';
import { GlobalStyles, PortalContainer, ModalsProvider, ModalRoot } from '@grafana/ui';
import { ThemeContext } from '@grafana/data';
import { QueryClientProvider } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';
import { Router } from 'react-router-dom';
import { useLayoutEffect, useState, type ReactNode } from 'react';

import { bootData } from '../boot/bootData';
import { claimHost } from './host';
import { cacheIcons } from '../runtime/icons';
import { newQueryClient } from '../runtime/usePolled';
import { Notifications } from './Notifications';
import { Routes } from './routes';
import { Shell } from './Shell';
import { followStockLinks } from './stockLinks';

/** Renders the application. */
export async function start() {
  followStockLinks(bootData.subUrl);
  await claimHost();
  cacheIcons();
  createRoot(document.getElementById('root')!).render(<Application />);
}

const queries = newQueryClient();

function Application() {
  return (
    <QueryClientProvider client={queries}>
      <ThemeContext.Provider value={config.theme2}>
        <GlobalStyles />
        <LocationServiceProvider service={locationService}>
          <HistoryRouter>
            <ModalsProvider>
              <Shell>
                <Routes />
              </Shell>
              <Notifications />
              <ModalRoot />
            </ModalsProvider>
          </HistoryRouter>
        </LocationServiceProvider>
        <PortalContainer />
      </ThemeContext.Provider>
    </QueryClientProvider>
  );
}

/** The router uses Grafana's history, to which scenes write the state of dashboards. */
function HistoryRouter({ children }: { children: ReactNode }) {
  const history = locationService.getHistory();
  const [state, setState] = useState({ action: history.action, location: history.location });
  useLayoutEffect(() => history.listen((location, action) => setState({ action, location })), [history]);
  return (
    <Router basename={bootData.subUrl || '/'} location={state.location as never} navigationType={state.action as never} navigator={history as never}>
      {children}
    </Router>
  );
}
