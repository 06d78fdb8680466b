import Checkpoints
import CommandLineInterface
import Evaluation
import LinearAlgebra
import Runtime
import Statistics
import Tensors

/// Vectors of a file with what it says of their records.
struct LabelledVectors {
    let features: Matrix
    /// What hovering shows of each record.
    let names: [String]
    /// The classes, and `several`.
    let groupNames: [String]
    /// Each record's group; `nil` for one without a label.
    let groups: [Int?]

    init(_ path: FilePath) throws {
        let file = try SafetensorsFile(path: path)
        let features = Matrix(try file.vectors())
        func list(_ key: String) -> [String]? {
            guard let text = file.metadata[key], let value = try? JSONValue(parsing: text.utf8)
            else { return nil }
            return value.arrayValue?.compactMap(\.stringValue)
        }
        var classes = Array(repeating: [Int](), count: features.rows)
        var count = 0
        if file.names.contains("labels") {
            let labels = try FileLabels(file)
            guard labels.numbers.rows == features.rows else {
                throw MetricError.countsDiffer(
                    what: "labels", counts: [features.rows, labels.numbers.rows])
            }
            (classes, count) = (labels.classes, labels.classCount)
        }
        guard classes.allSatisfy({ $0.allSatisfy { $0 >= 0 } }) else {
            throw CommandError(.usage, "\(path): labels has a number below 0")
        }
        let given = list("classes") ?? []
        let classNames = (0..<count).map { $0 < given.count ? given[$0] : "class \($0)" }
        groupNames = classNames + ["several"]
        groups = classes.map { $0.count > 1 ? count : $0.first }
        let records = list("records") ?? []
        names = classes.enumerated().map { row, members in
            let name = row < records.count ? records[row] : "\(row)"
            let labels = members.map { classNames[$0] }.joined(separator: " + ")
            return "record \(name): \(labels.isEmpty ? "no label" : labels)"
        }
        self.features = features
    }
}

extension SafetensorsFile {
    /// Whether there are vectors of records.
    var hasVectors: Bool { Self.vectorNames.contains(where: names.contains) }

    /// The vectors of records, as `embed` or another program names them.
    ///
    /// - Throws: `CommandError` where there are none.
    func vectors() throws -> Tensor {
        guard let name = Self.vectorNames.first(where: names.contains) else {
            throw CommandError(
                .usage,
                "\(path) has neither a tensor embeddings nor features; 'purkinje embed' writes such a file"
            )
        }
        return try tensor(name)
    }

    private static let vectorNames = ["embeddings", "features"]
}
