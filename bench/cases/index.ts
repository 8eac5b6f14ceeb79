// All cases, in the order of the reports.
import { bulks } from './bulk.ts'
import type { Case } from './case.ts'
import { clients } from './clients.ts'
import { echoes } from './echo.ts'
import { handshakes } from './handshakes.ts'
import { idles } from './idle.ts'
import { primitives } from './primitives.ts'
import { sizes } from './size.ts'
import { starts } from './start.ts'

export const CASES: readonly Case[] = [...primitives, ...handshakes, ...bulks, ...echoes, ...clients, ...idles, ...starts, ...sizes]
