import Drawing

/// The paper that ECGs are drawn on, and the texts on it; one unit of a drawing is a millimetre.
public enum MillimetrePaper {
    /// A whole picture.
    ///
    /// - Parameters:
    ///   - width: Of the paper.
    ///   - height: Likewise.
    ///   - isGrey: Whether lines are grey, so that fills are seen.
    ///   - content: What is drawn on it, from the back to the front.
    /// - Returns: The text of an SVG file.
    public static func file(
        width: Double, height: Double, isGrey: Bool = false, _ content: [SVGElement]
    ) -> String {
        let background = SVGElement(
            "rect",
            [
                "width": "100%", "height": "100%",
                "fill": isGrey ? Palette.greyPaper : Palette.ecgPaper,
            ])
        let grid = [
            lines(
                every: 1, width: width, height: height, thickness: 0.08,
                isGrey ? Palette.greyFineLine : Palette.ecgFineLine),
            lines(
                every: 5, width: width, height: height, thickness: 0.18,
                isGrey ? Palette.greyStrongLine : Palette.ecgStrongLine),
        ]
        return SVGElement.file(
            width: width, height: height, unit: "mm", [background] + grid + content)
    }

    /// Lines that are drawn one by one: many viewers blur nested patterns.
    private static func lines(
        every step: Int, width: Double, height: Double, thickness: Double, _ colour: String
    ) -> SVGElement {
        var path = ""
        for x in stride(from: 0, through: Int(width), by: step) {
            path += "M\(x) 0V\(height.svgText)"
        }
        for y in stride(from: 0, through: Int(height), by: step) {
            path += "M0 \(y)H\(width.svgText)"
        }
        return stroke(path, thickness: thickness, colour)
    }

    /// A line.
    ///
    /// - Parameters:
    ///   - path: Where it goes.
    ///   - thickness: In mm.
    ///   - colour: The ink.
    ///   - isRound: Whether its corners are.
    /// - Returns: The element.
    public static func stroke(
        _ path: String, thickness: Double, _ colour: String = Palette.ecgInk, isRound: Bool = false
    ) -> SVGElement {
        isRound
            ? SVGElement(
                "path",
                [
                    "d": path, "fill": "none", "stroke": colour, "stroke-width": thickness,
                    "stroke-linejoin": "round",
                ])
            : SVGElement(
                "path",
                ["d": path, "fill": "none", "stroke": colour, "stroke-width": thickness])
    }

    /// A line of text.
    ///
    /// - Parameters:
    ///   - text: What it says.
    ///   - x: Where it begins.
    ///   - y: Where its letters stand.
    ///   - size: Of its letters.
    ///   - isCentred: Whether `x` is its middle.
    ///   - hasHalo: Whether it stands on white, so that it can be read on a trace.
    /// - Returns: The element.
    public static func label(
        _ text: String, x: Double, y: Double, size: Double, isCentred: Bool = false,
        hasHalo: Bool = false
    ) -> SVGElement {
        let family = "Helvetica, Arial, sans-serif"
        if hasHalo {
            return SVGElement(
                "text",
                [
                    "x": x, "y": y, "font-family": family, "font-size": size,
                    "fill": Palette.ecgInk, "stroke": Palette.greyPaper, "stroke-width": 1,
                    "paint-order": "stroke",
                ], says: text)
        }
        return SVGElement(
            "text",
            isCentred
                ? [
                    "x": x, "y": y, "font-family": family, "font-size": size,
                    "fill": Palette.ecgInk, "text-anchor": "middle",
                ]
                : [
                    "x": x, "y": y, "font-family": family, "font-size": size,
                    "fill": Palette.ecgInk,
                ], says: text)
    }

    /// The largest size at which a line of text is no wider than a width: letters of these fonts are 0.6 of their size wide
    /// at most, on the mean of a line.
    public static func fontSize(of line: String, within width: Double) -> Double {
        width / (0.6 * Double(max(1, line.count)))
    }
}
