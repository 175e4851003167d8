import grafana from '@grafana/eslint-config';
import react from 'eslint-plugin-react';

const files = ['src/**/*.{ts,tsx}', 'e2e/**/*.ts', 'build/**/*.mjs', 'static/*.js', '*.{js,ts}'];

export default [
  { ignores: ['dist/**', 'node_modules/**'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  ...grafana.map((config) => ({ ...config, files })),
  // JSX is compiled without React in scope.
  { ...react.configs.flat['jsx-runtime'], files },
  { files, rules: { '@typescript-eslint/no-explicit-any': 'error' } },
];
