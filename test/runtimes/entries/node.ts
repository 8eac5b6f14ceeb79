import process from 'node:process'
import { main } from './process.ts'

await main(process.versions.node)
