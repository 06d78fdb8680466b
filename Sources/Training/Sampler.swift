import Electrocardiography
import Kernels
import Pretraining

/// Which windows make up a step's batch.
struct BatchSampler: Sendable {
    private let classes: [Sampler]
    private let isBalanced: Bool

    /// A sampler over training windows, at least one.
    ///
    /// - Throws: `TrainingError.tooFewClasses` where a balanced batch cannot be made.
    init(
        _ composition: BatchComposition, windows: [Int], source: any WindowSource, seed: UInt64
    ) throws(TrainingError) {
        guard case .balanced(let rule) = composition else {
            classes = [Sampler(windows: windows, seed: seed)]
            isBalanced = false
            return
        }
        var members: [UInt8: [Int]] = [:]
        for window in windows {
            let superclasses = source.facts(of: window).superclasses
            let count = superclasses.members.count
            guard rule == .single ? count == 1 : count > 0 else { continue }
            members[superclasses.rawValue, default: []].append(window)
        }
        // A class of one has no positive pair.
        let usable = members.filter { $0.value.count > 1 }.sorted { $0.key < $1.key }
        guard usable.count > 1 else {
            throw .tooFewClasses(
                found: usable.map { Superclasses(rawValue: $0.key).names }, windows: windows.count)
        }
        classes = usable.map { Sampler(windows: $0.value, seed: seed) }
        isBalanced = true
    }

    /// The window at a position of a step's batch.
    ///
    /// - Parameters:
    ///   - position: Within the batch.
    ///   - step: Finished steps.
    ///   - cursor: Samples that finished steps have used.
    /// - Returns: The window's number in the data set.
    func window(at position: Int, step: UInt64, cursor: UInt64) -> Int {
        guard isBalanced else { return classes[0].window(at: cursor + UInt64(position)) }
        let (turn, place) = position.quotientAndRemainder(dividingBy: classes.count)
        let sampler = classes[place]
        // Each step has a permutation of its own, so that no window comes twice in a batch while there are others.
        let length = sampler.epochLength
        return sampler.window(at: step * UInt64(length) + UInt64(turn % length))
    }
}

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
