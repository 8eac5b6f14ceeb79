// What rows/chromium.ts uses of playwright-core.
declare module 'playwright-core' {
  export interface Page {
    goto(url: string): Promise<unknown>
    evaluate<T>(script: string): Promise<T>
  }

  export interface Browser {
    newPage(): Promise<Page>
    close(): Promise<void>
  }

  export interface LaunchOptions {
    executablePath: string
    args: readonly string[]
    env: Record<string, string | undefined>
  }

  export const chromium: { launch(options: LaunchOptions): Promise<Browser> }
}
