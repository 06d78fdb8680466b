/// Moves an average towards new numbers in place: `average = momentum average + (1 - momentum) x`.
///
/// - Parameters:
///   - x: The new numbers.
///   - average: As many, updated in place.
///   - momentum: Share of the old average, from 0 to 1.
///   - count: How many.
public func moveAverage(
    towards x: Floats, average: MutableFloats, momentum: Double, count: Int
) {
    checkCounts(count)
    checkApart(x, count, average, count)
    // By the difference: where both are equal nothing is rounded away, however close to 1 the momentum is.
    let share = Float(1 - momentum)
    for i in 0..<count { average[i] = average[i].addingProduct(share, x[i] - average[i]) }
}
