/// The loops over flat buffers for whoever has numbers with a count: counts are compared here, once a call.

/// Stops where two operands do not have as many numbers.
@inline(__always)
func requireEqual(_ first: Int, _ second: Int, _ kernel: StaticString) {
    precondition(first == second, "\(kernel): \(first) numbers and \(second)")
}

/// `y[i] += x[i]`.
///
/// - Precondition: As many numbers on both sides.
public func add(_ x: Numbers<Float>, into y: Numbers<Float>) {
    requireEqual(x.count, y.count, "add")
    add(x.startAddress, into: y.startAddress, count: x.count)
}

/// `y[i] = a[i] + b[i]`.
///
/// - Precondition: As many numbers on all sides.
public func addRow(_ a: Numbers<Float>, to b: Numbers<Float>, into y: Numbers<Float>) {
    requireEqual(a.count, b.count, "addRow")
    requireEqual(a.count, y.count, "addRow")
    addRow(
        a.startAddress, to: b.startAddress, into: y.startAddress, rows: 1, columns: a.count)
}

/// `y[i] += x[i] * factor`.
///
/// - Precondition: As many numbers on both sides.
public func addProduct(_ x: Numbers<Float>, _ factor: Float, into y: Numbers<Float>) {
    requireEqual(x.count, y.count, "addProduct")
    addProduct(x.startAddress, factor, into: y.startAddress, count: x.count)
}

/// `y[i] = x[i] * factor`; in place where both are the same.
///
/// - Precondition: As many numbers on both sides.
public func scale(_ x: Numbers<Float>, by factor: Float, into y: Numbers<Float>) {
    requireEqual(x.count, y.count, "scale")
    scale(x.startAddress, by: factor, into: y.startAddress, count: x.count)
}

/// The sum of all numbers, in eight lanes of four chains.
public func sum(_ x: Numbers<Float>) -> Float { sum(x.startAddress, count: x.count) }

/// The sum of squares, in double and ascending order of eight lanes.
public func sumOfSquares(_ x: Numbers<Float>) -> Double {
    sumOfSquares(x.startAddress, count: x.count)
}

/// The sum of squared distances from a number.
public func sumOfSquaredDeviations(_ x: Numbers<Float>, from mean: Float) -> Float {
    sumOfSquaredDeviations(x.startAddress, from: mean, count: x.count)
}

/// The sum of products.
///
/// - Precondition: As many numbers on both sides.
public func dot(_ x: Numbers<Float>, _ y: Numbers<Float>) -> Float {
    requireEqual(x.count, y.count, "dot")
    return dot(x.startAddress, y.startAddress, count: x.count)
}

/// The sum of squared differences.
///
/// - Precondition: As many numbers on both sides.
public func squaredDistance(_ x: Numbers<Float>, _ y: Numbers<Float>) -> Float {
    requireEqual(x.count, y.count, "squaredDistance")
    return squaredDistance(x.startAddress, y.startAddress, count: x.count)
}

/// The largest number.
///
/// - Precondition: There is one.
public func maximum(_ x: Numbers<Float>) -> Float { maximum(x.startAddress, count: x.count) }

/// The place of the largest number, ties to the lowest; 0 where there is none.
public func placeOfLargest(_ x: Numbers<Float>) -> Int {
    let values = x.startAddress
    var best = 0
    var i = 1
    while i < x.count {
        if values[i] > values[best] { best = i }
        i += 1
    }
    return best
}

/// Softmax of `scale * x`, in place.
///
/// - Returns: The logarithm of the sum of exponentials.
/// - Precondition: There is a number that is not -infinity.
public func softmax(_ x: Numbers<Float>, scale: Float) -> Double {
    var logarithm = 0.0
    softmaxRows(x.startAddress, scale: scale, rows: 1, columns: x.count, logarithms: &logarithm)
    return logarithm
}

/// `sums[i] += (x[i] - means[i])²`.
///
/// - Precondition: As many numbers on all sides.
public func addSquaredDeviations(
    _ x: Numbers<Float>, from means: Numbers<Float>, into sums: Numbers<Float>
) {
    requireEqual(x.count, means.count, "addSquaredDeviations")
    requireEqual(x.count, sums.count, "addSquaredDeviations")
    let (x, means, sums, count) = (
        x.startAddress, means.startAddress, sums.startAddress, x.count
    )
    for i in 0..<count {
        let difference = x[i] - means[i]
        sums[i] = sums[i].addingProduct(difference, difference)
    }
}

/// Moves an average towards new numbers in place: `average = momentum average + (1 - momentum) x`.
///
/// - Precondition: As many numbers on both sides.
public func moveAverage(towards x: Numbers<Float>, average: Numbers<Float>, momentum: Double) {
    requireEqual(x.count, average.count, "moveAverage")
    moveAverage(
        towards: x.startAddress, average: average.startAddress, momentum: momentum,
        count: x.count)
}

/// Divides a vector by its length; the zero vector stays.
public func scaleToUnitLength(_ x: Numbers<Float>) {
    let square = dot(x, x)
    guard square > 0 else { return }
    scale(x, by: 1 / square.squareRoot(), into: x)
}

extension AdamWStep {
    /// Moves parameters along a gradient.
    ///
    /// - Parameters:
    ///   - parameters: Updated in place.
    ///   - gradient: As many numbers.
    ///   - moment1: As many, updated in place.
    ///   - moment2: As many, updated in place.
    public func apply(
        to parameters: Numbers<Float>, gradient: Numbers<Float>, moment1: Numbers<Float>,
        moment2: Numbers<Float>
    ) {
        requireEqual(parameters.count, gradient.count, "AdamW")
        requireEqual(parameters.count, moment1.count, "AdamW")
        requireEqual(parameters.count, moment2.count, "AdamW")
        apply(
            to: parameters.startAddress, gradient: gradient.startAddress,
            moment1: moment1.startAddress, moment2: moment2.startAddress,
            count: parameters.count)
    }
}

extension FixedPoint {
    /// The largest exponent field among numbers.
    public static func exponent(of x: Numbers<Float>) -> UInt8 {
        exponent(of: x.startAddress, count: x.count)
    }
}

extension NormalTable {
    /// Adds noise to numbers.
    ///
    /// - Parameters:
    ///   - deviation: Of the noise.
    ///   - random: The stream.
    ///   - x: Updated in place.
    public func addNoise(deviation: Float, random: inout RandomStream, to x: Numbers<Float>) {
        addNoise(deviation: deviation, random: &random, to: x.startAddress, count: x.count)
    }
}
