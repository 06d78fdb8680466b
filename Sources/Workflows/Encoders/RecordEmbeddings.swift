import Checkpoints
import CommandLineInterface
import Configurations
import Electrocardiography
import Evaluation
import LinearAlgebra
import Runtime
import Tensors

/// The vectors of all records of a data set, to be written as a file.
public struct RecordEmbeddings {
    private let encoder: TrainedEncoder
    private let dataset: PreparedDataset
    private let records: [EvaluatedRecord]
    private let readout: Readout
    private let embeddings: Matrix
    /// What the method's own head says, a row a record; `nil` where nobody asked.
    private let scores: Matrix?

    /// Embeds every record of a data set.
    ///
    /// - Parameters:
    ///   - encoder: The encoder.
    ///   - dataset: The set.
    ///   - settings: How records become vectors.
    ///   - hasScores: Whether what the method's own head says of each record is written, too.
    /// - Throws: `EvaluationError` where the set does not fit or there is no head, and whatever keeps a window from being
    ///   read.
    public init(
        by encoder: TrainedEncoder, of dataset: PreparedDataset, _ settings: EmbeddingSettings,
        hasScores: Bool = false
    ) throws {
        (self.encoder, self.dataset, readout) = (encoder, dataset, settings.readout)
        // Before scores are computed for minutes.
        _ = try encoder.dimension(of: readout)
        let records = dataset.records()
        self.records = records
        let line = ProgressLine()
        scores =
            hasScores
            ? try encoder.probabilities(records, of: dataset, settings) {
                line.update("head: record \($0)/\(records.count)")
            } : nil
        embeddings = try encoder.embed(records, of: dataset, settings) {
            line.update("record \($0)/\(records.count)")
        }
        line.finish()
    }

    /// Writes embeddings, folds and labels as a safetensors file, and scores where they were asked for.
    ///
    /// - Parameter path: The file.
    /// - Returns: What was written, to be printed.
    /// - Throws: `SafetensorsError`, `SystemError`.
    public func write(to path: FilePath) throws -> Written {
        let labels = Tensor(.uint8, shape: [records.count, LabelledRecords.classNames.count])
        let folds = Tensor(.int32, shape: [records.count])
        for (row, record) in records.enumerated() {
            for label in record.classes { labels.bytes[row * labels.shape[1] + label] = 1 }
            folds.bytes.storeBytes(
                of: Int32(record.description.fold ?? 0), toByteOffset: 4 * row, as: Int32.self)
        }
        var tensors = [
            NamedTensor("embeddings", embeddings.asTensor), NamedTensor("folds", folds),
            NamedTensor("labels", labels),
        ]
        if let scores { tensors.append(NamedTensor("scores", scores.asTensor)) }
        try SafetensorsFile.write(
            tensors,
            metadata: [
                "records": JSONValue.text(of: records.map(\.description.name)),
                "classes": JSONValue.text(of: LabelledRecords.classNames),
                "readout": readout.rawValue, "method": encoder.configuration.method.name,
                "step": "\(encoder.step)", "state_sha256": encoder.stateDigest?.description ?? "",
                "data_sha256": dataset.digest.description,
            ], to: path)
        return Written(
            path: path, records: records.count, dimension: embeddings.columns, readout: readout,
            step: encoder.step)
    }

    /// One line a record: name, fold, superclasses, numbers.
    public var table: String {
        let numbers = (0..<embeddings.columns).map { "e\($0)" }
        var lines = [(["record", "fold", "superclasses"] + numbers).joined(separator: ",")]
        for (row, record) in records.enumerated() {
            let name = CommaSeparated.cell(record.description.name)
            let classes = record.classes.map { LabelledRecords.classNames[$0] }
                .joined(separator: "+")
            lines.append(
                ([name, record.description.fold.map { "\($0)" } ?? "", classes]
                    + embeddings.row(row).map { "\(Float($0))" }).joined(separator: ","))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What a file of embeddings holds.
    public struct Written: CommandResult {
        let path: FilePath
        let records: Int
        let dimension: Int
        let readout: Readout
        let step: UInt64

        /// File, records, dimension, read-out and step.
        public var json: JSONValue {
            [
                "file": .string(path.text), "records": .integer(Int64(records)),
                "dimension": .integer(Int64(dimension)), "readout": .string(readout.rawValue),
                "step": .integer(Int64(step)),
            ]
        }

        /// The same in a sentence.
        public var text: String {
            "\(path): \(counted(records, "record")), \(dimension) numbers each, step \(step)"
        }
    }
}

extension Matrix {
    /// The numbers in single precision.
    fileprivate var asTensor: Tensor { Tensor(values.map { Float($0) }, shape: [rows, columns]) }
}

extension JSONValue {
    /// A list of texts, as metadata of files have it.
    static func text(of texts: [String]) -> String {
        JSONValue.array(texts.map { .string($0) }).text()
    }
}
