import Runtime
/// Why records or runs cannot be evaluated.
public enum EvaluationError: Error, Equatable, CustomStringConvertible {
    /// A split of the labelled records is empty.
    case emptyFold(split: String, dataset: FilePath)
    /// Records of one patient would be trained on and tested.
    case patientInTwoFolds(patient: String, folds: [Int])
    /// The external set has no record that may be tested.
    case noExternalRecords(dataset: FilePath, leftOut: Int)
    /// The method makes no vectors.
    case noEmbedding(method: String)
    /// The method has no head that tells superclasses.
    case noHead(method: String)
    /// The method has no such read-out.
    case noReadout(method: String, readout: String)
    /// The method's encoder has no attention that could be drawn over a record.
    case noAttention(method: String)
    /// The data set has no such record.
    case noRecord(name: String, dataset: FilePath, nearest: String?)
    /// There are fewer records to choose neighbours from than are asked for.
    case tooFewCandidates(wanted: Int, records: Int)
    /// Runs were tested on different records.
    case recordsDiffer(runs: [String])
    /// A record's vector has a NaN or an infinity.
    case vectorNotFinite(record: String, count: Int, width: Int, step: UInt64)

    /// One line: what, where, remedy.
    public var description: String {
        switch self {
        case .emptyFold(let split, let dataset):
            "\(dataset): there is no labelled record for \(split), and this works with labelled ones alone; a set "
                + "prepared from PTB-XL with its label tables has them, or for training one of records with SNOMED CT "
                + "codes in their headers"
        case .patientInTwoFolds(let patient, let folds):
            "patient \(patient) has records in the folds "
                + "\(folds.map(String.init).joined(separator: " and ")): what is learnt of one would be "
                + "tested on the other; correct the folds and prepare the set again"
        case .noExternalRecords(let dataset, let leftOut):
            "\(dataset): no labelled record can be tested"
                + (leftOut > 0
                    ? "; \(leftOut) are no test, being of patients of the first set, copies of its "
                        + "records, or PTB-XL's under the Challenge's names HRn" : "")
        case .noEmbedding(let method): "\(method) makes no vectors of records"
        case .noHead(let method):
            "\(method) has no head of its own that tells superclasses; fine-tune its encoder"
        case .noReadout(let method, let readout):
            "\(method) has no read-out '\(readout)'; choose another with --readout"
        case .noAttention(let method):
            "\(method) has no attention over leads and times; occlusion works with every method"
        case .noRecord(let name, let dataset, let nearest):
            "\(dataset) has no record '\(name)'"
                + (nearest.map { "; is it '\($0)'?" }
                    ?? "; names are PTB-XL's ecg_id, or the path below the source")
        case .tooFewCandidates(let wanted, let records):
            "\(wanted) neighbours of \(records) records; ask for fewer with --count"
        case .vectorNotFinite(let record, let count, let width, let step):
            "\(record): \(count) of the \(width) numbers that the encoder of step \(step) makes of it are not finite; "
                + "the weights are too large (take an earlier checkpoint, --step), or the record's signal is"
        case .recordsDiffer(let runs):
            "\(runs.joined(separator: " and ")) were tested on different records"
        }
    }
}
