/// What is computed of each window of a data set beside its samples, from the record at its own rate.
///
/// The room that prepares data sets does not know what the numbers mean: whoever starts a preparation hands it in.
public struct WindowFeatures: Sendable {
    /// Computes the numbers of twelve leads in mV at a rate; NaN for what cannot be measured.
    public typealias Extractor = (_ leads: [[Float]], _ sampleRateHz: Double) -> [Float]

    /// Numbers of a window.
    public let count: Int
    /// Names the way of computing: an interrupted preparation goes on only where it is the same.
    public let version: String
    /// Makes an extractor for one thread.
    public let makeExtractor: @Sendable () -> Extractor

    /// Numbers of a window, at most 65,535.
    public init(count: Int, version: String, makeExtractor: @escaping @Sendable () -> Extractor) {
        precondition((1...65_535).contains(count), "\(count) features of a window")
        (self.count, self.version, self.makeExtractor) = (count, version, makeExtractor)
    }
}
