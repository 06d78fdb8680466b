import Checkpoints
import CommandLineInterface
import Electrocardiography
import Foundation
import Runtime
import Tensors

/// Records as they were read, to be written as safetensors files.
public struct RecordExport {
    private let from: Int?
    private let to: Int?
    private let frames: WFDBRecord.Options

    /// What is taken of each record.
    ///
    /// - Parameters:
    ///   - from: The first sample; `nil` for the record's first.
    ///   - to: The sample to stop before; `nil` for the record's end.
    ///   - keepsHighRate: Whether slower signals are repeated, in place of averaging frames.
    public init(from: Int?, to: Int?, keepsHighRate: Bool) {
        (self.from, self.to) = (from, to)
        frames = WFDBRecord.Options(frames: keepsHighRate ? .expanded : .averaged)
    }

    /// A record that was written.
    public struct Exported: CommandResult {
        let record: WFDBRecord
        let file: FilePath

        /// What was remarkable about the record, each under its name.
        public var warnings: [String] { record.notes.map { "\(record.name): \($0)" } }

        /// What the record is and where it went.
        public var json: JSONValue {
            [
                "record": .string(record.name), "output": .string(file.text),
                "signals": .integer(Int64(record.signals.count)),
                "samples": .integer(Int64(record.sampleCount)),
                "rate_hz": .number(record.sampleRateHz),
                "notes": .array(record.notes.map { .string($0) }),
            ]
        }

        /// The same in a line.
        public var text: String {
            "\(file): \(record.signals.count) signals, \(record.sampleCount) samples, "
                + "\(record.sampleRateHz) Hz"
        }
    }

    /// Writes one record.
    ///
    /// - Parameters:
    ///   - path: The record, with or without `.hea`.
    ///   - file: The safetensors file.
    /// - Returns: What was written, to be printed.
    /// - Throws: `WFDBError`, `CommandError` for a range that is none, and whatever keeps the file from being written.
    public func write(_ path: FilePath, as file: FilePath) throws -> Exported {
        let header = try WFDBHeader.read(path)
        var options = frames
        if from != nil || to != nil {
            let start = from ?? 0
            guard let end = to ?? header.sampleCount, end >= start else {
                throw CommandError(
                    .usage,
                    "--from and --to need a range of samples; --to must not be below --from")
            }
            options.range = start..<end
        }
        let record = try WFDBRecord.read(header, options: options)
        let signal = Tensor(shape: [record.signals.count, record.sampleCount])
        for (i, lead) in record.signals.enumerated() {
            _ = signal.floats[(i * record.sampleCount)...].update(fromContentsOf: lead.samples)
        }
        try SafetensorsFile.write(
            [NamedTensor("signal", signal)],
            metadata: [
                "record": record.name, "rate_hz": "\(record.sampleRateHz)",
                "leads": JSONValue.text(of: record.signals.map(\.name)),
                "units": JSONValue.text(of: record.signals.map(\.units)),
                "comments": JSONValue.text(of: record.comments),
                "notes": JSONValue.text(of: record.notes),
            ], to: file)
        return Exported(record: record, file: file)
    }

    /// What became of a folder's records.
    public struct Folder: CommandResult {
        let count: Int
        let refused: [(name: String, cause: String)]

        /// How many were written, and every other with its cause.
        public var json: JSONValue {
            [
                "exported": .integer(Int64(count - refused.count)),
                "refused": .array(
                    refused.map { ["record": .string($0.name), "cause": .string($0.cause)] }),
            ]
        }

        /// How many there were of both.
        public var text: String {
            "\(counted(count - refused.count, "record")) exported, \(refused.count) refused"
        }
    }

    /// Writes every record below a folder that can be read, under its path.
    ///
    /// - Parameters:
    ///   - folder: Where the records are.
    ///   - output: Where the files go.
    ///   - namesRefused: Whether those that cannot be read are named on standard error as they are met.
    /// - Returns: How many were written, and which were refused.
    /// - Throws: `CommandError` for a range that is none, and whatever keeps a file from being written.
    public func writeAll(
        below folder: FilePath, into output: FilePath, namesRefused: Bool
    ) throws -> Folder {
        let names = try RecordFolder.records(below: folder)
        var refused: [(name: String, cause: String)] = []
        let line = ProgressLine()
        func refuse(_ name: FilePath, _ cause: String) {
            refused.append((name.text, cause))
            if namesRefused { line.log("refused \(name): \(cause)") }
        }
        for (i, name) in names.enumerated() {
            let file = output.appending(name + ".safetensors")
            guard file.lastComponent.bytes.count <= Int(NAME_MAX) else {
                refuse(
                    name, "a file cannot be called by this name and .safetensors; export it alone")
                continue
            }
            try file.parent.makeFolders()
            do {
                _ = try write(folder.appending(name), as: file)
            } catch let error as WFDBError {
                refuse(name, "\(error)")
            }
            line.update("record \(i + 1)/\(names.count)")
        }
        line.finish()
        return Folder(count: names.count, refused: refused)
    }
}
