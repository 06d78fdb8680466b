import CommandLineInterface
import Configurations
import Electrocardiography
import Evaluation
import Runtime

/// The training records that an encoder takes for most like a record.
public struct NeighbourReport {
    /// Which neighbours are looked for.
    public struct Settings: Sendable {
        /// The record, by name.
        public var record: String
        /// How many neighbours.
        public var count: Int
        /// Between vectors.
        public var distance: NearestNeighbours.Distance
        /// Whether other records of the same patient count.
        public var includesPatient: Bool

        /// Settings by name.
        public init(
            record: String, count: Int, distance: NearestNeighbours.Distance, includesPatient: Bool
        ) {
            (self.record, self.count) = (record, count)
            (self.distance, self.includesPatient) = (distance, includesPatient)
        }
    }

    private let search: NeighbourSearch
    private let query: EvaluatedRecord
    private let count: Int
    private let labelled: LabelledData
    private let encoder: TrainedEncoder
    private let readout: Readout

    /// Looks for neighbours.
    ///
    /// - Parameters:
    ///   - settings: Of which record, and how many.
    ///   - encoder: Says what is alike.
    ///   - labelled: Where record and candidates are.
    ///   - embedding: How records become vectors.
    /// - Throws: `EvaluationError`, and whatever keeps a window from being read.
    public init(
        _ settings: Settings, by encoder: TrainedEncoder, in labelled: LabelledData,
        _ embedding: EmbeddingSettings
    ) throws {
        (self.encoder, self.labelled, readout) = (encoder, labelled, embedding.readout)
        count = settings.count
        query = try labelled.dataset.record(named: settings.record, rule: labelled.rule)
        let line = ProgressLine()
        search = try NeighbourSearch(
            of: query, among: labelled.records.training, count: settings.count,
            distance: settings.distance, includesPatient: settings.includesPatient
        ) { records in
            try encoder.embed(records, of: labelled.dataset, embedding) {
                line.update("record \($0)/\(records.count)")
            }
        }
        line.finish()
    }

    /// Record and neighbours on ECG paper.
    public func svg() throws -> String { try search.svg(from: labelled.dataset) }

    /// What was found, to be printed.
    ///
    /// - Parameters:
    ///   - run: The run as the user named it.
    ///   - svg: Where the drawing is.
    /// - Returns: What `--json` and text print.
    public func result(run: FilePath, svg: FilePath?) -> some CommandResult {
        Found(report: self, run: run, svg: svg)
    }

    private struct Found: CommandResult {
        let report: NeighbourReport
        let run: FilePath
        let svg: FilePath?

        var json: JSONValue {
            .object(
                report.search.json.merging(
                    report.encoder.members(run: run, readout: report.readout, svg: svg)
                ) { first, _ in first })
        }

        var text: String {
            let (search, query) = (report.search, report.query)
            let agreement =
                query.classes.isEmpty
                ? "" : ": \(search.agreeing) of \(report.count) neighbours share a superclass"
            let rows = search.neighbours.map {
                [decimals($0.distance), $0.record.summary]
            }
            return query.summary + agreement + "\n"
                + Output.table([["distance", "neighbour"]] + rows)
        }
    }
}
