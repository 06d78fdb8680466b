import Configurations
import Electrocardiography

/// A record with what is known of it beside its signal.
public struct EvaluatedRecord: Sendable {
    /// What the source says.
    public let description: RecordDescription
    /// Its windows in the data set.
    public let windows: [Int]
    /// Numbers of its superclasses.
    public let classes: [Int]
}

extension PreparedDataset {
    /// All records with their windows, in the order of the set.
    public func records(rule: LabelRule = LabelRule()) -> [EvaluatedRecord] {
        var records: [EvaluatedRecord] = []
        var begin = 0
        while begin < windowCount {
            let description = window(begin).record
            var end = begin + 1
            // Windows of a record follow each other, and pieces count from 0.
            while end < windowCount, window(end).piece > window(end - 1).piece,
                window(end).record.name == description.name,
                window(end).record.source == description.source
            {
                end += 1
            }
            records.append(
                EvaluatedRecord(
                    description: description, windows: Array(begin..<end),
                    classes: rule.superclasses(of: description, in: self).members.map(\.rawValue)))
            begin = end
        }
        return records
    }
}

/// The labelled records of a data set, split so that no patient is in two splits.
///
/// What is fitted sees `training` alone, what is chosen sees `validation`, and `test` is only measured.
public struct LabelledRecords: Sendable {
    /// Names of the classes.
    public static let classNames = Superclass.allCases.map(\.name)

    /// Records of all folds but the next two.
    public let training: [EvaluatedRecord]
    /// Records of the validation fold.
    public let validation: [EvaluatedRecord]
    /// Records of the test fold.
    public let test: [EvaluatedRecord]
    /// Records of an external set; empty where there is none.
    public let external: [EvaluatedRecord]
    /// Records of the external set that are no test: of patients of this set, with the samples of one of its windows that has
    /// a fold, or PTB-XL's under the Challenge's name HRn.
    public let externalLeftOut: Int
    /// Tested records of the external set that are in this set as well, without a fold: pretraining may have seen their
    /// signals, nothing has seen their labels.
    public let externalSeen: Int

    /// Splits the labelled records of a set.
    ///
    /// - Parameters:
    ///   - dataset: Records without a fold or a label take no part.
    ///   - externalSet: Tested whole, but for what the first set knows (see `externalLeftOut`).
    ///   - folds: Which folds are for what.
    ///   - rule: Which codes count as labels.
    /// - Throws: `EvaluationError` where a split is empty or a patient is in two.
    public init(
        _ dataset: PreparedDataset, externalSet: PreparedDataset?, folds: FoldConfiguration,
        rule: LabelRule
    ) throws(EvaluationError) {
        let all = dataset.records(rule: rule)
        let labelled = all.filter { $0.description.fold != nil && !$0.classes.isEmpty }
        validation = labelled.filter { $0.description.fold == folds.validationFold }
        test = labelled.filter { $0.description.fold == folds.testFold }
        training = labelled.filter {
            $0.description.fold != folds.validationFold && $0.description.fold != folds.testFold
        }
        for (split, records) in [
            ("training", training), ("fold \(folds.validationFold)", validation),
            ("fold \(folds.testFold)", test),
        ] where records.isEmpty {
            throw .emptyFold(split: split, dataset: dataset.path)
        }
        try Self.checkPatients(all, folds: folds)
        guard let externalSet else {
            (external, externalLeftOut, externalSeen) = ([], 0, 0)
            return
        }
        let known = Set(all.compactMap(\.description.patient))
        let copies = externalSet.windows(sharedWith: dataset) { $0.fold != nil }
        let candidates = externalSet.records(rule: rule).filter { !$0.classes.isEmpty }
        external = candidates.filter { record in
            let patient = record.description.patient
            return RecordDescription.ptbxlNumber(ofChallengeRecord: record.description.name) == nil
                && patient.map { !known.contains($0) } ?? true
                && !record.windows.contains(where: copies.contains)
        }
        externalLeftOut = candidates.count - external.count
        let seen = externalSet.windows(sharedWith: dataset) { $0.fold == nil }
        externalSeen = external.count { $0.windows.contains(where: seen.contains) }
        guard !external.isEmpty else {
            throw .noExternalRecords(dataset: externalSet.path, leftOut: externalLeftOut)
        }
    }

    /// The same with fewer training records.
    ///
    /// - Parameter rows: Which of the training records are left.
    /// - Returns: Records whose other splits are the same.
    public func training(onlyOn rows: [Int]) -> LabelledRecords {
        LabelledRecords(
            training: rows.map { training[$0] }, validation: validation, test: test,
            external: external, externalLeftOut: externalLeftOut, externalSeen: externalSeen)
    }

    private init(
        training: [EvaluatedRecord], validation: [EvaluatedRecord], test: [EvaluatedRecord],
        external: [EvaluatedRecord], externalLeftOut: Int, externalSeen: Int
    ) {
        (self.training, self.validation, self.test) = (training, validation, test)
        (self.external, self.externalLeftOut) = (external, externalLeftOut)
        self.externalSeen = externalSeen
    }

    /// Refuses patients in two splits.
    private static func checkPatients(
        _ records: [EvaluatedRecord], folds: FoldConfiguration
    ) throws(EvaluationError) {
        func split(_ fold: Int) -> Int {
            fold == folds.validationFold ? 1 : fold == folds.testFold ? 2 : 0
        }
        var seen: [String: Int] = [:]
        for record in records {
            guard let patient = record.description.patient, let fold = record.description.fold
            else { continue }
            let before = seen.updateValue(fold, forKey: patient)
            if let before, split(before) != split(fold) {
                throw .patientInTwoFolds(patient: patient, folds: [before, fold].sorted())
            }
        }
    }
}
