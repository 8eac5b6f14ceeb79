// Handles: freed once, by their owner, or by the garbage collector when the owner is gone.
import { setTimeout as sleep } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { Handle } from '../../src/abi/handle.ts'
import { createContext, liveHandles } from '../../src/index.ts'
import { root } from '../support/certs.ts'
import { suite } from '../support/suite.ts'

const handle = suite('abi: handle')

handle('frees its pointer once, however often it is asked to', () => {
  const freed: number[] = []
  const held = new Handle(7, (pointer) => freed.push(pointer))
  assert.is(held.pointer, 7)
  held.free()
  held.free()
  assert.equal(freed, [7])
  assert.is(held.isFree, true)
})

handle('throws when it is used after it was freed', () => {
  const held = new Handle(7, () => {})
  held.free()
  assert.throws(() => held.pointer, /used after free/)
})

/** Drops contexts and engines on the floor. A function of its own, so that no stack slot keeps them. */
function litter(): void {
  const context = createContext({ ca: root().cert })
  for (let i = 0; i < 20; i++) context.createEngine({ role: 'client', servername: 'server.test' }).handshake()
}

handle('is freed by the garbage collector when its owner was forgotten', async () => {
  const before = liveHandles()
  litter()
  assert.is(liveHandles(), before + 21)
  for (let turn = 0; liveHandles() > before && turn < 200; turn++) {
    globalThis.gc!()
    await sleep(5)
  }
  assert.is(liveHandles(), before)
})
