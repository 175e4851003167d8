// Replaces zod, which Grafana's library uses to describe valid themes. The only themes here are its own, which need no
// validation, and zod would be a tenth of what a page loads before it renders.
interface Schema {
  (...args: unknown[]): Schema;
  optional(): Schema;
  min(count: number): Schema;
  safeParse(data: unknown): { success: true; data: unknown };
}

const anything: Schema = new Proxy((() => anything) as unknown as Schema, {
  get: (_, name) => (name === 'safeParse' ? (data: unknown) => ({ success: true, data }) : anything),
});

export {
  anything as array,
  anything as boolean,
  anything as enum,
  anything as int,
  anything as literal,
  anything as number,
  anything as object,
  anything as string,
  anything as union,
};
