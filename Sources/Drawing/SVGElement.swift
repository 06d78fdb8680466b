import Runtime

/// What an attribute of a drawing may be: a text, or a number with at most two decimals.
public protocol SVGValue {
    /// The value between the quotes, with nothing that ends them.
    var svgText: String { get }
}

extension String: SVGValue {
    /// The text, escaped.
    public var svgText: String { htmlEscaped }
}

extension Int: SVGValue {
    /// The digits.
    public var svgText: String { "\(self)" }
}

extension Double: SVGValue {
    /// At most two decimals.
    public var svgText: String { svgNumber(self) }
}

/// A number as short as drawings have it: so many decimals at the most, and no zeros behind them.
///
/// - Parameters:
///   - value: What lies beyond any drawing is drawn at a thousand million units, and what is no number at 0: one bad place
///     must not make the whole picture unreadable.
///   - decimals: The most that there are, 3 at the most.
/// - Returns: Such as `12`, `-0.5` or `0.25`.
public func svgNumber(_ value: Double, decimals: Int = 2) -> String {
    precondition((0...3).contains(decimals), "\(decimals) decimals")
    let unit = [1, 10, 100, 1000][decimals]
    let bounded = value.isNaN ? 0 : min(max(value, -1e9), 1e9)
    let units = Int((bounded * Double(unit)).rounded())
    let whole = "\(units < 0 ? "-" : "")\(abs(units) / unit)"
    var (rest, digits) = (abs(units) % unit, decimals)
    guard rest > 0 else { return whole }
    while rest % 10 == 0 { (rest, digits) = (rest / 10, digits - 1) }
    let text = "\(rest)"
    return whole + "." + String(repeating: "0", count: digits - text.count) + text
}

/// An element of a drawing.
public struct SVGElement: Sendable {
    /// The element as it stands in the file.
    public let text: String

    /// An element with elements in it, or with none.
    ///
    /// - Parameters:
    ///   - name: Such as `path`.
    ///   - attributes: In the order in which they are written.
    ///   - children: What is in it.
    ///   - separator: What stands between children.
    public init(
        _ name: String, _ attributes: KeyValuePairs<String, any SVGValue> = [:],
        _ children: [SVGElement] = [], separator: String = ""
    ) {
        self.init(
            name, attributes,
            content: children.isEmpty
                ? nil
                : separator + children.map(\.text).joined(separator: separator) + separator)
    }

    /// An element with a text in it.
    ///
    /// - Parameters:
    ///   - name: Such as `text` or `title`.
    ///   - attributes: In the order in which they are written.
    ///   - text: What it says.
    public init(
        _ name: String, _ attributes: KeyValuePairs<String, any SVGValue> = [:], says text: String
    ) {
        self.init(name, attributes, content: text.htmlEscaped)
    }

    private init(
        _ name: String, _ attributes: KeyValuePairs<String, any SVGValue>, content: String?
    ) {
        let start = attributes.reduce("<\(name)") { "\($0) \($1.key)=\"\($1.value.svgText)\"" }
        text = content.map { "\(start)>\($0)</\(name)>" } ?? "\(start)/>"
    }

    /// A style sheet.
    ///
    /// - Parameter css: Has no `<` and no `&`.
    /// - Returns: The element.
    public static func style(_ css: String) -> SVGElement {
        precondition(!css.contains { "<&".contains($0) }, "a style sheet with markup: \(css)")
        return SVGElement("style", [:], content: css)
    }
}

extension SVGElement {
    /// A whole file.
    ///
    /// - Parameters:
    ///   - width: Of the drawing, in its own units.
    ///   - height: Likewise.
    ///   - unit: What one of them is on paper, such as `mm`; `nil` leaves the size to whoever shows it.
    ///   - attributes: Others, such as a font for all texts.
    ///   - children: What is drawn, from the back to the front.
    /// - Returns: The file's text.
    public static func file(
        width: Double, height: Double, unit: String? = nil,
        attributes: KeyValuePairs<String, any SVGValue> = [:], _ children: [SVGElement]
    ) -> String {
        let box = "0 0 \(width.svgText) \(height.svgText)"
        let size = unit.map {
            " width=\"\(width.svgText)\($0)\" height=\"\(height.svgText)\($0)\""
        }
        let start = attributes.reduce(
            "<svg xmlns=\"http://www.w3.org/2000/svg\"\(size ?? "") viewBox=\"\(box)\""
        ) { "\($0) \($1.key)=\"\($1.value.svgText)\"" }
        return ([start + ">"] + children.map(\.text) + ["</svg>"]).joined(separator: "\n") + "\n"
    }
}
