import Electrocardiography
import Foundation
import Runtime

extension EvaluatedRecord {
    /// One line: name, labels, what is known of the patient, codes.
    public var summary: String {
        var parts = [
            "record \(description.name)",
            classes.isEmpty
                ? "no label"
                : classes.map { LabelledRecords.classNames[$0] }.joined(separator: " + "),
        ]
        if let age = description.ageYears { parts.append("\(Int(age.rounded())) years") }
        if let sex = description.sex { parts.append("\(sex)") }
        parts.append(description.fold.map { "fold \($0)" } ?? "no fold")
        let codes = description.codes.prefix(5).map { code in
            SnomedStatements.statement(ofCode: code.code)?.name
                ?? code.code + (code.likelihood.map { " \(Int($0))" } ?? "")
        }
        let more = description.codes.count > codes.count ? ", …" : ""
        if !codes.isEmpty { parts.append("(" + codes.joined(separator: ", ") + more + ")") }
        return parts.joined(separator: ", ").replacingOccurrences(of: ", (", with: " (")
    }
}

extension NeighbourSearch {
    /// The record and its neighbours on ECG paper, each one's first window, the nearest first.
    ///
    /// - Parameter dataset: The set that they are of.
    /// - Returns: The picture.
    /// - Throws: When a window cannot be read.
    public func svg(from dataset: PreparedDataset) throws -> String {
        func paper(_ heading: String, _ record: EvaluatedRecord) throws -> ECGPaper {
            ECGPaper(
                title: [heading, record.summary],
                traces: try dataset.traces(ofWindow: record.windows[0]),
                sampleRateHz: dataset.sampleRateHz, layout: .compact)
        }
        var papers = [
            try paper(
                query.classes.isEmpty
                    ? "The record, which has no label"
                    : "The record: \(agreeing) of its \(neighbours.count) neighbours share a superclass "
                        + "with it", query)
        ]
        for (number, neighbour) in neighbours.enumerated() {
            let shares = neighbour.record.classes.contains { query.classes.contains($0) }
            papers.append(
                try paper(
                    "Neighbour \(number + 1), \(distance.rawValue) distance "
                        + decimals(neighbour.distance)
                        + (query.classes.isEmpty
                            ? "" : shares ? ": shares a superclass" : ": shares no superclass"),
                    neighbour.record))
        }
        return ECGPaper.svg(papers)
    }
}

extension OcclusionMap {
    /// Changes below this share of the largest one are not drawn.
    private static let faintest = 0.08

    /// The map over the record on ECG paper.
    ///
    /// - Parameters:
    ///   - window: Number of the window.
    ///   - dataset: The set that it is of.
    ///   - record: The record that it is of.
    ///   - showsNumbers: Whether changes are written into the picture, in percentage points.
    /// - Returns: The picture.
    /// - Throws: When the window cannot be read.
    public func svg(
        over window: Int, of dataset: PreparedDataset, record: EvaluatedRecord, showsNumbers: Bool
    ) throws -> String {
        let largest = changes.joined().map(abs).max() ?? 0
        let end = Double(dataset.samplesPerWindow) / dataset.sampleRateHz
        var shades: [ECGPaper.Shade] = []
        for (lead, row) in changes.enumerated() {
            for (part, change) in row.enumerated()
            where largest > 0 && abs(change) >= Self.faintest * largest {
                let start = Double(part) * patchSeconds
                shades.append(
                    ECGPaper.Shade(
                        trace: lead, seconds: start..<min(start + patchSeconds, end),
                        ink: change < 0 ? .warm : .cold, strength: abs(change) / largest,
                        text: showsNumbers ? signed(100 * change) : nil))
            }
        }
        let name = LabelledRecords.classNames[label]
        let points = String(format: "%.1f", 100 * largest)
        return ECGPaper(
            title: [
                "What speaks for and against \(name): the probe gives it \(percent(probability))",
                record.summary,
                "Each lead is hidden \(String(format: "%.2g", patchSeconds)) s at a time; full colour: "
                    + "a change of \(points) percentage points",
            ],
            traces: try dataset.traces(ofWindow: window), sampleRateHz: dataset.sampleRateHz,
            layout: .strips, shades: shades,
            legend: [
                .init(.warm, "hidden, \(name) becomes less probable: speaks for it"),
                .init(.cold, "hidden, it becomes more probable: speaks against it"),
            ]
        ).svg
    }

    /// The parts that change most, in words.
    public var text: String {
        let name = LabelledRecords.classNames[label]
        let all = changes.enumerated().flatMap { lead, row in
            row.enumerated().map { (lead: lead, part: $0, change: $1) }
        }
        let strongest = all.enumerated().sorted {
            (-abs($0.element.change), $0.offset) < (-abs($1.element.change), $1.offset)
        }.prefix(8).map(\.element)
        return "\(name) \(percent(probability)); hidden, these parts change it most (points):\n"
            + strongest.map { part in
                let start = Double(part.part) * patchSeconds
                return "  \(Lead.allCases[part.lead].name) "
                    + String(format: "%.2f-%.2f s: ", start, start + patchSeconds)
                    + signed(100 * part.change)
            }.joined(separator: "\n")
    }

    private func percent(_ share: Double) -> String { String(format: "%.0f %%", 100 * share) }
    private func signed(_ value: Double) -> String { String(format: "%+.1f", value) }
}

extension AttentionMap {
    /// Patches below this multiple of an even share are not drawn.
    private static let faintest = 1.0

    /// The map over the record on ECG paper: patches that weigh more than an even share.
    ///
    /// - Parameters:
    ///   - window: Number of the window.
    ///   - dataset: The set that it is of.
    ///   - record: The record that it is of.
    ///   - showsNumbers: Whether weights are written into the picture.
    /// - Returns: The picture.
    /// - Throws: When the window cannot be read.
    public func svg(
        over window: Int, of dataset: PreparedDataset, record: EvaluatedRecord, showsNumbers: Bool
    ) throws -> String {
        let largest = weights.compactMap { $0?.max() }.max() ?? 1
        var shades: [ECGPaper.Shade] = []
        for (lead, row) in weights.enumerated() {
            for (part, weight) in (row ?? []).enumerated() where weight > Self.faintest {
                let start = startSeconds + Double(part) * patchSeconds
                shades.append(
                    ECGPaper.Shade(
                        trace: lead, seconds: start..<start + patchSeconds, ink: .warm,
                        strength: (weight - Self.faintest) / (largest - Self.faintest),
                        text: showsNumbers ? String(format: "%.1f", weight) : nil))
            }
        }
        var traces = try dataset.traces(ofWindow: window)
        for (lead, row) in weights.enumerated() where row == nil {
            traces[lead].name += " (not seen)"
        }
        return ECGPaper(
            title: [
                "Where the encoder looks: attention, from its mean back through all blocks",
                record.summary,
                String(
                    format: "Full colour: %.1f times an even share; %.0f %% of the weight lies on "
                        + "tokens that are no part of a lead", largest, 100 * outsideShare),
            ],
            traces: traces, sampleRateHz: dataset.sampleRateHz, layout: .strips, shades: shades,
            legend: [.init(.warm, "weighs more than an even share of all patches")]
        ).svg
    }

    /// The patches that weigh most, in words.
    public var text: String {
        let all = weights.enumerated().flatMap { lead, row in
            (row ?? []).enumerated().map { (lead: lead, part: $0, weight: $1) }
        }
        let heaviest = all.enumerated().sorted {
            (-$0.element.weight, $0.offset) < (-$1.element.weight, $1.offset)
        }.prefix(8).map(\.element)
        return "these patches weigh most (1: an even share of all):\n"
            + heaviest.map { part in
                let start = startSeconds + Double(part.part) * patchSeconds
                return "  \(Lead.allCases[part.lead].name) "
                    + String(
                        format: "%.2f-%.2f s: %.2f", start, start + patchSeconds, part.weight)
            }.joined(separator: "\n")
    }
}
