// Debian's Chromium, for the rows that need a tab.
import { chromium, type Page, type PageOptions } from 'playwright-core'
import type { Case } from '../support/suite.ts'

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync']

/** An empty tab, in a browser of its own that is gone after the case. */
export async function openPage(t: Case, options: PageOptions = {}): Promise<Page> {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS })
  t.defer(() => browser.close())
  return browser.newPage(options)
}
