import CommandLineInterface
import Configurations
import Electrocardiography
import Evaluation
import Runtime

/// What of a record decides, as an encoder and a probe see it.
public struct Explanation {
    /// What is drawn over the record.
    public enum Kind: String, CaseIterable, Sendable {
        /// What hiding a part changes.
        case occlusion
        /// Where a transformer looks.
        case attention
    }

    /// What is explained.
    public struct Settings: Sendable {
        /// What is drawn over the record.
        public var kind: Kind
        /// The record, by name.
        public var record: String
        /// Which of its windows.
        public var window: Int
        /// The class whose probability is looked at; `nil` for the most probable.
        public var className: String?
        /// Seconds of a lead that are hidden at a time.
        public var patchSeconds: Double

        /// Settings by name.
        public init(
            kind: Kind, record: String, window: Int, className: String?, patchSeconds: Double
        ) {
            (self.kind, self.record, self.window) = (kind, record, window)
            (self.className, self.patchSeconds) = (className, patchSeconds)
        }
    }

    private enum Map {
        case occlusion(OcclusionMap)
        case attention(AttentionMap)
    }

    private let settings: Settings
    private let encoder: TrainedEncoder
    private let labelled: LabelledData
    private let readout: Readout
    private let record: EvaluatedRecord
    private let map: Map

    /// Explains a window of a record.
    ///
    /// - Parameters:
    ///   - settings: Which, and how.
    ///   - encoder: The encoder that is explained.
    ///   - labelled: Where the record is, and what a probe is fitted to.
    ///   - embedding: How records become vectors.
    /// - Throws: `CommandError` for a window that is not there, `EvaluationError`, and whatever keeps a window from being read.
    public init(
        _ settings: Settings, by encoder: TrainedEncoder, in labelled: LabelledData,
        _ embedding: EmbeddingSettings
    ) throws {
        (self.settings, self.encoder, self.labelled) = (settings, encoder, labelled)
        readout = embedding.readout
        record = try labelled.dataset.record(named: settings.record, rule: labelled.rule)
        guard settings.window < record.windows.count else {
            throw CommandError(
                .usage,
                "--window \(settings.window): record \(settings.record) has \(record.windows.count)"
            )
        }
        let window = record.windows[settings.window]
        switch settings.kind {
        case .attention:
            map = .attention(try encoder.attention(toWindow: window, of: labelled.dataset))
        case .occlusion:
            map = .occlusion(
                try Self.occlusion(settings, of: window, by: encoder, in: labelled, embedding))
        }
    }

    private static func occlusion(
        _ settings: Settings, of window: Int, by encoder: TrainedEncoder, in labelled: LabelledData,
        _ embedding: EmbeddingSettings
    ) throws -> OcclusionMap {
        let line = ProgressLine()
        let features = try FeatureSplits(
            of: labelled.records, in: labelled.dataset, externalSet: nil
        ) { records, dataset in
            try encoder.embed(records, of: dataset, embedding) {
                line.update("probe: record \($0)/\(records.count)")
            }
        }
        let probe = try LinearProbe(features, of: labelled.records, kind: .multiLabel, seed: 0)
        let map = try OcclusionMap(
            ofWindow: window, of: labelled.dataset, sampleRateHz: labelled.dataset.sampleRateHz,
            label: settings.className.flatMap { LabelledRecords.classNames.firstIndex(of: $0) },
            patchSeconds: settings.patchSeconds,
            embed: { source, count in
                try encoder.embed(
                    (0..<count).map { [$0] }, of: source, embedding
                ) { line.update("hidden part \($0)/\(count)") }
            }, probabilities: probe.probabilities)
        line.finish()
        return map
    }

    /// The map over the record on ECG paper.
    ///
    /// - Parameter showsNumbers: Whether the numbers are written into it.
    /// - Returns: The drawing.
    /// - Throws: When the window cannot be read.
    public func svg(showsNumbers: Bool) throws -> String {
        let window = record.windows[settings.window]
        return switch map {
        case .occlusion(let map):
            try map.svg(
                over: window, of: labelled.dataset, record: record, showsNumbers: showsNumbers)
        case .attention(let map):
            try map.svg(
                over: window, of: labelled.dataset, record: record, showsNumbers: showsNumbers)
        }
    }

    /// What was found, to be printed.
    ///
    /// - Parameters:
    ///   - run: The run as the user named it.
    ///   - svg: Where the drawing is.
    /// - Returns: What `--json` and text print.
    public func result(run: FilePath, svg: FilePath?) -> some CommandResult {
        Found(explanation: self, run: run, svg: svg)
    }

    private struct Found: CommandResult {
        let explanation: Explanation
        let run: FilePath
        let svg: FilePath?

        var json: JSONValue {
            var members = explanation.record.json.merging(
                explanation.encoder.members(run: run, readout: explanation.readout, svg: svg)
            ) { first, _ in first }
            let settings = explanation.settings
            members[settings.kind.rawValue] =
                switch explanation.map {
                case .occlusion(let map): map.json
                case .attention(let map): map.json
                }
            members["window"] = .integer(Int64(settings.window))
            return .object(members)
        }

        var text: String {
            let map =
                switch explanation.map {
                case .occlusion(let map): map.text
                case .attention(let map): map.text
                }
            return "\(explanation.record.summary)\n\(map)"
        }
    }
}
