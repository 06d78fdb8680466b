import Runtime
import Tensors

/// Why tensors cannot be loaded into a network or a state: the first that is unknown, absent, or of another type or shape.
///
/// Every way of loading weights goes through `check`: checkpoints, files, and encoders from elsewhere are all held to the
/// same rule, before anything is written.
enum TensorMismatch: Error, Equatable {
    /// The target has no tensor of this name; the nearest of those that it has.
    case unknown(tensor: String, nearest: String?)
    /// What is given has no tensor of this name.
    case absent(tensor: String)
    /// The tensor is of another type or shape.
    case differs(tensor: String, found: String, expected: String)

    /// A tensor without its numbers.
    struct Description {
        let name: String
        let elementType: ElementType
        let shape: [Int]

        var summary: String { "\(elementType.rawValue) \(shape)" }

        init(name: String, elementType: ElementType, shape: [Int]) {
            (self.name, self.elementType, self.shape) = (name, elementType, shape)
        }

        init(_ named: NamedTensor) {
            self.init(
                name: named.name, elementType: named.tensor.elementType, shape: named.tensor.shape)
        }
    }

    /// Refuses to load anything that is not exactly what a target has.
    ///
    /// - Parameters:
    ///   - given: What there is to load.
    ///   - targets: What is to be filled, all of it.
    ///   - isSpare: Names that may be given and not be used.
    /// - Throws: The first problem: names that nobody knows, then targets in their order.
    static func check(
        _ given: [Description], against targets: [NamedTensor],
        passingOver isSpare: (String) -> Bool = { _ in false }
    ) throws(TensorMismatch) {
        let known = Set(targets.map(\.name))
        for name in given.map(\.name) where !known.contains(name) && !isSpare(name) {
            throw .unknown(tensor: name, nearest: nearestName(to: name, among: known.sorted()))
        }
        let found = Dictionary(given.map { ($0.name, $0) }) { first, _ in first }
        for target in targets.map({ Description($0) }) {
            guard let given = found[target.name] else { throw .absent(tensor: target.name) }
            guard given.elementType == target.elementType, given.shape == target.shape else {
                throw .differs(
                    tensor: target.name, found: given.summary, expected: target.summary)
            }
        }
    }

    private static let remedy =
        "weights go into the method and the sizes that they were trained with; give that configuration"

    /// The same as an error of a file.
    func inFile(_ file: String) -> SafetensorsError {
        switch self {
        case .unknown(let tensor, let nearest):
            .malformed(
                file: file, field: tensor,
                problem: "this model has no weight of that name"
                    + (nearest.map { "; the nearest is '\($0)'" } ?? "") + "; " + Self.remedy)
        case .absent(let tensor): .absent(file: file, tensor: tensor)
        case .differs(let tensor, let found, let expected):
            .differs(
                file: file, tensor: tensor, found: found, expected: expected, remedy: Self.remedy)
        }
    }

    /// The same as an error of a checkpoint.
    func inCheckpoint(_ checkpoint: String) -> CheckpointError {
        switch self {
        case .unknown(let tensor, _):
            .differs(
                checkpoint: checkpoint,
                problem: "it has a tensor '\(tensor)', which this state does not")
        case .absent(let tensor):
            .differs(checkpoint: checkpoint, problem: "it has no tensor '\(tensor)'")
        case .differs(let tensor, let found, let expected):
            .differs(
                checkpoint: checkpoint,
                problem: "'\(tensor)' is \(found), here it is \(expected)")
        }
    }
}
