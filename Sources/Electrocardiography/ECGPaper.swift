import Drawing

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
    public enum Ink: Sendable {
        /// Plain orange.
        case warm
        /// Blue, hatched.
        case cold
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
        var content = isGrey ? [hatch] : []
        var top = 0.0
        for (paper, height) in zip(papers, heights) {
            var paper = paper
            paper.scale = scale
            content += top == 0 ? paper.body : [shifted(paper.body, down: top)]
            top += height
        }
        content.append(
            MillimetrePaper.label(
                "25 mm/s · \(scale.text)", x: margin, y: height - 3.5, size: 3))
        return MillimetrePaper.file(width: width, height: height, isGrey: isGrey, content)
    }

    private static func shifted(_ content: [SVGElement], down top: Double) -> SVGElement {
        SVGElement(
            "g", ["transform": "translate(0 \(top.svgText))"], content, separator: "\n")
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
    private var body: [SVGElement] {
        let strips = strips
        let lineWidth = Self.pulseWidth + Self.seconds * Self.millimetresPerSecond
        var parts = title.prefix(3).enumerated().map { number, line in
            MillimetrePaper.label(
                line, x: Self.margin, y: 6.5 + 4.5 * Double(number),
                size: min(
                    number == 0 ? 4 : 3, MillimetrePaper.fontSize(of: line, within: lineWidth)))
        }
        if !legend.isEmpty { parts += drawLegend(y: 22) }
        if clinicalTraces == nil {
            for shade in shades { parts += draw(shade) }
        }
        for row in 0...(strips.map(\.row).max() ?? 0) {
            parts.append(pulse(y: baseline(row)))
        }
        for strip in strips { parts += draw(strip) }
        // Names last, so that no trace hides them.
        for strip in strips {
            parts.append(
                MillimetrePaper.label(
                    strip.trace.name, x: start(of: strip) + 1.5,
                    y: baseline(strip.row) - rowHeight / 2 + 4.5, size: 3.6, hasHalo: true))
        }
        if clinicalTraces == nil, !shades.isEmpty { parts += timeAxis }
        return parts
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

    /// 1 mV for 0.2 s.
    private func pulse(y: Double) -> SVGElement {
        let (x, top) = (Self.margin, y - scale.millimetresPerMillivolt)
        return MillimetrePaper.stroke(
            "M\(x.svgText) \(y.svgText)h2V\(top.svgText)h5V\(y.svgText)h2", thickness: 0.25)
    }

    private func draw(_ strip: Strip) -> [SVGElement] {
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
        let trace = MillimetrePaper.stroke(pen.path, thickness: 0.3, isRound: true)
        guard strip.fromSeconds > 0 else { return [trace] }
        // A short stroke separates the columns.
        let place = x.svgText
        return [
            trace,
            MillimetrePaper.stroke(
                "M\(place) \((y - 6).svgText)v2.5M\(place) \((y + 3.5).svgText)v2.5",
                thickness: 0.4),
        ]
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
    private var timeAxis: [SVGElement] {
        (0...Int(Self.seconds)).map { second in
            MillimetrePaper.label(
                "\(second) s", x: traceStart + Double(second) * Self.millimetresPerSecond,
                y: contentHeight + 3.5, size: 3, isCentred: true)
        }
    }

    private static func median(_ values: ArraySlice<Float>) -> Double {
        let finite = values.filter(\.isFinite).sorted()
        return finite.isEmpty ? 0 : Double(finite[finite.count / 2])
    }
}
