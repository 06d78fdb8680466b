import Foundation

/// Draws leads on ECG paper as SVG: 25 mm/s, 10 mm/mV, a line every millimetre and a stronger one every five.
///
/// Twelve standard leads come in the usual four columns of 2.5 s over a rhythm strip of lead II; anything else in one
/// strip of 10 s a signal. One unit of the drawing is a millimetre.
public struct ECGPaper {
    /// One trace in mV, NaN where invalid.
    public struct Trace: Sendable {
        /// Printed beside the trace.
        public var name: String
        /// Amplitudes.
        public var millivolts: [Float]

        /// A trace with its name.
        public init(name: String, millivolts: [Float]) {
            self.name = name
            self.millivolts = millivolts
        }
    }

    private static let millimetresPerSecond = 25.0
    private static let millimetresPerMillivolt = 10.0
    private static let seconds = 10.0
    private static let margin = 10.0
    /// The calibration pulse stands before the traces.
    private static let pulseWidth = 10.0
    private static let headHeight = 20.0

    private let traces: [Trace]
    private let sampleRateHz: Double
    private let title: [String]

    /// A page.
    ///
    /// - Parameters:
    ///   - title: Lines above the traces: who, when, what.
    ///   - traces: Signals of one length; their first 10 s are drawn.
    ///   - sampleRateHz: Their rate.
    public init(title: [String], traces: [Trace], sampleRateHz: Double) {
        self.title = title
        self.traces = traces
        self.sampleRateHz = sampleRateHz
    }

    /// A part of a trace at a place on the page.
    private struct Strip {
        var trace: Trace
        var fromSeconds: Double
        var toSeconds: Double
        var row: Int
    }

    /// The picture.
    public var svg: String {
        let twelve = standardTraces
        let rowHeight = twelve == nil ? 25.0 : 32.0
        let strips = twelve.map(Self.clinicalStrips) ?? plainStrips
        let rows = (strips.map(\.row).max() ?? 0) + 1
        let width = 2 * Self.margin + Self.pulseWidth + Self.seconds * Self.millimetresPerSecond
        let height = Self.headHeight + Double(rows) * rowHeight + Self.margin
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Self.text(width))mm\" height=\"\(Self.text(height))mm\" viewBox=\"0 0 \(Self.text(width)) \(Self.text(height))\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"#fffafa\"/>",
            grid(width: width, height: height),
        ]
        for (number, line) in title.prefix(3).enumerated() {
            parts.append(
                label(
                    line, x: Self.margin, y: 6.5 + 4.5 * Double(number), size: number == 0 ? 4 : 3))
        }
        for row in 0..<rows {
            parts.append(pulse(y: Self.baseline(row, rowHeight)))
        }
        for strip in strips { parts.append(draw(strip, rowHeight: rowHeight)) }
        parts.append(
            label("25 mm/s   10 mm/mV", x: Self.margin, y: height - 3.5, size: 3))
        parts.append("</svg>\n")
        return parts.joined(separator: "\n")
    }

    private var standardTraces: [Trace]? {
        let found = Lead.allCases.compactMap { lead in
            traces.first { Lead(headerName: $0.name) == lead }.map {
                Trace(name: lead.name, millivolts: $0.millivolts)
            }
        }
        return found.count == Lead.allCases.count ? found : nil
    }

    private static func clinicalStrips(_ leads: [Trace]) -> [Strip] {
        // Columns from left to right are the limb leads, the augmented ones, V1 to V3, V4 to V6.
        var strips = leads.enumerated().map { number, trace in
            let start = 2.5 * Double(number / 3)
            return Strip(
                trace: trace, fromSeconds: start, toSeconds: start + 2.5, row: number % 3)
        }
        strips.append(Strip(trace: leads[1], fromSeconds: 0, toSeconds: seconds, row: 3))
        return strips
    }

    private var plainStrips: [Strip] {
        traces.enumerated().map {
            Strip(trace: $1, fromSeconds: 0, toSeconds: Self.seconds, row: $0)
        }
    }

    private static func baseline(_ row: Int, _ rowHeight: Double) -> Double {
        headHeight + (Double(row) + 0.5) * rowHeight
    }

    /// Lines every millimetre and every five, drawn one by one: many viewers blur nested patterns.
    private func grid(width: Double, height: Double) -> String {
        func lines(every step: Int, color: String, thickness: String) -> String {
            var path = ""
            for x in stride(from: 0, through: Int(width), by: step) {
                path += "M\(x) 0V\(Self.text(height))"
            }
            for y in stride(from: 0, through: Int(height), by: step) {
                path += "M0 \(y)H\(Self.text(width))"
            }
            return
                "<path d=\"\(path)\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"\(thickness)\"/>"
        }
        return lines(every: 1, color: "#f6c9c9", thickness: "0.08") + "\n"
            + lines(every: 5, color: "#e88f8f", thickness: "0.18")
    }

    /// 1 mV for 0.2 s.
    private func pulse(y: Double) -> String {
        let (x, top) = (Self.margin, y - Self.millimetresPerMillivolt)
        let path =
            "M\(Self.text(x)) \(Self.text(y))h2V\(Self.text(top))h5V\(Self.text(y))h2"
        return "<path d=\"\(path)\" fill=\"none\" stroke=\"#101010\" stroke-width=\"0.25\"/>"
    }

    private func draw(_ strip: Strip, rowHeight: Double) -> String {
        let count = strip.trace.millivolts.count
        let first = min(count, Int((strip.fromSeconds * sampleRateHz).rounded()))
        let last = min(count, Int((strip.toSeconds * sampleRateHz).rounded()))
        let y = Self.baseline(strip.row, rowHeight)
        let x = Self.margin + Self.pulseWidth + strip.fromSeconds * Self.millimetresPerSecond
        // The column is centred on its median, as a cardiograph's high-pass does.
        let level = Self.median(strip.trace.millivolts[first..<last])
        var path = ""
        var isPenDown = false
        for t in first..<last {
            let value = Double(strip.trace.millivolts[t]) - level
            guard value.isFinite else {
                isPenDown = false
                continue
            }
            let right = x + Double(t - first) / sampleRateHz * Self.millimetresPerSecond
            let up = y - value * Self.millimetresPerMillivolt
            path += "\(isPenDown ? "L" : "M")\(Self.text(right)) \(Self.text(up))"
            isPenDown = true
        }
        var parts = [
            "<path d=\"\(path)\" fill=\"none\" stroke=\"#101010\" stroke-width=\"0.3\" stroke-linejoin=\"round\"/>"
        ]
        if strip.fromSeconds > 0 {
            // A short stroke separates the columns.
            parts.append(
                "<path d=\"M\(Self.text(x)) \(Self.text(y - 6))v2.5M\(Self.text(x)) \(Self.text(y + 3.5))v2.5\" stroke=\"#101010\" stroke-width=\"0.4\"/>"
            )
        }
        parts.append(label(strip.trace.name, x: x + 1.5, y: y - rowHeight / 2 + 4.5, size: 3.6))
        return parts.joined(separator: "\n")
    }

    private static func median(_ values: ArraySlice<Float>) -> Double {
        let finite = values.filter(\.isFinite).sorted()
        return finite.isEmpty ? 0 : Double(finite[finite.count / 2])
    }

    private func label(_ text: String, x: Double, y: Double, size: Double) -> String {
        let escaped = text.replacingOccurrences(of: "&", with: "&amp;")
            .replacingOccurrences(of: "<", with: "&lt;").replacingOccurrences(of: ">", with: "&gt;")
        return
            "<text x=\"\(Self.text(x))\" y=\"\(Self.text(y))\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"\(Self.text(size))\" fill=\"#101010\">\(escaped)</text>"
    }

    /// A number with at most two decimals.
    private static func text(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        let (whole, rest) = (abs(hundredths) / 100, abs(hundredths) % 100)
        let sign = hundredths < 0 ? "-" : ""
        return rest == 0 ? "\(sign)\(whole)" : "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest)"
    }
}
