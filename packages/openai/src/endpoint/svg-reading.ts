import { jsonObject, text, type UsageReading } from '@token-meter/core/wire'
import { imagesUsage } from '../usage/images.ts'

/** The reading of the model that drew an SVG: another model than the image's, and on its own bill. */
export function svgReading(svgUsage: unknown, provider: string): readonly UsageReading[] {
  if (typeof svgUsage !== 'object' || svgUsage === null) return []
  const model = text(jsonObject(svgUsage).model)
  const counts = imagesUsage(svgUsage, provider, 'svg')
  return [
    {
      ...counts,
      model: model ?? 'unknown',
      serviceTier: undefined,
      isBeside: true,
      raw: svgUsage,
    },
  ]
}
