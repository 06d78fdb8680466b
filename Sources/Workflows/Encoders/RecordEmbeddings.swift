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

    /// Embeds every record of a data set.
    ///
    /// - Parameters:
    ///   - encoder: The encoder.
    ///   - dataset: The set.
    ///   - settings: How records become vectors.
    /// - Throws: `EvaluationError` where the set does not fit, and whatever keeps a window from being read.
    public init(
        by encoder: TrainedEncoder, of dataset: PreparedDataset, _ settings: EmbeddingSettings
    ) throws {
        (self.encoder, self.dataset, readout) = (encoder, dataset, settings.readout)
        let records = dataset.records()
        self.records = records
        let line = ProgressLine()
        embeddings = try encoder.embed(records, of: dataset, settings) {
            line.update("record \($0)/\(records.count)")
        }
        line.finish()
    }

    /// Writes embeddings, folds and labels as a safetensors file.
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
        let vectors = Tensor(
            embeddings.values.map { Float($0) }, shape: [embeddings.rows, embeddings.columns])
        try SafetensorsFile.write(
            [
                NamedTensor("embeddings", vectors), NamedTensor("folds", folds),
                NamedTensor("labels", labels),
            ],
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

extension JSONValue {
    /// A list of texts, as metadata of files have it.
    static func text(of texts: [String]) -> String {
        JSONValue.array(texts.map { .string($0) }).text()
    }
}
