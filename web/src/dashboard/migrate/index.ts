export { migrateDashboard } from './migrateDashboard';
