import LinearAlgebra

/// Fills in what was not measured.
struct MissingValues {
    private let means: [Double]
    /// Columns of which some record lacks the value.
    private let flagged: [Int]

    init(fittedTo features: Matrix) {
        var means: [Double] = []
        var flagged: [Int] = []
        for column in 0..<features.columns {
            let values = features.column(column)
            let measured = values.filter { !$0.isNaN }
            means.append(
                measured.isEmpty ? 0 : measured.reduce(0, +) / Double(measured.count))
            if measured.count < values.count { flagged.append(column) }
        }
        (self.means, self.flagged) = (means, flagged)
    }

    func callAsFunction(_ features: Matrix) -> Matrix {
        var result = Matrix(rows: features.rows, columns: means.count + flagged.count)
        for row in 0..<features.rows {
            for column in means.indices {
                let value = features[row, column]
                result[row, column] = value.isNaN ? means[column] : value
            }
            for (place, column) in flagged.enumerated() where features[row, column].isNaN {
                result[row, means.count + place] = 1
            }
        }
        return result
    }
}
