// boot sets what Grafana's libraries read while they are loaded, so the application comes after it.
import './boot/bootData';

void import('./app/application').then((application) => application.start());
