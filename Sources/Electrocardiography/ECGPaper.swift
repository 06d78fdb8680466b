import Foundation
import Runtime

/// Draws leads on ECG paper as SVG: 25 mm/s, a line every millimetre and a stronger one every five; 10 mm/mV, or half of
/// it as often as it takes for no curve to leave the page, which the foot says and the pulse shows.
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

    /// A part of a trace that is filled behind its line.
    public struct Shade: Sendable {
        /// Number of the trace.
        public var trace: Int
        /// From where to where, in seconds.
        public var seconds: Range<Double>
        /// What the fill says.
        public var ink: Ink
        /// 0 for nothing to 1 for full.
        public var strength: Double
        /// Written into it, if anything.
        public var text: String?

        /// A part of a trace, filled.
        public init(
            trace: Int, seconds: Range<Double>, ink: Ink, strength: Double, text: String? = nil
        ) {
            (self.trace, self.seconds, self.ink) = (trace, seconds, ink)
            (self.strength, self.text) = (strength, text)
        }
    }

    /// Two fills that colour-blind readers and black-and-white prints keep apart: one is plain, the other hatched.
    ///
    /// Source of the colours: Okabe and Ito, "Color universal design", 2008.
    public enum Ink: String, Sendable {
        /// Plain orange.
        case warm = "#D55E00"
        /// Blue, hatched.
        case cold = "#0072B2"

        func fill(_ strength: Double) -> String {
            self == .warm
                ? "fill=\"\(rawValue)\" fill-opacity=\"\(ECGPaper.text(0.75 * strength))\""
                : "fill=\"url(#hatch)\" opacity=\"\(ECGPaper.text(strength))\""
        }
    }

    /// A line of the legend: fills of rising strength, and what they mean.
    public struct LegendEntry: Sendable {
        let ink: Ink
        let text: String

        /// A fill and its meaning.
        public init(_ ink: Ink, _ text: String) { (self.ink, self.text) = (ink, text) }
    }

    /// Where traces go.
    public enum Layout: Sendable {
        /// Twelve standard leads in four columns over a rhythm strip, anything else in strips.
        case usual
        /// The same without the rhythm strip.
        case compact
        /// One strip of 10 s a trace.
        case strips
    }

    static let millimetresPerSecond = 25.0
    private static let seconds = 10.0
    static let margin = 10.0
    /// The calibration pulse stands before the traces.
    private static let pulseWidth = 10.0
    private static let headHeight = 20.0

    private let traces: [Trace]
    private let sampleRateHz: Double
    private let title: [String]
    private let layout: Layout
    private let shades: [Shade]
    private var scale = PaperScale.usual
    let legend: [LegendEntry]

    /// A page.
    ///
    /// - Parameters:
    ///   - title: Lines above the traces: who, when, what; three at most.
    ///   - traces: Signals of one length; their first 10 s are drawn.
    ///   - sampleRateHz: Their rate.
    ///   - layout: Where they go.
    ///   - shades: Parts that are filled; the paper is grey then, so that fills are seen. They need strips.
    ///   - legend: What fills mean.
    public init(
        title: [String], traces: [Trace], sampleRateHz: Double, layout: Layout = .usual,
        shades: [Shade] = [], legend: [LegendEntry] = []
    ) {
        self.title = title
        self.traces = traces
        self.sampleRateHz = sampleRateHz
        self.layout = layout
        self.shades = shades
        self.legend = legend
    }

    /// A part of a trace at a place on the page.
    private struct Strip {
        var trace: Trace
        var fromSeconds: Double
        var toSeconds: Double
        var row: Int
    }

    /// The picture.
    public var svg: String { Self.svg([self]) }

    /// Several pages below each other as one picture.
    ///
    /// - Parameter papers: From the top.
    /// - Returns: The picture.
    public static func svg(_ papers: [ECGPaper]) -> String {
        let width = 2 * margin + pulseWidth + seconds * millimetresPerSecond
        // Whole squares of 5 mm, so that the lines go on from one page to the next.
        let heights = papers.map { ($0.contentHeight / 5).rounded(.up) * 5 }
        let height = heights.reduce(0, +) + margin
        let isGrey = papers.contains { !$0.shades.isEmpty }
        // One scale for all pages, so that they can be compared.
        let scale = PaperScale(fitting: papers.flatMap(\.deflections))
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(text(width))mm\" height=\"\(text(height))mm\" viewBox=\"0 0 \(text(width)) \(text(height))\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"\(isGrey ? "#ffffff" : "#fffafa")\"/>",
            grid(width: width, height: height, isGrey: isGrey),
        ]
        if isGrey { parts.append(hatch) }
        var top = 0.0
        for (paper, height) in zip(papers, heights) {
            var paper = paper
            paper.scale = scale
            let body = paper.body
            parts.append(
                top == 0 ? body : "<g transform=\"translate(0 \(text(top)))\">\n\(body)\n</g>")
            top += height
        }
        parts.append(label("25 mm/s · \(scale.text)", x: margin, y: height - 3.5, size: 3))
        parts.append("</svg>\n")
        return parts.joined(separator: "\n")
    }

    /// Where the first second begins.
    var traceStart: Double { Self.margin + Self.pulseWidth }

    private var clinicalTraces: [Trace]? { layout == .strips ? nil : standardTraces }

    var rowHeight: Double {
        clinicalTraces == nil ? (layout == .strips ? 20 : 25) : layout == .compact ? 25 : 32
    }

    private var strips: [Strip] {
        guard let leads = clinicalTraces else { return plainStrips }
        let strips = Self.clinicalStrips(leads)
        return layout == .compact ? strips.filter { $0.row < 3 } : strips
    }

    private var headHeight: Double { Self.headHeight + (legend.isEmpty ? 0 : 8) }

    private var contentHeight: Double {
        headHeight + Double((strips.map(\.row).max() ?? 0) + 1) * rowHeight
    }

    /// Titles, legend and traces, from the top.
    private var body: String {
        let strips = strips
        var parts: [String] = []
        for (number, line) in title.prefix(3).enumerated() {
            parts.append(
                Self.label(
                    line, x: Self.margin, y: 6.5 + 4.5 * Double(number),
                    size: min(number == 0 ? 4 : 3, Self.fontSize(of: line))))
        }
        if !legend.isEmpty { parts.append(drawLegend(y: 22)) }
        if clinicalTraces == nil {
            for shade in shades { parts.append(draw(shade)) }
        }
        for row in 0...(strips.map(\.row).max() ?? 0) {
            parts.append(pulse(y: baseline(row)))
        }
        for strip in strips { parts.append(draw(strip)) }
        // Names last, so that no trace hides them.
        for strip in strips {
            parts.append(
                Self.label(
                    strip.trace.name, x: start(of: strip) + 1.5,
                    y: baseline(strip.row) - rowHeight / 2 + 4.5, size: 3.6, hasHalo: true))
        }
        if clinicalTraces == nil, !shades.isEmpty { parts.append(timeAxis) }
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

    func baseline(_ row: Int) -> Double { headHeight + (Double(row) + 0.5) * rowHeight }

    /// Lines every millimetre and every five, drawn one by one: many viewers blur nested patterns.
    private static func grid(width: Double, height: Double, isGrey: Bool) -> String {
        func lines(every step: Int, color: String, thickness: String) -> String {
            var path = ""
            for x in stride(from: 0, through: Int(width), by: step) {
                path += "M\(x) 0V\(text(height))"
            }
            for y in stride(from: 0, through: Int(height), by: step) {
                path += "M0 \(y)H\(text(width))"
            }
            return
                "<path d=\"\(path)\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"\(thickness)\"/>"
        }
        return lines(every: 1, color: isGrey ? "#e6e6e6" : "#f6c9c9", thickness: "0.08") + "\n"
            + lines(every: 5, color: isGrey ? "#c4c4c4" : "#e88f8f", thickness: "0.18")
    }

    /// 1 mV for 0.2 s.
    private func pulse(y: Double) -> String {
        let (x, top) = (Self.margin, y - scale.millimetresPerMillivolt)
        let path =
            "M\(Self.text(x)) \(Self.text(y))h2V\(Self.text(top))h5V\(Self.text(y))h2"
        return "<path d=\"\(path)\" fill=\"none\" stroke=\"#101010\" stroke-width=\"0.25\"/>"
    }

    private func draw(_ strip: Strip) -> String {
        let y = baseline(strip.row)
        let x = start(of: strip)
        var pen = Pen()
        for (t, value) in centred(strip).enumerated() {
            guard value.isFinite else {
                pen.lift()
                continue
            }
            pen.draw(
                toX: x + Double(t) / sampleRateHz * Self.millimetresPerSecond,
                y: y - value * scale.millimetresPerMillivolt)
        }
        pen.lift()
        let path = pen.path
        var parts = [
            "<path d=\"\(path)\" fill=\"none\" stroke=\"#101010\" stroke-width=\"0.3\" stroke-linejoin=\"round\"/>"
        ]
        if strip.fromSeconds > 0 {
            // A short stroke separates the columns.
            parts.append(
                "<path d=\"M\(Self.text(x)) \(Self.text(y - 6))v2.5M\(Self.text(x)) \(Self.text(y + 3.5))v2.5\" stroke=\"#101010\" stroke-width=\"0.4\"/>"
            )
        }
        return parts.joined(separator: "\n")
    }

    /// A strip's samples in mV, centred on their median as a cardiograph's high-pass does.
    private func centred(_ strip: Strip) -> [Double] {
        let samples = strip.trace.millivolts
        func place(_ seconds: Double) -> Int {
            min(samples.count, Int((seconds * sampleRateHz).rounded()))
        }
        let column = samples[place(strip.fromSeconds)..<place(strip.toSeconds)]
        let level = Self.median(column)
        return column.map { Double($0) - level }
    }

    /// How far the curves go, and the room up to the page's edge.
    private var deflections: [(millivolts: Double, millimetres: Double)] {
        strips.flatMap { strip in
            let y = baseline(strip.row)
            return centred(strip).map { ($0, $0 > 0 ? y : contentHeight - y) }
        }
    }

    private func start(of strip: Strip) -> Double {
        traceStart + strip.fromSeconds * Self.millimetresPerSecond
    }

    /// Seconds under the last strip.
    private var timeAxis: String {
        (0...Int(Self.seconds)).map { second in
            Self.label(
                "\(second) s", x: traceStart + Double(second) * Self.millimetresPerSecond,
                y: contentHeight + 3.5, size: 3, anchor: "middle")
        }.joined(separator: "\n")
    }

    /// The largest size at which a line stays on the page: letters are at most 0.6 of it wide, on the mean of a line.
    private static func fontSize(of line: String) -> Double {
        (pulseWidth + seconds * millimetresPerSecond) / (0.6 * Double(max(1, line.count)))
    }

    private static func median(_ values: ArraySlice<Float>) -> Double {
        let finite = values.filter(\.isFinite).sorted()
        return finite.isEmpty ? 0 : Double(finite[finite.count / 2])
    }

    static func label(
        _ text: String, x: Double, y: Double, size: Double, anchor: String? = nil,
        hasHalo: Bool = false
    ) -> String {
        let halo = " stroke=\"#ffffff\" stroke-width=\"1\" paint-order=\"stroke\""
        return
            "<text x=\"\(Self.text(x))\" y=\"\(Self.text(y))\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"\(Self.text(size))\" fill=\"#101010\"\(anchor.map { " text-anchor=\"\($0)\"" } ?? "")\(hasHalo ? halo : "")>\(text.htmlEscaped)</text>"
    }

    /// A number with at most two decimals.
    static func text(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        let (whole, rest) = (abs(hundredths) / 100, abs(hundredths) % 100)
        let sign = hundredths < 0 ? "-" : ""
        return rest == 0 ? "\(sign)\(whole)" : "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest)"
    }
}
