import Runtime

/// A record that is not in the prepared set, and why.
public struct SkippedRecord: Sendable, Equatable {
    /// Why a record was left out.
    public enum Reason: String, Sendable, CaseIterable, Codable {
        case shorterThanWindow = "shorter_than_10_s"
        case leadMissing = "lead_missing"
        case invalidSamples = "invalid_samples"
        case notVoltage = "not_a_voltage"
        case unusualRate = "unusual_rate"
        case brokenHeader = "broken_header"
        case brokenSignal = "broken_signal"
        case unsupported = "unsupported_format"
        case notInTable = "not_in_label_table"
        case ptbxlRecord = "ptb_xl_under_another_name"
        case duplicate = "duplicate"
    }

    /// Number of the source.
    public var source: Int
    /// The record's name in it.
    public var record: String
    /// Why, for counting.
    public var reason: Reason
    /// Why, for reading.
    public var detail: String
}

/// What a preparation did with every record.
public struct PreparationReport: Sendable {
    /// One source's counts.
    public struct Source: Sendable, Equatable {
        /// The folder.
        public var path: FilePath
        /// `ptb-xl` or `wfdb`.
        public var kind: String
        /// Records whose header was found.
        public var foundCount: Int
        /// Rows of the label table without a file.
        public var missingFileCount: Int
        /// Records in the set.
        public var recordCount = 0
        /// Windows in the set.
        public var windowCount = 0
        /// Windows left out because of invalid samples.
        public var invalidWindowCount = 0
    }

    /// Records of folds 1 to 8 or of none, of fold 9, and of fold 10.
    public struct Folds: Sendable, Equatable {
        /// Folds 1 to 8, and records without a fold.
        public var training = 0
        /// Fold 9.
        public var validation = 0
        /// Fold 10.
        public var test = 0
    }

    /// Two records with the same samples.
    public struct Duplicate: Sendable, Equatable {
        /// The later record.
        public var record: String
        /// The earlier one.
        public var sameAs: String
        /// Whether the later one is in the set.
        public var isKept: Bool
    }

    /// The file that was written.
    public var output: FilePath
    /// The content's digest.
    public var digest: Digest
    /// Samples a second.
    public var sampleRateHz: Double
    /// The sources in the order given.
    public var sources: [Source]
    /// Records by fold.
    public var folds: Folds
    /// Every record that was left out.
    public var skipped: [SkippedRecord]
    /// Records with the same samples.
    public var duplicates: [Duplicate]
    /// What else a reader should know, each with the number of records.
    public var notes: [(text: String, count: Int)]

    /// Records in the set.
    public var recordCount: Int { sources.reduce(0) { $0 + $1.recordCount } }
    /// Windows in the set.
    public var windowCount: Int { sources.reduce(0) { $0 + $1.windowCount } }

    /// Left out, by reason, in the order of the reasons; reasons without a record are missing.
    public var skippedByReason: [(reason: SkippedRecord.Reason, count: Int)] {
        SkippedRecord.Reason.allCases.compactMap { reason in
            let count = skipped.count { $0.reason == reason }
            return count == 0 ? nil : (reason, count)
        }
    }

    /// The report as written beside the data set and by `--json`.
    public var json: JSONValue {
        func count(_ value: Int) -> JSONValue { .integer(Int64(value)) }
        return [
            "output": .string(output.text), "digest": .string("sha256:\(digest)"),
            "rate_hz": .number(sampleRateHz), "records": count(recordCount),
            "windows": count(windowCount),
            "folds": [
                "training": count(folds.training), "validation": count(folds.validation),
                "test": count(folds.test),
            ],
            "sources": .array(
                sources.map { source in
                    [
                        "path": .string(source.path.text), "kind": .string(source.kind),
                        "found": count(source.foundCount),
                        "missing_files": count(source.missingFileCount),
                        "records": count(source.recordCount),
                        "windows": count(source.windowCount),
                        "invalid_windows": count(source.invalidWindowCount),
                    ]
                }),
            "skipped_by_reason": .object(
                Dictionary(
                    uniqueKeysWithValues: skippedByReason.map {
                        ($0.reason.rawValue, count($0.count))
                    }
                )),
            "skipped": .array(
                skipped.map { record in
                    [
                        "source": count(record.source), "record": .string(record.record),
                        "reason": .string(record.reason.rawValue), "detail": .string(record.detail),
                    ]
                }),
            "duplicates": .array(
                duplicates.map { pair in
                    [
                        "record": .string(pair.record), "same_as": .string(pair.sameAs),
                        "kept": .boolean(pair.isKept),
                    ]
                }),
            "notes": .array(
                notes.map { ["text": .string($0.text), "records": count($0.count)] }),
        ]
    }
}
