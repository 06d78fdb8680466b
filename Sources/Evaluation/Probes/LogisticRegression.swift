import Foundation
import LinearAlgebra
import Statistics

/// Linear classification with a penalty on the squares of the weights, solved to the optimum in double.
///
/// Minimises the mean loss over records plus `penalty / 2` times the sum of squared weights; biases are free. That is
/// scikit-learn's optimum at `C = 1 / (penalty * records)`.
public struct LogisticRegression: Sendable {
    /// How the classes of a record exclude each other.
    public enum Kind: Sendable, Equatable {
        /// Any number of classes a record: a yes or no for each class, independent of the others.
        case multiLabel
        /// Exactly one class a record: shares of 1.
        case singleLabel
    }

    /// How classes exclude each other.
    public let kind: Kind
    /// A row a class.
    public let weights: Matrix
    /// One a class.
    public let biases: [Double]
    /// What was minimised, at the optimum.
    public let objective: Double
    /// Steps of the solver.
    public let steps: Int
    /// Whether the solver reached the optimum before its steps ran out.
    public let isConverged: Bool

    /// Logits of records.
    public func logits(_ features: Matrix) -> Matrix {
        var result = Matrix.product(features, weights, transposesRight: true)
        for row in 0..<result.rows {
            for column in 0..<result.columns { result[row, column] += biases[column] }
        }
        return result
    }

    /// Probabilities of records' classes.
    public func probabilities(_ features: Matrix) -> Matrix {
        var result = logits(features)
        for row in 0..<result.rows {
            switch kind {
            case .multiLabel:
                for column in 0..<result.columns {
                    result[row, column] = sigmoid(result[row, column])
                }
            case .singleLabel:
                _ = softmax(&result, row: row)
            }
        }
        return result
    }
}

/// Fits logistic regressions to the same records with different penalties.
///
/// What the solver begins with is the bound on the Hessian that holds at every point (Böhning, 1992): the features'
/// Gram matrix, times 1/4 or 1/2, plus the penalty. All classes share it, and share each pass over the features.
public struct LogisticSolver {
    private let kind: LogisticRegression.Kind
    private let features: Matrix
    private let means: [Double]
    private let targets: Matrix
    /// The lower half.
    private let gram: Matrix

    /// Prepares records.
    ///
    /// - Parameters:
    ///   - features: A row a record.
    ///   - truths: A list a record, of the numbers of its classes.
    ///   - classes: Number of classes.
    ///   - kind: How classes exclude each other.
    /// - Throws: `MetricError` where there is no record, a number is not finite, or a class is all or nothing.
    public init(
        _ features: Matrix, truths: [[Int]], classes: Int, kind: LogisticRegression.Kind
    ) throws(MetricError) {
        guard features.rows == truths.count else {
            throw .countsDiffer(what: "probe", counts: [features.rows, truths.count])
        }
        guard features.rows > 0 else { throw .empty(what: "training records of the probe") }
        try features.requireFinite()
        var targets = Matrix(rows: features.rows, columns: classes)
        for (row, labels) in truths.enumerated() { for label in labels { targets[row, label] = 1 } }
        for label in 0..<classes {
            let count = targets.column(label).reduce(0, +)
            guard count > 0, count < Double(features.rows) else {
                throw .oneClass(what: "training records of the probe, class number \(label)")
            }
        }
        self.kind = kind
        self.targets = targets
        // Centred within the solver, so that biases and weights do not pull at each other.
        means = features.columnMeans
        self.features = features.centred
        gram = self.features.gram
    }

    /// The optimum under a penalty.
    ///
    /// - Parameters:
    ///   - penalty: Factor of half the sum of squared weights; above 0.
    ///   - start: Where to begin, such as the optimum under another penalty.
    /// - Returns: The optimum.
    public func fit(
        penalty: Double, from start: LogisticRegression? = nil
    ) -> LogisticRegression {
        precondition(penalty > 0, "penalty \(penalty)")
        let (classes, width) = (targets.columns, features.columns)
        let bound = kind == .multiLabel ? 0.25 : 0.5
        var hessian = gram
        for i in hessian.values.indices { hessian.values[i] *= bound }
        for i in 0..<width { hessian[i, i] += penalty }
        guard let factor = CholeskyFactor(hessian) else {
            preconditionFailure("a Gram matrix with penalty \(penalty) is positive definite")
        }
        var point = Array(repeating: 0.0, count: classes * (width + 1))
        if let start {
            point.replaceSubrange(..<(classes * width), with: start.weights.values)
            for label in 0..<classes {
                // Of the centred features.
                point[classes * width + label] =
                    start.biases[label] + dot(Array(start.weights.row(label)), means)
            }
        }
        let outcome = LimitedMemoryBFGS().minimise(
            from: point,
            precondition: { gradient in
                let part = Matrix(
                    rows: classes, columns: width, values: Array(gradient[..<(classes * width)]))
                return factor.solve(part).values
                    + gradient[(classes * width)...].map { $0 / bound }
            },
            evaluate: { evaluate($0, penalty: penalty) })
        let weights = Matrix(
            rows: classes, columns: width, values: Array(outcome.point[..<(classes * width)]))
        return LogisticRegression(
            kind: kind, weights: weights,
            biases: (0..<classes).map {
                outcome.point[classes * width + $0] - dot(Array(weights.row($0)), means)
            }, objective: outcome.value, steps: outcome.steps, isConverged: outcome.isConverged)
    }

    private func evaluate(
        _ point: [Double], penalty: Double
    ) -> (value: Double, gradient: [Double]) {
        let (classes, width, records) = (targets.columns, features.columns, features.rows)
        let weights = Matrix(
            rows: classes, columns: width, values: Array(point[..<(classes * width)]))
        var residuals = Matrix.product(features, weights, transposesRight: true)
        var loss = 0.0
        for row in 0..<records {
            for label in 0..<classes { residuals[row, label] += point[classes * width + label] }
            switch kind {
            case .multiLabel:
                for label in 0..<classes {
                    let (logit, target) = (residuals[row, label], targets[row, label])
                    // log(1 + exp(z)) - y z, without overflow.
                    loss += max(logit, 0) + log1p(exp(-abs(logit))) - target * logit
                    residuals[row, label] = sigmoid(logit) - target
                }
            case .singleLabel:
                for label in 0..<classes where targets[row, label] == 1 {
                    loss -= residuals[row, label]
                }
                loss += softmax(&residuals, row: row)
                for label in 0..<classes { residuals[row, label] -= targets[row, label] }
            }
        }
        let share = 1 / Double(records)
        let gradient = Matrix.product(
            residuals, features, transposesLeft: true, alpha: share)
        var result = gradient.values
        var squares = 0.0
        for i in result.indices {
            result[i] += penalty * point[i]
            squares += point[i] * point[i]
        }
        var biases = Array(repeating: 0.0, count: classes)
        for row in 0..<records {
            for label in 0..<classes { biases[label] += residuals[row, label] * share }
        }
        return (loss * share + penalty / 2 * squares, result + biases)
    }
}

private func sigmoid(_ x: Double) -> Double {
    let small = exp(-abs(x))
    return x >= 0 ? 1 / (1 + small) : small / (1 + small)
}

/// Turns a row of logits into shares of 1 in proportion to their exponentials, and gives the logarithm of the
/// exponentials' sum.
private func softmax(_ logits: inout Matrix, row: Int) -> Double {
    let columns = 0..<logits.columns
    var largest = -Double.infinity
    for column in columns { largest = max(largest, logits[row, column]) }
    var sum = 0.0
    for column in columns {
        logits[row, column] = exp(logits[row, column] - largest)
        sum += logits[row, column]
    }
    for column in columns { logits[row, column] /= sum }
    return largest + log(sum)
}
