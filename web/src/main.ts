import { start } from './app/application';

void start();
