// Replaces Monaco, which @grafana/ui references but which is never opened here.
export const loader = { config() {}, init: () => Promise.reject(new Error('Monaco is not part of this build')) };
export const languages = {};
export const editor = {};
export const KeyMod = {};
export const KeyCode = {};
export default () => null;
