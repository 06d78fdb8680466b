import Drawing
import Runtime

/// Receiver operating characteristics of one class, the first in front.
struct CurvePanel {
    /// One model's curve.
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
            SVGElement("title", says: title),
            SVGElement(
                "rect",
                [
                    "class": "frame", "x": format(field.left), "y": format(field.top),
                    "width": format(field.side), "height": format(field.side),
                ]),
            SVGElement(
                "path",
                [
                    "class": "chance",
                    "d": "M\(format(field.left)) \(format(bottom))"
                        + "L\(format(right)) \(format(field.top))",
                ]),
        ]
        for tick in [0, 0.5, 1] {
            parts.append(
                SVGElement(
                    "text",
                    [
                        "x": format(field.left + tick * field.side), "y": format(bottom + 14),
                        "text-anchor": "middle",
                    ], says: format(tick)))
            parts.append(
                SVGElement(
                    "text",
                    [
                        "x": format(field.left - 5), "y": format(bottom - tick * field.side),
                        "text-anchor": "end", "dominant-baseline": "middle",
                    ], says: format(tick)))
        }
        parts += axisNames
        // The first is drawn last, above all others.
        for (number, curve) in curves.enumerated().reversed() {
            parts.append(drawing(of: curve, number: number))
        }
        let (width, height) = Self.size
        return SVGElement(
            "svg", ["viewBox": "0 0 \(format(width)) \(format(height))", "role": "img"], parts
        ).text
    }

    private var axisNames: [SVGElement] {
        let field = Self.field
        let (right, bottom) = (field.left + field.side, field.top + field.side)
        return [
            SVGElement(
                "text",
                [
                    "x": format((field.left + right) / 2), "y": format(bottom + 30),
                    "text-anchor": "middle",
                ], says: "share of the others that is named"),
            SVGElement(
                "text",
                [
                    "transform":
                        "translate(10 \(format((field.top + bottom) / 2))) rotate(-90)",
                    "text-anchor": "middle",
                ], says: "share that is found"),
        ]
    }

    private func drawing(of curve: Curve, number: Int) -> SVGElement {
        let (field, bottom) = (Self.field, Self.field.top + Self.field.side)
        let path = curve.points.enumerated().map { index, point in
            "\(index == 0 ? "M" : "L")\(format(field.left + point.falsePositives * field.side)) "
                + "\(format(bottom - point.truePositives * field.side))"
        }
        let auroc = curve.auroc.map { ", AUROC \(decimals($0))" } ?? ""
        return SVGElement(
            "path",
            [
                "class": "line s\(number % 6)\(number == 0 ? " main" : "")",
                "d": path.joined(),
            ], [SVGElement("title", says: curve.name + auroc)])
    }
}
