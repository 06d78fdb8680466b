/// Why records or runs cannot be evaluated.
public enum EvaluationError: Error, Equatable, CustomStringConvertible {
    /// A part of the labelled records is empty.
    case emptyFold(part: String, dataset: String)
    /// Records of one patient would be trained on and tested.
    case patientInTwoFolds(patient: String, folds: [Int])
    /// The external set has no record that may be tested.
    case noExternalRecords(dataset: String, leftOut: Int)
    /// The method makes no vectors.
    case noEmbedding(method: String)
    /// The method has no such read-out.
    case noReadout(method: String, readout: String)
    /// The data set does not fit what the encoder was trained on.
    case unfitDataset(dataset: String, problem: String)
    /// Runs were tested on different records.
    case recordsDiffer(runs: [String])

    /// One line: what, where, remedy.
    public var description: String {
        switch self {
        case .emptyFold(let part, let dataset):
            "\(dataset): there is no labelled record for \(part); a set prepared from PTB-XL with its "
                + "label tables has them"
        case .patientInTwoFolds(let patient, let folds):
            "patient \(patient) has records in the folds "
                + "\(folds.map(String.init).joined(separator: " and ")): what is learnt of one would be "
                + "tested on the other; correct the folds and prepare the set again"
        case .noExternalRecords(let dataset, let leftOut):
            "\(dataset): no labelled record can be tested"
                + (leftOut > 0 ? "; \(leftOut) are of patients of the training set" : "")
        case .noEmbedding(let method): "\(method) makes no vectors of records"
        case .noReadout(let method, let readout):
            "\(method) has no read-out '\(readout)'; choose another with --readout"
        case .unfitDataset(let dataset, let problem): "\(dataset) \(problem)"
        case .recordsDiffer(let runs):
            "\(runs.joined(separator: " and ")) were tested on different records"
        }
    }
}
