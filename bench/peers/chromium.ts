// A contender in a page of Chromium: starts the browser, and passes commands on to page/main.ts.
import type { Page as Commands, PageName } from '../page/main.ts'
import { programOf } from '../runtimes.ts'
import { Cannot } from '../work.ts'
import { load } from './package.ts'
import type { Given, Peer } from './peer.ts'

interface Page {
  goto(url: string): Promise<unknown>
  on(event: 'console', listener: (message: { text(): string }) => void): void
  waitForFunction(expression: string): Promise<unknown>
  evaluate<Argument, Result>(script: (argument: Argument) => Promise<Result>, argument: Argument): Promise<Result>
}

/** Playwright ends it with this process. */
interface Browser {
  newPage(): Promise<Page>
}

interface Playwright {
  chromium: { launch(options: { executablePath: string; args: string[] }): Promise<Browser> }
}

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking']

/** In the page; here for the compiler only. */
declare const page: Commands

export function inChromium(name: PageName): Peer {
  let open: Promise<Page> | undefined
  return {
    name,
    async elsewhere(work, given) {
      const commands = await (open ??= start(given))
      const prepared = commands.evaluate(([name, work, given]) => page.prepare(name, work, given), [name, work, given] as const)
      const { note, cannot } = await prepared
      if (cannot) throw new Cannot(cannot)
      return {
        note,
        run: (times) => commands.evaluate((times) => page.run(times), times),
        close: () => commands.evaluate(() => page.close(), undefined),
      }
    },
  }
}

async function start({ server }: Given): Promise<Page> {
  const executablePath = programOf('chromium')
  if (!executablePath) throw new Cannot('Chromium is not installed')
  if (!server?.web) throw new Cannot('the proxy is not installed: ./build.sh bench')
  const { chromium } = await load<Playwright>('playwright-core')
  const browser = await chromium.launch({ executablePath, args: FLAGS })
  const opened = await browser.newPage()
  opened.on('console', (message) => console.error(message.text()))
  await opened.goto(`http://127.0.0.1:${server.web}/`)
  await opened.waitForFunction('globalThis.page')
  return opened
}
