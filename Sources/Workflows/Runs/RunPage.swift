import Checkpoints
import CommandLineInterface
import Electrocardiography
import Evaluation
import Pretraining
import Reporting
import Runs
import Runtime

/// The page about a run, with what its data set adds: reconstructions and a map of records.
public struct RunPage {
    /// What is drawn of the data set.
    public struct Settings: Sendable {
        /// Records of the validation fold to draw.
        public var records: Int
        /// Labelled records in the map, at most; 0 for no map.
        public var mapRecords: Int
        /// How many neighbours t-SNE looks at.
        public var perplexity: Double
        /// How records become vectors.
        public var embedding: EmbeddingSettings

        /// Settings by name.
        public init(
            records: Int, mapRecords: Int, perplexity: Double, embedding: EmbeddingSettings
        ) {
            (self.records, self.mapRecords) = (records, mapRecords)
            (self.perplexity, self.embedding) = (perplexity, embedding)
        }
    }

    /// What the run says of itself.
    public let record: RunRecord
    private let directory: RunDirectory
    private let settings: Settings

    /// A page that is not made yet.
    ///
    /// - Throws: `RunError` where there is no run.
    public init(_ directory: RunDirectory, _ settings: Settings) throws(RunError) {
        (self.directory, self.settings) = (directory, settings)
        record = try directory.read()
    }

    /// Whether the method rebuilds what it did not see, so that records can be drawn.
    public var reconstructsRecords: Bool {
        record.configuration.makeMethod() is any Reconstructs
    }

    /// Makes the page.
    ///
    /// - Parameters:
    ///   - path: The HTML file.
    ///   - data: The prepared set; `nil` for the one that the run names, and without pictures where that is gone.
    /// - Returns: What was written, to be printed.
    /// - Throws: `RunError`, `PreparedDatasetError`, `EvaluationError`, `CheckpointError`, `SystemError`.
    public func write(to path: FilePath, data: FilePath?) throws -> WrittenPage {
        let pictures =
            try dataset(data).map { try reconstructions(in: $0) + embeddingMap(in: $0) } ?? []
        let report = try RunReport(directory, of: record, pictures: pictures)
        return try WrittenPage(report.html, to: path)
    }

    /// The data set that the user or the run names; `nil`, with a warning, where there is none.
    private func dataset(_ data: FilePath?) throws -> PreparedDataset? {
        if let data { return try PreparedDataset(path: data) }
        guard let path = record.dataPath else {
            Log().info(
                "the run names no data set yet; name one with --data for drawings of records")
            return nil
        }
        guard path.exists else {
            Log().warning(
                "the data set is not where the run says (\(path)); name it with --data for drawings of records"
            )
            return nil
        }
        return try PreparedDataset(path: path)
    }

    /// Drawings of records with what the model makes of them, where the method can.
    private func reconstructions(in dataset: PreparedDataset) throws -> [ReportPage.Section] {
        guard settings.records > 0, reconstructsRecords else { return [] }
        let fold = record.configuration.data.validationFold
        let windows = (0..<dataset.windowCount).filter { dataset.window($0).record.fold == fold }
        guard !windows.isEmpty else { return [] }
        let reconstructor = try Reconstructor(run: directory)
        let figures = try windows.prefix(settings.records).map { window in
            let picture = try reconstructor.picture(of: window, in: dataset, seed: 0)
            return "<figure class=\"paper\">\(picture.svg)</figure>"
        }
        return [
            .init(
                title: "Reconstructions",
                body:
                    "<p>Records of the validation fold; what the model did not see is drawn as it fills it in.</p>"
                    + figures.joined())
        ]
    }

    /// The validation fold's labelled records in a plane, by the newest checkpoint's vectors.
    ///
    /// Fold 10 is left to evaluations; pretraining has not learnt from fold 9 either.
    private func embeddingMap(in dataset: PreparedDataset) throws -> [ReportPage.Section] {
        let configuration = record.configuration
        let fold = configuration.data.validationFold
        let labelled = dataset.records().filter {
            $0.description.fold == fold && !$0.classes.isEmpty
        }
        if settings.mapRecords > 0, labelled.count < 2 {
            Log().info(
                "no map of records: \(labelled.count) records of the validation fold (\(fold)) have a label"
            )
        }
        guard settings.mapRecords > 0, labelled.count > 1,
            try !directory.checkpoints.list().isEmpty,
            configuration.makeMethod().embedding != nil
        else { return [] }
        let encoder = try TrainedEncoder(run: directory, report: warnOfPassedOver)
        let readout = settings.embedding.readout
        guard encoder.has(readout) else {
            throw EvaluationError.noReadout(
                method: configuration.method.name, readout: readout.rawValue)
        }
        let kept = RecordMap.sample(settings.mapRecords, of: labelled.count, seed: 0).map {
            labelled[$0]
        }
        let line = ProgressLine()
        let features = try encoder.embed(kept, of: dataset, settings.embedding) {
            line.update("map: record \($0)/\(kept.count)")
        }
        line.finish()
        let map = try RecordMap(
            features, fittedTo: features, settings: MapSettings(perplexity: settings.perplexity),
            seed: 0)
        let figures = map.drawings(of: kept).map {
            "<div><h3>\($0.title.htmlEscaped)</h3>\($0.chart.html)</div>"
        }
        return [
            .init(
                title: "Records in a plane",
                body:
                    "<p>The \(kept.count) labelled records of the validation fold by the vectors of step "
                    + "\(encoder.step), which no label has touched unless the method trains on labels. Colour and shape are the "
                    + "diagnosis; hover over a mark for its name and labels. t‑SNE keeps neighbours together, and nothing "
                    + "else: distances between groups mean nothing.</p><div class=\"maps\">\(figures.joined())</div>"
            )
        ]
    }
}
