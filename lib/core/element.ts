/** Elements of COS's XML, and how a child is found by its name. */

/** An element without attributes and namespace: COS uses neither. */
export interface Element {
  readonly name: string
  /** The text directly inside it, untrimmed: a key may begin with a space. */
  readonly text: string
  readonly children: ReadonlyArray<Element>
}

// -- spelling --
const foldSpelling = (name: string): string => name.replaceAll('-', '').toLowerCase()

/** COS spells names in several ways: `EncodingType`, `Encoding-Type`, `Encoding-type`; `UploadId`, `UploadID`. */
const isSpelling = (found: string, name: string): boolean => {
  if (found === name) return true
  // Cheap tests first: most names differ in their first letter, in upper or lower case.
  if ((found.charCodeAt(0) | 0x20) !== (name.charCodeAt(0) | 0x20)) return false
  return (found.length === name.length || found.includes('-')) && foldSpelling(found) === foldSpelling(name)
}

/** Of a name that repeats, the last. */
const lastNamed = <A extends { readonly name: string }>(
  children: ReadonlyArray<A>,
  name: string
): A | undefined => {
  for (let at = children.length - 1; at >= 0; at -= 1) {
    const child = children[at]
    if (child !== undefined && isSpelling(child.name, name)) return child
  }
  return undefined
}

// -- elements of one shape --
/** The names in an element, without its texts. */
export interface Shape {
  readonly name: string
  /** The index of its text among the texts of the row; -1 if it has children. */
  readonly textAt: number
  readonly children: ReadonlyArray<Shape>
  /** The children that were looked up, by name. */
  readonly found: Map<string, Shape | undefined>
}

/**
 * An element that shares its shape with other rows. Its children are made when they are read: an entry of a listing has ten,
 * and only their texts are used.
 */
export class ShapedElement implements Element {
  readonly #shape: Shape
  readonly #texts: ReadonlyArray<string>

  constructor(shape: Shape, texts: ReadonlyArray<string>) {
    this.#shape = shape
    this.#texts = texts
  }
  get name(): string {
    return this.#shape.name
  }
  get text(): string {
    return this.#texts[this.#shape.textAt] ?? ''
  }
  get children(): ReadonlyArray<Element> {
    return this.#shape.children.map((child) => new ShapedElement(child, this.#texts))
  }
  #find(name: string): Shape | undefined {
    const { children, found } = this.#shape
    const known = found.get(name)
    if (known !== undefined || found.has(name)) return known
    const child = lastNamed(children, name)
    found.set(name, child)
    return child
  }
  child(name: string): Element | undefined {
    const shape = this.#find(name)
    return shape && new ShapedElement(shape, this.#texts)
  }
  textOf(name: string): string | undefined {
    const shape = this.#find(name)
    return shape && this.#texts[shape.textAt]
  }
}

// -- children --
/** The child of a name in any of COS's spellings; the last if the name repeats. */
export const childOf = (element: Element, name: string): Element | undefined =>
  element instanceof ShapedElement ? element.child(name) : lastNamed(element.children, name)

/** The text of a child. `undefined` if the child is missing, or has children instead of text. */
export const textOf = (element: Element, name: string): string | undefined => {
  if (element instanceof ShapedElement) return element.textOf(name)
  const child = lastNamed(element.children, name)
  return child === undefined || child.children.length > 0 ? undefined : child.text
}
