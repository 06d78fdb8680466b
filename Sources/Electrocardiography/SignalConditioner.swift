import Kernels

/// What every model's input goes through: zero-phase filters and one standardisation over all leads.
///
/// A Butterworth high-pass at 0.67 Hz, then a low-pass at 40 Hz, each run forward and backward over the signal with
/// 18 samples of odd extension at both ends; then one mean and one population deviation for all leads together.
/// A recursive filter is a serial chain, so four leads run side by side in the lanes of a vector. The workspace is
/// allocated once: one conditioner a thread, and no allocation in a call.
public struct SignalConditioner {
    /// Samples by which a signal is extended at each end before a filter.
    public static let extensionCount = 18

    private typealias Lanes = SIMD4<Double>

    private let highPass: [SecondOrderSection]
    private let lowPass: [SecondOrderSection]
    private let workspace: Workspace

    /// A conditioner for signals of up to a size.
    ///
    /// - Parameters:
    ///   - sampleRateHz: The signals' rate.
    ///   - sampleCapacity: Samples of the longest signal.
    ///   - leadCapacity: Leads of the widest signal.
    public init(sampleRateHz: Double = 250, sampleCapacity: Int = 2500, leadCapacity: Int = 12) {
        highPass = ButterworthFilter.sections(.high, cutoffHz: 0.67, sampleRateHz: sampleRateHz)
        lowPass = ButterworthFilter.sections(.low, cutoffHz: 40, sampleRateHz: sampleRateHz)
        workspace = Workspace(
            groups: (leadCapacity + 3) / 4, length: sampleCapacity + 2 * Self.extensionCount)
    }

    /// Filters and standardises a signal in place.
    ///
    /// - Parameters:
    ///   - signal: Shape `[leads, samples]`, lead by lead.
    ///   - leadCount: Leads in it.
    ///   - filters: Whether the two filters are applied.
    ///   - standardise: Whether mean and deviation are taken out; a signal without deviation becomes 0.
    /// - Precondition: The signal fits the capacities and has more than 18 samples a lead.
    public mutating func condition(
        _ signal: Numbers<Float>, leadCount: Int, filters: Bool = true, standardise: Bool = true
    ) {
        let count = signal.count / max(1, leadCount)
        let extended = count + 2 * Self.extensionCount
        precondition(
            leadCount > 0 && count * leadCount == signal.count && count > Self.extensionCount
                && extended <= workspace.length && leadCount <= 4 * workspace.groups,
            "\(signal.count) values of \(leadCount) leads do not fit a conditioner for \(4 * workspace.groups) leads of \(workspace.length - 2 * Self.extensionCount) samples"
        )
        let groups = (leadCount + 3) / 4
        for group in 0..<groups {
            let lanes = workspace.group(group)
            load(signal, first: 4 * group, leadCount: leadCount, count: count, into: lanes)
            guard filters else { continue }
            Self.filterBothWays(lanes, count: count, highPass)
            Self.filterBothWays(lanes, count: count, lowPass)
        }
        let (mean, scale) = standardise ? moments(leadCount: leadCount, count: count) : (0, 1)
        let start = signal.startAddress
        for lead in 0..<leadCount {
            let lanes = workspace.group(lead / 4) + Self.extensionCount
            // Lane by lane through plain numbers: a vector's subscript by a variable goes through memory each time.
            lanes.withMemoryRebound(to: Double.self, capacity: 4 * count) { values in
                let (from, to) = (values + lead % 4, start + lead * count)
                for t in 0..<count { to[t] = Float((from[4 * t] - mean) * scale) }
            }
        }
    }

    private func load(
        _ signal: Numbers<Float>, first: Int, leadCount: Int, count: Int,
        into lanes: UnsafeMutablePointer<Lanes>
    ) {
        let start = signal.startAddress
        (lanes + Self.extensionCount).withMemoryRebound(to: Double.self, capacity: 4 * count) {
            to in
            for lane in 0..<4 {
                let lead = first + lane
                if lead < leadCount {
                    let from = start + lead * count
                    for t in 0..<count { to[4 * t + lane] = Double(from[t]) }
                } else {
                    for t in 0..<count { to[4 * t + lane] = 0 }
                }
            }
        }
    }

    /// The mean, and one over the population deviation (0 where there is none), in a fixed order of additions.
    private func moments(leadCount: Int, count: Int) -> (mean: Double, scale: Double) {
        let total = Double(leadCount * count)
        let mean = sum(leadCount: leadCount, count: count) { $0 } / total
        let centre = Lanes(repeating: mean)
        let variance =
            sum(leadCount: leadCount, count: count) { ($0 - centre) * ($0 - centre) } / total
        return (mean, variance > 0 ? 1 / variance.squareRoot() : 0)
    }

    @inline(__always)
    private func sum(leadCount: Int, count: Int, of term: (Lanes) -> Lanes) -> Double {
        var total = 0.0
        for group in 0..<(leadCount + 3) / 4 {
            let lanes = workspace.group(group) + Self.extensionCount
            var sum = Lanes()
            for t in 0..<count { sum += term(lanes[t]) }
            for lane in 0..<min(4, leadCount - 4 * group) { total += sum[lane] }
        }
        return total
    }

    /// Extends, filters forward, filters backward.
    private static func filterBothWays(
        _ lanes: UnsafeMutablePointer<Lanes>, count: Int, _ sections: [SecondOrderSection]
    ) {
        let margin = extensionCount
        let (first, last) = (lanes[margin], lanes[margin + count - 1])
        for i in 1...margin {
            lanes[margin - i] = 2 * first - lanes[margin + i]
            lanes[margin + count - 1 + i] = 2 * last - lanes[margin + count - 1 - i]
        }
        let end = count + 2 * margin
        filter(lanes, from: 0, step: 1, count: end, sections)
        filter(lanes, from: end - 1, step: -1, count: end, sections)
    }

    /// Three sections in one go over the samples, each starting in the steady state for the first of them.
    private static func filter(
        _ lanes: UnsafeMutablePointer<Lanes>, from start: Int, step: Int, count: Int,
        _ sections: [SecondOrderSection]
    ) {
        var level = lanes[start]
        var first = Running(sections[0], &level)
        var second = Running(sections[1], &level)
        var third = Running(sections[2], &level)
        var at = start
        for _ in 0..<count {
            lanes[at] = third.next(second.next(first.next(lanes[at])))
            at &+= step
        }
    }

    /// A section on its way through a signal.
    private struct Running {
        let b0, b1, b2, a1, a2: Lanes
        var s1, s2: Lanes

        /// Starts settled on a level, which becomes the level of the output.
        init(_ section: SecondOrderSection, _ level: inout Lanes) {
            b0 = Lanes(repeating: section.b0)
            b1 = Lanes(repeating: section.b1)
            b2 = Lanes(repeating: section.b2)
            a1 = Lanes(repeating: section.a1)
            a2 = Lanes(repeating: section.a2)
            let steady = section.steadyState
            (s1, s2) = (level * steady.first, level * steady.second)
            level *= section.gainAtZero
        }

        @inline(__always)
        mutating func next(_ x: Lanes) -> Lanes {
            let y = b0 * x + s1
            s1 = (b1 * x + s2) - a1 * y
            s2 = b2 * x - a2 * y
            return y
        }
    }

    /// Buffers that are freed with the last copy of the conditioner.
    private final class Workspace {
        let groups: Int
        let length: Int
        private let values: UnsafeMutablePointer<Lanes>

        init(groups: Int, length: Int) {
            (self.groups, self.length) = (groups, length)
            values = .allocate(capacity: groups * length)
            values.initialize(repeating: Lanes(), count: groups * length)
        }

        func group(_ number: Int) -> UnsafeMutablePointer<Lanes> { values + number * length }

        deinit { values.deallocate() }
    }
}
