// What browser.ts, rows/chromium.ts and rows/page.ts use of playwright-core.
declare module 'playwright-core' {
  export interface Page {
    goto(url: string): Promise<unknown>
    evaluate<T>(script: string): Promise<T>
    fill(selector: string, text: string): Promise<void>
    check(selector: string): Promise<void>
    click(selector: string): Promise<void>
    selectOption(selector: string, value: string): Promise<unknown>
    innerText(selector: string): Promise<string>
    waitForSelector(selector: string): Promise<unknown>
    screenshot(options: { path: string; fullPage?: boolean }): Promise<unknown>
    readonly keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void>; insertText(text: string): Promise<void> }
    on(event: 'console', listener: (message: { type(): string; text(): string }) => void): void
    on(event: 'pageerror', listener: (error: Error) => void): void
    on(event: 'websocket', listener: (socket: WebSocketOfPage) => void): void
  }

  export interface WebSocketOfPage {
    url(): string
    on(event: 'framesent' | 'framereceived', listener: (frame: { payload: string | Buffer }) => void): void
  }

  export interface PageOptions {
    colorScheme?: 'light' | 'dark'
    reducedMotion?: 'reduce' | 'no-preference'
    viewport?: { width: number; height: number }
  }

  export interface Browser {
    newPage(options?: PageOptions): Promise<Page>
    close(): Promise<void>
  }

  export interface LaunchOptions {
    executablePath: string
    args: readonly string[]
    env?: Record<string, string | undefined>
  }

  export const chromium: { launch(options: LaunchOptions): Promise<Browser> }
}
