import Kernels
import Testing

/// Buffers with NaN on both sides: what a kernel reads beyond one spoils its result, what it writes there is seen.
///
/// A suite has one for the time of a test.
final class FencedMemory {
    private static let fence = 40
    private static let mark = Float(bitPattern: 0x7FC0_BEEF)
    private var parts: [UnsafeMutableBufferPointer<Float>] = []

    /// A new buffer with these numbers.
    func callAsFunction(_ values: [Float]) -> FencedBuffer {
        let whole = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: values.count + 2 * Self.fence)
        whole.initialize(repeating: Self.mark)
        for (index, value) in values.enumerated() { whole[Self.fence + index] = value }
        parts.append(whole)
        return FencedBuffer(
            numbers: UnsafeMutableBufferPointer(
                rebasing: whole[Self.fence..<Self.fence + values.count]))
    }

    func callAsFunction(zeros count: Int) -> FencedBuffer {
        self(Array(repeating: 0, count: count))
    }

    deinit {
        for part in parts {
            let fences = Array(part.prefix(Self.fence)) + Array(part.suffix(Self.fence))
            #expect(
                fences.allSatisfy { $0.bitPattern == Self.mark.bitPattern },
                "a kernel wrote beside a buffer of \(part.count - 2 * Self.fence) numbers")
            part.deallocate()
        }
    }
}

/// Numbers in a suite's `FencedMemory`.
struct FencedBuffer {
    fileprivate let numbers: UnsafeMutableBufferPointer<Float>

    var pointer: UnsafeMutablePointer<Float> {
        guard let start = numbers.baseAddress else { preconditionFailure("a buffer has memory") }
        return start
    }

    var array: [Float] { Array(numbers) }
}

/// The lengths around every block of eight, sixteen and thirty-two, and none.
enum Sweep {
    static let lengths = [0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 100]
    static let columns = lengths.filter { $0 > 0 }
    static let rows = [0, 1, 2, 4, 5, 9]
    /// Half the distance of two neighbouring floats at 1: what one rounding costs.
    static let rounding = 0x1p-24

    /// Normal numbers that depend on what they are for.
    static func numbers(_ count: Int, _ part: UInt32, around middle: Double = 0) -> [Float] {
        var random = RandomStream(
            seed: 17, purpose: .test, step: UInt64(count), position: part)
        return (0..<count).map { _ in Float(middle + random.nextNormal()) }
    }
}

/// Expects numbers to be those that were computed in double, each within a bound.
func expectClose(
    _ actual: [Float], _ expected: [Double], within bound: Double, _ text: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(actual.count == expected.count, "\(text)", sourceLocation: sourceLocation)
    let worst = zip(actual, expected).enumerated().max {
        abs(Double($0.element.0) - $0.element.1) < abs(Double($1.element.0) - $1.element.1)
    }
    guard let worst else { return }
    let isClose = zip(actual, expected).allSatisfy { abs(Double($0) - $1) <= bound }
    #expect(
        isClose, "\(text): number \(worst.offset) is \(worst.element.0), not \(worst.element.1)",
        sourceLocation: sourceLocation)
}

/// The slopes of a function of numbers by central differences in double, good to about 1e-9 of its size.
func slopes(of function: ([Double]) -> Double, at place: [Double]) -> [Double] {
    let step = 1e-5
    return place.indices.map { index in
        var (above, below) = (place, place)
        above[index] += step
        below[index] -= step
        return (function(above) - function(below)) / (2 * step)
    }
}
