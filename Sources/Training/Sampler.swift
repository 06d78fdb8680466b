import Kernels

/// Which windows make up a step's batch: a function of the seed and the position in the stream of samples alone.
///
/// Each epoch is a permutation of all windows, computed for one index at a time (a Feistel network over the next
/// power of four, walked until the result is an index again), so there is no list to keep. A batch that reaches
/// over an epoch's end goes on with the next epoch.
public struct Sampler: Sendable {
    private let windows: [Int]
    private let seed: UInt64
    private let halfBits: UInt32

    /// A sampler over windows.
    ///
    /// - Parameters:
    ///   - windows: Numbers of the windows to train on; at least one.
    ///   - seed: The run's seed.
    public init(windows: [Int], seed: UInt64) {
        precondition(!windows.isEmpty, "there is no window to draw from")
        self.windows = windows
        self.seed = seed
        let bits = UInt32(Int.bitWidth - (windows.count - 1).leadingZeroBitCount)
        halfBits = max(1, (bits + 1) / 2)
    }

    /// Samples in an epoch.
    public var epochLength: Int { windows.count }

    /// The window at a position of the endless stream of samples.
    public func window(at position: UInt64) -> Int {
        let (epoch, index) = position.quotientAndRemainder(dividingBy: UInt64(windows.count))
        var place = UInt32(index)
        repeat { place = permuted(place, epoch: epoch) } while place >= UInt32(windows.count)
        return windows[Int(place)]
    }

    /// A permutation of 0..<4^halfBits.
    private func permuted(_ index: UInt32, epoch: UInt64) -> UInt32 {
        let mask: UInt32 = (1 << halfBits) - 1
        var (left, right) = (index >> halfBits, index & mask)
        for round in UInt32(0)..<6 {
            var random = RandomStream(
                seed: seed, purpose: .order, step: epoch, position: round << 28 | right)
            (left, right) = (right, left ^ (random.nextWord() & mask))
        }
        return left << halfBits | right
    }
}
