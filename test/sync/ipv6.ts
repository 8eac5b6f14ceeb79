// Whether this machine has an IPv6 loopback; many containers have none.
import { networkInterfaces } from 'node:os'

export const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))
