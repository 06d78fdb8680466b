import Checkpoints
import CommandLineInterface
import Evaluation
import LinearAlgebra
import Runtime

/// The tensor `labels` of a file: a column of 0 and 1 for each class, or the number of each record's class.
struct FileLabels {
    /// Whether there is a column for each class.
    let isMultiLabel: Bool
    /// One row a record.
    let numbers: Matrix
    private let file: FilePath

    init(_ file: SafetensorsFile) throws {
        let tensor = try file.tensor("labels")
        (isMultiLabel, numbers, self.file) = (tensor.shape.count > 1, Matrix(tensor), file.path)
    }

    /// Each record's classes; none of one whose number is not whole.
    var classes: [[Int]] {
        (0..<numbers.rows).map { row in
            isMultiLabel
                ? (0..<numbers.columns).filter { numbers[row, $0] == 1 }
                : [Int(exactly: numbers[row, 0])].compactMap { $0 }
        }
    }

    /// Columns, or one more than the highest class.
    var classCount: Int {
        isMultiLabel ? numbers.columns : (classes.joined().max() ?? -1) + 1
    }

    /// Refuses numbers that are no classes.
    ///
    /// - Parameter limit: How many classes there may be, where labels are their numbers.
    /// - Throws: `CommandError` with the first of them.
    func check(classes limit: Int) throws(CommandError) {
        for value in numbers.values {
            guard let number = Int(exactly: value) else {
                throw CommandError(.usage, "\(file): labels has \(value), not a whole number")
            }
            guard (0..<(isMultiLabel ? 2 : limit)).contains(number) else {
                throw CommandError(.usage, "\(file): labels has \(number), which is no class")
            }
        }
    }
}
