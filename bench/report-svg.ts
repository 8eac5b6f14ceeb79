// docs/performance.svg: a line for each target that is a ratio, on a logarithmic axis. The dot is the median, the bar the middle half of
// the rounds, the tick the target.
import { digits } from './report-text.ts'
import type { Results } from './results.ts'
import { judge, TARGETS, type Judged } from './targets.ts'

const WIDTH = 960
const LABEL = 430
const RIGHT = 70
const LINE = 24
const TOP = 56
const BOTTOM = 34

const AXIS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]
const [LEAST, MOST] = [0.05, 100]

/** Where a ratio is, from left to right. */
function across(ratio: number): number {
  const within = Math.min(MOST, Math.max(LEAST, ratio))
  const share = Math.log(within / LEAST) / Math.log(MOST / LEAST)
  return Math.round((LABEL + share * (WIDTH - LABEL - RIGHT)) * 10) / 10
}

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const text = (x: number, y: number, content: string, attributes: string): string =>
  `<text x="${x}" y="${y}" ${attributes}>${escape(content)}</text>`

type Reached = Judged & Required<Pick<Judged, 'reached'>>

export function plot(results: Results): string {
  const judged = TARGETS.filter(({ atLeast }) => atLeast).map((target) => judge(target, results))
  const measured = judged.filter((one): one is Reached => one.reached !== undefined)
  const height = TOP + measured.length * LINE + BOTTOM
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`,
    ' font-family="system-ui, sans-serif" font-size="13">',
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(12, 24, 'How many times as fast membio is, in WebAssembly', 'font-size="15" font-weight="600"'),
    text(12, 42, `${results.date}, ${results.machine.cpu}; the tick is the target`, 'fill="#666"'),
    ...AXIS.map((ratio) => grid(ratio, height)),
    ...measured.map((one, at) => line(one, TOP + at * LINE)),
    '</svg>',
    '',
  ].join('\n')
}

function grid(ratio: number, height: number): string {
  const x = across(ratio)
  const stroke = ratio === 1 ? '#888' : '#e2e2e2'
  const bottom = height - BOTTOM
  return `<path d="M${x} ${TOP - 6}V${bottom}" stroke="${stroke}"/>${text(x, bottom + 18, `${ratio} ×`, 'fill="#666" text-anchor="middle"')}`
}

function line({ target, reached: { median, q1, q3 }, verdict }: Reached, top: number): string {
  const { times, against } = target.atLeast!
  const y = top + LINE / 2
  const colour = verdict === 'met' ? '#1a7f4b' : '#c2410c'
  const aim = across(times)
  return [
    text(LABEL - 14, y + 4, `${target.figure}, beside ${against}`, 'text-anchor="end"'),
    `<path d="M${across(q1)} ${y}H${across(q3)}" stroke="${colour}" stroke-width="6" stroke-opacity=".35" stroke-linecap="round"/>`,
    `<path d="M${aim} ${y - 8}V${y + 8}" stroke="#222" stroke-width="2"/>`,
    `<circle cx="${across(median)}" cy="${y}" r="5" fill="${colour}"/>`,
    text(WIDTH - RIGHT + 8, y + 4, `${digits(median)} ×`, `fill="${colour}"`),
  ].join('')
}
