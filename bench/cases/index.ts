// All cases, in the order of the reports.
import { bulks } from './bulk.ts'
import type { Case } from './case.ts'
import { clients } from './clients.ts'
import { echoes } from './echo.ts'
import { handshakes } from './handshakes.ts'
import { primitives } from './primitives.ts'

export const CASES: readonly Case[] = [...primitives, ...handshakes, ...bulks, ...echoes, ...clients]
