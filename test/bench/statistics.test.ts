// The arithmetic under every figure, and what becomes of it: ratios, verdicts, documents.
import * as assert from 'uvu/assert'
import { CASES } from '../../bench/cases/index.ts'
import { updated } from '../../bench/report-markdown.ts'
import { plot } from '../../bench/report-svg.ts'
import { digits, lines } from '../../bench/report-text.ts'
import { figures, type Figure, type Results, type Row } from '../../bench/results.ts'
import { median, quantile, ratios, summarize } from '../../bench/statistics.ts'
import { judge, TARGETS } from '../../bench/targets.ts'
import { suite } from '../support/suite.ts'

const statistics = suite('bench: statistics')

for (const { name, values, at, expect } of [
  { name: 'one value', values: [7], at: 0.9, expect: 7 },
  { name: 'the middle of three, unsorted', values: [9, 1, 5], at: 0.5, expect: 5 },
  { name: 'between the two in the middle', values: [4, 1, 2, 3], at: 0.5, expect: 2.5 },
  { name: 'a quarter of five', values: [50, 40, 30, 20, 10], at: 0.25, expect: 20 },
  { name: 'sorted as numbers, not as text', values: [10, 9, 100], at: 1, expect: 100 },
]) {
  statistics(`quantile: ${name}`, () => assert.is(quantile(values, at), expect))
}

statistics('values are left in their order', () => {
  const values = [3, 1, 2]
  assert.is(median(values), 2)
  assert.equal(values, [3, 1, 2])
})

statistics('one interrupted sample moves neither median nor quartiles by much', () => {
  assert.equal(summarize([10, 10, 10, 10, 1000]), { median: 10, q1: 10, q3: 10 })
})

statistics('nothing has no median', () => assert.throws(() => median([]), RangeError))

statistics('ratios are taken round by round: what slows a whole round down falls out', () => {
  assert.equal(ratios([100, 50, 10], [50, 25, 5]), [2, 2, 2])
})

statistics('what was measured once stands for every round', () => {
  assert.equal(ratios([8], [2, 4]), [4, 2])
  assert.throws(() => ratios([], [1]), RangeError)
})

// ---- Figures. ----

const results = suite('bench: results')

results('more is better: a ratio above one says that membio does more', () => {
  const [mine, theirs] = figures('MB/s', [{ who: 'membio', values: [200, 220] }, { who: 'other', values: [100, 110] }], 'membio')
  assert.is(mine!.ratio, undefined)
  assert.is(theirs!.ratio!.median, 2)
})

results('less is better: a ratio above one says that membio takes less', () => {
  const [, theirs] = figures('ms', [{ who: 'membio', values: [10] }, { who: 'other', values: [40, 60] }], 'membio')
  assert.is(theirs!.ratio!.median, 5)
})

results('CPU time has a ratio of its own, where both have told it', () => {
  const membio = { who: 'membio', values: [1], cpuValues: [3] }
  const [, told, silent] = figures('/s', [membio, { who: 'told', values: [1], cpuValues: [1] }, { who: 'silent', values: [1] }], 'membio')
  assert.is(told!.cpuRatio!.median, 3)
  assert.is(silent!.cpuRatio, undefined)
})

results('without membio nobody is compared', () => {
  const all = figures('/s', [{ who: 'other', values: [1] }, { who: 'another', values: [2] }], 'membio')
  assert.equal(all.map(({ ratio }) => ratio), [undefined, undefined])
})

results('figures have as many digits as they are worth', () => {
  assert.equal([0.1234, 12.345, 123.45, 1234.5, 9_876_543].map(digits), ['0.12', '12.3', '123', '1,230', '9,880,000'])
})

// ---- Targets. ----

const targets = suite('bench: targets')

for (const { row, figure, atLeast } of TARGETS) {
  const { who } = CASES.find(({ family, name }) => `${family}: ${name}` === row) ?? {}
  targets(`"${row}" is measured (${figure}${atLeast ? `, beside ${atLeast.against}` : ''})`, () => {
    assert.ok(who, 'no such case')
    if (atLeast) assert.ok(who.includes(atLeast.against), who.join(', '))
  })
}

targets('every case has a name of its own, and is about membio', () => {
  assert.is(new Set(CASES.map(({ family, name }) => `${family}: ${name}`)).size, CASES.length)
  for (const { name, who } of CASES) assert.match(who[0]!, /^membio/, name)
})

const RATIO = { figure: 'speed', row: 'bulk: <a> & b', atLeast: { times: 4, against: 'other' } } as const
const AMOUNT = { figure: 'size', row: 'size: file', atMost: 100 } as const

function rowsWith(ratio: number, size: number): Row[] {
  const contenders = figures('MB/s', [{ who: 'membio', values: [ratio] }, { who: 'other', values: [1] }], 'membio')
  const missing = { who: 'third', cannot: 'it is not installed' }
  return [
    { family: 'bulk', name: '<a> & b', unit: 'MB/s', contenders: [...contenders, missing] },
    { family: 'size', name: 'file', unit: 'KB', contenders: figures('KB', [{ who: 'membio', values: [size] }], 'membio') },
  ]
}

for (const { ratio, size, margin, expect } of [
  { ratio: 4, size: 100, margin: 1, expect: 'met' },
  { ratio: 3.9, size: 101, margin: 1, expect: 'missed' },
  { ratio: 3.1, size: 130, margin: 0.75, expect: 'met' },
  { ratio: 2.9, size: 140, margin: 0.75, expect: 'missed' },
]) {
  targets(`${ratio} times of 4, and ${size} of at most 100, with ${margin}: ${expect}`, () => {
    const rows = rowsWith(ratio, size)
    assert.is(judge(RATIO, { rows }, margin).verdict, expect)
    assert.is(judge(AMOUNT, { rows }, margin).verdict, expect)
  })
}

targets('a ratio is judged by CPU time, where it is known', () => {
  const samples = [{ who: 'membio', values: [9], cpuValues: [3] }, { who: 'other', values: [1], cpuValues: [1] }]
  const contenders = figures('/s', samples, 'membio')
  const rows: Row[] = [{ family: 'bulk', name: '<a> & b', unit: '/s', contenders }]
  assert.is(judge(RATIO, { rows }).verdict, 'missed')
})

targets('what was not measured is neither met nor missed, and says why', () => {
  const rows = rowsWith(9, 9)
  assert.is(judge({ ...RATIO, row: 'bulk: other' }, { rows }).verdict, 'not measured')
  const judged = judge({ ...RATIO, atLeast: { times: 1, against: 'third' } }, { rows })
  assert.equal([judged.verdict, judged.why], ['not measured', 'it is not installed'])
})

// ---- Documents. ----

const documents = suite('bench: documents')

function example(): Results {
  const row = TARGETS.find(({ atLeast }) => atLeast)!.row
  const [family, name] = row.split(': ') as [string, string]
  const contenders = figures('MB/s', [{ who: 'membio', values: [3] }, { who: 'membio, C only', values: [1, 1.5, 1] }], 'membio')
  return {
    date: '2026-01-02',
    versions: { membio: '1.2.3' },
    machine: { cpu: 'a <fast> one & more', cores: 2, memory: '4 GiB', system: 'some system' },
    settings: { rounds: 3, milliseconds: 1, connections: 1 },
    rows: [{ family, name, unit: 'MB/s', contenders: [...contenders, { who: 'absent', cannot: 'no | such thing' }] }, ...rowsWith(1, 1)],
  }
}

documents('Markdown: date, machine, versions, figures, and reasons where there are none', () => {
  const text = updated(undefined, example())
  const parts = ['2026-01-02', 'a <fast> one & more', 'membio 1.2.3', '3.00 × (2.50 to 3.00)', 'no \\| such thing', '](performance.svg)']
  for (const part of parts) {
    assert.ok(text.includes(part), part)
  }
  const cells = (line: string) => line.replaceAll('\\|', '').split('|').length
  for (const table of text.split(/\n\n+/).filter((part) => part.startsWith('| '))) {
    const widths = new Set(table.trim().split('\n').map(cells))
    assert.is(widths.size, 1, table)
  }
})

documents('Markdown: what people wrote around the figures stays, and writing twice changes nothing', () => {
  const first = updated(undefined, example()).replace('# Performance\n', '# Performance\n\nWhy it matters.\n')
  const second = updated(`${first}\nHow to read it.\n`, { ...example(), date: '2027-03-04' })
  assert.ok(second.includes('Why it matters.') && second.endsWith('How to read it.\n'))
  assert.ok(second.includes('2027-03-04') && !second.includes('2026-01-02'))
  assert.is(updated(second, { ...example(), date: '2027-03-04' }), second)
})

documents('Markdown: a document that has lost its marks is not overwritten', () => {
  assert.throws(() => updated('# Something else\n', example()), /marks/)
})

documents('SVG: a dot for each ratio that was measured, and no character that would break it', () => {
  const svg = plot(example())
  assert.match(svg, /^<svg [^>]+>/)
  assert.is(svg.match(/<circle /g)!.length, 1)
  assert.ok(svg.includes('a &lt;fast&gt; one &amp; more'))
  assert.is(svg.match(/<text /g)!.length, svg.match(/<\/text>/g)!.length)
  assert.not.match(svg, /NaN|undefined|Infinity/)
})

documents('lines for a terminal: one for each contender', () => {
  const [row] = example().rows
  const text = lines(row!)
  assert.is(text.length, 1 + row!.contenders.length)
  assert.match(text[2]!, /membio, C only .* membio is 3\.00 ×/)
  assert.match(text[3]!, /absent .*no \| such thing/)
  assert.is((row!.contenders[1] as Figure).samples, 3)
})
