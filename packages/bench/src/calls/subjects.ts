import { peers } from '../peers/peers.ts'
import { floor } from './subject/floor.ts'
import { ours, oursAsking, oursGuarded, oursWithoutOutbox } from './subject/ours.ts'
import { raw } from './subject/raw.ts'
import type { SubjectDefinition } from './subject/subject.ts'

/** Everything that is measured, in the order of the table. */
export const subjects: readonly SubjectDefinition[] = [
  raw,
  floor,
  oursWithoutOutbox,
  oursGuarded,
  ours,
  oursAsking,
  ...peers,
]
