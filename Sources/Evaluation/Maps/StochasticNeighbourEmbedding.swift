import Foundation
import Kernels
import LinearAlgebra
import Statistics

/// t-SNE: places records in a plane so that neighbours stay neighbours (van der Maaten and Hinton, 2008).
///
/// Exact, over all pairs, and begun with the first two principal components. Steps, exaggeration and learning rate are
/// those of Belkina et al., 2019, which scikit-learn has as its defaults. How far apart groups lie in the plane, and how
/// large they are, means nothing.
///
/// Where a few records end depends on the last bits of where they begin. So few records begin several times, a little
/// beside their components, and the places with the lowest divergence are kept.
public struct StochasticNeighbourEmbedding: Sendable {
    /// Each record's place, two numbers a row.
    public let places: Matrix
    /// How much the plane's neighbours differ from the records' (Kullback and Leibler), in nats.
    public let divergence: Double
    /// How many neighbours each record has, softly counted.
    public let perplexity: Double

    /// The perplexity that most programs take.
    public static let usualPerplexity = 30.0
    private static let steps = 1000
    private static let exaggeratedSteps = 250
    private static let exaggeration = 12.0
    private static let fewRecords = 500
    private static let startsOfFew = 8

    /// Places records.
    ///
    /// - Parameters:
    ///   - features: A row a record.
    ///   - perplexity: How many neighbours count, at most a third of the other records.
    ///   - seed: What the further starts are drawn from, and the second number where records vary in one direction only.
    /// - Throws: `MetricError` where there are too few records for the perplexity, or a number is not finite.
    public init(
        _ features: Matrix, perplexity: Double = usualPerplexity, seed: UInt64
    ) throws(MetricError) {
        guard perplexity >= 1, perplexity <= Self.largestPerplexity(records: features.rows) else {
            throw .unfitPerplexity(perplexity, records: features.rows)
        }
        let similarities = try Similarities(features, perplexity: perplexity)
        let rate = max(Double(features.rows) / Self.exaggeration / 4, 50)
        var best: (places: Matrix, divergence: Double)?
        for number in 0..<(features.rows <= Self.fewRecords ? Self.startsOfFew : 1) {
            var plane = Plane(try Self.start(features, number: number, seed: seed))
            for step in 0..<Self.steps {
                let isEarly = step < Self.exaggeratedSteps
                plane.move(
                    by: similarities, exaggeration: isEarly ? Self.exaggeration : 1, rate: rate,
                    momentum: isEarly ? 0.5 : 0.8)
            }
            let divergence = plane.divergence(from: similarities)
            if divergence < best?.divergence ?? .infinity { best = (plane.matrix, divergence) }
        }
        guard let best else { throw .notFinite(what: "t-SNE", row: 0, value: .nan) }
        (places, divergence) = best
        self.perplexity = perplexity
    }

    /// The largest perplexity that so many records have neighbours for.
    public static func largestPerplexity(records: Int) -> Double { Double(records - 1) / 3 }

    /// Two principal components, small enough that all records begin as neighbours; behind the first start a tenth of
    /// that is chance.
    private static func start(
        _ features: Matrix, number: Int, seed: UInt64
    ) throws(MetricError) -> Matrix {
        let components = try PrincipalComponents(fittedTo: features, count: 2)
        let found = components(features)
        var random = RandomStream(
            seed: seed, purpose: .sampling, step: UInt64(number), position: 2)
        let deviation = (components.variances.first ?? 0).squareRoot()
        var start = Matrix(rows: features.rows, columns: 2)
        for row in 0..<start.rows {
            for column in 0..<2 {
                let isFound = column < found.columns
                let chance = isFound ? (number == 0 ? 0 : 0.1) : 1
                start[row, column] =
                    1e-4
                    * ((isFound ? found[row, column] / deviation : 0)
                        + chance * random.nextNormal())
            }
        }
        return start
    }
}

/// How near records are to each other: shares of all pairs, symmetric, with a sum of 1.
private struct Similarities {
    let count: Int
    var values: [Double]

    init(_ features: Matrix, perplexity: Double) throws(MetricError) {
        let n = features.rows
        var shares = Array(repeating: 0.0, count: n * n)
        shares.withNumbers { shares in
            for i in 0..<n {
                for j in 0..<i {
                    let distance = squaredDistance(features.row(i), features.row(j))
                    (shares[i * n + j], shares[j * n + i]) = (distance, distance)
                }
            }
            for i in 0..<n {
                Self.share(
                    shares.part(i * n..<(i + 1) * n), without: i, perplexity: perplexity)
            }
            // Who is whose neighbour is made mutual.
            for i in 0..<n {
                for j in 0..<i {
                    let mean = (shares[i * n + j] + shares[j * n + i]) / Double(2 * n)
                    (shares[i * n + j], shares[j * n + i]) = (mean, mean)
                }
            }
        }
        (count, values) = (n, shares)
    }

    /// Turns one record's squared distances into shares of a normal curve as wide as the perplexity asks for.
    private static func share(
        _ row: Numbers<Double>, without own: Int, perplexity: Double
    ) {
        let others = row.indices.filter { $0 != own }
        // Distances count from the nearest, so that the largest exponential is 1 and none of the sums vanishes.
        let nearest = others.lazy.map { row[$0] }.min() ?? 0
        let distances = others.map { row[$0] - nearest }
        let mean = distances.reduce(0, +) / Double(distances.count)
        var (low, high) = (0.0, Double.infinity)
        var sharpness = mean > 0 ? 1 / mean : 1
        var weights = distances
        var sum = 0.0
        for _ in 0..<100 {
            var moment = 0.0
            sum = 0
            for (place, distance) in distances.enumerated() {
                let weight = exp(-distance * sharpness)
                weights[place] = weight
                sum += weight
                moment += weight * distance
            }
            let excess = log(sum) + sharpness * moment / sum - log(perplexity)
            if abs(excess) < 1e-10 { break }
            if excess > 0 { low = sharpness } else { high = sharpness }
            sharpness = high.isFinite ? (low + high) / 2 : sharpness * 2
        }
        row[own] = 0
        for (place, other) in others.enumerated() { row[other] = weights[place] / sum }
    }
}

/// Records on their way through the plane.
private struct Plane {
    private let count: Int
    private var x: [Double]
    private var y: [Double]
    /// For x and y of each record: the last move, and how much larger its steps have become.
    private var moves: [Double]
    private var gains: [Double]
    private var gradient: [Double]

    init(_ start: Matrix) {
        count = start.rows
        (x, y) = (start.column(0), start.column(1))
        moves = Array(repeating: 0, count: 2 * count)
        gains = Array(repeating: 1, count: 2 * count)
        gradient = moves
    }

    var matrix: Matrix {
        Matrix(rows: count, columns: 2, values: (0..<count).flatMap { [x[$0], y[$0]] })
    }

    mutating func move(
        by similarities: Similarities, exaggeration: Double, rate: Double, momentum: Double
    ) {
        findGradient(similarities, exaggeration: exaggeration)
        for i in moves.indices {
            // Steps grow where they keep their direction.
            gains[i] = gradient[i] * moves[i] < 0 ? gains[i] + 0.2 : max(gains[i] * 0.8, 0.01)
            moves[i] = momentum * moves[i] - rate * gains[i] * gradient[i]
        }
        for i in 0..<count {
            x[i] += moves[i]
            y[i] += moves[count + i]
        }
    }

    /// Attraction and repulsion of all pairs in one pass: the sum that repulsion is divided by is known at its end.
    private mutating func findGradient(_ similarities: Similarities, exaggeration: Double) {
        let n = count
        var (total, repulsion) = (0.0, Array(repeating: 0.0, count: 2 * n))
        for i in 0..<n {
            let row = PlanePairSums(
                of: i, x: x.span, y: y.span,
                shares: similarities.values.span.extracting(i * n..<(i + 1) * n))
            total += row.nearness
            (gradient[i], gradient[n + i]) = (row.attraction.x, row.attraction.y)
            (repulsion[i], repulsion[n + i]) = (row.repulsion.x, row.repulsion.y)
        }
        for i in gradient.indices {
            gradient[i] = 4 * (exaggeration * gradient[i] - repulsion[i] / total)
        }
    }

    func divergence(from similarities: Similarities) -> Double {
        var (total, sum) = (0.0, 0.0)
        func nearness(_ i: Int, _ j: Int) -> Double {
            1 / (1 + (x[i] - x[j]) * (x[i] - x[j]) + (y[i] - y[j]) * (y[i] - y[j]))
        }
        for i in 0..<count { for j in 0..<i { total += 2 * nearness(i, j) } }
        for i in 0..<count {
            for j in 0..<i {
                let share = similarities.values[i * count + j]
                if share > 0 { sum += 2 * share * log(share * total / nearness(i, j)) }
            }
        }
        return sum
    }
}
