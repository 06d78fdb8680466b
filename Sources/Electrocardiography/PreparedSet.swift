import Runtime

/// The records of a data set in the making: numbers them, finds copies, and counts for the report.
struct PreparedSet {
    private let catalogue: RecordCatalogue
    private let keepsUniqueOnly: Bool
    private var next = 0
    private var records: [RecordDescription] = []
    private var sources: [PreparationReport.Source]
    private var skipped: [SkippedRecord]
    private var duplicates: [PreparationReport.Duplicate] = []
    private var notes: [String: Int] = [:]
    /// The first record of each signal, by the catalogue's number.
    private var firstOfSignal: [String: Int] = [:]
    /// Records of the set with the same signal, in groups of two or more.
    private var signalOfRecord: [String] = []

    init(_ catalogue: RecordCatalogue, keepsUniqueOnly: Bool) {
        self.catalogue = catalogue
        self.keepsUniqueOnly = keepsUniqueOnly
        sources = catalogue.sources.map {
            PreparationReport.Source(
                path: $0.path, kind: $0.kind, foundCount: $0.foundCount,
                missingFileCount: $0.missingCount)
        }
        skipped = catalogue.skipped
        for note in catalogue.notes { notes[note] = 1 }
        let segments = catalogue.sources.reduce(0) { $0 + $1.segmentCount }
        if segments > 0 { notes["segments of other records, not records of their own"] = segments }
    }

    /// Windows that the next record would add.
    func windowCount(adding record: PreparedRecord) -> Int {
        record.reason != nil || isDroppedCopy(record) ? 0 : record.windows.count
    }

    private func isDroppedCopy(_ record: PreparedRecord) -> Bool {
        keepsUniqueOnly && firstOfSignal[record.signalDigest] != nil
    }

    /// Adds the next record of the catalogue.
    ///
    /// - Returns: The index of its windows; empty when it is left out.
    mutating func add(_ record: PreparedRecord) -> [PreparedDatasetWriter.Window] {
        let number = next
        let entry = catalogue.entries[number]
        next += 1
        sources[entry.source].invalidWindowCount += record.invalidWindowCount
        if let reason = record.reason {
            skip(entry, reason, record.detail ?? "")
            return []
        }
        for note in Set(record.notes.map(Self.general)) { notes[note, default: 0] += 1 }
        if let first = firstOfSignal[record.signalDigest] {
            let original = catalogue.entries[first].name
            duplicates.append(
                PreparationReport.Duplicate(
                    record: entry.name, sameAs: original, isKept: !keepsUniqueOnly))
            if keepsUniqueOnly {
                skip(entry, .duplicate, "its samples are those of \(original)")
                return []
            }
        } else {
            firstOfSignal[record.signalDigest] = number
        }
        let place = records.count
        records.append(description(entry, record))
        signalOfRecord.append(record.signalDigest)
        sources[entry.source].recordCount += 1
        sources[entry.source].windowCount += record.windows.count
        return record.windows.map { window in
            let entry = PreparedFormat.Entry(
                checksum: window.checksum,
                millivoltsPerUnit: Float(sign: .plus, exponent: window.exponent, significand: 1),
                record: UInt32(place), piece: window.piece)
            return (entry, window.features)
        }
    }

    /// Notes name signals; the report counts them by kind.
    private static func general(_ note: String) -> String {
        if note.contains("its header says") {
            return "first sample differs from the header's initial value"
        }
        if note.contains(WFDBHeader.uncalibrated) {
            return WFDBHeader.uncalibrated
                + "the header has no gain for some or all signals, or 0; \(WFDBHeader.assumedGain)"
        }
        if note.contains(WFDBHeader.extraLines) { return WFDBHeader.extraLines }
        return note
    }

    private mutating func skip(
        _ entry: RecordCatalogue.Entry, _ reason: SkippedRecord.Reason, _ detail: String
    ) {
        skipped.append(
            SkippedRecord(
                source: entry.source, record: entry.name, reason: reason, detail: detail))
    }

    private func description(
        _ entry: RecordCatalogue.Entry, _ record: PreparedRecord
    ) -> RecordDescription {
        let row = entry.row
        return RecordDescription(
            name: entry.name, source: entry.source,
            patient: row?.patient ?? entry.original?.patient,
            fold: row?.fold ?? entry.original?.fold,
            superclasses: row.map(catalogue.superclasses) ?? Self.superclasses(entry, record),
            codes: row?.codes ?? record.codes,
            ageYears: row?.ageYears ?? record.ageYears, sex: row?.sex ?? record.sex,
            sourceRateHz: record.rateHz)
    }

    /// What SNOMED CT codes decide; a namesake of a PTB-XL record has no label, since PTB-XL has the record's.
    private static func superclasses(
        _ entry: RecordCatalogue.Entry, _ record: PreparedRecord
    ) -> Superclasses {
        entry.original == nil ? SnomedStatements.superclasses(of: record.codes) : []
    }

    /// Gives a record without a fold the highest fold of its byte-identical copies, so that none trains that is
    /// kept for validation or test under another name.
    mutating func shareFoldsOfCopies() {
        var folds: [String: Int] = [:]
        for (record, signal) in zip(records, signalOfRecord) {
            if let fold = record.fold { folds[signal] = max(fold, folds[signal] ?? 0) }
        }
        for i in records.indices where records[i].fold == nil {
            guard let fold = folds[signalOfRecord[i]] else { continue }
            records[i].fold = fold
            // What the record with the fold is called, it is called; a second label would count it twice.
            records[i].superclasses = []
            notes["without a fold, has that of the record with the same samples", default: 0] += 1
        }
    }

    /// The table as it is written.
    var table: RecordTable {
        let statements = catalogue.superclassNames.map {
            RecordTable.Statement(code: $0.key, superclass: $0.value)
        }
        return RecordTable(
            sources: catalogue.sources.map(\.kind),
            statements: statements.sorted { $0.code < $1.code }, records: records)
    }

    func report(output: FilePath, digest: Digest, sampleRateHz: Double) -> PreparationReport {
        var folds = PreparationReport.Folds()
        for record in records {
            switch record.fold {
            case 9: folds.validation += 1
            case 10: folds.test += 1
            default: folds.training += 1
            }
        }
        return PreparationReport(
            output: output, digest: digest, sampleRateHz: sampleRateHz, sources: sources,
            folds: folds, skipped: skipped, duplicates: duplicates,
            notes: notes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }
}
