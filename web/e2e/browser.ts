import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';

import type { PanelReport } from '../src/dashboard/report';
import { password, repository, until, type Program } from './program';

/** Screenshots for manual inspection; the folder is not committed. */
export const screenshots = join(repository, 'test/e2e/out/screenshots');

const executable = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const flags = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** A browser window with a fresh profile that records console errors, uncaught exceptions and failed requests. */
export class Browser {
  readonly complaints: string[] = [];

  private constructor(
    readonly program: Program,
    readonly page: Page,
    private readonly context: BrowserContext,
    private readonly profile: string
  ) {}

  static async open(program: Program, viewport = { width: 1280, height: 900 }, javaScriptEnabled = true): Promise<Browser> {
    const profile = mkdtempSync(join(tmpdir(), 'ausguck-chromium-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: executable,
      headless: true,
      args: flags,
      viewport,
      javaScriptEnabled,
      acceptDownloads: true,
    });
    const page = await context.newPage();
    const browser = new Browser(program, page, context, profile);
    page.on('console', (message) => {
      // The browser itself reports each 4xx response; tests that expect one check the page.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
        browser.complaints.push(`${page.url()}: ${message.text()}`);
      }
    });
    page.on('pageerror', (err) => browser.complaints.push(`${page.url()}: ${err.stack ?? err.message}`));
    page.on('requestfailed', (request) => {
      if (request.failure()?.errorText !== 'net::ERR_ABORTED') {
        browser.complaints.push(`${request.url()}: ${request.failure()?.errorText}`);
      }
    });
    return browser;
  }

  async login(user = 'admin', pass = password) {
    await this.page.goto(`${this.program.url}/login`);
    await this.page.fill('input[name=user]', user);
    await this.page.fill('input[name=password]', pass);
    await Promise.all([this.page.waitForNavigation(), this.page.click('button[type=submit]')]);
  }

  async goto(path: string) {
    await this.page.goto(this.program.url + path);
  }

  /** Opens a dashboard with all rows expanded, in a window as tall as the dashboard, and waits until no panel is loading. */
  async dashboard(path: string): Promise<PanelReport[]> {
    const { page } = this;
    const { width } = page.viewportSize()!;
    await page.setViewportSize({ width, height: 900 });
    await this.goto(path);
    await page.waitForSelector('[data-testid=dashboard]');
    await this.settled();
    for (let row = page.locator('[aria-label^="Expand row"]').first(); (await row.count()) > 0; row = page.locator('[aria-label^="Expand row"]').first()) {
      await row.click();
    }
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    await page.setViewportSize({ width, height: Math.min(height + 50, 16_000) });
    // Panels load when they become visible; the tallest dashboards require scrolling.
    const waiting = async () => (await this.settled()).filter((r) => r.state === 'NotStarted').length;
    for (let top = 0; (await waiting()) > 0 && top < height; top += 8000) {
      await page.evaluate((y) => window.scrollTo(0, y), top);
    }
    await page.evaluate(() => window.scrollTo(0, 0));
    return this.settled();
  }

  /** Waits until every panel on the page has its response. */
  async settled(): Promise<PanelReport[]> {
    let reports: PanelReport[] = [];
    let quiet = 0;
    let busy = 0;
    let loading: string[] = [];
    const drawn = async () => {
      reports = await this.report();
      const { panels, spinners } = await this.inSight();
      // A panel that was only visible until the rows above it were laid out continues when it becomes visible again.
      loading = reports.filter((r) => r.state === 'Loading' && panels.includes(r.key)).map((r) => r.title);
      busy = spinners;
      quiet = loading.length === 0 && busy === 0 ? quiet + 1 : 0;
      return quiet >= 4;
    };
    await until('all panels are drawn', drawn, 30_000).catch(async (err: Error) => {
      await this.screenshot('not-settled');
      throw new Error(`${err.message}; ${busy} spinners, loading: ${loading.join(', ')}`);
    });
    return reports;
  }

  /** The keys of the panels in the window, and the number of loading indicators. */
  private inSight(): Promise<{ panels: string[]; spinners: number }> {
    return this.page.evaluate(() => {
      const seen = (selector: string) =>
        [...document.querySelectorAll(selector)].filter((element) => {
          const { top, bottom } = element.getBoundingClientRect();
          return bottom > 0 && top < window.innerHeight;
        });
      return {
        panels: seen('[data-viz-panel-key]').map((element) => element.getAttribute('data-viz-panel-key')!),
        spinners: seen('[aria-label="Panel loading bar"], [data-testid="Spinner"]').length,
      };
    });
  }

  report(): Promise<PanelReport[]> {
    return this.page.evaluate(() => window.ausguckReport?.() ?? []);
  }

  panel(title: string) {
    return this.page.locator('[data-viz-panel-key]', { has: this.page.getByRole('heading', { name: title, exact: true }) }).first();
  }

  async screenshot(name: string) {
    mkdirSync(screenshots, { recursive: true });
    await this.page.screenshot({ path: join(screenshots, `${name.replace(/[^\w.-]+/g, '_')}.png`) });
  }

  /** Texts with a contrast below 4.5 (3 for large text) to their background, by the WCAG formula. */
  unreadable(): Promise<string[]> {
    return this.page.evaluate(() => {
      const parse = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number);
      const luminance = ([r = 0, g = 0, bl = 0]: number[]) =>
        [r, g, bl]
          .map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4))
          .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i]!, 0);
      const bad = new Set<string>();
      for (const element of document.querySelectorAll<HTMLElement>('main *, header *, nav *')) {
        const own = [...element.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.textContent!.trim() !== '');
        if (!own || element.closest('[data-plugin-id], .cm-editor, [disabled], [aria-disabled=true]') || element.getClientRects().length === 0) {
          continue;
        }
        let behind: HTMLElement | null = element;
        let background = [0, 0, 0, 0];
        while (behind && (background[3] ?? 1) < 1) {
          background = parse(getComputedStyle(behind).backgroundColor);
          background[3] ??= 1;
          behind = behind.parentElement;
        }
        const style = getComputedStyle(element);
        const text = parse(style.color);
        const blended = text.slice(0, 3).map((v, i) => v * (text[3] ?? 1) + background[i]! * (1 - (text[3] ?? 1)));
        const [high, low] = [luminance(blended), luminance(background)].sort((x, y) => y - x) as [number, number];
        const ratio = (high + 0.05) / (low + 0.05);
        if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) {
          bad.add(`${element.textContent!.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
        }
      }
      return [...bad];
    });
  }

  async close() {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true });
  }
}
