import Drawing
import Electrocardiography

/// The typical beat of each lead with the ends and peaks of its waves, as SVG on ECG paper.
///
/// 50 mm/s: twice the usual speed, so that a few milliseconds can be seen; 10 mm/mV, or half of it as often as the tallest
/// lead needs, which the foot says. One unit is a millimetre.
public struct BeatPicture {
    private static let millimetresPerSecond = 50.0
    private static let (cellWidth, cellHeight) = (70.0, 40.0)
    private static let (margin, head) = (6.0, 18.0)
    /// What is drawn, in ms before and after R.
    private static let (before, after) = (450.0, 700.0)

    private let measurements: ClinicalMeasurements
    private let title: String
    /// One scale for all leads, so that they can be compared.
    private let scale: PaperScale

    /// A picture of a record's typical beat.
    public init(_ measurements: ClinicalMeasurements, title: String) {
        (self.measurements, self.title) = (measurements, title)
        let beat = measurements.typicalBeat
        scale = PaperScale(
            fitting: beat.map { beat in
                beat.millivolts.flatMap { signal in
                    signal[Self.drawn(signal, beat)].map { (Double($0), 0.5 * Self.cellHeight) }
                }
            } ?? [])
    }

    /// The samples of a lead that have room.
    private static func drawn(
        _ signal: [Float], _ beat: ClinicalMeasurements.TypicalBeat
    ) -> Range<Int> {
        let first = min(signal.count, max(0, beat.rSample - Int(before / 2)))
        return first..<max(first, min(signal.count, beat.rSample + Int(after / 2) + 1))
    }

    /// The picture; without a typical beat it says that no beat was found.
    public var svg: String {
        let width = 2 * Self.margin + 4 * Self.cellWidth
        let height = Self.head + 3 * Self.cellHeight + 12
        var parts = [
            Self.label(title, x: Self.margin, y: 6.5, size: 4),
            Self.label(summary, x: Self.margin, y: 11.5, size: 3),
        ]
        if !measurements.flags.isEmpty {
            parts.append(
                Self.label(
                    "flags: \(measurements.flagText)", x: Self.margin, y: 16, size: 3))
        }
        if let beat = measurements.typicalBeat {
            for lead in Lead.allCases { parts += cell(lead, beat) }
            parts.append(
                Self.label(
                    "50 mm/s · \(scale.text) · lines: onset, offset; dots: peaks (all leads together)",
                    x: Self.margin, y: height - 4, size: 3))
        } else {
            parts.append(Self.label("no beat was found", x: Self.margin, y: 30, size: 4))
        }
        return MillimetrePaper.file(width: width, height: height, parts)
    }

    private var summary: String {
        let wanted = [
            ("heart_rate_per_minute", "rate", "/min"), ("p_duration_ms", "P", "ms"),
            ("pr_ms", "PR", "ms"), ("qrs_ms", "QRS", "ms"), ("qt_ms", "QT", "ms"),
            ("qtc_fridericia_ms", "QTcF", "ms"), ("qrs_axis_degrees", "axis", "deg"),
        ]
        let numbers = measurements.numbers
        return wanted.map { name, short, unit in
            guard let value = numbers.first(where: { $0.name == name })?.value else {
                return "\(short) not measurable"
            }
            return "\(short) \(Int(value.rounded())) \(unit)"
        }.joined(separator: " · ")
    }

    private func cell(_ lead: Lead, _ beat: ClinicalMeasurements.TypicalBeat) -> [SVGElement] {
        // Columns of three leads, as the paper of a cardiograph has them.
        let x = Self.margin + Double(lead.rawValue / 3) * Self.cellWidth
        let y = Self.head + (Double(lead.rawValue % 3) + 0.55) * Self.cellHeight
        var parts = [Self.label(lead.name, x: x + 1, y: y - 0.45 * Self.cellHeight, size: 3.4)]
        let signal = beat.millivolts[lead.rawValue]
        guard !signal.isEmpty else {
            return parts + [Self.label("not usable", x: x + 1, y: y, size: 3)]
        }
        func place(_ t: Int) -> Double {
            x + (Self.before + Double(t - beat.rSample) * 2) / 1000 * Self.millimetresPerSecond
        }
        func level(_ t: Int) -> Double {
            y - Double(signal[t]) * scale.millimetresPerMillivolt
        }
        let drawn = Self.drawn(signal, beat)
        let path = drawn.map { t in
            "\(t == drawn.lowerBound ? "M" : "L")\(place(t).svgText) \(level(t).svgText)"
        }
        let waves = [
            (beat.p, Palette.pWave), (beat.qrs, Palette.qrsComplex), (beat.t, Palette.tWave),
        ]
        for (wave, colour) in waves {
            guard let wave else { continue }
            for t in [wave.onset, wave.offset] where drawn.contains(t) {
                parts.append(
                    MillimetrePaper.stroke(
                        "M\(place(t).svgText) \((y - 8).svgText)v16", thickness: 0.25, colour))
            }
            if drawn.contains(wave.peak) {
                parts.append(
                    SVGElement(
                        "circle",
                        [
                            "cx": place(wave.peak), "cy": level(wave.peak), "r": 0.7,
                            "fill": colour,
                        ]))
            }
        }
        parts.append(MillimetrePaper.stroke(path.joined(), thickness: 0.35, isRound: true))
        return parts
    }

    /// A line of text, smaller where it would leave the page.
    private static func label(_ text: String, x: Double, y: Double, size: Double) -> SVGElement {
        let width = margin + 4 * cellWidth - x
        return MillimetrePaper.label(
            text, x: x, y: y, size: min(size, MillimetrePaper.fontSize(of: text, within: width)))
    }
}
