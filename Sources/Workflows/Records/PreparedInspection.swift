import CommandLineInterface
import Electrocardiography
import Runtime

/// What a prepared data set holds, every byte checked.
public struct PreparedInspection: CommandResult {
    private let file: FilePath
    private let set: PreparedDataset
    private let window: Int
    /// Windows that are directly followed by the next one of their record.
    private let followed: Int
    private let folds: [(name: String, records: Int)]
    private let classes: [(name: String, records: Int)]

    /// Reads and checks a set.
    ///
    /// - Parameters:
    ///   - file: The set's file.
    ///   - window: The window to show.
    /// - Throws: `PreparedDatasetError`, and `CommandError` for a window that is not there.
    public init(_ file: FilePath, window: Int) throws {
        (self.file, self.window) = (file, window)
        set = try PreparedDataset(path: file)
        try set.verify()
        guard set.windowCount > 0, window < set.windowCount else {
            throw CommandError(.usage, "--window needs a number below \(set.windowCount)")
        }
        followed = (0..<set.windowCount).count(where: set.isFollowed)
        var folds: [Int: Int] = [:]
        var classes: [String: Int] = [:]
        // As bytes: a `String` takes two spellings of one letter for the same name.
        var records: Set<[UInt8]> = []
        for index in 0..<set.windowCount {
            let record = set.window(index).record
            guard records.insert(Array("\(record.source) \(record.name)".utf8)).inserted else {
                continue
            }
            folds[record.fold ?? 0, default: 0] += 1
            let members = record.superclasses.members
            if members.isEmpty { classes["none", default: 0] += 1 }
            for member in members { classes[member.name, default: 0] += 1 }
        }
        self.folds = folds.sorted { $0.key < $1.key }.map {
            ($0.key == 0 ? "none" : "\($0.key)", $0.value)
        }
        self.classes = classes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The window on ECG paper.
    ///
    /// - Throws: Where it cannot be read.
    public func picture() throws -> String {
        ECGPaper(
            title: [
                set.window(window).text,
                "\(decimals(set.sampleRateHz, 0)) Hz, window \(window)",
            ],
            traces: try set.traces(ofWindow: window), sampleRateHz: set.sampleRateHz
        ).svg
    }

    /// Sizes, folds, classes, sources and the digest.
    public var json: JSONValue {
        func object(_ pairs: [(name: String, records: Int)]) -> JSONValue {
            .object(
                Dictionary(
                    uniqueKeysWithValues: pairs.map { ($0.name, .integer(Int64($0.records))) }))
        }
        return [
            "kind": "prepared", "records": .integer(Int64(set.recordCount)),
            "windows": .integer(Int64(set.windowCount)), "rate_hz": .number(set.sampleRateHz),
            "followed_windows": .integer(Int64(followed)),
            "windows_join": .boolean(set.joinsWindows),
            "samples_per_window": .integer(Int64(set.samplesPerWindow)),
            "clinical_features_per_window": .integer(Int64(set.clinicalFeatureCount)),
            "clinical_features_version": set.clinicalFeatureVersion.map { .string($0) } ?? .null,
            "digest": .string("sha256:\(set.digest)"), "records_by_fold": object(folds),
            "records_by_superclass": object(classes),
            "sources": .array(set.sources.map { .string($0) }),
        ]
    }

    /// The same in lines, with the window.
    public var text: String {
        func list(_ pairs: [(name: String, records: Int)]) -> String {
            pairs.map { "\($0.name): \($0.records)" }.joined(separator: ", ")
        }
        var lines = [
            "\(file): \(counted(set.recordCount, "record")), \(counted(set.windowCount, "window")) of "
                + "\(set.samplesPerWindow) samples at \(set.sampleRateHz) Hz, every byte checked",
            "sha256:\(set.digest)", "records by fold: " + list(folds),
            "records by superclass: " + list(classes),
        ]
        if followed > 0 {
            lines.append(
                "followed by the next window of their record: \(counted(followed, "window"))"
                    + (set.joinsWindows
                        ? "" : ", without joining it, as in sets of former versions"))
        }
        lines.append("window \(window): \(set.window(window).text)")
        return lines.joined(separator: "\n")
    }
}

extension WindowDescription {
    /// Record, piece, fold, person and codes, as far as they are known.
    fileprivate var text: String {
        var parts = ["record \(record.name)"]
        if piece > 0 { parts.append("piece \(piece)") }
        if let fold = record.fold { parts.append("fold \(fold)") }
        if let age = record.ageYears { parts.append("\(decimals(Double(age), 0)) years") }
        if let sex = record.sex { parts.append("\(sex)") }
        let codes = record.codes.map { code in
            code.likelihood.map { "\(code.code) \(decimals(Double($0), 0))" } ?? code.code
        }
        if !codes.isEmpty { parts.append(codes.joined(separator: " ")) }
        return parts.joined(separator: ", ")
    }
}
