/** Elements as plain objects, to be compared: an element that shares its shape has its fields as getters. */
import type { Element } from '../../lib/core/element.js'
import type { XmlEvent } from '../../lib/core/xml.js'

export const plainElement = ({ name, text, children }: Element): Element => ({
  name,
  text,
  children: children.map(plainElement)
})

export const plainEvent = (event: XmlEvent): XmlEvent =>
  event._tag === 'Row' ? { _tag: 'Row', row: plainElement(event.row) } : event
