import Tensors

extension Tensor {
    /// What is not finite, for messages; `nil` where all numbers are, as whole ones always are.
    public var notFinite: String? {
        switch elementType {
        case .float32: Self.notFinite(bytes.assumingMemoryBound(to: Float.self), shape)
        case .float64: Self.notFinite(bytes.assumingMemoryBound(to: Double.self), shape)
        case .int64, .int32, .int16, .int8, .uint8: nil
        }
    }

    private static func notFinite<Number: BinaryFloatingPoint>(
        _ numbers: UnsafeMutableBufferPointer<Number>, _ shape: [Int]
    ) -> String? {
        guard let first = numbers.firstIndex(where: { !$0.isFinite }) else { return nil }
        var (rest, place) = (first, [Int]())
        for size in shape.reversed() {
            place.insert(rest % size, at: 0)
            rest /= size
        }
        let count = numbers.count { !$0.isFinite }
        let what = numbers[first].isNaN ? "NaN" : numbers[first] > 0 ? "infinity" : "-infinity"
        return "\(what) at \(place), \(count) of \(numbers.count) numbers are not finite"
    }
}
