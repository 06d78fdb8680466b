import Runtime

/// Receiver operating characteristics of one class, the first in front.
struct CurvePanel {
    /// One contender's curve.
    struct Curve {
        let name: String
        let auroc: Double?
        let points: [(falsePositives: Double, truePositives: Double)]
    }

    private let title: String
    private let curves: [Curve]
    private static let size = (width: 272.0, height: 244.0)
    private static let field = (left: 48.0, top: 8.0, side: 200.0)

    init(title: String, curves: [Curve]) {
        self.title = title
        self.curves = curves
    }

    /// The drawing.
    var svg: String {
        let field = Self.field
        let (right, bottom) = (field.left + field.side, field.top + field.side)
        var parts = [
            "<svg viewBox=\"0 0 \(format(Self.size.width)) \(format(Self.size.height))\" role=\"img\">",
            "<title>\(title.htmlEscaped)</title>",
            "<rect class=\"frame\" x=\"\(format(field.left))\" y=\"\(format(field.top))\" "
                + "width=\"\(format(field.side))\" height=\"\(format(field.side))\"/>",
            "<path class=\"chance\" d=\"M\(format(field.left)) \(format(bottom))"
                + "L\(format(right)) \(format(field.top))\"/>",
        ]
        for tick in [0, 0.5, 1] {
            parts.append(
                "<text x=\"\(format(field.left + tick * field.side))\" y=\"\(format(bottom + 14))\" "
                    + "text-anchor=\"middle\">\(format(tick))</text>"
                    + "<text x=\"\(format(field.left - 5))\" y=\"\(format(bottom - tick * field.side))\" "
                    + "text-anchor=\"end\" dominant-baseline=\"middle\">\(format(tick))</text>")
        }
        parts.append(
            "<text x=\"\(format((field.left + right) / 2))\" y=\"\(format(bottom + 30))\" "
                + "text-anchor=\"middle\">share of the others that is named</text>"
                + "<text transform=\"translate(10 \(format((field.top + bottom) / 2))) rotate(-90)\" "
                + "text-anchor=\"middle\">share that is found</text>")
        // The first is drawn last, above all others.
        for (number, curve) in curves.enumerated().reversed() {
            parts.append(drawing(of: curve, number: number))
        }
        return parts.joined() + "</svg>"
    }

    private func drawing(of curve: Curve, number: Int) -> String {
        let (field, bottom) = (Self.field, Self.field.top + Self.field.side)
        let path = curve.points.enumerated().map { index, point in
            "\(index == 0 ? "M" : "L")\(format(field.left + point.falsePositives * field.side)) "
                + "\(format(bottom - point.truePositives * field.side))"
        }
        let auroc = curve.auroc.map { ", AUROC \(decimals($0))" } ?? ""
        return "<path class=\"line s\(number % 6)\(number == 0 ? " main" : "")\" "
            + "d=\"\(path.joined())\"><title>\((curve.name + auroc).htmlEscaped)</title></path>"
    }
}
