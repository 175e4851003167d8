export { migrateDashboard, schemaVersion } from './migrateDashboard';
