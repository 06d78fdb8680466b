/// Numbers side by side in memory that somebody else owns, such as a tape's arena or a model's parameters, with their count.
///
/// A handle: copies name the same numbers, whoever holds one may read and write them, and it is valid as long as the owner
/// says. Where a pointer has an address this has bounds, and every place is checked. That costs a comparison, so what goes
/// through many numbers is a kernel, which checks counts once.
///
/// `Span` would say the same and check the lifetime too, but a type of our own cannot give one away as a property or in a tuple;
/// it is used where a scope is enough (`withMutableSpan`).
@frozen
public struct Numbers<Element: BitwiseCopyable>: BitwiseCopyable, RandomAccessCollection {
    /// Where they begin, for the rooms of numbers alone.
    public let startAddress: UnsafeMutablePointer<Element>
    /// How many there are.
    public let count: Int

    /// A handle to numbers at an address.
    ///
    /// - Precondition: `count` is not negative; so many numbers are there as long as the handle is used.
    @inlinable
    public init(startAddress: UnsafeMutablePointer<Element>, count: Int) {
        precondition(count >= 0, "\(count) numbers")
        self.startAddress = startAddress
        self.count = count
    }

    /// The first place.
    @inlinable public var startIndex: Int { 0 }
    /// One behind the last place.
    @inlinable public var endIndex: Int { count }

    /// A number.
    ///
    /// - Precondition: The place is below `count`.
    @inlinable
    public subscript(place: Int) -> Element {
        get {
            precondition(place >= 0 && place < count, "place beyond the numbers")
            return startAddress[place]
        }
        nonmutating set {
            precondition(place >= 0 && place < count, "place beyond the numbers")
            startAddress[place] = newValue
        }
    }

    /// The same numbers from one place up to another, counted from 0 again.
    ///
    /// - Precondition: The range lies within the numbers.
    @inlinable
    public func part(_ range: Range<Int>) -> Numbers {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= count,
            "\(range) of \(count) numbers")
        return Numbers(startAddress: startAddress + range.lowerBound, count: range.count)
    }

    /// Takes over other numbers; both may overlap.
    ///
    /// - Precondition: As many.
    @inlinable
    public func update(from other: Numbers) {
        precondition(count == other.count, "\(other.count) numbers into \(count)")
        startAddress.update(from: other.startAddress, count: count)
    }

    /// Takes over the numbers of a span, such as a part of an array.
    ///
    /// - Precondition: As many.
    @inlinable
    public func update(from other: Span<Element>) {
        precondition(count == other.count, "\(other.count) numbers into \(count)")
        other.withUnsafeBufferPointer {
            guard let source = $0.baseAddress else { return }
            startAddress.update(from: source, count: count)
        }
    }

    /// Makes all of them the same.
    @inlinable
    public func update(repeating value: Element) {
        startAddress.update(repeating: value, count: count)
    }

    /// Lends them as a span.
    ///
    /// - Parameter body: Uses the span.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws.
    @inlinable
    public func withMutableSpan<Result, Failure: Error>(
        _ body: (inout MutableSpan<Element>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var span = UnsafeMutableBufferPointer(start: startAddress, count: count).mutableSpan
        return try body(&span)
    }
}

extension MutableSpan where Element: BitwiseCopyable {
    /// Takes over the numbers of another span.
    ///
    /// - Precondition: As many.
    @inlinable
    public mutating func copy(from other: Span<Element>) {
        precondition(count == other.count, "\(other.count) numbers into \(count)")
        withUnsafeMutableBufferPointer { target in
            other.withUnsafeBufferPointer { _ = target.update(from: $0) }
        }
    }
}

extension Array where Element: BitwiseCopyable {
    /// Lends an array's numbers, to be read and written.
    ///
    /// - Parameter body: Uses them; they are valid until it returns.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws.
    @inlinable
    public mutating func withNumbers<Result, Failure: Error>(
        _ body: (Numbers<Element>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withUnsafeMutableBufferPointer { buffer throws(Failure) in
            guard let start = buffer.baseAddress else {
                preconditionFailure("an array without numbers has no place for them")
            }
            return try body(Numbers(startAddress: start, count: buffer.count))
        }
    }
}
