// Stands in for Monaco, which @grafana/ui refers to and nothing here opens.
export const loader = { config() {}, init: () => Promise.reject(new Error('Monaco is not part of this build')) };
export const languages = {};
export const editor = {};
export const KeyMod = {};
export const KeyCode = {};
export default () => null;
